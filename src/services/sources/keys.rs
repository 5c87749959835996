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

/// How long what was fetched is used, and how soon it may be fetched again.
const MAX_AGE: Duration = Duration::from_secs(600);
const MIN_AGE: Duration = Duration::from_secs(30);
const TIME_LIMIT: Duration = Duration::from_secs(5);
const MAX_KEYS_BYTES: usize = 256 * 1024;

/// The verifier with the keys that its tokens may be signed with. `again`: they did
/// not hold the key that a token names.
pub(super) async fn verifier<H: Host, L: Log>(
    sources: &Sources<H, L>,
    prepared: &Prepared,
    again: bool,
) -> Result<Verifier, NotTaken> {
    let Some(url) = prepared.verifier.jwks_url() else { return Ok(prepared.verifier.clone()) };
    let now = sources.host.monotonic();
    let longest = if again { MIN_AGE } else { MAX_AGE };
    if let Some((at, verifier)) = &*prepared.fetched.borrow()
        && now.saturating_sub(*at) < longest
    {
        return Ok(verifier.clone());
    }
    let unavailable = || {
        let sentence = "The keys of the sender cannot be fetched; try again";
        Refused::new(Stage::Verify, 503, "no-keys", sentence).again_after(Duration::from_secs(1))
    };
    let url = callers_url::check(url, sources.rules.allow_private).map_err(|_| unavailable())?;
    let request = Outgoing {
        method: Method::GET,
        uri: url.uri,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        connect_timeout: TIME_LIMIT,
        read_timeout: TIME_LIMIT,
    };
    let fetched = within(&sources.host, TIME_LIMIT, async {
        let Incoming { status, mut body, .. } = sources.host.send(request).await.ok()?;
        let keys = read_body(&mut body, MAX_KEYS_BYTES).await.ok()?;
        status.is_success().then(|| JwkSet::parse(&keys))?
    });
    match fetched.await.flatten() {
        Some(keys) => {
            let verifier = prepared.verifier.clone().with_keys(&keys);
            *prepared.fetched.borrow_mut() = Some((now, verifier.clone()));
            Ok(verifier)
        }
        // Older keys are better than none.
        None => match &*prepared.fetched.borrow() {
            Some((_, verifier)) => Ok(verifier.clone()),
            None => Err(unavailable().into()),
        },
    }
}
