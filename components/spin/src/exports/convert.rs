//! Converts between our types and those of `kafka-edge:api/types`.

use std::time::Duration;

use bytes::Bytes;

use crate::bindings::exports::kafka_edge::api::types;
use kafka_edge::access::AccessError;
use kafka_edge::error::{Error, Fault};
use kafka_edge::record::Header;
use kafka_edge::services::consume::StartFrom;

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownTopic(_) => Self::UnknownTopic,
            Error::UnknownSubscription(_) => Self::UnknownWebhook,
            Error::UnknownGroup(_) => Self::UnknownGroup,
            Error::UnknownSource(_) => Self::UnknownSource,
            Error::UnknownDestination(_) => Self::UnknownDestination,
            Error::Destination { name, fault } => of_fault(&name, fault),
            Error::UnknownAction(_) => Self::UnknownAction,
            Error::UnknownRun(_) => Self::UnknownRun,
            Error::Invalid { field, message } => {
                Self::Invalid(types::InvalidArgument { field: field.into(), message })
            }
            Error::InvalidSource { field, sentence } | Error::Unprocessable { field, sentence } => {
                Self::Invalid(types::InvalidArgument { field, message: sentence })
            }
            Error::NameTaken(text) => Self::Conflict(text),
            Error::Changed(text) => Self::Changed(text),
            Error::InvalidCallback { detail } => Self::InvalidCallback(detail),
            Error::TooLarge { size, limit } => Self::TooLarge(types::TooLarge { size, limit }),
            Error::Throttled { retry_after } => Self::Throttled(millis(retry_after)),
            Error::LimitReached(text) => Self::LimitReached(text),
            Error::Unconfigured(text) => Self::Unconfigured(text),
            Error::PermissionDenied { detail, .. } => Self::PermissionDenied(detail),
            Error::Unsupported(text) => Self::Unsupported(text),
            Error::Unreachable { detail } => Self::Connection(detail),
            Error::Upstream { detail } => Self::Upstream(detail),
            Error::Timeout => Self::Timeout,
            Error::OutcomeUnknown { detail } => Self::OutcomeUnknown(detail),
            Error::Store { detail } => Self::Store(detail),
            Error::Busy(text) => Self::Busy(text),
        }
    }
}

/// An error of a destination, as that of the gateway's own Kafka.
fn of_fault(name: &str, fault: Fault) -> types::Error {
    let text = format!("{name}: {fault}");
    match fault {
        Fault::Missing | Fault::Off | Fault::Secret | Fault::Address | Fault::Cluster => {
            types::Error::Unconfigured(text)
        }
        Fault::Unreachable => types::Error::Connection(text),
        Fault::Credentials | Fault::Forbidden => types::Error::PermissionDenied(text),
        Fault::Topic => types::Error::UnknownTopic,
        Fault::TooLarge { size, limit } => types::Error::TooLarge(types::TooLarge { size, limit }),
        Fault::Throttled { retry_after } => types::Error::Throttled(millis(retry_after)),
        Fault::Refused | Fault::Failed => types::Error::Upstream(text),
        Fault::Timeout => types::Error::Timeout,
        Fault::Unknown => types::Error::OutcomeUnknown(text),
    }
}

impl From<AccessError> for types::Error {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Failed(error) => error.into(),
            AccessError::Denied(denial) => Self::PermissionDenied(denial.to_string()),
        }
    }
}

pub(super) fn time(time: types::Milliseconds) -> Duration {
    Duration::from_millis(time.into())
}

/// Never too short.
pub(super) fn millis(time: Duration) -> types::Milliseconds {
    u32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u32::MAX)
}

impl From<types::Start> for StartFrom {
    fn from(start: types::Start) -> Self {
        match start {
            types::Start::Earliest => Self::Earliest,
            types::Start::Latest => Self::Latest,
        }
    }
}

impl From<types::Header> for Header {
    fn from(header: types::Header) -> Self {
        Self { name: header.name, value: header.value.map(Bytes::from) }
    }
}

impl From<Header> for types::Header {
    fn from(header: Header) -> Self {
        Self { name: header.name, value: header.value.map(Vec::from) }
    }
}
