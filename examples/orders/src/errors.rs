//! What can go wrong, each case by its name in `kafka-edge:api/types`.

use crate::bindings::kafka_edge::api::types::Error;

/// The name of an error's case. No case is missing, or this would not compile.
pub(crate) fn case(error: &Error) -> &'static str {
    match error {
        Error::UnknownTopic => "unknown-topic",
        Error::UnknownWebhook => "unknown-webhook",
        Error::UnknownGroup => "unknown-group",
        Error::Invalid(_) => "invalid",
        Error::InvalidCallback(_) => "invalid-callback",
        Error::TooLarge(_) => "too-large",
        Error::Throttled(_) => "throttled",
        Error::LimitReached(_) => "limit-reached",
        Error::Unconfigured(_) => "unconfigured",
        Error::PermissionDenied(_) => "permission-denied",
        Error::Unsupported(_) => "unsupported",
        Error::Connection(_) => "connection",
        Error::Upstream(_) => "upstream",
        Error::Timeout => "timeout",
        Error::OutcomeUnknown(_) => "outcome-unknown",
        Error::Store(_) => "store",
        Error::Busy(_) => "busy",
        Error::Other(_) => "other",
    }
}
