//! wasmCloud's key-value store, `wasmcloud:keyvalue@0.2.0`.

use std::cell::OnceCell;
use std::rc::Rc;

use super::WasmCloudHost;
use crate::bindings::wasmcloud::keyvalue::types::{Bucket, Error};
use crate::bindings::wasmcloud::keyvalue::{atomics, store};
use kafka_edge::host::{Store, StoreError, decode_counter};

const BUCKET: &str = "kafka-edge";

/// The handle of the bucket, opened once for the instance.
#[derive(Default)]
pub(super) struct Opened(OnceCell<Rc<Bucket>>);

impl Opened {
    async fn bucket(&self) -> Result<Rc<Bucket>, StoreError> {
        if let Some(bucket) = self.0.get() {
            return Ok(bucket.clone());
        }
        // Two requests may both open the bucket; the second handle is dropped.
        let bucket = Rc::new(store::open(BUCKET.to_owned()).await.map_err(failed)?);
        Ok(self.0.get_or_init(|| bucket).clone())
    }
}

impl Store for WasmCloudHost {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.bucket().await?.get(to_wasmcloud(key)).await.map_err(failed)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let bucket = self.store.bucket().await?;
        bucket.set(to_wasmcloud(key), value.to_vec(), None).await.map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.store.bucket().await?.delete(to_wasmcloud(key)).await.map_err(failed)
    }

    async fn increment(&self, key: &str, n: u64) -> Result<u64, StoreError> {
        let n = i64::try_from(n).map_err(|_| StoreError::refused("the step is too large"))?;
        let bucket = self.store.bucket().await?;
        let count = atomics::increment(&bucket, to_wasmcloud(key), n).await.map_err(failed)?;
        u64::try_from(count).map_err(|_| StoreError::unknown("the counter is below zero"))
    }

    /// How a counter looks to `get` is the backend's affair: decimal digits in Redis, eight
    /// bytes in memory and in files with the lowest first, in NATS with the highest first
    /// (wash 2.7 and 2.10.3, from its source). So eight bytes are read by adding nothing.
    async fn counter(&self, key: &str) -> Result<u64, StoreError> {
        let value = self.get(key).await?;
        match &value {
            Some(bytes) if bytes.len() == 8 && !bytes.iter().all(u8::is_ascii_digit) => {
                self.increment(key, 0).await
            }
            _ => decode_counter(value.as_deref()),
        }
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let bucket = self.store.bucket().await?;
        let prefix = to_wasmcloud(prefix);
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = bucket.list_keys(Some(prefix.clone()), cursor).await.map_err(failed)?;
            // A backend may leave the prefix to its caller.
            let keys = page.keys.iter().filter(|key| key.starts_with(&prefix));
            found.extend(keys.map(|key| from_wasmcloud(key)));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }
}

/// Keys of NATS have neither `%` nor `~` (`async-nats` refuses them), and ours have no `=`.
fn to_wasmcloud(key: &str) -> String {
    key.replace('%', "=").replace('~', "=7E")
}

/// The core never writes `~` as `%7E`, so there is one key for each.
fn from_wasmcloud(key: &str) -> String {
    key.replace("=7E", "~").replace('=', "%")
}

fn failed(error: Error) -> StoreError {
    match error {
        Error::NoSuchStore => StoreError::refused(format!("there is no bucket named {BUCKET}")),
        Error::AccessDenied => StoreError::refused(format!("no access to the bucket {BUCKET}")),
        Error::InvalidArgument => StoreError::refused("the store does not take this"),
        Error::QuotaExceeded => StoreError::refused("too many calls of the store"),
        Error::PreconditionFailed => StoreError::refused("the key has changed"),
        Error::Timeout => StoreError::unknown("the store took too long"),
        Error::StoreUnavailable => StoreError::unknown("the store cannot be reached"),
        Error::Other(text) => StoreError::unknown(text),
    }
}
