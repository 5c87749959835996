//! An emulator behind a port.

use crate::emulator::Emulator;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, ToSocketAddrs};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// A running server. It stops when it is dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Listens at `address`; port 0 takes any free one.
    pub async fn bind(address: impl ToSocketAddrs, emulator: Emulator) -> io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = watch::channel(false);
        let accepting = tokio::spawn(accept(listener, emulator, stopped));
        Ok(Server { address, stop, accepting })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Stops taking connections and ends those that are open.
    pub async fn shutdown(mut self) {
        // Fails only when accepting has ended by itself.
        let _ = self.stop.send(true);
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, emulator: Emulator, mut stopped: watch::Receiver<bool>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                // A connection that failed before it was accepted can be
                // ignored.
                let Ok((stream, _)) = accepted else { continue };
                // Reports of a stream are small and wanted at once.
                let _ = stream.set_nodelay(true);
                connections.spawn(serve_connection(stream, emulator.clone()));
            }
            Some(_) = connections.join_next() => {}
            _ = stopped.changed() => break,
        }
    }
}

/// Serves one connection of any kind until it ends.
pub async fn serve_connection<I>(io: I, emulator: Emulator)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let idle = emulator.options().idle_timeout;
    let service = service_fn(move |request| {
        let emulator = emulator.clone();
        async move { Ok::<_, Infallible>(emulator.handle(request).await) }
    });
    // A peer that violates HTTP or goes away ends the connection; there is
    // nowhere to report that.
    let _ = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(idle)
        .half_close(true)
        .serve_connection(TokioIo::new(io), service)
        .await;
}
