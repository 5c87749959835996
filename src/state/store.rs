//! Typed reads and writes of the host's store.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::deadline::within;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Clock, Store, StoreError, StoreErrorKind};
use crate::json_text;
use crate::state::keys::{CounterKey, Key, PROBE, Prefix};
use crate::telemetry::{self, Work};

/// A store that is gone may never answer: Spin's calls of a frozen Redis do not
/// (`reference/hosts.md`). Beyond this time the outcome of a call is unknown.
const LONGEST_CALL: Duration = Duration::from_secs(5);

/// How often a refused call is tried again before its error is given back, and the
/// first pause. Nothing has happened then.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// A call of the host's store. It is a box, so that what follows exists once for each type
/// of answer, and not for each call.
type Call<'c, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + 'c>>;

/// A call that may be made again if it was refused.
async fn repeated<'c, T>(
    clock: &impl Clock,
    mut begun: Duration,
    call: &dyn Fn() -> Call<'c, T>,
) -> Timed<T> {
    let mut tries = 1;
    loop {
        match limited(clock, begun, call()).await {
            (Err(error), _) if error.kind == StoreErrorKind::Refused && tries < TRIES => {
                clock.sleep(FIRST_PAUSE * 2_u32.pow(tries - 1)).await;
                tries += 1;
                begun = clock.monotonic();
            }
            answer => return answer,
        }
    }
}

/// An answer, and when it was there by the monotonic clock. Each look at a clock is a call of
/// the host.
type Timed<T> = (Result<T, StoreError>, Duration);

async fn limited<T>(clock: &impl Clock, begun: Duration, call: Call<'_, T>) -> Timed<T> {
    let answer = within(clock, LONGEST_CALL, call).await;
    let ended = clock.monotonic();
    telemetry::count(Work::Store, ended.saturating_sub(begun));
    let late = || Err(StoreError::unknown("the store took too long to answer"));
    (answer.unwrap_or_else(late), ended)
}

/// The value of `key`. A value that cannot be parsed is an error: if it counted
/// as missing, its lane would start again and lose its state.
pub(crate) async fn get<V: DeserializeOwned>(
    host: &(impl Store + Clock),
    key: &Key<V>,
) -> Result<Option<V>> {
    match stored(host, key.as_str()).await? {
        None => Ok(None),
        Some(value) => from_bytes(key, &value).map(Some),
    }
}

/// What follows from a read for every type of value.
async fn stored(host: &(impl Store + Clock), key: &str) -> Result<Option<Vec<u8>>> {
    Ok(stored_since(host, key, host.monotonic()).await.0?)
}

async fn stored_since(
    host: &(impl Store + Clock),
    key: &str,
    begun: Duration,
) -> Timed<Option<Vec<u8>>> {
    repeated(host, begun, &|| Box::pin(host.get(key))).await
}

/// The value as it is stored, and when it was there; `begun` is the time by the monotonic clock.
pub(crate) fn get_bytes<V>(
    host: &(impl Store + Clock),
    key: &Key<V>,
    begun: Duration,
) -> impl Future<Output = Timed<Option<Vec<u8>>>> {
    stored_since(host, key.as_str(), begun)
}

fn from_bytes<V: DeserializeOwned>(key: &Key<V>, value: &[u8]) -> Result<V> {
    json_text::read(value).map_err(|error| unreadable(key.as_str(), &error))
}

pub(crate) fn unreadable(key: &str, error: &serde_json::Error) -> Error {
    ErrorKind::Store { detail: format!("{key} cannot be read: {error}") }.into()
}

fn to_bytes<V: Serialize>(key: &Key<V>, value: &V) -> Result<Vec<u8>> {
    serde_json::to_vec(value).map_err(|error| {
        ErrorKind::Store { detail: format!("{} cannot be written: {error}", key.as_str()) }.into()
    })
}

/// After an error the value may have been stored, may be stored later, or
/// never.
pub(crate) async fn set<V: Serialize>(
    host: &(impl Store + Clock),
    key: &Key<V>,
    value: &V,
) -> Result<()> {
    let value = to_bytes(key, value)?;
    write(host, key.as_str(), &value).await
}

/// What follows from a write for every type of value.
async fn write(host: &(impl Store + Clock), key: &str, value: &[u8]) -> Result<()> {
    Ok(write_since(host, key, value, host.monotonic()).await.0?)
}

async fn write_since(
    host: &(impl Store + Clock),
    key: &str,
    value: &[u8],
    begun: Duration,
) -> Timed<()> {
    limited(host, begun, Box::pin(host.set(key, value))).await
}

/// The same, for whoever decides on what is known of a failure.
pub(super) async fn try_set<V: Serialize>(
    host: &(impl Store + Clock),
    key: &Key<V>,
    value: &V,
) -> Result<Result<(), StoreError>> {
    let value = to_bytes(key, value)?;
    Ok(write_since(host, key.as_str(), &value, host.monotonic()).await.0)
}

/// Writes a value as it is to be stored; `begun` is the time by the monotonic clock.
pub(crate) fn set_bytes<V>(
    host: &(impl Store + Clock),
    key: &Key<V>,
    value: &[u8],
    begun: Duration,
) -> impl Future<Output = Timed<()>> {
    write_since(host, key.as_str(), value, begun)
}

/// Gives `key` this value for a time, unless it has one, which is then returned.
pub(crate) async fn create<V: Serialize + DeserializeOwned>(
    host: &(impl Store + Clock),
    key: &Key<V>,
    value: &V,
    lasts: Duration,
) -> Result<Option<V>> {
    let value = to_bytes(key, value)?;
    let begun = host.monotonic();
    let there = repeated(host, begun, &|| Box::pin(host.create(key.as_str(), &value, lasts))).await;
    there.0?.map(|value| from_bytes(key, &value)).transpose()
}

/// Sets a value for a time. It is tried again after a failure of unknown outcome, too: a
/// value that lands late, or twice, must do no harm.
pub(crate) async fn set_for<V: Serialize>(
    host: &(impl Store + Clock),
    key: &Key<V>,
    value: &V,
    lasts: Duration,
) -> Result<()> {
    let value = to_bytes(key, value)?;
    let begun = host.monotonic();
    let (mut at, mut pause) = (begun, FIRST_PAUSE);
    loop {
        let set = Box::pin(host.set_for(key.as_str(), &value, lasts));
        let (set, ended) = limited(host, at, set).await;
        let spent = ended.saturating_sub(begun) + pause;
        match set {
            Err(_) if spent < LONGEST_CALL => host.sleep(pause).await,
            set => return Ok(set?),
        }
        pause *= 2;
        at = host.monotonic();
    }
}

/// The value of a counter.
pub(crate) async fn counter(host: &(impl Store + Clock), key: &CounterKey) -> Result<u64> {
    Ok(repeated(host, host.monotonic(), &|| Box::pin(host.counter(key.as_str()))).await.0?)
}

/// Adds to a counter.
pub(crate) async fn increment(
    host: &(impl Store + Clock),
    key: &CounterKey,
    n: u64,
) -> Result<u64, StoreError> {
    limited(host, host.monotonic(), Box::pin(host.increment(key.as_str(), n))).await.0
}

/// Whether the store writes and reads.
pub(crate) async fn probe(host: &(impl Store + Clock)) -> Result<()> {
    limited(host, host.monotonic(), Box::pin(host.set(PROBE, b"1"))).await.0?;
    limited(host, host.monotonic(), Box::pin(host.get(PROBE))).await.0?;
    Ok(())
}

pub(crate) async fn delete<V>(host: &(impl Store + Clock), key: &Key<V>) -> Result<()> {
    Ok(limited(host, host.monotonic(), Box::pin(host.delete(key.as_str()))).await.0?)
}

/// Deletes all keys that begin with `prefix`, including counters. The keys must
/// not be used again. Slow: the whole store is listed.
pub async fn delete_all(host: &(impl Store + Clock), prefix: &Prefix) -> Result<()> {
    for key in limited(host, host.monotonic(), Box::pin(host.keys(prefix.as_str()))).await.0? {
        limited(host, host.monotonic(), Box::pin(host.delete(&key))).await.0?;
    }
    Ok(())
}
