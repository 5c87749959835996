//! The export of `kafka-edge:api/secrets`.

use super::answering;
use crate::bindings::exports::kafka_edge::api::secrets::{Error, Guest, RewrapReport, Rewrapped};
use crate::{Component, services};
use kafka_edge::services::rewrap as service;

impl Guest for Component {
    async fn rewrap() -> Result<RewrapReport, Error> {
        answering(async move { Ok(services().await?.rewrap_secrets().await?.into()) }).await
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
