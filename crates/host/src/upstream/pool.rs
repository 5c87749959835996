//! Connections that wait for their next request.

use crate::Body;
use http::Uri;
use http::uri::Scheme;
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

#[derive(Default)]
pub(super) struct Pool {
    idle: Mutex<HashMap<Target, Vec<(Sender, Instant)>>>,
}

impl Pool {
    /// The connection that was used last, if one is there and open.
    pub(super) fn take(&self, target: &Target) -> Option<Sender> {
        let mut idle = self.idle();
        let waiting = idle.get_mut(target)?;
        while let Some((sender, since)) = waiting.pop() {
            if since.elapsed() > IDLE_TIME {
                // Those below have waited longer still.
                waiting.clear();
                return None;
            }
            if sender.is_ready() {
                return Some(sender);
            }
        }
        None
    }

    pub(super) fn put(&self, target: Target, sender: Sender) {
        let mut idle = self.idle();
        let waiting = idle.entry(target).or_default();
        // Those that nobody has needed lie below, and would stay as long as others come and go.
        waiting.retain(|(_, since)| since.elapsed() <= IDLE_TIME);
        if waiting.len() < MAX_IDLE {
            waiting.push((sender, Instant::now()));
        }
    }

    fn idle(&self) -> MutexGuard<'_, HashMap<Target, Vec<(Sender, Instant)>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
