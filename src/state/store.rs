//! Typed reads and writes of the host's store.

use std::future::Future;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::deadline::within;
use crate::error::{Error, Result};
use crate::host::{Clock, Store, StoreError, StoreErrorKind};
use crate::state::keys::{CounterKey, Key, Prefix};

/// A store that is gone may never answer: Spin's calls of a frozen Redis do not
/// (`reference/hosts.md`). Beyond this time the outcome of a call is unknown.
const LONGEST_CALL: Duration = Duration::from_secs(5);

/// How often a refused call is tried again before its error is given back, and the
/// first pause. Nothing has happened then.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A call that may be made again if it was refused.
async fn repeated<T>(
    clock: &impl Clock,
    call: impl AsyncFn() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut tries = 1;
    loop {
        match limited(clock, call()).await {
            Err(error) if error.kind == StoreErrorKind::Refused && tries < TRIES => {
                clock.sleep(FIRST_PAUSE * 2_u32.pow(tries - 1)).await;
                tries += 1;
            }
            answer => return answer,
        }
    }
}

async fn limited<T>(
    clock: &impl Clock,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let answer = within(clock, LONGEST_CALL, call).await;
    answer.unwrap_or_else(|| Err(StoreError::unknown("the store took too long to answer")))
}

/// The value of `key`. A value that cannot be parsed is an error: if it counted
/// as missing, its lane would start again and lose its state.
pub(crate) async fn get<V: DeserializeOwned>(
    host: &(impl Store + Clock),
    key: &Key<V>,
) -> Result<Option<V>> {
    match repeated(host, async || host.get(key.as_str()).await).await? {
        None => Ok(None),
        Some(value) => serde_json::from_slice(&value).map(Some).map_err(|error| Error::Store {
            detail: format!("{} cannot be read: {error}", key.as_str()),
        }),
    }
}

/// After an error the value may have been stored, may be stored later, or
/// never.
pub(crate) async fn set<V: Serialize>(
    host: &(impl Store + Clock),
    key: &Key<V>,
    value: &V,
) -> Result<()> {
    Ok(try_set(host, key, value).await??)
}

/// The same, for whoever decides on what is known of a failure.
pub(super) async fn try_set<V: Serialize>(
    host: &(impl Store + Clock),
    key: &Key<V>,
    value: &V,
) -> Result<Result<(), StoreError>> {
    let value = serde_json::to_vec(value).map_err(|error| Error::Store {
        detail: format!("{} cannot be written: {error}", key.as_str()),
    })?;
    Ok(limited(host, host.set(key.as_str(), &value)).await)
}

/// The value of a counter.
pub(crate) async fn counter(host: &(impl Store + Clock), key: &CounterKey) -> Result<u64> {
    Ok(repeated(host, async || host.counter(key.as_str()).await).await?)
}

/// Adds to a counter.
pub(crate) async fn increment(
    host: &(impl Store + Clock),
    key: &CounterKey,
    n: u64,
) -> Result<u64, StoreError> {
    limited(host, host.increment(key.as_str(), n)).await
}

pub(crate) async fn delete<V>(host: &(impl Store + Clock), key: &Key<V>) -> Result<()> {
    Ok(limited(host, host.delete(key.as_str())).await?)
}

/// Deletes all keys that begin with `prefix`, including counters. The keys must
/// not be used again. Slow: the whole store is listed.
pub async fn delete_all(host: &(impl Store + Clock), prefix: &Prefix) -> Result<()> {
    for key in limited(host, host.keys(prefix.as_str())).await? {
        limited(host, host.delete(&key)).await?;
    }
    Ok(())
}
