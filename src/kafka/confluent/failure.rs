//! Calls that did not succeed, and what callers are told of them.

use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::error::Error;
use crate::host::{Host, SendError, SendErrorKind, Sent};
use crate::telemetry::CallReport;

/// What a throttled caller is told when the server names no time.
const THROTTLED_FOR: Duration = Duration::from_secs(1);
/// Of a server's own words no more than this is passed on.
const MESSAGE_LIMIT: usize = 300;

/// Why a call gave nothing to go on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum CallFailure {
    /// No URL can be made of the configured address.
    Address,
    Send(SendError),
    /// A status that is no success.
    Refused(ErrorAnswer),
    /// A success whose body is not what it should be.
    Nonsense,
    /// A success whose body is longer than anything sensible.
    TooLong,
    /// Something that had to be known before the call could not be found out.
    Ours(Error),
}

/// An answer with a status that is no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ErrorAnswer {
    pub(super) status: StatusCode,
    /// The server's own code: often the status and two digits. `None` when
    /// the body is not the server's (a proxy in between, an error page).
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
    pub(super) fn of(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Self {
        let complaint: Option<Complaint> = serde_json::from_slice(body).ok();
        // The other form of this header, a date, is not worth a calendar.
        let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let (code, message) = match complaint {
            Some(Complaint { error_code, message }) => (Some(error_code), message),
            None => (None, None),
        };
        Self {
            status,
            code,
            message: clean(&message.unwrap_or_default()),
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    /// An answer of which nothing but the status arrived.
    pub(super) fn bare(status: StatusCode) -> Self {
        Self::of(status, &HeaderMap::new(), b"")
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

    /// Whether the same call would be refused tomorrow, too.
    pub(super) fn is_for_good(&self) -> bool {
        self.status.is_client_error() && !matches!(self.status.as_u16(), 408 | 429)
    }

    pub(super) fn throttled(&self) -> Error {
        Error::Throttled { retry_after: self.retry_after.unwrap_or(THROTTLED_FOR) }
    }

    pub(super) fn error(&self) -> Error {
        let detail = self.detail();
        match self.status {
            StatusCode::UNAUTHORIZED => Error::PermissionDenied { known: false, detail },
            StatusCode::FORBIDDEN => Error::PermissionDenied { known: true, detail },
            StatusCode::TOO_MANY_REQUESTS => self.throttled(),
            StatusCode::GATEWAY_TIMEOUT => Error::Timeout,
            _ => Error::Upstream { detail },
        }
    }
}

impl CallFailure {
    /// Whether the same call may do better a little later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            CallFailure::Send(error) => match error.kind {
                // A kept connection that the server had closed, mostly.
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

    pub(super) fn hint(&self) -> Option<Duration> {
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

    /// The server's own code and status, if it answered.
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

/// For calls that write nothing.
impl From<CallFailure> for Error {
    fn from(failure: CallFailure) -> Self {
        match failure {
            CallFailure::Address => Error::Unconfigured("kafka_rest_url is not a URL".into()),
            CallFailure::Send(error) if error.sent == Sent::Not => {
                Error::Unreachable { detail: error.to_string() }
            }
            CallFailure::Send(SendError { kind: SendErrorKind::Timeout, .. }) => Error::Timeout,
            CallFailure::Send(error) => Error::Upstream { detail: error.to_string() },
            CallFailure::Refused(refusal) => refusal.error(),
            CallFailure::Nonsense => {
                Error::Upstream { detail: "its answer was not understood".into() }
            }
            CallFailure::TooLong => Error::Upstream { detail: "its answer was too long".into() },
            CallFailure::Ours(error) => error,
        }
    }
}

/// A server's message in one line of bounded length.
pub(super) fn clean(message: &str) -> String {
    let words = message.split(|c: char| c.is_control() || c.is_whitespace());
    let line: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    line.join(" ").chars().take(MESSAGE_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn refusal(status: u16, body: &str) -> ErrorAnswer {
        let status = StatusCode::from_u16(status).unwrap();
        ErrorAnswer::of(status, &HeaderMap::new(), body.as_bytes())
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
        assert!(matches!(error(401), Error::PermissionDenied { known: false, .. }));
        assert!(matches!(error(403), Error::PermissionDenied { known: true, .. }));
        assert_eq!(error(429), Error::Throttled { retry_after: Duration::from_secs(1) });
        assert_eq!(error(504), Error::Timeout);
        assert!(matches!(error(500), Error::Upstream { .. }));
        assert!(matches!(error(302), Error::Upstream { .. }));
    }

    #[test]
    fn a_time_to_wait_is_passed_on() {
        let mut headers = HeaderMap::new();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
        let refusal = ErrorAnswer::of(StatusCode::TOO_MANY_REQUESTS, &headers, b"");
        assert_eq!(refusal.error(), Error::Throttled { retry_after: Duration::from_secs(7) });
        headers.insert(RETRY_AFTER, HeaderValue::from_static("Sun, 01 Mar 2026 10:15:30 GMT"));
        let refusal = ErrorAnswer::of(StatusCode::TOO_MANY_REQUESTS, &headers, b"");
        assert_eq!(refusal.retry_after, None);
    }
}
