//! The real upstream: pooled HTTP/1.1 connections.

use super::connect::Connector;
use super::pool::{Pool, Sender, Target};
use super::{ErrorCode, Policy, RequestOptions, Upstream, errors};
use crate::Body;
use async_trait::async_trait;
use bytes::Bytes;
use http::Uri;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, timeout};
use wasmtime_wasi_http::Error;

/// How long a connection may take that says nothing about it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// The same for the head of a response, and for each next piece of its body.
const READ_TIMEOUT: Duration = Duration::from_secs(600);

/// Sends requests over the network, over connections that are kept.
///
/// A request is sent once. It goes out a second time, on a new connection,
/// only if the kept one it was given had been closed before a byte was
/// written. No header is added but those that frame the body.
#[derive(Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

struct Inner {
    connector: Connector,
    pool: Pool,
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("policy", &self.inner.connector.policy)
            .finish_non_exhaustive()
    }
}

impl Default for Network {
    fn default() -> Self {
        Self::new(Policy::allow_all())
    }
}

impl Network {
    /// A network of its own, with no connections yet.
    pub fn new(policy: Policy) -> Self {
        Self { inner: Arc::new(Inner { connector: Connector::new(policy), pool: Pool::default() }) }
    }
}

#[async_trait]
impl Upstream for Network {
    async fn send(
        &self,
        request: http::Request<Body>,
        options: RequestOptions,
    ) -> Result<http::Response<Body>, ErrorCode> {
        let uri = request.uri();
        let target = Target::of(uri).ok_or(ErrorCode::HttpRequestUriInvalid)?;
        let scheme = if target.tls { "https" } else { "http" };
        if !self.inner.connector.policy.allows(scheme, &target.authority()) {
            return Err(ErrorCode::HttpRequestDenied);
        }
        let request = in_origin_form(request)?;
        let (response, sender) = self.inner.exchange(&target, request, options).await?;
        self.inner.clone().keep(target, sender);
        let pause = options.between_bytes_timeout.unwrap_or(READ_TIMEOUT);
        Ok(response.map(|body| ResponseBody::new(body, pause).boxed_unsync()))
    }
}

/// Only a proxy is told the whole URI.
fn in_origin_form(mut request: http::Request<Body>) -> Result<http::Request<Body>, ErrorCode> {
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    // What begins with the query has an empty path.
    let path = match path.strip_prefix('?') {
        Some(query) => format!("/?{query}"),
        None => path.to_owned(),
    };
    let uri: Uri = path.parse().map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    *request.uri_mut() = uri;
    Ok(request)
}

impl Inner {
    async fn exchange(
        &self,
        target: &Target,
        mut request: http::Request<Body>,
        options: RequestOptions,
    ) -> Result<(http::Response<Incoming>, Sender), ErrorCode> {
        let connect_timeout = options.connect_timeout.unwrap_or(CONNECT_TIMEOUT);
        let first_byte_timeout = options.first_byte_timeout.unwrap_or(READ_TIMEOUT);
        loop {
            let kept = self.pool.take(target);
            let is_kept = kept.is_some();
            let mut sender = match kept {
                Some(sender) => sender,
                None => timeout(connect_timeout, self.connector.connect(target))
                    .await
                    .map_err(|_| ErrorCode::ConnectionTimeout)??,
            };
            let sent = timeout(first_byte_timeout, sender.try_send_request(request)).await;
            match sent.map_err(|_| ErrorCode::ConnectionReadTimeout)? {
                Ok(response) => return Ok((response, sender)),
                // A request that comes back was not begun to be written.
                Err(mut error) => match error.take_message() {
                    Some(unsent) if is_kept => request = unsent,
                    _ => return Err(errors::EXCHANGE),
                },
            }
        }
    }

    /// Puts a connection back once the exchange on it is over.
    fn keep(self: Arc<Self>, target: Target, mut sender: Sender) {
        tokio::spawn(async move {
            if sender.ready().await.is_ok() {
                self.pool.put(target, sender);
            }
        });
    }
}

/// A response body that gives up when nothing comes for too long.
struct ResponseBody {
    incoming: Incoming,
    pause: Duration,
    deadline: Pin<Box<Sleep>>,
}

impl ResponseBody {
    fn new(incoming: Incoming, pause: Duration) -> Self {
        Self { incoming, pause, deadline: Box::pin(tokio::time::sleep(pause)) }
    }
}

impl http_body::Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                let next = Instant::now() + self.pause;
                self.deadline.as_mut().reset(next);
                Poll::Ready(frame.map(|frame| frame.map_err(|_| errors::BODY)))
            }
            Poll::Pending => {
                self.deadline.as_mut().poll(cx).map(|()| Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
