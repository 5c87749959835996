//! The key-value store of `wasi:keyvalue`, in either of its drafts. Each call blocks.

use std::cell::OnceCell;

use super::Wasi02Host;
use crate::bindings::wasi::keyvalue::{atomics, store};
use kafka_edge::host::{Store, StoreError, decode_counter};

/// What the store may be called. `wasmtime serve` has one with no name (49.0.3), others
/// have them by label.
const NAMES: [&str; 2] = ["default", ""];

/// The handle of the store, opened once for the request.
#[derive(Default)]
pub(super) struct Opened(OnceCell<store::Bucket>);

impl Opened {
    fn bucket(&self) -> Result<&store::Bucket, StoreError> {
        if let Some(bucket) = self.0.get() {
            return Ok(bucket);
        }
        let mut opened = Err(store::Error::NoSuchStore);
        for name in NAMES {
            opened = store::open(name);
            if !matches!(opened, Err(store::Error::NoSuchStore)) {
                break;
            }
        }
        let bucket = opened.map_err(failed)?;
        Ok(self.0.get_or_init(|| bucket))
    }
}

impl Store for Wasi02Host {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.bucket()?.get(key).map_err(failed)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.store.bucket()?.set(key, value).map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.store.bucket()?.delete(key).map_err(failed)
    }

    async fn increment(&self, key: &str, n: u64) -> Result<u64, StoreError> {
        increment(self.store.bucket()?, key, n)
    }

    async fn counter(&self, key: &str) -> Result<u64, StoreError> {
        decode_counter(self.get(key).await?.as_deref())
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let bucket = self.store.bucket()?;
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = list(bucket, cursor).map_err(failed)?;
            found.extend(page.keys.into_iter().filter(|key| key.starts_with(prefix)));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }
}

#[cfg(not(feature = "spin"))]
fn list(bucket: &store::Bucket, cursor: Option<u64>) -> Result<store::KeyResponse, store::Error> {
    bucket.list_keys(cursor)
}

#[cfg(feature = "spin")]
fn list(
    bucket: &store::Bucket,
    cursor: Option<String>,
) -> Result<store::KeyResponse, store::Error> {
    bucket.list_keys(cursor.as_deref())
}

#[cfg(not(feature = "spin"))]
fn increment(bucket: &store::Bucket, key: &str, n: u64) -> Result<u64, StoreError> {
    atomics::increment(bucket, key, n).map_err(failed)
}

#[cfg(feature = "spin")]
fn increment(bucket: &store::Bucket, key: &str, n: u64) -> Result<u64, StoreError> {
    let n = i64::try_from(n).map_err(|_| StoreError::refused("the step is too large"))?;
    let count = atomics::increment(bucket, key, n).map_err(failed)?;
    u64::try_from(count).map_err(|_| StoreError::unknown("the counter is below zero"))
}

fn failed(error: store::Error) -> StoreError {
    match error {
        store::Error::NoSuchStore => StoreError::refused("there is no store named default"),
        store::Error::AccessDenied => StoreError::refused("no access to the store named default"),
        store::Error::Other(text) => StoreError::unknown(text),
    }
}
