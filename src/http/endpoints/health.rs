//! `GET /healthz` and `GET /readyz`, which everyone may call.

use http::StatusCode;
use serde_json::json;

use crate::app::App;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::Request;
use crate::kafka::Log;

/// The instance runs.
pub(in crate::http) fn alive<B>(request: &Request<B>) -> Result<Response, Refusal> {
    Query::parse(request.query(), &[])?;
    Ok(Response::json(StatusCode::OK, &json!({ "status": "ok" })))
}

/// The configuration is complete, Kafka answers, the store reads and writes.
/// Whatever is not so is a 503 with the reason, since to whoever asks this
/// the gateway is not available, and nothing else.
pub(in crate::http) async fn ready<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
) -> Result<Response, Refusal> {
    Query::parse(request.query(), &[])?;
    match app.ready().await {
        Ok(()) => Ok(Response::json(StatusCode::OK, &json!({ "status": "ready" }))),
        Err(error) => Ok(Response::not_ready(&error)),
    }
}
