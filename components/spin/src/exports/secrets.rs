//! The export of `kafka-edge:api/secrets`.

use super::{Answer, answering};
use crate::bindings::exports::kafka_edge::api::secrets::{Guest, RewrapReport, Rewrapped};
use crate::{Component, services};
use kafka_edge::services::rewrap as service;

impl Guest for Component {
    fn rewrap() -> Answer<RewrapReport> {
        answering(async move { Ok(services().await?.rewrap_secrets().await?.into()) })
    }
}

impl From<service::RewrapReport> for RewrapReport {
    fn from(report: service::RewrapReport) -> Self {
        Self {
            webhooks: report.webhooks.into(),
            sources: report.sources.map(Into::into),
            destinations: report.destinations.map(Into::into),
        }
    }
}

impl From<service::Rewrapped> for Rewrapped {
    fn from(secrets: service::Rewrapped) -> Self {
        Self { rewrapped: secrets.rewrapped as u64, key_gone: secrets.key_gone as u64 }
    }
}
