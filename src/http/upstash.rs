//! The REST API of Upstash Kafka, below `/upstash`, for programs that were
//! written for it: its shapes and its defaults, over our services.
//!
//! It has a base path of its own because some of its paths are also ours and
//! mean something else (`/topics`), and its clients take any base address. An
//! answer differs in no way by what a caller says to accept.
//!
//! Callers of such an API send what its server took without a word, so unknown
//! fields and parameters are passed over here and waits that are too long are
//! cut, where our own API refuses.

mod commit;
mod consume;
mod fetch;
mod instances;
mod json;
mod metadata;
mod produce;
mod record;
mod registry;
mod routes;
pub(super) mod webhook;

use http::StatusCode;
use serde::Serialize;

pub use self::routes::Endpoint;
pub(super) use self::routes::routes;
use super::answer::Response;
use super::percent;
use super::refusal::Refusal;
use super::request::{Request, RequestBody};
use super::routes::Found;
use crate::access::Grant;
use crate::app::App;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::names;

pub(super) async fn answer<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    found: &Found<'_>,
    grant: &Grant,
    endpoint: Endpoint,
) -> Result<Response, Refusal> {
    match endpoint {
        Endpoint::ProduceMessage => produce::message(app, request, found.segment, found.rest).await,
        Endpoint::ProduceToTopic => produce::to_topic(app, request, found.segment, grant).await,
        Endpoint::Produce => produce::to_any(app, request, grant).await,
        Endpoint::Webhook => webhook::receive(app, request, grant).await,
        Endpoint::ConsumeTopic => consume::topic(app, request, found).await,
        Endpoint::Consume => consume::topics(app, request, found, grant).await,
        Endpoint::Fetch => fetch::fetch(app, request, grant).await,
        Endpoint::Commit => commit::commit(app, request, found, grant).await,
        Endpoint::Committed => commit::committed(app, request, found, grant).await,
        Endpoint::Offsets => metadata::offsets(app, request, found, grant).await,
        Endpoint::Topics => metadata::topics(app, grant).await,
        Endpoint::Consumers => instances::list(app, grant).await,
        Endpoint::DeleteConsumer => instances::delete(app, found, grant).await,
        Endpoint::ReadRegistry | Endpoint::WriteRegistry | Endpoint::DeleteFromRegistry => {
            registry::forward(app, request, found.rest).await
        }
    }
}

/// What a call answers that has nothing to tell.
fn success() -> Response {
    #[derive(Serialize)]
    struct Success {
        result: &'static str,
        status: u16,
    }
    Response::json(StatusCode::OK, &Success { result: "Success", status: 200 })
}

/// The group and the instance that a path names.
fn names(found: &Found<'_>) -> Result<(String, String)> {
    let name = |field: &'static str| {
        let raw = found.params.get(field).unwrap_or_default();
        let name = percent::decode_text(field, raw)?;
        match names::check_group(&name) {
            Ok(()) => Ok(name),
            Err(Error::Invalid { message, .. }) => Err(Error::Invalid { field, message }),
            Err(error) => Err(error),
        }
    };
    Ok((name("consumer_group")?, name("instance")?))
}

/// What a grant has to cover: every one of these topics, each a lawful name.
fn permit<'a>(grant: &Grant, topics: impl IntoIterator<Item = &'a String>) -> Result<(), Refusal> {
    for topic in topics {
        names::check_topic(topic)?;
        grant.permits_topic(topic)?;
    }
    Ok(())
}
