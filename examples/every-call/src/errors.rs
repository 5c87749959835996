//! What can go wrong, each case by its name in `kafka-edge:api/types`.

use std::fmt::Debug;

use crate::bindings::Failure;
use crate::bindings::kafka_edge::api::types::Error;

/// No case is missing, or this would not compile.
pub(crate) fn taken_apart(error: Error) -> Failure {
    let failure =
        |case: &str, what: &dyn Debug| Failure { case: case.to_owned(), what: format!("{what:?}") };
    match error {
        Error::UnknownTopic => failure("unknown-topic", &()),
        Error::UnknownWebhook => failure("unknown-webhook", &()),
        Error::UnknownGroup => failure("unknown-group", &()),
        Error::UnknownCredential => failure("unknown-credential", &()),
        Error::UnknownSource => failure("unknown-source", &()),
        Error::UnknownDestination => failure("unknown-destination", &()),
        Error::UnknownAction => failure("unknown-action", &()),
        Error::UnknownRun => failure("unknown-run", &()),
        Error::Invalid(argument) => failure("invalid", &argument),
        Error::InvalidCallback(why) => failure("invalid-callback", &why),
        Error::TooLarge(sizes) => failure("too-large", &sizes),
        Error::Throttled(retry_after) => failure("throttled", &retry_after),
        Error::LimitReached(which) => failure("limit-reached", &which),
        Error::Conflict(with) => failure("conflict", &with),
        Error::Changed(what) => failure("changed", &what),
        Error::Unconfigured(what) => failure("unconfigured", &what),
        Error::PermissionDenied(why) => failure("permission-denied", &why),
        Error::Unsupported(what) => failure("unsupported", &what),
        Error::Connection(why) => failure("connection", &why),
        Error::Upstream(why) => failure("upstream", &why),
        Error::Timeout => failure("timeout", &()),
        Error::OutcomeUnknown(why) => failure("outcome-unknown", &why),
        Error::Store(why) => failure("store", &why),
        Error::Busy(with) => failure("busy", &with),
        Error::Other(what) => failure("other", &what),
    }
}
