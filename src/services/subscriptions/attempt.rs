//! One try to deliver one record.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::envelope;
use super::retry::{self, RetryHint};
use super::subscription::Subscription;
use crate::host::{Body, Host, Incoming, Millis, Outgoing, SendError, SendErrorKind};
use crate::record::Record;
use crate::telemetry::{TRACEPARENT, Trace, current_trace};

/// How much of a callback's answer is read, and for how long: nothing in it
/// counts, but a connection can be used again only once its answer is read.
const DRAIN_BYTES: usize = 4096;
const DRAIN_TIME: Duration = Duration::from_millis(100);

/// Why an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttemptFailure {
    /// A sentence for the owner of the subscription.
    pub(super) reason: String,
    pub(super) hint: RetryHint,
}

impl AttemptFailure {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), hint: RetryHint::default() }
    }
}

/// A record on its way to a callback.
pub(super) struct Attempt<'a> {
    pub(super) subscription: &'a Subscription,
    pub(super) uri: &'a Uri,
    pub(super) cluster: &'a str,
    pub(super) record: &'a Record,
    pub(super) connect_timeout: Duration,
    /// For all of it: only a 2xx within this time counts.
    pub(super) timeout: Duration,
}

impl Attempt<'_> {
    pub(super) async fn make<H: Host>(&self, host: &H) -> Result<(), AttemptFailure> {
        let sent = Box::pin(host.send(self.request(host.now())));
        let late = Box::pin(host.sleep(self.timeout));
        let answer = match select(sent, late).await {
            Either::Left((answer, _)) => answer.map_err(|error| self.unanswered(&error))?,
            Either::Right(_) => return Err(self.too_slow()),
        };
        let Incoming { status, headers, body } = answer;
        drain(host, body).await;
        judge(status, &headers, host.now())
    }

    fn request(&self, now: Millis) -> Outgoing {
        let Subscription { id, topic, secret, .. } = self.subscription;
        let Record { partition, offset, .. } = *self.record;
        let body: Bytes = envelope::body(id, topic, self.record);
        let message_id = envelope::message_id(id, self.cluster, topic, partition, offset);
        let timestamp = now.div_euclid(1000);
        let signature = secret.sign(&message_id, timestamp, &body);

        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Some(trace) = current_trace() {
            trace.name_in(&mut headers);
        }
        for (name, value) in [
            ("webhook-id", message_id),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", signature),
        ] {
            // All three are digits, letters and a few signs.
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        Outgoing {
            method: Method::POST,
            uri: self.uri.clone(),
            headers,
            body,
            connect_timeout: self.connect_timeout.min(self.timeout),
            read_timeout: self.timeout,
        }
    }

    fn unanswered(&self, error: &SendError) -> AttemptFailure {
        match error.kind {
            SendErrorKind::Timeout => self.too_slow(),
            _ => AttemptFailure::new(format!("The callback gave no answer: {error}")),
        }
    }

    fn too_slow(&self) -> AttemptFailure {
        AttemptFailure::new(format!("The callback did not answer within {:?}", self.timeout))
    }
}

const AGENT: &str = concat!("kafka-edge/", env!("CARGO_PKG_VERSION"));

/// A 2xx is taken; anything else is not, redirects included: to follow one
/// would let a receiver send signed records, and the gateway, elsewhere.
fn judge(status: StatusCode, headers: &HeaderMap, now: Millis) -> Result<(), AttemptFailure> {
    if status.is_success() {
        return Ok(());
    }
    let retry_after = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let hint = RetryHint {
        retry_after: retry_after.and_then(|value| retry::retry_after(value, now)),
        gone: status == StatusCode::GONE,
    };
    Err(AttemptFailure { reason: format!("The callback answered {}", status.as_u16()), hint })
}

async fn drain<H: Host>(host: &H, mut body: H::Body) {
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(chunk)) = body.chunk().await {
            bytes += chunk.len();
            if bytes > DRAIN_BYTES {
                break;
            }
        }
    };
    select(Box::pin(read), Box::pin(host.sleep(DRAIN_TIME))).await;
}

/// The trace that the record's producer named in its header `traceparent`.
/// None where it named none, or where the log reads no headers: who happened
/// to start the delivery has nothing to do with the record.
pub(super) fn trace_of(record: &Record) -> Option<Trace> {
    let mut named = record.headers.iter().flatten().filter(|header| header.name == TRACEPARENT);
    match (named.next(), named.next()) {
        (Some(header), None) => Trace::parse(header.value.as_deref()?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
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
            assert_eq!(failure.hint.gone, status == 410);
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
}
