//! The host behind a socket.

use crate::Host;
use crate::arriving::Client;
use http::Request;
use http::header::{CONTENT_ENCODING, HeaderValue, TRANSFER_ENCODING};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use wasmtime_wasi_http::io::TokioIo;

/// How long to wait when the system has no socket to give, so that others can
/// be closed first.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

impl Host {
    /// Serves HTTP/1.1 until `shutdown` is ready. Then no more connections are
    /// accepted, and work in progress, including work after the answer, may go
    /// on until the limit.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
        limit: Duration,
    ) {
        let (ending, _) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, client)) => {
                        let client = Client(client);
                        let connection =
                            connection(self.clone(), stream, client, ending.subscribe());
                        connections.spawn(connection);
                    }
                    Err(error) => pause_after(&error).await,
                },
                // Collects the tasks that have ended.
                Some(_) = connections.join_next() => {}
            }
        }
        drop(listener);
        ending.send_replace(true);
        let started = tokio::time::Instant::now();
        let all_done = async { while connections.join_next().await.is_some() {} };
        // Those that are left are cut when the set is dropped.
        _ = tokio::time::timeout(limit, all_done).await;
        connections.abort_all();
        self.close(limit.saturating_sub(started.elapsed())).await;
    }
}

/// A client that gave up before it was accepted is no reason to wait.
async fn pause_after(error: &io::Error) {
    if error.kind() != io::ErrorKind::ConnectionAborted {
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

/// Names the codings of `transfer-encoding` other than `chunked` in
/// `content-encoding`. A component is not shown the former (the WASI host of Wasmtime 48
/// keeps it to itself), and would take the encoded bytes for what the client sent.
fn with_its_encoding<B>(mut request: Request<B>) -> Request<B> {
    let values = request.headers().get_all(TRANSFER_ENCODING).iter();
    let codings = values.filter_map(|value| value.to_str().ok()).flat_map(|list| list.split(','));
    let codings: Vec<_> = codings
        .map(str::trim)
        .filter(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("chunked"))
        .filter_map(|coding| HeaderValue::from_str(coding).ok())
        .collect();
    for coding in codings {
        request.headers_mut().append(CONTENT_ENCODING, coding);
    }
    request
}

async fn connection(
    host: Host,
    stream: TcpStream,
    client: Client,
    mut ending: watch::Receiver<bool>,
) {
    // Pieces of a streamed answer shall leave at once.
    _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let (host, mut request) = (host.clone(), with_its_encoding(request));
        request.extensions_mut().insert(client);
        async move { Ok::<_, Infallible>(host.respond(request).await) }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    // A broken connection does not affect others.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = ending.changed() => connection.as_mut().graceful_shutdown(),
    }
    _ = connection.await;
}
