//! The keys of tokens that sources fetch from whoever signs them.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use kafka_edge_signatures::{JwkSet, Verifier};

use super::Sources;
use super::inbound::{Refused, Stage};
use super::prepared::Prepared;
use super::receive::NotTaken;
use crate::callers_url;
use crate::deadline::within;
use crate::host::{Host, Incoming, Outgoing};
use crate::kafka::Log;
use crate::upstream::read_body;

/// How long what was fetched is used, and how soon it may be fetched again: whoever sends
/// tokens with made-up keys causes no more calls than that.
const MAX_AGE: Duration = Duration::from_secs(600);
const MIN_AGE: Duration = Duration::from_secs(30);
/// How soon it is fetched again when there is nothing older to use.
const PAUSE: Duration = Duration::from_secs(1);
const TIME_LIMIT: Duration = Duration::from_secs(5);
const MAX_KEYS_BYTES: usize = 256 * 1024;

/// What was fetched, when somebody last began to fetch, and when that last failed.
#[derive(Debug, Default)]
pub(super) struct FetchedKeys {
    verifier: Option<(Duration, Verifier)>,
    tried: Option<Duration>,
    failed: Option<Duration>,
}

/// The verifier with the keys that are known, if there are any.
pub(super) fn known(prepared: &Prepared) -> Verifier {
    match &prepared.fetched.borrow().verifier {
        Some((_, verifier)) => verifier.clone(),
        None => prepared.verifier.clone(),
    }
}

/// Whether there are keys that are to be fetched anew.
pub(super) fn are_old<H: Host, L: Log>(sources: &Sources<H, L>, prepared: &Prepared) -> bool {
    let now = sources.host.monotonic();
    let fetched = prepared.fetched.borrow();
    fetched.verifier.as_ref().is_some_and(|(at, _)| now.saturating_sub(*at) >= MAX_AGE)
}

/// The verifier with keys that were fetched now, or as recently as may be.
pub(super) async fn fetched<H: Host, L: Log>(
    sources: &Sources<H, L>,
    prepared: &Prepared,
) -> Result<Verifier, NotTaken> {
    let Some(url) = prepared.verifier.jwks_url() else { return Ok(prepared.verifier.clone()) };
    let now = sources.host.monotonic();
    let unavailable = || {
        let sentence = "The keys of the sender cannot be fetched; try again";
        Refused::new(Stage::Verify, 503, "no-keys", sentence).again_after(PAUSE)
    };
    {
        let FetchedKeys { verifier, tried, failed } = &mut *prepared.fetched.borrow_mut();
        let within =
            |at: &Option<Duration>, time| at.is_some_and(|at| now.saturating_sub(at) < time);
        match verifier {
            Some((_, verifier)) if within(tried, MIN_AGE) => return Ok(verifier.clone()),
            None if within(failed, PAUSE) => return Err(unavailable().into()),
            _ => {}
        }
        *tried = Some(now);
    }
    let url = callers_url::check(url, sources.rules.allow_private).map_err(|_| unavailable())?;
    let request = Outgoing {
        method: Method::GET,
        uri: url.uri,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        connect_timeout: TIME_LIMIT,
        read_timeout: TIME_LIMIT,
    };
    let keys = within(&sources.host, TIME_LIMIT, async {
        let Incoming { status, mut body, .. } = sources.host.send(request).await.ok()?;
        let keys = read_body(&mut body, MAX_KEYS_BYTES).await.ok()?;
        status.is_success().then(|| JwkSet::parse(&keys))?
    });
    let keys = keys.await.flatten();
    let mut fetched = prepared.fetched.borrow_mut();
    match keys {
        Some(keys) => {
            fetched.verifier = Some((now, prepared.verifier.clone().with_keys(&keys)));
        }
        None => fetched.failed = Some(sources.host.monotonic()),
    }
    // Older keys are better than none.
    let known = fetched.verifier.as_ref().map(|(_, verifier)| verifier.clone());
    known.ok_or_else(|| unavailable().into())
}
