//! Errors, as callers may see them.

mod fault;

use std::ops::Deref;
use std::time::Duration;

pub use self::fault::Fault;

/// An error of a service: one pointer, so that whoever passes it on moves no more. There
/// are 1,500 such places; with 32 bytes they were 140 KB more of the component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct Error(Box<ErrorKind>);

/// What went wrong. Its text is a short, true sentence for the caller. It contains no
/// secret, and an upstream's own words only in the field `detail`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ErrorKind {
    #[error("Topic not found")]
    UnknownTopic(String),
    #[error("Subscription not found")]
    UnknownSubscription(String),
    #[error("Consumer group not found")]
    UnknownGroup(String),
    #[error("Source not found")]
    UnknownSource(String),
    #[error("Destination not found")]
    UnknownDestination(String),
    #[error("Action not found")]
    UnknownAction(String),
    #[error("Run not found")]
    UnknownRun(String),
    /// A destination cannot be written to.
    #[error("{fault}")]
    Destination { name: String, fault: Fault },
    /// A field, whose name is not known beforehand, is invalid: 400.
    #[error("{sentence}")]
    InvalidField { field: String, sentence: String },
    /// What is asked for is understood, and cannot be done: 422.
    #[error("{sentence}")]
    Unprocessable { field: String, sentence: String },
    /// Something of this name, or another result, is there already; or it is in use: 409.
    #[error("{0}")]
    NameTaken(String),
    /// What was to be changed is not in the version that the caller knows: 412.
    #[error("{0}")]
    Changed(String),
    /// An argument of the caller is invalid: 400.
    #[error("{message}")]
    Invalid { field: &'static str, message: String },
    /// The callback may not be registered: 400.
    #[error("Invalid webhook URL")]
    InvalidCallback { detail: String },
    /// The record is larger than the topic, the server or the gateway accepts:
    /// 413.
    #[error("The record is too large")]
    TooLarge { size: u64, limit: u64 },
    /// There are too many requests, here or upstream: 429.
    #[error("Too many requests")]
    Throttled { retry_after: Duration },
    /// A limit on what may be kept (registrations, groups) is reached: 409.
    #[error("{0}")]
    LimitReached(String),
    /// Something in the configuration is missing or malformed: 503.
    #[error("{0}")]
    Unconfigured(String),
    /// Kafka does not know our credentials, or they may not do this: 502.
    #[error("The Kafka server refused the credentials of this gateway")]
    PermissionDenied { known: bool, detail: String },
    /// The log cannot do this: 501.
    #[error("{0}")]
    Unsupported(String),
    /// No connection to Kafka; nothing was done: 503.
    #[error("The Kafka server cannot be reached")]
    Unreachable { detail: String },
    /// Kafka answered with an error, or the answer was not understood; nothing
    /// was written: 502.
    #[error("The Kafka server failed")]
    Upstream { detail: String },
    /// No answer in time; nothing was written: 504.
    #[error("The Kafka server took too long to answer")]
    Timeout,
    /// A record was sent, but no reliable report came back: it is in the log
    /// once or not at all. 504.
    #[error("Unknown outcome: the record may or may not have been written")]
    OutcomeUnknown { detail: String },
    /// The key-value store of the host failed: 503.
    #[error("The key-value store failed")]
    Store { detail: String },
    /// Other callers hold what this call needs for longer than it may wait:
    /// 503.
    #[error("{0}")]
    Busy(String),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        ErrorKind::Invalid { field, message: message.into() }.into()
    }

    /// A caller's JSON is not what is needed. The error names the field; `whole` is what the
    /// JSON as a whole is called.
    pub fn of_json(error: &kafka_edge_json::Error, whole: &str) -> Self {
        let (field, sentence) = (error.place_or(whole).to_owned(), error.sentence().to_owned());
        ErrorKind::InvalidField { field, sentence }.into()
    }

    /// A caller's JSON has a member that there is not; `within` is what stands before its
    /// name, such as `config.`.
    pub fn no_such_field(within: &str, name: &str) -> Self {
        let short: String = name.chars().take(64).collect();
        let (field, sentence) = (format!("{within}{short}"), "There is no such field".to_owned());
        ErrorKind::InvalidField { field, sentence }.into()
    }

    pub fn into_kind(self) -> ErrorKind {
        *self.0
    }

    /// What went wrong before any record was looked at, the same for each of
    /// them: then it is the answer to the whole call.
    pub fn of_all<T>(reports: &[Result<T>]) -> Option<Self> {
        let (first, others) = reports.split_first()?;
        let error = first.as_ref().err()?;
        let whole = matches!(**error, ErrorKind::UnknownTopic(_) | ErrorKind::Unconfigured(_));
        (whole && others.iter().all(|other| other.as_ref().err() == Some(error)))
            .then(|| error.clone())
    }
}

impl Deref for Error {
    type Target = ErrorKind;

    fn deref(&self) -> &ErrorKind {
        &self.0
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self(kind.into())
    }
}

impl ErrorKind {
    /// What kind of error it is, in kebab case: all that may be reported to
    /// operators of one whose `detail` may quote an upstream.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::UnknownTopic(_) => "unknown-topic",
            Self::UnknownSubscription(_) => "unknown-webhook",
            Self::UnknownGroup(_) => "unknown-group",
            Self::UnknownSource(_) => "unknown-source",
            Self::UnknownDestination(_) => "unknown-destination",
            Self::UnknownAction(_) => "unknown-action",
            Self::Destination { fault, .. } => fault.kind(),
            Self::UnknownRun(_) => "unknown-run",
            Self::InvalidField { .. } | Self::Unprocessable { .. } => "invalid",
            Self::NameTaken(_) => "name-taken",
            Self::Changed(_) => "changed",
            Self::Invalid { .. } => "invalid",
            Self::InvalidCallback { .. } => "invalid-callback",
            Self::TooLarge { .. } => "too-large",
            Self::Throttled { .. } => "throttled",
            Self::LimitReached(_) => "limit-reached",
            Self::Unconfigured(_) => "unconfigured",
            Self::PermissionDenied { .. } => "permission-denied",
            Self::Unsupported(_) => "unsupported",
            Self::Unreachable { .. } => "unreachable",
            Self::Upstream { .. } => "upstream-failed",
            Self::Timeout => "timeout",
            Self::OutcomeUnknown { .. } => "outcome-unknown",
            Self::Store { .. } => "store-failed",
            Self::Busy(_) => "busy",
        }
    }

    /// The field that the caller got wrong, if it is one.
    pub fn field(&self) -> Option<&str> {
        match self {
            Self::Invalid { field, .. } => Some(field),
            Self::InvalidField { field, .. } | Self::Unprocessable { field, .. } => Some(field),
            _ => None,
        }
    }

    /// Whether a record is in a log once or not at all, and nobody knows which.
    pub fn is_unknown_outcome(&self) -> bool {
        matches!(
            self,
            Self::OutcomeUnknown { .. } | Self::Destination { fault: Fault::Unknown, .. }
        )
    }

    /// Whether the network, Kafka or the store fails at the moment, so that the
    /// same read may succeed a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Throttled { .. }
            | Self::Unreachable { .. }
            | Self::Upstream { .. }
            | Self::Timeout
            | Self::OutcomeUnknown { .. }
            | Self::Store { .. }
            | Self::Busy(_) => true,
            Self::Destination { fault, .. } => fault.is_passing(),
            Self::UnknownTopic(_)
            | Self::UnknownSubscription(_)
            | Self::UnknownGroup(_)
            | Self::UnknownSource(_)
            | Self::UnknownDestination(_)
            | Self::UnknownAction(_)
            | Self::UnknownRun(_)
            | Self::InvalidField { .. }
            | Self::Unprocessable { .. }
            | Self::NameTaken(_)
            | Self::Changed(_)
            | Self::Invalid { .. }
            | Self::InvalidCallback { .. }
            | Self::TooLarge { .. }
            | Self::LimitReached(_)
            | Self::Unconfigured(_)
            | Self::PermissionDenied { .. }
            | Self::Unsupported(_) => false,
        }
    }
}

impl From<crate::host::StoreError> for Error {
    fn from(error: crate::host::StoreError) -> Self {
        ErrorKind::Store { detail: error.detail }.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_error_of_the_whole_call_answers_for_all() {
        let timeout = || Err(ErrorKind::Timeout.into());
        let unknown = || Err(ErrorKind::UnknownTopic("t".into()).into());
        assert_eq!(Error::of_all::<()>(&[unknown(), unknown()]), unknown().err());
        assert_eq!(Error::of_all(&[Ok(()), unknown()]), None);
        assert_eq!(Error::of_all::<()>(&[unknown(), Err(Error::invalid("line", "x"))]), None);
        assert_eq!(Error::of_all::<()>(&[timeout(), timeout()]), None);
        assert_eq!(Error::of_all::<()>(&[]), None);
    }
}
