//! Answers. `cache-control: no-store` keeps caches from storing them.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::header::{
    ACCEPT_ENCODING, ALLOW, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, RETRY_AFTER,
    VARY, WWW_AUTHENTICATE,
};
use serde::Serialize;

use super::body::{Body, Source};
use super::content_encoding;
use super::refusal::{Refusal, RefusalKind};
use super::request::Request;
use crate::error::{Error, ErrorKind, Fault};
use crate::services::credentials::CredentialError;
use crate::services::schema_registry::RegistryError;

pub struct Response {
    pub status: StatusCode,
    pub headers: Vec<(HeaderName, String)>,
    pub body: Body,
    /// The component calls this once the host has taken the whole body, and
    /// drops it if that fails.
    pub on_sent: Option<Box<dyn FnOnce()>>,
}

impl Response {
    fn new(status: StatusCode, content_type: &str, body: impl Into<Bytes>) -> Self {
        let headers =
            vec![(CONTENT_TYPE, content_type.to_owned()), (CACHE_CONTROL, "no-store".to_owned())];
        Self { status, headers, body: Body::Whole(body.into()), on_sent: None }
    }

    pub fn json(status: StatusCode, body: &impl Serialize) -> Self {
        Self::new(status, "application/json", to_json(body))
    }

    /// JSON that is already serialized.
    pub fn json_text(status: StatusCode, body: String) -> Self {
        Self::new(status, "application/json", body)
    }

    /// Lines of JSON, each with a newline at its end.
    pub fn lines(lines: Vec<u8>) -> Self {
        Self::new(StatusCode::OK, super::ndjson::CONTENT_TYPE, lines)
    }

    /// A body of this type.
    pub(super) fn text(status: StatusCode, content_type: &str, body: String) -> Self {
        Self::new(status, content_type, body)
    }

    /// The answer of another server, passed on.
    pub fn passed_on(status: StatusCode, content_type: Option<&str>, body: Bytes) -> Self {
        Self::new(status, content_type.unwrap_or("application/json"), body)
    }

    /// A text that is there compressed, for a caller who takes it so or does not.
    pub(super) fn compressed<B>(
        request: &Request<B>,
        content_type: &str,
        text: &'static [u8],
    ) -> Self {
        let response = if content_encoding::takes_gzip(request) {
            Self::new(StatusCode::OK, content_type, Bytes::from_static(text))
                .with_header(CONTENT_ENCODING, "gzip")
        } else {
            let text = content_encoding::gunzip(text, usize::MAX).unwrap_or_default();
            Self::new(StatusCode::OK, content_type, text)
        };
        response.with_header(VARY, "accept-encoding")
    }

    /// A body that is generated while it is sent.
    pub(super) fn stream(content_type: &str, source: impl Source + 'static) -> Self {
        let headers = vec![
            (CONTENT_TYPE, content_type.to_owned()),
            // Neither kept nor compressed on the way: a compressor holds back what
            // it has, and the reader waits (`no-transform`, RFC 9111, 5.2.2.6).
            (CACHE_CONTROL, "no-cache, no-transform".to_owned()),
            // nginx gathers an answer before it passes it on, unless this header
            // says otherwise (its documentation of `proxy_buffering`).
            (HeaderName::from_static("x-accel-buffering"), "no".to_owned()),
        ];
        let body = Body::Stream(Box::new(source));
        Self { status: StatusCode::OK, headers, body, on_sent: None }
    }

    /// An answer without a body.
    pub fn empty() -> Self {
        let headers = vec![(CACHE_CONTROL, "no-store".to_owned())];
        Self { status: StatusCode::NO_CONTENT, headers, body: Body::default(), on_sent: None }
    }

    /// The gateway is not ready, for the reason in `error`.
    pub fn not_ready(error: &Error) -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        Self::json(status, &ErrorBody { status: status.as_u16(), ..error.into() })
    }

    pub fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The body if it is complete; empty if it is generated while it is sent.
    pub fn whole_body(&self) -> &[u8] {
        match &self.body {
            Body::Whole(bytes) => bytes,
            Body::Stream(_) => &[],
        }
    }

    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &self.headers)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Our own types can always be serialized. If one could not, an empty body would
/// be better than a wrong one.
pub(super) fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// An error as callers see it, alone in an answer or on a line among others.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "Error"))]
pub(super) struct ErrorBody {
    error: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl ErrorBody {
    #[cfg(feature = "sources")]
    pub(super) fn new(error: &str, status: StatusCode, detail: Option<String>) -> Self {
        Self { error: error.to_owned(), status: status.as_u16(), detail }
    }

    #[cfg(any(feature = "actions", feature = "configuration", feature = "sources"))]
    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<&Error> for ErrorBody {
    fn from(error: &Error) -> Self {
        Self { error: error.to_string(), status: status(error).as_u16(), detail: detail(error) }
    }
}

fn status(error: &Error) -> StatusCode {
    match &**error {
        ErrorKind::UnknownTopic(_)
        | ErrorKind::UnknownSubscription(_)
        | ErrorKind::UnknownGroup(_)
        | ErrorKind::UnknownSource(_)
        | ErrorKind::UnknownDestination(_)
        | ErrorKind::UnknownAction(_)
        | ErrorKind::UnknownRun(_) => StatusCode::NOT_FOUND,
        ErrorKind::Destination { fault, .. } => of_fault(fault),
        ErrorKind::Unprocessable { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Invalid { .. }
        | ErrorKind::InvalidField { .. }
        | ErrorKind::InvalidCallback { .. } => StatusCode::BAD_REQUEST,
        ErrorKind::Changed(_) => StatusCode::PRECONDITION_FAILED,
        ErrorKind::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::LimitReached(_) | ErrorKind::NameTaken(_) => StatusCode::CONFLICT,
        ErrorKind::Unsupported(_) => StatusCode::NOT_IMPLEMENTED,
        ErrorKind::PermissionDenied { .. } | ErrorKind::Upstream { .. } => StatusCode::BAD_GATEWAY,
        ErrorKind::Timeout | ErrorKind::OutcomeUnknown { .. } => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::Unconfigured(_)
        | ErrorKind::Unreachable { .. }
        | ErrorKind::Store { .. }
        | ErrorKind::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The same as where the gateway's own Kafka is at fault.
fn of_fault(fault: &Fault) -> StatusCode {
    match fault {
        Fault::Topic => StatusCode::NOT_FOUND,
        Fault::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        Fault::Refused => StatusCode::UNPROCESSABLE_ENTITY,
        Fault::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        Fault::Credentials | Fault::Forbidden | Fault::Failed => StatusCode::BAD_GATEWAY,
        Fault::Timeout | Fault::Unknown => StatusCode::GATEWAY_TIMEOUT,
        Fault::Missing
        | Fault::Off
        | Fault::Secret
        | Fault::Address
        | Fault::Cluster
        | Fault::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn detail(error: &Error) -> Option<String> {
    match &**error {
        ErrorKind::Destination { name, .. } | ErrorKind::UnknownTopic(name) => Some(name.clone()),
        ErrorKind::Invalid { .. }
        | ErrorKind::InvalidField { .. }
        | ErrorKind::Unprocessable { .. } => error.field().map(str::to_owned),
        ErrorKind::TooLarge { size, limit } => {
            Some(format!("{size} bytes, where at most {limit} are taken"))
        }
        ErrorKind::InvalidCallback { detail }
        | ErrorKind::PermissionDenied { detail, .. }
        | ErrorKind::Unreachable { detail }
        | ErrorKind::Upstream { detail }
        | ErrorKind::OutcomeUnknown { detail }
        | ErrorKind::Store { detail } => Some(detail.clone()),
        ErrorKind::UnknownSubscription(_)
        | ErrorKind::UnknownGroup(_)
        | ErrorKind::UnknownSource(_)
        | ErrorKind::UnknownDestination(_)
        | ErrorKind::UnknownAction(_)
        | ErrorKind::UnknownRun(_)
        | ErrorKind::NameTaken(_)
        | ErrorKind::Changed(_)
        | ErrorKind::Throttled { .. }
        | ErrorKind::LimitReached(_)
        | ErrorKind::Unsupported(_)
        | ErrorKind::Unconfigured(_)
        | ErrorKind::Timeout
        | ErrorKind::Busy(_) => None,
    }
}

/// An error as it is told to a caller, whichever form its answer has.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: StatusCode,
    pub(super) error: String,
    pub(super) detail: Option<String>,
    pub(super) header: Option<(HeaderName, String)>,
}

impl Told {
    fn new(status: StatusCode, error: &str, detail: Option<String>) -> Self {
        Self { status, error: error.to_owned(), detail, header: None }
    }

    fn with_header(self, name: HeaderName, value: impl Into<String>) -> Self {
        Self { header: Some((name, value.into())), ..self }
    }
}

impl From<Told> for Response {
    fn from(Told { status, error, detail, header }: Told) -> Self {
        let body = ErrorBody { error, status: status.as_u16(), detail };
        let mut response = Self::json(status, &body);
        response.headers.extend(header);
        response
    }
}

/// How long to wait before a retry, if that is known.
fn retry_after(error: &Error) -> Option<Duration> {
    match &**error {
        ErrorKind::Throttled { retry_after }
        | ErrorKind::Destination { fault: Fault::Throttled { retry_after }, .. } => {
            Some(*retry_after)
        }
        // Leases and queues become free within moments, and a store that fails or
        // shows old values mostly recovers within them.
        ErrorKind::Busy(_) | ErrorKind::Store { .. } => Some(Duration::from_secs(1)),
        _ => None,
    }
}

impl From<Error> for Response {
    fn from(error: Error) -> Self {
        Told::from(error).into()
    }
}

impl From<Refusal> for Response {
    fn from(refusal: Refusal) -> Self {
        Told::from(refusal).into()
    }
}

impl From<Error> for Told {
    fn from(error: Error) -> Self {
        let told = Self::new(status(&error), &error.to_string(), detail(&error));
        match retry_after(&error) {
            Some(time) => {
                // Rounded up: a retry must not come too early.
                let seconds = time.as_millis().div_ceil(1000).max(1);
                told.with_header(RETRY_AFTER, seconds.to_string())
            }
            None => told,
        }
    }
}

impl From<Refusal> for Told {
    fn from(refusal: Refusal) -> Self {
        let refuse = Self::new;
        match refusal.into_kind() {
            RefusalKind::Service(error) => error.into(),
            RefusalKind::NoSuchPath => refuse(StatusCode::NOT_FOUND, "No such path", None),
            #[cfg(feature = "mcp")]
            RefusalKind::NoAuthorizationServer => refuse(
                StatusCode::NOT_FOUND,
                "There is no authorization server: send a credential of the gateway with each \
                 request, as Bearer or Basic authorization or as X-API-Key",
                None,
            ),
            #[cfg(feature = "mcp")]
            RefusalKind::Origin => refuse(
                StatusCode::FORBIDDEN,
                "Pages of this origin may not call: cors_origins names those that may",
                Some("origin".into()),
            ),
            RefusalKind::NoSuchWebhookPath => refuse(
                StatusCode::NOT_FOUND,
                "No such path: /webhook?topic=… writes the body as a record, and GET \
                 /webhook/{topic}/{callback_url} registers a callback",
                None,
            ),
            RefusalKind::Method { allowed } => {
                let detail = Some(allowed.clone());
                refuse(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail)
                    .with_header(ALLOW, allowed)
            }
            RefusalKind::Denied(denial) => match denial.challenge() {
                Some(challenge) => {
                    refuse(StatusCode::UNAUTHORIZED, &denial.to_string(), denial.detail())
                        .with_header(WWW_AUTHENTICATE, challenge)
                }
                None => refuse(StatusCode::FORBIDDEN, &denial.to_string(), denial.detail()),
            },
            RefusalKind::ForeignPage => refuse(
                StatusCode::FORBIDDEN,
                "A page of another origin may not use the credentials that a browser remembers",
                Some("origin".into()),
            ),
            RefusalKind::Credential(error) => {
                let (status, detail) = match &error {
                    CredentialError::Invalid(flaw) => (StatusCode::BAD_REQUEST, Some(flaw.field)),
                    CredentialError::Unknown => (StatusCode::NOT_FOUND, None),
                    CredentialError::NameTaken
                    | CredentialError::Configured
                    | CredentialError::TooMany => (StatusCode::CONFLICT, None),
                    CredentialError::Failed(error) => (status(error), None),
                };
                refuse(status, &error.to_string(), detail.map(str::to_owned))
            }
            RefusalKind::UnknownInstance => {
                refuse(StatusCode::NOT_FOUND, "Consumer instance not found", None)
            }
            RefusalKind::NotAllWritten { error, written, of } => {
                let detail = format!("{written} of {of} records were written");
                refuse(status(&error), &error.to_string(), Some(detail))
            }
            RefusalKind::Registry(error) => {
                let status = match error {
                    RegistryError::None => StatusCode::NOT_IMPLEMENTED,
                    RegistryError::Path => StatusCode::BAD_REQUEST,
                    RegistryError::Unreachable => StatusCode::SERVICE_UNAVAILABLE,
                    RegistryError::Timeout => StatusCode::GATEWAY_TIMEOUT,
                    RegistryError::Failed | RegistryError::Credentials => StatusCode::BAD_GATEWAY,
                };
                refuse(status, &error.to_string(), None)
            }
            RefusalKind::UnknownParameter(name) => {
                refuse(StatusCode::BAD_REQUEST, "Unknown query parameter", Some(name))
            }
            RefusalKind::MalformedQuery => refuse(
                StatusCode::BAD_REQUEST,
                "Malformed percent-encoding in the name of a query parameter",
                Some("query".into()),
            ),
            RefusalKind::TargetTooLong => refuse(
                StatusCode::URI_TOO_LONG,
                "The path and query are too long",
                Some(format!("at most {} bytes are taken", super::limits::TARGET_BYTES)),
            ),
            RefusalKind::HeadersTooLarge { limit } => refuse(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "The request's headers are too large",
                Some(format!("at most {limit} are taken")),
            ),
            RefusalKind::BodyTooLarge { limit } => refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                "The request's body is too large",
                Some(format!("at most {limit} are taken")),
            ),
            RefusalKind::MediaType { taken } => refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Bodies of this type are not taken",
                Some(format!("{taken} is taken, for example")),
            ),
            RefusalKind::ContentEncoding => refuse(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "Bodies with this encoding are not taken",
                Some("content-encoding".into()),
            )
            .with_header(ACCEPT_ENCODING, content_encoding::ACCEPTED),
            RefusalKind::BodyUndecodable => refuse(
                StatusCode::BAD_REQUEST,
                "The request's body is not encoded as it says",
                Some("content-encoding".into()),
            ),
            RefusalKind::BodyBroken => {
                refuse(StatusCode::BAD_REQUEST, "The request's body broke off", None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(refusal: impl Into<Response>) -> (u16, String) {
        let response = refusal.into();
        assert_eq!(response.header(&CACHE_CONTROL), Some("no-store"));
        assert_eq!(response.header(&CONTENT_TYPE), Some("application/json"));
        (response.status.as_u16(), String::from_utf8(response.whole_body().to_vec()).unwrap())
    }

    #[test]
    fn every_error_has_its_status() {
        let text = || String::from("x");
        for (error, status) in [
            (ErrorKind::UnknownTopic(text()), 404),
            (ErrorKind::UnknownSubscription(text()), 404),
            (ErrorKind::UnknownGroup(text()), 404),
            (Error::invalid("topic", "x").into_kind(), 400),
            (ErrorKind::InvalidCallback { detail: text() }, 400),
            (ErrorKind::TooLarge { size: 2, limit: 1 }, 413),
            (ErrorKind::Throttled { retry_after: Duration::ZERO }, 429),
            (ErrorKind::LimitReached(text()), 409),
            (ErrorKind::Unconfigured(text()), 503),
            (ErrorKind::PermissionDenied { known: true, detail: text() }, 502),
            (ErrorKind::Unsupported(text()), 501),
            (ErrorKind::Unreachable { detail: text() }, 503),
            (ErrorKind::Upstream { detail: text() }, 502),
            (ErrorKind::Timeout, 504),
            (ErrorKind::OutcomeUnknown { detail: text() }, 504),
            (ErrorKind::Store { detail: text() }, 503),
            (ErrorKind::Busy(text()), 503),
        ] {
            let (answered, json) = body(Error::from(error.clone()));
            assert_eq!(answered, status, "{error:?}");
            let json: serde_json::Value = serde_json::from_str(&json).unwrap();
            assert_eq!(json["status"], status, "{error:?}");
            assert_eq!(json["error"], error.to_string());
        }
    }

    #[test]
    fn a_detail_names_the_field() {
        assert_eq!(
            body(Error::from(ErrorKind::UnknownTopic("t".into()))),
            (404, r#"{"error":"Topic not found","status":404,"detail":"t"}"#.into())
        );
        assert_eq!(
            body(Error::invalid("wait", "Too long")),
            (400, r#"{"error":"Too long","status":400,"detail":"wait"}"#.into())
        );
        assert_eq!(
            body(Refusal::from(RefusalKind::UnknownParameter("grpup".into()))),
            (400, r#"{"error":"Unknown query parameter","status":400,"detail":"grpup"}"#.into())
        );
    }

    #[test]
    fn whoever_is_throttled_is_told_when_to_come_again() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2"), (60_000, "60")] {
            let retry_after = Duration::from_millis(millis);
            let response = Response::from(Error::from(ErrorKind::Throttled { retry_after }));
            assert_eq!(response.header(&RETRY_AFTER), Some(seconds), "{millis}");
        }
        let busy = Response::from(Error::from(ErrorKind::Busy("The group is busy".into())));
        assert_eq!(busy.header(&RETRY_AFTER), Some("1"));
        let store = Response::from(Error::from(ErrorKind::Store { detail: "it failed".into() }));
        assert_eq!(store.header(&RETRY_AFTER), Some("1"));
        assert_eq!(Response::from(Error::from(ErrorKind::Timeout)).header(&RETRY_AFTER), None);
    }
}
