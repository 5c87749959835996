//! The HTTP API: a request in, one call of a service, an answer out.
//!
//! It knows no platform. A component makes a [`Request`] of each request that
//! it receives, hands it to [`handle`] and sends the [`Response`] on.

mod admission;
mod answer;
mod body;
mod declaration;
#[cfg(feature = "description")]
pub mod description;
mod endpoint;
mod endpoints;
mod json;
mod limits;
mod ndjson;
mod parameter;
mod percent;
mod query;
mod refusal;
mod request;
mod routing;
mod time;
mod upstash;

use http::Method;

pub use answer::Response;
pub use body::{Body, Source};
pub use declaration::{BodyRule, Caller, Declaration, QueryRule, TopicPlace};
pub use endpoints::{ENDPOINTS, Listed};
pub use parameter::{Kind, Parameter};
pub use request::{BodyBroken, Request, RequestBody};

use self::refusal::Refusal;
use self::routing::Lead;
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
    match routing::find(&request.method, &path)? {
        Lead::To { place, path } => endpoints::answer(app, request, place, path).await,
        Lead::Options { allowed } => {
            Ok(Response::empty().with_header(http::header::ALLOW, allowed))
        }
    }
}
