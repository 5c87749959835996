//! One attempt to deliver: a request to the callback, and what its answer means.

use std::time::Duration;

use http::header::{AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::allowance::Reserved;
use super::body::Message;
use super::delivery_state::MAX_ANSWER;
use super::retry::RetryHint;
use super::signature::Signer;
use super::token::{Client, Tokens};
use crate::config::DeliveriesConfig;
use crate::deadline::{Timer, within};
use crate::host::{Body, Host, Incoming, Millis, Outgoing, SendError, SendErrorKind};
use crate::record::Record;
use crate::retry_after::retry_after;
use crate::telemetry::{self, TRACEPARENT, Trace, Work, current_trace};

/// How much of a callback's answer is read, and for how long. Its content does
/// not matter, but a connection can be used again only after the answer was read.
const MAX_DRAINED_BYTES: usize = 64 * 1024;
const MAX_DRAIN_TIME: Duration = Duration::from_millis(100);

/// The most requests that one attempt sends: two, each with a token that was asked for.
pub(super) const MAX_CALLS: u32 = 4;

/// Why an attempt failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AttemptFailure {
    /// A sentence for the owner of the subscription.
    pub(super) reason: String,
    pub(super) hint: RetryHint,
    /// How the callback's answer begins, without what cannot be printed.
    pub(super) answer: Option<String>,
}

impl AttemptFailure {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }

    /// No answer: the callback can take nothing at all.
    fn unreachable(reason: String) -> Self {
        let hint = RetryHint { is_overloaded: true, ..RetryHint::default() };
        Self { reason, hint, answer: None }
    }
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempted {
    pub(super) status: Option<u16>,
    pub(super) result: Result<(), AttemptFailure>,
}

impl From<AttemptFailure> for Attempted {
    fn from(failure: AttemptFailure) -> Self {
        Self { status: None, result: Err(failure) }
    }
}

/// Where the records of a subscription go, what signs them, and what else they carry.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    pub(super) uri: Uri,
    pub(super) signer: Signer,
    /// The owner's headers, and a credential for the callback.
    pub(super) headers: HeaderMap,
    pub(super) oauth2: Option<Client>,
}

/// A message on its way to a callback.
pub(super) struct Attempt<'a> {
    pub(super) to: &'a Destination,
    pub(super) message_id: &'a str,
    pub(super) message: &'a Message,
    pub(super) tokens: &'a Tokens,
    pub(super) config: &'a DeliveriesConfig,
    /// Those that it may send, if they are counted.
    pub(super) calls: Option<&'a Reserved>,
    /// For the whole attempt: only a 2xx within this time counts.
    pub(super) timeout: Duration,
}

impl Attempt<'_> {
    pub(super) async fn make<'h, H: Host>(&self, host: &'h H, timer: &mut Timer<'h>) -> Attempted {
        timer
            .within(host, self.timeout, self.with_token(host))
            .await
            .unwrap_or_else(|| self.too_slow().into())
    }

    async fn with_token<H: Host>(&self, host: &H) -> Attempted {
        let Some(client) = &self.to.oauth2 else { return self.send(host, None).await };
        let token = || self.tokens.token(host, client, self);
        let mut answer = Attempted::from(AttemptFailure::default());
        // A token may have been revoked before its end: another one is tried, once. Each costs
        // a request, and each time it is used another one.
        for _ in 0..MAX_CALLS / 2 {
            answer = match token().await {
                Ok(token) => self.send(host, Some(token)).await,
                Err(sentence) => AttemptFailure::unreachable(sentence).into(),
            };
            if answer.status != Some(401) {
                break;
            }
            self.tokens.forget(client);
        }
        answer
    }

    async fn send<H: Host>(&self, host: &H, token: Option<HeaderValue>) -> Attempted {
        let begun = host.monotonic();
        let attempted = self.ask(host, token).await;
        telemetry::count(Work::Callback, host.monotonic().saturating_sub(begun));
        attempted
    }

    async fn ask<H: Host>(&self, host: &H, token: Option<HeaderValue>) -> Attempted {
        self.count();
        let answer = match host.send(self.request(host.now(), token)).await {
            Ok(answer) => answer,
            Err(error) => return self.unanswered(&error).into(),
        };
        let may_have_body = answer.may_have_body();
        let Incoming { status, headers, mut body } = answer;
        let mut begin = Vec::new();
        if may_have_body {
            within(host, MAX_DRAIN_TIME, drain(&mut body, &mut begin)).await;
        }
        let result = judge(status, &headers, host.now()).map_err(|failure| {
            let answer = printable(&begin);
            AttemptFailure { answer: (!answer.is_empty()).then_some(answer), ..failure }
        });
        Attempted { status: Some(status.as_u16()), result }
    }

    /// One of the requests that it may send is sent now.
    pub(super) fn count(&self) {
        if let Some(calls) = self.calls {
            calls.send();
        }
    }

    fn request(&self, now: Millis, token: Option<HeaderValue>) -> Outgoing {
        let Self { to, message_id, message, .. } = *self;
        let timestamp = now.div_euclid(1000);
        let signature = to.signer.sign(message_id, timestamp, &message.body);

        let mut headers = to.headers.clone();
        headers.extend(token.map(|token| (AUTHORIZATION, token)));
        headers.insert(USER_AGENT, HeaderValue::from_static(OUR_USER_AGENT));
        for (name, value) in &message.headers {
            headers.insert(name, value.clone());
        }
        if let Some(trace) = current_trace() {
            trace.name_in(&mut headers);
        }
        for (name, value) in [
            ("webhook-id", message_id.to_owned()),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ] {
            // All three consist of digits, letters and a few signs.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        Outgoing {
            method: Method::POST,
            uri: to.uri.clone(),
            headers,
            body: message.body.clone(),
            connect_timeout: self.config.connect_timeout.min(self.timeout),
            read_timeout: self.timeout,
        }
    }

    fn unanswered(&self, error: &SendError) -> AttemptFailure {
        match error.kind {
            SendErrorKind::Timeout => self.too_slow(),
            _ => AttemptFailure::unreachable(format!("The callback gave no answer: {error}")),
        }
    }

    fn too_slow(&self) -> AttemptFailure {
        let reason = format!("The callback did not answer within {:?}", self.timeout);
        AttemptFailure::unreachable(reason)
    }
}

const OUR_USER_AGENT: &str = concat!("kafka-edge/", env!("CARGO_PKG_VERSION"));

/// Reads an answer up to a cap, and keeps how it begins.
async fn drain<B: Body>(body: &mut B, begin: &mut Vec<u8>) {
    let mut read = 0;
    while let Some(Ok(piece)) = body.chunk().await {
        let missing = MAX_ANSWER.saturating_sub(begin.len());
        begin.extend_from_slice(&piece[..missing.min(piece.len())]);
        read += piece.len();
        if read >= MAX_DRAINED_BYTES {
            return;
        }
    }
}

/// What of an answer can be shown. It is a stranger's text: whoever reads it in a terminal
/// shall read it and nothing else.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let kept = text.chars().filter(|sign| matches!(sign, ' '..='~') || sign.is_alphanumeric());
    let mut kept: String = kept.collect();
    while kept.len() > MAX_ANSWER {
        kept.pop();
    }
    kept
}

/// A 2xx means that the record was accepted, and anything else that it was not.
/// Redirects are not followed: otherwise a receiver could direct signed records,
/// and the gateway's requests, to another server.
fn judge(status: StatusCode, headers: &HeaderMap, now: Millis) -> Result<(), AttemptFailure> {
    if status.is_success() {
        return Ok(());
    }
    let hint = RetryHint {
        retry_after: retry_after(headers, now),
        is_gone: status == StatusCode::GONE,
        is_overloaded: status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
    };
    let reason = format!("The callback answered {}", status.as_u16());
    Err(AttemptFailure { reason, hint, answer: None })
}

/// The trace that the record's producer named in its header `traceparent`.
/// `None` if the producer named none, or if the log does not report headers. The
/// trace of the request that started the delivery is not used instead: that
/// request has nothing to do with the record.
pub(super) fn trace_of(record: &Record) -> Option<Trace> {
    let mut named = record.headers.iter().flatten().filter(|header| header.name == TRACEPARENT);
    match (named.next(), named.next()) {
        (Some(header), None) => Trace::parse(header.value.as_deref()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::FutureExt;
    use http::header::RETRY_AFTER;

    use super::*;

    fn judged(status: u16, retry_after: Option<&'static str>) -> Result<(), AttemptFailure> {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_static(value));
        }
        judge(StatusCode::from_u16(status).unwrap(), &headers, 0)
    }

    #[test]
    fn only_2xx_counts() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(judged(status, None), Ok(()), "{status}");
        }
        for status in [301, 302, 304, 307, 400, 404, 410, 429, 500, 503, 999] {
            let failure = judged(status, None).unwrap_err();
            assert_eq!(failure.reason, format!("The callback answered {status}"));
            assert_eq!(failure.hint.is_gone, status == 410);
            assert_eq!(failure.hint.is_overloaded, matches!(status, 429 | 500 | 503), "{status}");
        }
    }

    #[test]
    fn a_request_for_time_is_heard_with_every_refusal() {
        assert_eq!(judged(200, Some("7")), Ok(()));
        for status in [429, 500, 503] {
            let asked = judged(status, Some("7")).unwrap_err().hint.retry_after;
            assert_eq!(asked, Some(Duration::from_secs(7)));
        }
    }

    struct Endless(u32);

    impl Body for Endless {
        async fn chunk(&mut self) -> Option<Result<Bytes, SendError>> {
            self.0 += 1;
            Some(Ok(Bytes::from_static(&[b'a'; 1000])))
        }
    }

    #[test]
    fn of_an_answer_without_end_the_beginning_is_kept_and_no_more_read_than_the_cap() {
        let (mut body, mut begin) = (Endless(0), Vec::new());
        drain(&mut body, &mut begin).now_or_never().unwrap();
        assert_eq!((begin.len(), body.0), (MAX_ANSWER, 66));
    }

    #[test]
    fn only_what_can_be_printed_is_shown() {
        assert_eq!(printable(b"no\x1b[31m such\r\n \x00\xffthing"), "no[31m such thing");
        assert_eq!(printable("gr\u{fc}\u{df}e \u{202e}".as_bytes()), "gr\u{fc}\u{df}e ");
        assert!(printable(&[0xc3, 0xa9].repeat(200)).len() <= MAX_ANSWER);
    }
}
