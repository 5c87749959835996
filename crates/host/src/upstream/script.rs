//! Upstreams for tests: answers without a network, and wrappers that break
//! what another upstream answers.

use super::{ErrorCode, RequestOptions, Upstream};
use crate::{Body, body};
use async_trait::async_trait;
use bytes::Bytes;
use http_body::Frame;
use http_body_util::BodyExt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use wasmtime_wasi_http::Error;

/// An upstream that is an async function.
pub fn from_fn<F, R>(answer: F) -> impl Upstream
where
    F: Fn(http::Request<Body>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<http::Response<Body>, ErrorCode>> + Send,
{
    FromFn(answer)
}

struct FromFn<F>(F);

#[async_trait]
impl<F, R> Upstream for FromFn<F>
where
    F: Fn(http::Request<Body>) -> R + Send + Sync + 'static,
    R: Future<Output = Result<http::Response<Body>, ErrorCode>> + Send,
{
    async fn send(
        &self,
        request: http::Request<Body>,
        _: RequestOptions,
    ) -> Result<http::Response<Body>, ErrorCode> {
        (self.0)(request).await
    }
}

/// Answers everything with one status and body; reads the request whole first.
pub fn respond(status: http::StatusCode, text: impl Into<Bytes>) -> impl Upstream {
    let text = text.into();
    from_fn(move |request| {
        let text = text.clone();
        async move {
            read_all(request).await;
            let mut response = http::Response::new(body::full(text));
            *response.status_mut() = status;
            Ok(response)
        }
    })
}

/// Fails everything, before any of it is sent.
pub fn fail(code: ErrorCode) -> impl Upstream {
    from_fn(move |_| {
        let code = code.clone();
        async move { Err(code) }
    })
}

/// Refuses every connection: certainly not sent.
pub fn refuse() -> impl Upstream {
    fail(ErrorCode::ConnectionRefused)
}

/// Takes the whole request, has it acted upon, and then loses the answer:
/// the connection ends before the head of the response.
#[derive(Debug)]
pub struct DropAnswer<U>(pub U);

#[async_trait]
impl<U: Upstream> Upstream for DropAnswer<U> {
    async fn send(
        &self,
        request: http::Request<Body>,
        options: RequestOptions,
    ) -> Result<http::Response<Body>, ErrorCode> {
        let answer = self.0.send(request, options).await?;
        // An answer that is still being made is made to its end.
        _ = answer.into_body().collect().await;
        Err(ErrorCode::HttpProtocolError)
    }
}

/// Waits before it sends.
#[derive(Debug)]
pub struct Delay<U>(pub Duration, pub U);

#[async_trait]
impl<U: Upstream> Upstream for Delay<U> {
    async fn send(
        &self,
        request: http::Request<Body>,
        options: RequestOptions,
    ) -> Result<http::Response<Body>, ErrorCode> {
        tokio::time::sleep(self.0).await;
        self.1.send(request, options).await
    }
}

/// Passes on the given number of bytes of each response body, and then breaks
/// the stream.
#[derive(Debug)]
pub struct CutResponse<U>(pub u64, pub U);

#[async_trait]
impl<U: Upstream> Upstream for CutResponse<U> {
    async fn send(
        &self,
        request: http::Request<Body>,
        options: RequestOptions,
    ) -> Result<http::Response<Body>, ErrorCode> {
        let answer = self.1.send(request, options).await?;
        Ok(cut(answer, self.0))
    }
}

/// The same for one response.
pub fn cut(response: http::Response<Body>, after: u64) -> http::Response<Body> {
    response.map(|inner| CutBody { inner, left: after }.boxed_unsync())
}

struct CutBody {
    inner: Body,
    left: u64,
}

impl http_body::Body for CutBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let broken = || Some(Err(Error::HttpProtocolError));
        if self.left == 0 {
            return Poll::Ready(broken());
        }
        Pin::new(&mut self.inner).poll_frame(cx).map(|frame| match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(mut data) => {
                    let most = usize::try_from(self.left).unwrap_or(usize::MAX);
                    data.truncate(most);
                    self.left -= data.len() as u64;
                    Some(Ok(Frame::data(data)))
                }
                Err(trailers) => Some(Ok(trailers)),
            },
            other => other,
        })
    }
}

/// Reads a request to its end; what is left if its body breaks off.
pub async fn read_all(request: http::Request<Body>) -> Bytes {
    match request.into_body().collect().await {
        Ok(body) => body.to_bytes(),
        Err(_) => Bytes::new(),
    }
}
