//! One attempt to deliver one record.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};

use super::envelope;
use super::retry::RetryHint;
use super::signature::SigningSecret;
use crate::deadline::within;
use crate::host::{Host, Incoming, Millis, Outgoing, SendError, SendErrorKind};
use crate::record::Record;
use crate::retry_after::retry_after;
use crate::telemetry::{TRACEPARENT, Trace, current_trace};
use crate::upstream::read_body;

/// How much of a callback's answer is read, and for how long. Its content does
/// not matter, but a connection can be used again only after the answer was read.
const MAX_DRAINED_BYTES: usize = 4096;
const MAX_DRAIN_TIME: Duration = Duration::from_millis(100);

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

/// Where the records of a subscription go, and what signs them.
pub(super) struct Destination {
    pub(super) uri: Uri,
    /// The newest first.
    pub(super) secrets: Vec<SigningSecret>,
}

/// A record on its way to a callback.
pub(super) struct Attempt<'a> {
    pub(super) id: &'a str,
    pub(super) topic: &'a str,
    pub(super) to: &'a Destination,
    pub(super) cluster: &'a str,
    pub(super) record: &'a Record,
    pub(super) connect_timeout: Duration,
    /// For the whole attempt: only a 2xx within this time counts.
    pub(super) timeout: Duration,
}

impl Attempt<'_> {
    pub(super) async fn make<H: Host>(&self, host: &H) -> Result<(), AttemptFailure> {
        let sent = within(host, self.timeout, host.send(self.request(host.now()))).await;
        let Incoming { status, headers, mut body } =
            sent.ok_or_else(|| self.too_slow())?.map_err(|error| self.unanswered(&error))?;
        within(host, MAX_DRAIN_TIME, read_body(&mut body, MAX_DRAINED_BYTES)).await;
        judge(status, &headers, host.now())
    }

    fn request(&self, now: Millis) -> Outgoing {
        let Self { id, topic, .. } = self;
        let Destination { uri, secrets } = self.to;
        let Record { partition, offset, .. } = *self.record;
        let body: Bytes = envelope::body(id, topic, self.record);
        let message_id = envelope::message_id(id, self.cluster, topic, partition, offset);
        let timestamp = now.div_euclid(1000);
        let sign = |secret: &SigningSecret| secret.sign(&message_id, timestamp, &body);
        let signature = secrets.iter().map(sign).collect::<Vec<_>>().join(" ");

        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(OUR_USER_AGENT));
        if let Some(trace) = current_trace() {
            trace.name_in(&mut headers);
        }
        for (name, value) in [
            ("webhook-id", message_id),
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
            uri: uri.clone(),
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

const OUR_USER_AGENT: &str = concat!("kafka-edge/", env!("CARGO_PKG_VERSION"));

/// A 2xx means that the record was accepted, and anything else that it was not.
/// Redirects are not followed: otherwise a receiver could direct signed records,
/// and the gateway's requests, to another server.
fn judge(status: StatusCode, headers: &HeaderMap, now: Millis) -> Result<(), AttemptFailure> {
    if status.is_success() {
        return Ok(());
    }
    let hint =
        RetryHint { retry_after: retry_after(headers, now), gone: status == StatusCode::GONE };
    Err(AttemptFailure { reason: format!("The callback answered {}", status.as_u16()), hint })
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
