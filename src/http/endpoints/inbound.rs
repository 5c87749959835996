//! `/in/{source}`: where other services send their events.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ALLOW, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use serde::Serialize;

use crate::error::Error;
use crate::host::Host;
use crate::http::answer::{ErrorBody, Response};
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::refusal::{Refusal, RefusalKind};
use crate::http::request::{Request, RequestBody, read_body};
use crate::kafka::Log;
use crate::services::sources::{
    Inbound, MAX_EVENT_BYTES, NotTaken, Prepared, Received, Refused, Stage, Taken, Written,
};

/// What became of an event.
#[derive(Default, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct EventReport {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "description", serde(default))]
    repeat: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "description", serde(default))]
    filtered: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "description", serde(default))]
    dead_letter: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "description", serde(default))]
    records: Vec<Place>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct Place {
    /// The name of the destination; left out for the gateway's own Kafka.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "description", schemars(with = "Option<String>"))]
    destination: Option<Rc<str>>,
    topic: String,
    partition: i32,
    offset: i64,
}

/// An event of a batch: a report or an error.
#[derive(Serialize)]
#[serde(untagged)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
enum Each {
    Report(EventReport),
    Error(ErrorBody),
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct BatchReport {
    events: Vec<Each>,
}

pub(super) struct ReceiveEvent;

impl Endpoint for ReceiveEvent {
    const DECLARATION: Declaration = Declaration {
        name: "receiveEvent",
        methods: &[Method::POST, Method::GET, Method::OPTIONS],
        path: "/in/{source}",
        caller: Caller::Anyone,
        safe: false,
        about: "Takes an event for a source, whose signature is the credential",
        query: QueryRule::Among(&[]),
        body: BodyRule::Bytes { limit: MAX_EVENT_BYTES },
        credential_in_query: false,
    };

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> Result<Response, Refusal> {
        let name = call.path_text("source")?;
        let asks = call.request.header("webhook-request-origin").is_some();
        if call.request.method == Method::OPTIONS && !asks {
            return Ok(Response::empty().with_header(ALLOW, "POST, GET, OPTIONS"));
        }
        let services = call.app.services().await?;
        let sources = &services.sources;
        let prepared = sources.open(&name).await?;
        let Request { method, target, headers, scheme, authority, client, body } = call.request;
        let mut request = Inbound {
            method: method.as_str().to_owned(),
            target: target.clone(),
            headers: Cow::Borrowed(headers),
            body: Bytes::new(),
            client: *client,
            scheme: scheme.clone(),
            authority: authority.clone(),
        };
        if request.method == "OPTIONS" {
            return match sources.consent(&prepared, &request) {
                Ok(Some(answer)) => {
                    let methods = prepared.source().allow.methods.join(", ");
                    let allowed = format!("{methods}, OPTIONS");
                    Ok(received(&prepared, answer).with_header(ALLOW, allowed))
                }
                Ok(None) => Err(Error::invalid("webhook-request-origin", "Not an origin").into()),
                Err(refused) => Ok(refusal(&prepared, refused)),
            };
        }
        if let Err(refused) = sources.check_head(&prepared, &request).await {
            return Ok(refusal(&prepared, refused));
        }
        let limit = prepared.source().allow.max_bytes;
        request.body = match read_body(headers, body, limit).await {
            Ok(body) => body,
            Err(refusal) => {
                if matches!(refusal.kind(), RefusalKind::BodyTooLarge { .. }) {
                    sources.count_too_large(&prepared, &request).await;
                }
                return Err(refusal);
            }
        };
        match sources.receive(&prepared, &request).await {
            Ok(answer) => Ok(received(&prepared, answer)),
            Err(NotTaken::Refused(refused)) => Ok(refusal(&prepared, refused)),
            Err(NotTaken::Failed(error)) => Err(error.into()),
        }
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "No credential of the gateway is needed or read. An answer may be fixed by the \
                 source, and questions of senders are answered as they want it.",
            )
            .takes_bytes(&["application/json", "application/octet-stream"])
            .gives::<EventReport>(200, "The event is written, came before, or is filtered out")
            .gives::<EventReport>(202, "The event is a dead letter, or is promised")
            .gives_nothing("An answer to OPTIONS")
            .fails(401, "The signature is missing, wrong or too old")
            .fails(403, "The client's address is not among those of the source")
            .fails(404, "There is no such source")
            .fails(405, "The source takes no events by this method")
            .fails(410, "The source is switched off")
            .fails(415, "The source takes no events of this content type")
            .fails(422, "The event does not hold to the schema, or an expression failed")
            .fails(429, "There are too many events in this second")
            .writes_to_kafka()
            .example_with("/in/github", r#"{"event":"paid"}"#);
    }
}

fn received(prepared: &Prepared, received: Received) -> Response {
    match received {
        Received::Handshake { content_type, body, headers } => {
            let mut response = Response::text(StatusCode::OK, content_type, body);
            for (name, value) in headers {
                response = response.with_header(HeaderName::from_static(name), value);
            }
            response
        }
        Received::Event(event) => one(prepared, event),
        Received::Batch(events) => batch(prepared, events),
    }
}

fn one(prepared: &Prepared, event: Result<Taken, NotTaken>) -> Response {
    match event {
        Ok(taken) => fixed(prepared, status(&taken), &EventReport::from(taken)),
        Err(NotTaken::Refused(refused)) => refusal(prepared, refused),
        Err(NotTaken::Failed(error)) => error.into(),
    }
}

/// The highest status among the events is that of the batch.
fn batch(prepared: &Prepared, events: Vec<Result<Taken, NotTaken>>) -> Response {
    let (mut highest, mut wait) = (StatusCode::OK, None::<Duration>);
    let events = events.into_iter().map(|event| {
        let (status, each) = match event {
            Ok(taken) => (status(&taken), Each::Report(taken.into())),
            Err(NotTaken::Refused(refused)) => {
                wait = wait.max(refused.retry_after);
                let error = error_body(&refused);
                (status_of(&refused), Each::Error(error))
            }
            Err(NotTaken::Failed(error)) => {
                let body = ErrorBody::from(&error);
                (body.status(), Each::Error(body))
            }
        };
        highest = highest.max(status);
        each
    });
    let report = BatchReport { events: events.collect() };
    let response = match highest.is_success() {
        true => fixed(prepared, highest, &report),
        false => Response::json(highest, &report),
    };
    after(response, wait)
}

/// The answer for what was taken, unless the source fixes one.
fn fixed(prepared: &Prepared, status: StatusCode, report: &impl Serialize) -> Response {
    let answer = &prepared.source().answer;
    let status =
        answer.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(status);
    if status == StatusCode::NO_CONTENT {
        return Response::empty();
    }
    match &answer.body {
        None => Response::json(status, report),
        Some(body) => {
            let content_type = answer.content_type.as_deref().unwrap_or("text/plain");
            Response::text(status, content_type, body.clone())
        }
    }
}

fn status(taken: &Taken) -> StatusCode {
    match taken {
        Taken::Written(_) | Taken::Repeat(_) | Taken::Filtered => StatusCode::OK,
        Taken::DeadLetter(_) | Taken::Promised => StatusCode::ACCEPTED,
    }
}

impl From<Taken> for EventReport {
    fn from(taken: Taken) -> Self {
        let places = |written: Vec<Written>| {
            let place = |written: Written| {
                let Written { destination, topic, partition, offset } = written;
                Place { destination, topic, partition, offset }
            };
            written.into_iter().map(place).collect()
        };
        match taken {
            Taken::Written(written) => Self { records: places(written), ..Self::default() },
            Taken::Repeat(written) => {
                Self { repeat: true, records: places(written), ..Self::default() }
            }
            Taken::Filtered => Self { filtered: true, ..Self::default() },
            Taken::DeadLetter(written) => {
                Self { dead_letter: true, records: places(written), ..Self::default() }
            }
            Taken::Promised => Self::default(),
        }
    }
}

fn error_body(refused: &Refused) -> ErrorBody {
    ErrorBody::new(&refused.sentence, status_of(refused), refused.detail.clone())
}

fn status_of(refused: &Refused) -> StatusCode {
    StatusCode::from_u16(refused.status).unwrap_or(StatusCode::BAD_REQUEST)
}

fn refusal(prepared: &Prepared, refused: Refused) -> Response {
    let status = status_of(&refused);
    let response = Response::json(status, &error_body(&refused));
    let response = match refused.stage {
        Stage::Verify if status == StatusCode::UNAUTHORIZED => {
            // A 401 names a scheme (RFC 9110, 11.6.1); for signatures none is registered.
            let basic = prepared.source().verify.settings.basic.is_some();
            let scheme = if basic { "Basic" } else { "Signature" };
            response.with_header(WWW_AUTHENTICATE, format!("{scheme} realm=\"kafka-edge\""))
        }
        Stage::Allow if status == StatusCode::METHOD_NOT_ALLOWED => {
            let methods = prepared.source().allow.methods.join(", ");
            response.with_header(ALLOW, format!("{methods}, OPTIONS"))
        }
        _ => response,
    };
    after(response, refused.retry_after)
}

fn after(response: Response, wait: Option<Duration>) -> Response {
    match wait {
        Some(wait) => {
            let seconds = wait.as_millis().div_ceil(1_000).max(1);
            response.with_header(RETRY_AFTER, seconds.to_string())
        }
        None => response,
    }
}
