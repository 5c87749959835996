//! The HTTP API: a request in, one call of a service, an answer out.
//!
//! This module is independent of the platform. A component turns each request
//! that it receives into a [`Request`], hands it to [`handle`] and sends the
//! [`Response`].

mod admission;
mod answer;
mod body;
pub(crate) mod content_encoding;
mod cors;
mod declaration;
#[cfg(feature = "description")]
pub mod description;
mod encoded_text;
mod endpoint;
mod endpoints;
mod exposition;
mod idempotency;
mod if_match;
mod json;
mod limits;
mod ndjson;
mod parameter;
mod percent;
mod plain_webhook;
mod query;
mod refusal;
mod request;
mod routing;
mod time;
mod upstash;

use std::rc::Rc;

use http::Method;

pub use answer::Response;
pub use body::{Body, Source};
pub use declaration::{BodyRule, Caller, Declaration, QueryRule, TopicPlace};
pub use endpoints::{ENDPOINTS, Listed};
pub use parameter::{Kind, Parameter};
pub use request::{BodyBroken, Request, RequestBody};

use self::refusal::{Refusal, RefusalKind};
use self::routing::Found;
use crate::app::App;
use crate::config::GatewayConfig;
use crate::error::Error;
use crate::host::Host;
use crate::kafka::Log;
use crate::telemetry::{RequestReport, TRACEPARENT, with_trace};

/// What the log shows as the route when a request matches none. It does not
/// show the path, which may hold a message.
const NO_ROUTE: &str = "-";

/// Answers a request.
pub async fn handle<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    mut request: Request<B>,
) -> Response {
    // The call itself reports an invalid setting; the defaults then apply.
    let _ = app.prepare_telemetry().await;
    let report = RequestReport::begin(app.host(), request.header_values(TRACEPARENT));
    let mut route = NO_ROUTE;
    let answered = async {
        let gateway = app.gateway().await;
        let answer = answer(app, &gateway, &mut request, &mut route).await;
        let response = answer.unwrap_or_else(Response::from);
        match gateway {
            Ok(gateway) => cors::answer(&request, response, gateway.origins()),
            Err(_) => response,
        }
    };
    let response = with_trace(Some(report.trace()), answered).await;
    report.finished(app.host(), &request.method, route, response.status);
    app.go_on_delivering();
    match request.method {
        Method::HEAD => Response { body: Default::default(), ..response },
        _ => response,
    }
}

async fn answer<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    gateway: &Result<Rc<GatewayConfig>, Error>,
    request: &mut Request<B>,
    route: &mut &'static str,
) -> Result<Response, Refusal> {
    request.check_size()?;
    let (gateway, misplaced) = match gateway {
        Ok(gateway) => (gateway.clone(), None),
        Err(error) => (Rc::default(), Some(error)),
    };
    let path = request.path().to_owned();
    let local = gateway.local_path(&path).ok_or(RefusalKind::NoSuchPath)?;
    match routing::find(&request.method, local)? {
        Found::To { place, path } => {
            let declaration = &ENDPOINTS[place].declaration;
            *route = declaration.path;
            cors::check(request, declaration, gateway.origins())?;
            match misplaced {
                // Health checks answer under any configuration. For all other
                // calls, an error about credentials takes precedence over this
                // one.
                Some(error) if declaration.caller != Caller::Anyone => {
                    app.credentials().await?;
                    Err(error.clone().into())
                }
                _ => endpoints::answer(app, request, place, path).await,
            }
        }
        Found::Options { allowed } => {
            Ok(Response::empty().with_header(http::header::ALLOW, allowed))
        }
    }
}
