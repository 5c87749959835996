//! The HTTP API: a request in, one call of a service, an answer out.
//!
//! It knows no platform. Whoever receives requests makes a [`Request`] of
//! each, hands it to [`handle`] and sends the [`Response`] on.

mod admission;
mod answer;
mod body;
mod endpoints;
mod json;
mod limits;
mod ndjson;
mod percent;
mod query;
mod refusal;
mod request;
mod routes;
mod time;
pub mod upstash;

use http::Method;

pub use answer::Response;
pub use body::{Body, Source};
pub use request::{BodyBroken, Request, RequestBody};
pub use routes::{Caller, Endpoint, Route, Topic, routes};

use self::admission::Admitted;
use self::endpoints::{
    consumer, credentials, groups, health, index, producer, records, topics, webhooks,
};
use self::refusal::Refusal;
use self::routes::{Found, Lead};
use crate::access::Grant;
use crate::app::App;
use crate::host::Host;
use crate::kafka::Log;

/// Answers a request.
pub async fn handle<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    mut request: Request<B>,
) -> Response {
    let response = answer(app, &mut request).await.unwrap_or_else(Response::from);
    match request.method {
        Method::HEAD => Response { body: Default::default(), ..response },
        _ => response,
    }
}

async fn answer<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
) -> Result<Response, Refusal> {
    request.check_size()?;
    let path = request.path().to_owned();
    let found = match routes::find(&request.method, &path)? {
        Lead::To(found) => found,
        Lead::Options { allowed } => {
            return Ok(Response::empty().with_header(http::header::ALLOW, allowed));
        }
    };
    let Admitted { app, grant } = admission::admit(app, request, &found).await?;
    let answer = dispatch(&app, request, &found, &grant).await;
    answer.map_err(|refusal| admission::explain(refusal, &grant))
}

async fn dispatch<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    found: &Found<'_>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let (segment, rest) = (found.segment, found.rest);
    match found.route.endpoint {
        Endpoint::Index => index::list(request),
        Endpoint::Healthz => health::alive(request),
        Endpoint::Readyz => health::ready(app, request).await,
        Endpoint::ProduceMessage => producer::message(app, request, segment, rest).await,
        Endpoint::ProduceBody => producer::body(app, request, segment).await,
        Endpoint::Consume => consumer::next(app, request, segment).await,
        Endpoint::Acknowledge => consumer::ack(app, request, segment).await,
        Endpoint::GiveBack => consumer::nack(app, request, segment).await,
        Endpoint::ListGroups => groups::list(app, request, grant).await,
        Endpoint::GetGroup => groups::get(app, request, segment, grant).await,
        Endpoint::SeekGroup => groups::seek(app, request, segment, grant).await,
        Endpoint::DeleteGroup => groups::delete(app, request, segment, grant).await,
        Endpoint::RegisterByPath => webhooks::register_path(app, request, segment, rest).await,
        Endpoint::RegisterByBody => webhooks::register_body(app, request, grant).await,
        Endpoint::ListWebhooks => webhooks::list(app, request, grant).await,
        Endpoint::GetWebhook => webhooks::get(app, request, segment, grant).await,
        Endpoint::DeleteWebhook => webhooks::delete(app, request, segment, grant).await,
        Endpoint::Deliver => webhooks::deliver(app, request, grant).await,
        Endpoint::ListTopics => topics::list(app, request, grant).await,
        Endpoint::DescribeTopic => topics::describe(app, request, segment).await,
        Endpoint::ReadPartition => {
            let partition = found.params.get("partition").unwrap_or_default();
            records::read(app, request, segment, partition).await
        }
        Endpoint::ListCredentials => credentials::list(app, request).await,
        Endpoint::CreateCredential => credentials::create(app, request).await,
        Endpoint::DeleteCredential => credentials::delete(app, request, segment).await,
        Endpoint::Upstash(endpoint) => upstash::answer(app, request, found, grant, endpoint).await,
    }
}
