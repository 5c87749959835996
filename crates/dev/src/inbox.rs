//! A callback to try webhooks with: it accepts every POST, shows it on the
//! terminal, and lists on a GET what it has received.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;

/// How many deliveries are remembered.
const MAX_KEPT_DELIVERIES: usize = 100;

/// A delivery that is larger is refused.
const MAX_DELIVERY_BYTES: usize = 32 * 1024 * 1024;

/// Answers while it lives.
#[derive(Debug)]
pub(crate) struct Inbox {
    address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
}

type Received = Arc<Mutex<VecDeque<Bytes>>>;

impl Inbox {
    /// Starts next to the gateway, on the port above its own if that is free.
    pub(crate) async fn start(gateway: SocketAddr) -> io::Result<Self> {
        let above = gateway.port().checked_add(1).unwrap_or(0);
        let listener = match TcpListener::bind((gateway.ip(), above)).await {
            Ok(listener) => listener,
            Err(_) => TcpListener::bind((gateway.ip(), 0)).await?,
        };
        let address = listener.local_addr()?;
        let server = tokio::spawn(serve(listener));
        Ok(Self { address, server })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/callback", self.address)
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener) {
    let received = Received::default();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let received = received.clone();
        let service = service_fn(move |request| answer(request, received.clone()));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            // A caller that closes the connection is not worth a line.
            _ = connection.await;
        });
    }
}

async fn answer(
    request: http::Request<Incoming>,
    received: Received,
) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let of = |status, body: String| {
        let mut response = http::Response::new(Full::from(body));
        *response.status_mut() = status;
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, json);
        response
    };
    let list = || received.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(match *request.method() {
        http::Method::POST => {
            match Limited::new(request.into_body(), MAX_DELIVERY_BYTES).collect().await {
                Ok(body) => {
                    let body = body.to_bytes();
                    // The terminal may be gone.
                    _ = writeln!(io::stdout(), "callback  {}", String::from_utf8_lossy(&body));
                    let mut list = list();
                    list.push_back(body);
                    while list.len() > MAX_KEPT_DELIVERIES {
                        list.pop_front();
                    }
                    of(http::StatusCode::NO_CONTENT, String::new())
                }
                Err(_) => of(http::StatusCode::PAYLOAD_TOO_LARGE, "{}".into()),
            }
        }
        http::Method::GET => {
            // Deliveries are JSON already.
            let list: Vec<_> =
                list().iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect();
            of(http::StatusCode::OK, format!("{{\"received\":[{}]}}", list.join(",")))
        }
        _ => of(http::StatusCode::METHOD_NOT_ALLOWED, "{}".into()),
    })
}
