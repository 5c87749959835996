//! Calls that did not succeed, and what callers are told of them.

use std::time::Duration;

use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use crate::error::Error;
use crate::host::{Millis, SendError, SendErrorKind, Sent};
use crate::upstream::{BodyError, retry_after};

/// What a throttled caller is told when the server names no time.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);
/// Of a server's own words no more than this is passed on.
const MAX_MESSAGE_CHARS: usize = 300;

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
    pub(super) fn new(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Millis) -> Self {
        let complaint: Option<Complaint> = serde_json::from_slice(body).ok();
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

    /// An answer of which nothing but the status arrived.
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

    /// Whether the same call would be refused tomorrow, too.
    pub(super) fn is_for_good(&self) -> bool {
        self.status.is_client_error() && !matches!(self.status.as_u16(), 408 | 429)
    }

    pub(super) fn throttled(&self) -> Error {
        Error::Throttled { retry_after: self.retry_after.unwrap_or(DEFAULT_RETRY_AFTER) }
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

impl From<BodyError> for CallFailure {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLong => CallFailure::TooLong,
            BodyError::Broken(error) => CallFailure::Send(error),
        }
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
        assert!(matches!(error(401), Error::PermissionDenied { known: false, .. }));
        assert!(matches!(error(403), Error::PermissionDenied { known: true, .. }));
        assert_eq!(error(429), Error::Throttled { retry_after: Duration::from_secs(1) });
        assert_eq!(error(504), Error::Timeout);
        assert!(matches!(error(500), Error::Upstream { .. }));
        assert!(matches!(error(302), Error::Upstream { .. }));
    }

    #[test]
    fn a_time_to_wait_is_passed_on() {
        let now = 1_772_360_120_000;
        for (value, seconds) in [("7", 7), ("Sun, 01 Mar 2026 10:15:30 GMT", 10)] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            let refusal = ErrorAnswer::new(StatusCode::TOO_MANY_REQUESTS, &headers, b"", now);
            let retry_after = Duration::from_secs(seconds);
            assert_eq!(refusal.error(), Error::Throttled { retry_after }, "{value}");
        }
    }
}
