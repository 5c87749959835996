//! Requests to the REST server, one at a time and bounded in every way.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use serde::de::DeserializeOwned;

use super::failure::{CallFailure, ErrorAnswer};
use super::retry;
use crate::config::KafkaConfig;
use crate::deadline::within;
use crate::host::{Body, Host, Incoming, Outgoing, SendError, SendErrorKind, Sent};
use crate::telemetry::{CallReport, Server, current_trace};

/// Enough for the list of all topics of a large cluster.
const ANSWER_LIMIT: usize = 8 << 20;
/// Of an answer that refuses, only a short message is wanted.
const REFUSAL_LIMIT: usize = 16 << 10;
/// A call that can be repeated without harm is made so often.
const TRIES: u32 = 3;

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
    /// How long the server may think before it answers, beyond what any call
    /// may take.
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
            answer_limit: ANSWER_LIMIT,
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
        let authorization = config.api_key.as_ref().and_then(|api_key| {
            let pair = STANDARD.encode(format!("{}:{}", api_key.key, api_key.secret));
            let mut value = HeaderValue::from_str(&format!("Basic {pair}")).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Self {
            host,
            base: config.rest_url.clone(),
            authorization,
            connect_timeout: config.connect_timeout,
            request_timeout: config.request_timeout,
        }
    }

    /// Makes a call once and returns with the head of its answer, whatever
    /// its status.
    ///
    /// It asks for no compression: the REST Proxy holds all reports of a
    /// produce back until the last one when the answer may be compressed. And
    /// it expects nothing: `Expect: 100-continue` makes some versions of the
    /// proxy lose the record.
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
                return Err(CallFailure::Refused(Self::refusal(answer).await));
            }
            read(&mut answer.body, call.answer_limit).await
        };
        // The host's timeout is for each piece; this one is for them all.
        let limit = self.connect_timeout + self.request_timeout + call.patience;
        within(&self.host, limit, whole).await.unwrap_or(Err(CallFailure::Send(SendError {
            sent: Sent::Perhaps,
            kind: SendErrorKind::Timeout,
        })))
    }

    /// Makes a call that changes nothing, again if that may help, and reads
    /// its answer as JSON.
    pub(super) async fn ask<T: DeserializeOwned>(&self, call: &RestCall) -> Result<T, CallFailure> {
        let mut tries = 1;
        let answer = loop {
            match self.once(call).await {
                Ok(answer) => break answer,
                Err(failure) if tries < TRIES && failure.may_pass() => {
                    let pause = retry::pause(tries, retry::dice(&self.host), failure.hint());
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
        serde_json::from_slice(&answer).map_err(|_| {
            CallFailure::Nonsense.report(&self.report(call));
            CallFailure::Nonsense
        })
    }

    /// What an answer with a status that is no success says.
    pub(super) async fn refusal(mut answer: Incoming<H::Body>) -> ErrorAnswer {
        let body = read(&mut answer.body, REFUSAL_LIMIT).await.unwrap_or_default();
        ErrorAnswer::of(answer.status, &answer.headers, &body)
    }
}

/// Reads a body to its end, unless it is longer than `limit`.
async fn read<B: Body>(body: &mut B, limit: usize) -> Result<Bytes, CallFailure> {
    let mut whole = BytesMut::new();
    while let Some(piece) = body.chunk().await {
        let piece = piece?;
        if whole.len() + piece.len() > limit {
            return Err(CallFailure::TooLong);
        }
        whole.extend_from_slice(&piece);
    }
    Ok(whole.freeze())
}

/// Whether a status says that the call was not allowed.
pub(super) fn is_forbidden(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}
