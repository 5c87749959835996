//! Calls that did not succeed, and the errors that callers see.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::error::{Error, ErrorKind};
use crate::host::{Host, Millis, SendError, SendErrorKind, Sent};
use crate::retry_after::retry_after;
use crate::telemetry::CallReport;
use crate::upstream::BodyError;

/// How long a throttled caller is asked to wait if the server names no time.
/// The proxy's rate limit does not (`recordings/configured-rate-limit.jsonl`),
/// nor, by its description, does Confluent Cloud
/// (`reference/confluent-rest.md`, 3.5).
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);
/// At most this much of the server's message is passed on.
const MAX_MESSAGE_CHARS: usize = 300;

/// Why a call had no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallFailure {
    /// No URL can be made of the configured address.
    Address,
    Send(SendError),
    /// The status is not a success.
    Refused(Box<ErrorAnswer>),
    /// The status is a success, but the body has an unexpected form.
    Nonsense,
    /// The body is longer than the limit of the call.
    TooLong,
    /// A preparation of the call failed.
    Ours(Error),
}

/// An answer whose status is not a success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ErrorAnswer {
    pub(super) status: StatusCode,
    /// The server's own code: often the status and two more digits. `None` if
    /// the body is not the REST server's, but an error page or that of a proxy
    /// in between.
    pub(super) code: Option<i64>,
    message: String,
    pub(super) retry_after: Option<Duration>,
}

#[derive(Deserialize)]
struct Complaint {
    error_code: i64,
    #[serde(default)]
    message: Option<String>,
}

impl ErrorAnswer {
    pub(super) fn new(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Millis) -> Self {
        let complaint: Option<Complaint> = kafka_edge_json::from_slice(body).ok();
        let (code, message) = match complaint {
            Some(Complaint { error_code, message }) => (Some(error_code), message),
            None => (None, None),
        };
        Self {
            status,
            code,
            message: clean(&message.unwrap_or_default()),
            retry_after: retry_after(headers, now),
        }
    }

    /// An answer of which only the status arrived.
    pub(super) fn bare(status: StatusCode) -> Self {
        Self::new(status, &HeaderMap::new(), b"", 0)
    }

    /// For an error's detail: status, code and the server's message.
    pub(super) fn detail(&self) -> String {
        let status = self.status.as_u16();
        match (self.code, self.message.as_str()) {
            (Some(code), "") => format!("HTTP {status}, error code {code}"),
            (Some(code), message) => format!("HTTP {status}, error code {code}: {message}"),
            (None, _) => format!("HTTP {status}"),
        }
    }

    /// Whether repeating the call later would be refused, too.
    pub(super) fn is_for_good(&self) -> bool {
        self.status.is_client_error() && !matches!(self.status.as_u16(), 408 | 429)
    }

    pub(super) fn throttled(&self) -> Error {
        ErrorKind::Throttled { retry_after: self.retry_after.unwrap_or(DEFAULT_RETRY_AFTER) }.into()
    }

    pub(super) fn error(&self) -> Error {
        let detail = self.detail();
        match self.status {
            StatusCode::UNAUTHORIZED => ErrorKind::PermissionDenied { known: false, detail }.into(),
            StatusCode::FORBIDDEN => ErrorKind::PermissionDenied { known: true, detail }.into(),
            StatusCode::TOO_MANY_REQUESTS => self.throttled(),
            StatusCode::GATEWAY_TIMEOUT => ErrorKind::Timeout.into(),
            _ => ErrorKind::Upstream { detail }.into(),
        }
    }
}

impl CallFailure {
    /// Whether repeating the call a little later may succeed.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            CallFailure::Send(error) => match error.kind {
                // Mostly a kept connection that the server had closed: the REST
                // Proxy does so after 30 s (`recordings/v3-produce-stream.jsonl`,
                // "idle keep-alive connection").
                SendErrorKind::Broken => true,
                SendErrorKind::Timeout => false,
                _ => error.sent == Sent::Not,
            },
            CallFailure::Refused(refusal) => matches!(refusal.status.as_u16(), 429 | 502 | 503),
            CallFailure::Address
            | CallFailure::Nonsense
            | CallFailure::TooLong
            | CallFailure::Ours(_) => false,
        }
    }

    pub(super) fn retry_after(&self) -> Option<Duration> {
        match self {
            CallFailure::Refused(refusal) => refusal.retry_after,
            _ => None,
        }
    }

    /// Reports it, without a word of the server's own.
    pub(super) fn report<H: Host>(&self, report: &CallReport<'_, H>) {
        match self {
            Self::Address => report.failed("kafka_rest_url is not a URL"),
            Self::Send(error) => report.unanswered(error),
            Self::Refused(refusal) => report.refused(refusal.status, refusal.code),
            Self::Nonsense => report.failed("its answer was not understood"),
            Self::TooLong => report.failed("its answer was too long"),
            Self::Ours(error) => report.failed(error.kind()),
        }
    }

    /// The answer of the server, if there is one.
    pub(super) fn refusal(&self) -> Option<&ErrorAnswer> {
        match self {
            CallFailure::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }
}

impl From<SendError> for CallFailure {
    fn from(error: SendError) -> Self {
        CallFailure::Send(error)
    }
}

impl From<BodyError> for CallFailure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLong => CallFailure::TooLong,
            BodyError::Broken(error) => CallFailure::Send(error),
        }
    }
}

/// For calls that only read.
impl From<CallFailure> for Error {
    fn from(failure: CallFailure) -> Self {
        match failure {
            CallFailure::Address => {
                ErrorKind::Unconfigured("kafka_rest_url is not a URL".into()).into()
            }
            CallFailure::Send(error) if error.sent == Sent::Not => {
                ErrorKind::Unreachable { detail: error.to_string() }.into()
            }
            CallFailure::Send(SendError { kind: SendErrorKind::Timeout, .. }) => {
                ErrorKind::Timeout.into()
            }
            CallFailure::Send(error) => ErrorKind::Upstream { detail: error.to_string() }.into(),
            CallFailure::Refused(refusal) => refusal.error(),
            CallFailure::Nonsense => {
                ErrorKind::Upstream { detail: "its answer was not understood".into() }.into()
            }
            CallFailure::TooLong => {
                ErrorKind::Upstream { detail: "its answer was too long".into() }.into()
            }
            CallFailure::Ours(error) => error,
        }
    }
}

/// A server's message, as one line of limited length.
pub(super) fn clean(message: &str) -> String {
    let words = message.split(|c: char| c.is_control() || c.is_whitespace());
    let line: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    line.join(" ").chars().take(MAX_MESSAGE_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use http::header::RETRY_AFTER;

    use super::*;

    fn refusal(status: u16, body: &str) -> ErrorAnswer {
        let status = StatusCode::from_u16(status).unwrap();
        ErrorAnswer::new(status, &HeaderMap::new(), body.as_bytes(), 0)
    }

    #[test]
    fn an_error_page_is_not_passed_on() {
        let page = refusal(502, "<html><body>Bad gateway</body></html>");
        assert_eq!((page.code, page.detail()), (None, "HTTP 502".into()));
    }

    #[test]
    fn a_servers_message_is_cut_and_cleaned() {
        let message = format!("a\\u0000b\\n\\tc {}", "x".repeat(1_000));
        let detail =
            refusal(500, &format!(r#"{{"error_code":50002,"message":"{message}"}}"#)).detail();
        assert!(detail.starts_with("HTTP 500, error code 50002: a b c xxx"), "{detail}");
        assert!(detail.len() < 350, "{}", detail.len());
    }

    #[test]
    fn statuses_become_errors() {
        let error = |status| refusal(status, "").error();
        assert!(matches!(*error(401), ErrorKind::PermissionDenied { known: false, .. }));
        assert!(matches!(*error(403), ErrorKind::PermissionDenied { known: true, .. }));
        assert_eq!(error(429), ErrorKind::Throttled { retry_after: Duration::from_secs(1) }.into());
        assert_eq!(error(504), ErrorKind::Timeout.into());
        assert!(matches!(*error(500), ErrorKind::Upstream { .. }));
        assert!(matches!(*error(302), ErrorKind::Upstream { .. }));
    }

    #[test]
    fn a_time_to_wait_is_passed_on() {
        let now = 1_772_360_120_000;
        for (value, seconds) in [("7", 7), ("Sun, 01 Mar 2026 10:15:30 GMT", 10)] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            let refusal = ErrorAnswer::new(StatusCode::TOO_MANY_REQUESTS, &headers, b"", now);
            let retry_after = Duration::from_secs(seconds);
            assert_eq!(refusal.error(), ErrorKind::Throttled { retry_after }.into(), "{value}");
        }
    }
}
