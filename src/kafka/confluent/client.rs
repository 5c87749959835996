//! Requests to the REST server, each limited in size and time.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde::de::DeserializeOwned;

use super::failure::{CallFailure, ErrorAnswer};
use super::retry;
use crate::config::KafkaConfig;
use crate::deadline::within;
use crate::host::{Host, Incoming, Outgoing, SendError, SendErrorKind, Sent};
use crate::random;
use crate::telemetry::{CallReport, Server, current_trace};
use crate::upstream::{basic_authorization, read_body};

/// Enough for the list of all topics of a large cluster.
const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;
/// Only a short message is read from an answer that refuses a call.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;
/// The maximum number of tries for a call that can be repeated without harm.
const MAX_CALL_TRIES: u32 = 3;

pub(super) const JSON: &str = "application/json";

/// A call of the REST server.
#[derive(Debug, Clone)]
pub(super) struct RestCall {
    pub(super) method: Method,
    /// What follows the base address, with its query.
    pub(super) path: String,
    pub(super) accept: &'static str,
    /// The body with its content type.
    pub(super) body: Option<(&'static str, Bytes)>,
    /// How much longer than other calls this one may take, because the server
    /// waits before it answers.
    pub(super) patience: Duration,
    pub(super) answer_limit: usize,
}

impl RestCall {
    pub(super) fn get(path: String) -> Self {
        Self {
            method: Method::GET,
            path,
            accept: JSON,
            body: None,
            patience: Duration::ZERO,
            answer_limit: MAX_ANSWER_BYTES,
        }
    }

    pub(super) fn post(path: String, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let body = Some((content_type, body.into()));
        Self { method: Method::POST, accept: content_type, body, ..Self::get(path) }
    }
}

#[derive(Clone)]
pub(super) struct Client<H> {
    pub(super) host: H,
    base: String,
    authorization: Option<HeaderValue>,
    connect_timeout: Duration,
    pub(super) request_timeout: Duration,
}

impl<H: Host> Client<H> {
    pub(super) fn new(host: H, config: &KafkaConfig) -> Self {
        Self {
            host,
            base: config.rest_url.clone(),
            authorization: config.api_key.as_ref().and_then(basic_authorization),
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
        }
    }

    /// Makes a call once and returns the head of its answer, whatever its
    /// status.
    ///
    /// There is no `Accept-Encoding`: if the answer may be compressed, the REST
    /// Proxy 7.9.9 sends all reports of a produce at the end
    /// (`recordings/v3-produce-more.jsonl`, "four records 300 ms apart"). There
    /// is no `Expect: 100-continue` either: with it 7.9.9 loses the record, and
    /// 8.3.1 does not (`v3-produce-stream.jsonl` in `recordings/` and in
    /// `recordings/8.3.1/`).
    pub(super) async fn send(&self, call: &RestCall) -> Result<Incoming<H::Body>, CallFailure> {
        let uri: Uri =
            format!("{}{}", self.base, call.path).parse().map_err(|_| CallFailure::Address)?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(call.accept));
        if let Some((content_type, _)) = call.body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        if let Some(authorization) = &self.authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(trace) = current_trace() {
            trace.name_in(&mut headers);
        }
        let request = Outgoing {
            method: call.method.clone(),
            uri,
            headers,
            body: call.body.as_ref().map(|(_, body)| body.clone()).unwrap_or_default(),
            connect_timeout: self.connect_timeout,
            read_timeout: self.request_timeout + call.patience,
        };
        Ok(self.host.send(request).await?)
    }

    /// Makes a call once and reads its whole answer.
    pub(super) async fn once(&self, call: &RestCall) -> Result<Bytes, CallFailure> {
        let report = self.report(call);
        let answer = self.whole(call).await;
        match &answer {
            Ok(_) => report.succeeded(),
            Err(failure) => failure.report(&report),
        }
        answer
    }

    /// For a call that begins now.
    pub(super) fn report<'c>(&'c self, call: &'c RestCall) -> CallReport<'c, H> {
        CallReport::begin(&self.host, Server::Kafka, &call.method, &call.path)
            .with_patience(call.patience)
    }

    async fn whole(&self, call: &RestCall) -> Result<Bytes, CallFailure> {
        let whole = async {
            let mut answer = self.send(call).await?;
            if !answer.status.is_success() {
                return Err(CallFailure::Refused(self.refusal(answer).await.into()));
            }
            Ok(read_body(&mut answer.body, call.answer_limit).await?)
        };
        // The host's timeout applies to each piece; this one to the whole answer.
        let limit = self.connect_timeout + self.request_timeout + call.patience;
        within(&self.host, limit, whole).await.unwrap_or(Err(CallFailure::Send(SendError {
            sent: Sent::Perhaps,
            kind: SendErrorKind::Timeout,
        })))
    }

    /// Makes a call that changes nothing, repeats it if that may help, and
    /// reads its answer as JSON.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: &RestCall) -> Result<T, CallFailure> {
        let mut tries = 1;
        let answer = loop {
            match self.once(call).await {
                Ok(answer) => break answer,
                Err(failure) if tries < MAX_CALL_TRIES && failure.may_pass() => {
                    let pause =
                        retry::pause(tries, random::number(&self.host), failure.retry_after());
                    if pause > self.request_timeout {
                        return Err(failure);
                    }
                    tries += 1;
                    self.report(call).retried(tries, pause);
                    self.host.sleep(pause).await;
                }
                Err(failure) => return Err(failure),
            }
        };
        kafka_edge_json::from_slice(&answer).map_err(|_| {
            CallFailure::Nonsense.report(&self.report(call));
            CallFailure::Nonsense
        })
    }

    /// Reads an answer whose status is not a success.
    pub(super) async fn refusal(&self, mut answer: Incoming<H::Body>) -> ErrorAnswer {
        let body = read_body(&mut answer.body, MAX_REFUSAL_BYTES).await.unwrap_or_default();
        ErrorAnswer::new(answer.status, &answer.headers, &body, self.host.now())
    }
}

/// Whether a status means that the call was not allowed.
pub(super) fn is_forbidden(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}
