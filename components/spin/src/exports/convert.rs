//! Converts between our types and those of `kafka-edge:api/types`.

use std::time::Duration;

use bytes::Bytes;

use crate::bindings::exports::kafka_edge::api::types;
use kafka_edge::access::AccessError;
use kafka_edge::error::{Error, ErrorKind, Fault};
use kafka_edge::record::Header;
use kafka_edge::services::consume::StartFrom;

impl From<Error> for types::Error {
    fn from(error: Error) -> Self {
        match error.into_kind() {
            ErrorKind::UnknownTopic(_) => Self::UnknownTopic,
            ErrorKind::UnknownSubscription(_) => Self::UnknownWebhook,
            ErrorKind::UnknownGroup(_) => Self::UnknownGroup,
            ErrorKind::UnknownSource(_) => Self::UnknownSource,
            ErrorKind::UnknownDestination(_) => Self::UnknownDestination,
            ErrorKind::Destination { name, fault } => of_fault(&name, fault),
            ErrorKind::UnknownAction(_) => Self::UnknownAction,
            ErrorKind::UnknownRun(_) => Self::UnknownRun,
            ErrorKind::Invalid { field, message } => {
                Self::Invalid(types::InvalidArgument { field: field.into(), message })
            }
            ErrorKind::InvalidField { field, sentence }
            | ErrorKind::Unprocessable { field, sentence } => {
                Self::Invalid(types::InvalidArgument { field, message: sentence })
            }
            ErrorKind::NameTaken(text) => Self::Conflict(text),
            ErrorKind::Changed(text) => Self::Changed(text),
            ErrorKind::InvalidCallback { detail } => Self::InvalidCallback(detail),
            ErrorKind::TooLarge { size, limit } => Self::TooLarge(types::TooLarge { size, limit }),
            ErrorKind::Throttled { retry_after } => Self::Throttled(millis(retry_after)),
            ErrorKind::LimitReached(text) => Self::LimitReached(text),
            ErrorKind::Unconfigured(text) => Self::Unconfigured(text),
            ErrorKind::PermissionDenied { detail, .. } => Self::PermissionDenied(detail),
            ErrorKind::Unsupported(text) => Self::Unsupported(text),
            ErrorKind::Unreachable { detail } => Self::Connection(detail),
            ErrorKind::Upstream { detail } => Self::Upstream(detail),
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::OutcomeUnknown { detail } => Self::OutcomeUnknown(detail),
            ErrorKind::Store { detail } => Self::Store(detail),
            ErrorKind::Busy(text) => Self::Busy(text),
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
