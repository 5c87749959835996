//! Why a destination cannot be written to.

use std::time::Duration;

use super::{Error, ErrorKind};

/// What is at fault with a destination. Nothing of it is in the words of its Kafka.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A source names it, and it was removed meanwhile.
    #[error("The destination is not there")]
    Missing,
    #[error("The destination is switched off")]
    Off,
    #[error("The secret of the destination cannot be read: its key is not in secrets_key")]
    Secret,
    /// It was one that may be called when the destination was made.
    #[error("The destination has an address that may not be called")]
    Address,
    #[error("The destination's Kafka does not have the cluster, or does not say which one it has")]
    Cluster,
    /// Nothing was sent.
    #[error("The destination's Kafka cannot be reached")]
    Unreachable,
    #[error("The destination's Kafka does not know the key")]
    Credentials,
    #[error("The destination's Kafka does not allow this to the key")]
    Forbidden,
    #[error("The destination has no such topic")]
    Topic,
    #[error("The record is too large for the destination")]
    TooLarge { size: u64, limit: u64 },
    #[error("The destination's Kafka has refused the record")]
    Refused,
    #[error("The destination's Kafka takes no more calls for now")]
    Throttled { retry_after: Duration },
    /// Nothing was written.
    #[error("The destination's Kafka failed")]
    Failed,
    /// Nothing was written.
    #[error("The destination's Kafka took too long to answer")]
    Timeout,
    /// It is there once or not at all.
    #[error("Unknown outcome: the record may or may not be at the destination")]
    Unknown,
}

impl Fault {
    /// In kebab case, for operators.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Missing => "destination-missing",
            Self::Off => "destination-off",
            Self::Secret => "secret-gone",
            Self::Address => "invalid-address",
            Self::Cluster => "unknown-cluster",
            Self::Unreachable => "unreachable",
            Self::Credentials => "unknown-key",
            Self::Forbidden => "permission-denied",
            Self::Topic => "unknown-topic",
            Self::TooLarge { .. } => "too-large",
            Self::Refused => "invalid",
            Self::Throttled { .. } => "throttled",
            Self::Failed => "upstream-failed",
            Self::Timeout => "timeout",
            Self::Unknown => "outcome-unknown",
        }
    }

    /// Whether the same may succeed a little later, with nothing done about it.
    pub fn is_passing(self) -> bool {
        matches!(
            self,
            Self::Unreachable
                | Self::Throttled { .. }
                | Self::Failed
                | Self::Timeout
                | Self::Unknown
        )
    }
}

/// What an error of the destination's log says of it.
impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        match &**error {
            ErrorKind::Destination { fault, .. } => *fault,
            ErrorKind::UnknownTopic(_) => Self::Topic,
            ErrorKind::TooLarge { size, limit } => Self::TooLarge { size: *size, limit: *limit },
            ErrorKind::Throttled { retry_after } => Self::Throttled { retry_after: *retry_after },
            ErrorKind::Unconfigured(_) => Self::Cluster,
            ErrorKind::PermissionDenied { known: false, .. } => Self::Credentials,
            ErrorKind::PermissionDenied { known: true, .. } => Self::Forbidden,
            ErrorKind::Invalid { .. } | ErrorKind::Unprocessable { .. } => Self::Refused,
            ErrorKind::Unreachable { .. } => Self::Unreachable,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::OutcomeUnknown { .. } => Self::Unknown,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_kafka_said_is_passed_on() {
        let detail = || "HTTP 500: hush".to_owned();
        for error in [
            ErrorKind::PermissionDenied { known: false, detail: detail() },
            ErrorKind::PermissionDenied { known: true, detail: detail() },
            ErrorKind::Upstream { detail: detail() },
            ErrorKind::Unreachable { detail: detail() },
            ErrorKind::OutcomeUnknown { detail: detail() },
            ErrorKind::Unconfigured(detail()),
            Error::invalid("record", detail()).into_kind(),
        ] {
            let error = Error::from(error);
            let fault = Fault::from(&error);
            assert!(!format!("{fault}{fault:?}").contains("hush"), "{error:?}");
        }
    }

    #[test]
    fn only_what_may_have_been_written_is_unknown() {
        let unknown = ErrorKind::OutcomeUnknown { detail: String::new() };
        assert_eq!(Fault::from(&unknown.into()), Fault::Unknown);
        for error in [ErrorKind::Timeout, ErrorKind::Unreachable { detail: String::new() }] {
            assert_ne!(Fault::from(&error.into()), Fault::Unknown);
        }
    }
}
