//! Connections that wait for their next request.

use crate::Body;
use http::Uri;
use http::uri::Scheme;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::{Handle, Id};

/// The end of a connection that requests go into.
pub(super) type Sender = hyper::client::conn::http1::SendRequest<Body>;

/// How many connections to one target wait at most.
const MAX_IDLE: usize = 128;

/// How long a connection is kept. The REST Proxy closes idle connections after
/// 30 s (`recordings/v3-produce-stream.jsonl`); a request on a connection that
/// the server has just closed may be lost.
const IDLE_TIME: Duration = Duration::from_secs(20);

/// What a connection leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Target {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
}

impl Target {
    /// Reads an absolute URI of http or https.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let tls = uri.scheme() == Some(&Scheme::HTTPS);
        if !tls && uri.scheme() != Some(&Scheme::HTTP) {
            return None;
        }
        // An IPv6 address stands in brackets there, and nowhere else.
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return None;
        }
        let default = if tls { 443 } else { 80 };
        Some(Self { tls, host: host.to_owned(), port: uri.port_u16().unwrap_or(default) })
    }

    /// `host:port`, an IPv6 address in its brackets.
    pub(super) fn authority(&self) -> String {
        match self.host.contains(':') {
            true => format!("[{}]:{}", self.host, self.port),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

/// A connection that waits.
struct Kept {
    sender: Sender,
    since: Instant,
    /// The runtime that drives it.
    runtime: Id,
}

impl Kept {
    fn is_too_old(&self) -> bool {
        self.since.elapsed() > IDLE_TIME
    }
}

/// Connections by their targets. One is used only within the runtime that drives it: another
/// one may end, in the middle of an exchange, or be kept busy by an instance that computes.
#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Target, Vec<Kept>>>,
}

impl Pool {
    /// The connection of this runtime that was used last, if one is there and open.
    pub(super) fn take(&self, target: &Target) -> Option<Sender> {
        let runtime = Handle::current().id();
        let mut idle = self.idle();
        let waiting = idle.get_mut(target)?;
        while let Some(last) = waiting.iter().rposition(|kept| kept.runtime == runtime) {
            let kept = waiting.remove(last);
            if kept.is_too_old() {
                // Those below have waited longer still.
                waiting.drain(..last);
                return None;
            }
            if kept.sender.is_ready() {
                return Some(kept.sender);
            }
        }
        None
    }

    pub(super) fn put(&self, target: Target, sender: Sender) {
        let runtime = Handle::current().id();
        let mut idle = self.idle();
        let waiting = idle.entry(target).or_default();
        // Those that nobody has needed lie below, and would stay as long as others come and go.
        // Those of a runtime that has ended are closed, and nobody takes them.
        waiting.retain(|kept| !kept.is_too_old() && !kept.sender.is_closed());
        if waiting.len() < MAX_IDLE {
            waiting.push(Kept { sender, since: Instant::now(), runtime });
        }
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<Target, Vec<Kept>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::client::conn::http1;
    use tokio::io::DuplexStream;
    use tokio::runtime::{Builder, Runtime};
    use wasmtime_wasi_http::io::TokioIo;

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// Puts a connection there that this runtime drives, and answers with its other end.
    fn put(pool: &Pool, target: &Target, runtime: &Runtime) -> DuplexStream {
        runtime.block_on(async {
            let (stream, other_end) = tokio::io::duplex(64);
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            sender.ready().await.unwrap();
            pool.put(target.clone(), sender);
            other_end
        })
    }

    #[test]
    fn a_connection_is_taken_only_where_it_is_driven() {
        let pool = Pool::default();
        let target = Target::of(&Uri::from_static("http://test")).unwrap();
        let take = |runtime: &Runtime| runtime.block_on(async { pool.take(&target) });
        let kept = || pool.idle()[&target].len();
        let (one, other) = (runtime(), runtime());
        let _of_one = [put(&pool, &target, &one), put(&pool, &target, &one)];
        assert!(take(&other).is_none());
        let _of_other = put(&pool, &target, &other);
        assert_eq!(kept(), 3);
        assert!(take(&one).is_some());
        assert!(take(&other).is_some());
        assert!(take(&other).is_none());
        // What is left is closed with its runtime, and goes when another one is put there.
        assert_eq!(kept(), 1);
        drop(one);
        let _of_other = put(&pool, &target, &other);
        assert_eq!(kept(), 1);
        assert!(take(&other).is_some());
    }
}
