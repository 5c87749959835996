//! A callback that the suite serves itself.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How long a delivery may take that was not asked for.
const PATIENCE: Duration = Duration::from_secs(45);

/// A delivery.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body).context("a delivery is JSON")
    }

    pub(crate) fn header(&self, name: &str) -> Result<&str> {
        let value = self.headers.get(name).with_context(|| format!("a delivery has {name}"))?;
        Ok(value.to_str()?)
    }
}

/// Takes deliveries while it lives.
#[derive(Debug)]
pub(crate) struct Receiver {
    url: String,
    refusals: Arc<AtomicU32>,
    received: mpsc::UnboundedReceiver<Received>,
    server: JoinHandle<()>,
}

impl Receiver {
    /// `url`: how the gateway reaches it, if not under the address itself.
    pub(crate) async fn start(listen: SocketAddr, url: Option<&str>) -> Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let own = format!("http://{}/callback", listener.local_addr()?);
        let (sender, received) = mpsc::unbounded_channel();
        let refusals = Arc::new(AtomicU32::new(0));
        let server = tokio::spawn(serve(listener, sender, refusals.clone()));
        Ok(Self { url: url.map_or(own, str::to_owned), refusals, received, server })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The next deliveries are answered with 500, as many as this.
    pub(crate) fn refuse(&self, count: u32) {
        self.refusals.store(count, Ordering::SeqCst);
    }

    /// The next delivery, waited for as long as one may take.
    pub(crate) async fn next(&mut self) -> Result<Received> {
        let next = tokio::time::timeout(PATIENCE, self.received.recv()).await;
        next.context("nothing was delivered")?.context("the receiver has stopped")
    }

    /// What has come and was not looked at.
    pub(crate) fn next_now(&mut self) -> Option<Received> {
        self.received.try_recv().ok()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(
    listener: TcpListener,
    sender: mpsc::UnboundedSender<Received>,
    refusals: Arc<AtomicU32>,
) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (sender, refusals) = (sender.clone(), refusals.clone());
        let service = service_fn(move |request| answer(request, sender.clone(), refusals.clone()));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // A caller that hangs up is no news.
        tokio::spawn(async move { _ = connection.await });
    }
}

async fn answer(
    request: Request<Incoming>,
    sender: mpsc::UnboundedSender<Received>,
    refusals: Arc<AtomicU32>,
) -> Result<Response<Empty<Bytes>>, Infallible> {
    let mut response = Response::new(Empty::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let (head, body) = request.into_parts();
    match body.collect().await {
        Ok(body) => {
            let left = |count: u32| count.checked_sub(1);
            if refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, left).is_ok() {
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
            }
            // It fails when the scenario is over.
            _ = sender.send(Received { headers: head.headers, body: body.to_bytes() });
        }
        Err(_) => *response.status_mut() = StatusCode::BAD_REQUEST,
    }
    Ok(response)
}
