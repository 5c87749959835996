//! Spin's key-value store: the async interface for values, and the synchronous
//! one for its atomic increment and for listing.

use std::cell::OnceCell;
use std::rc::Rc;

use spin_sdk::experimental::wasi::keyvalue::{atomics, store as sync};
use spin_sdk::key_value::{self, Store as AsyncStore};

use super::SpinHost;
use kafka_edge::host::{Store, StoreError};

/// The label of the store in the manifest.
const STORE_LABEL: &str = "default";

/// The handles of the store, opened once for the instance.
#[derive(Default)]
pub(super) struct Opened {
    values: OnceCell<Rc<AsyncStore>>,
    bucket: OnceCell<sync::Bucket>,
}

impl Opened {
    async fn values(&self) -> Result<Rc<AsyncStore>, StoreError> {
        if let Some(store) = self.values.get() {
            return Ok(store.clone());
        }
        // Two requests may both open the store; the second handle is dropped.
        let store = Rc::new(AsyncStore::open(STORE_LABEL).await.map_err(failed)?);
        Ok(self.values.get_or_init(|| store).clone())
    }

    fn bucket(&self) -> Result<&sync::Bucket, StoreError> {
        if let Some(bucket) = self.bucket.get() {
            return Ok(bucket);
        }
        let bucket = sync::open(STORE_LABEL).map_err(refused)?;
        Ok(self.bucket.get_or_init(|| bucket))
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

impl Store for SpinHost {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.values().await?.get(key).await.map_err(failed)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.store.values().await?.set(key, value).await.map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.store.values().await?.delete(key).await.map_err(failed)
    }

    /// `increment` is atomic on every store of Spin 4.1.0-pre that was tried or
    /// read, and compare-and-swap is not (`reference/hosts.md`;
    /// `crates/host/src/kv/quirks` imitates them). It blocks the whole instance
    /// while it runs.
    async fn claim(&self, key: &str) -> Result<bool, StoreError> {
        let count = atomics::increment(self.store.bucket()?, key, 1).map_err(refused)?;
        Ok(count == 1)
    }

    /// The async interface can list keys as well, but then Spin's sqlite store
    /// is locked until the stream has been read (4.1.0-pre,
    /// `reference/hosts.md`). A store call of another request of this instance
    /// would block the thread that has to produce the next key, and so wait for
    /// ever; soon no instance would answer.
    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let bucket = self.store.bucket()?;
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = bucket.list_keys(cursor.as_deref()).map_err(refused)?;
            found.extend(page.keys.into_iter().filter(|key| key.starts_with(prefix)));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }
}

fn failed(error: key_value::Error) -> StoreError {
    StoreError(match error {
        key_value::Error::StoreTableFull => "too many stores are open".into(),
        key_value::Error::NoSuchStore => format!("there is no store named {STORE_LABEL}"),
        key_value::Error::AccessDenied => format!("no access to the store named {STORE_LABEL}"),
        key_value::Error::Other(text) => text,
    })
}

fn refused(error: sync::Error) -> StoreError {
    StoreError(match error {
        sync::Error::NoSuchStore => format!("there is no store named {STORE_LABEL}"),
        sync::Error::AccessDenied => format!("no access to the store named {STORE_LABEL}"),
        sync::Error::Other(text) => text,
    })
}
