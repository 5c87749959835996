//! Typed reads and writes of the host's store.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::host::{Store, StoreError};
use crate::state::keys::{CounterKey, Key, Prefix};

/// The value of `key`. A value that cannot be parsed is an error: if it counted
/// as missing, its lane would start again and lose its state.
pub(crate) async fn get<V: DeserializeOwned>(host: &impl Store, key: &Key<V>) -> Result<Option<V>> {
    match host.get(key.as_str()).await? {
        None => Ok(None),
        Some(value) => serde_json::from_slice(&value).map(Some).map_err(|error| Error::Store {
            detail: format!("{} cannot be read: {error}", key.as_str()),
        }),
    }
}

/// After an error the value may have been stored, may be stored later, or
/// never.
pub(crate) async fn set<V: Serialize>(host: &impl Store, key: &Key<V>, value: &V) -> Result<()> {
    let value = serde_json::to_vec(value).map_err(|error| Error::Store {
        detail: format!("{} cannot be written: {error}", key.as_str()),
    })?;
    Ok(host.set(key.as_str(), &value).await?)
}

/// The same, for whoever decides on what is known of a failure.
pub(super) async fn try_set<V: Serialize>(
    host: &impl Store,
    key: &Key<V>,
    value: &V,
) -> Result<Result<(), StoreError>> {
    let value = serde_json::to_vec(value).map_err(|error| Error::Store {
        detail: format!("{} cannot be written: {error}", key.as_str()),
    })?;
    Ok(host.set(key.as_str(), &value).await)
}

/// The value of a counter.
pub(super) async fn counter(host: &impl Store, key: &CounterKey) -> Result<u64> {
    Ok(host.counter(key.as_str()).await?)
}

pub(crate) async fn delete<V>(host: &impl Store, key: &Key<V>) -> Result<()> {
    Ok(host.delete(key.as_str()).await?)
}

/// Deletes all keys that begin with `prefix`, including counters. The keys must
/// not be used again. Slow: the whole store is listed.
pub async fn delete_all(host: &impl Store, prefix: &Prefix) -> Result<()> {
    for key in host.keys(prefix.as_str()).await? {
        host.delete(&key).await?;
    }
    Ok(())
}
