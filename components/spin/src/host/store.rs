//! Spin's key-value store: the async interface for values, and the synchronous
//! one for its atomic increment and for listing. Where the operator has named a Redis,
//! each call goes there in its place.

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use spin_sdk::experimental::wasi::keyvalue::{atomics, store as sync};
use spin_sdk::key_value::{self, Store as AsyncStore};

use super::SpinHost;
use super::redis::{self, SpinRedis};
use kafka_edge::host::{Store, StoreCapabilities, StoreError, decode_counter};
use kafka_edge_redis_store::{Call, Outcome};

/// The label of the store in the manifest.
const STORE_LABEL: &str = "default";

/// The handles of the store, opened once for the instance.
#[derive(Default)]
pub(super) struct Opened {
    values: OnceCell<Rc<AsyncStore>>,
    bucket: OnceCell<sync::Bucket>,
    /// What the operator has chosen, once it was read.
    redis: OnceCell<Option<SpinRedis>>,
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
        let bucket = sync::open(STORE_LABEL).map_err(failed_sync)?;
        Ok(self.bucket.get_or_init(|| bucket))
    }
}

impl Opened {
    /// `increment` is atomic on every store behind Spin, compare-and-swap is
    /// not. It blocks the whole instance while it runs; that of a Redis of the
    /// operator's own does not.
    fn increment(&self, key: &str, n: u64) -> Result<u64, StoreError> {
        let n = i64::try_from(n).map_err(|_| StoreError::refused("the step is too large"))?;
        let count = atomics::increment(self.bucket()?, key, n).map_err(failed_sync)?;
        u64::try_from(count).map_err(|_| StoreError::unknown("the counter is below zero"))
    }

    /// The async interface can list keys as well, but then Spin's sqlite store
    /// is locked until the stream has been read (4.1.0-pre,
    /// `reference/hosts.md`). A store call of another request of this instance
    /// would block the thread that has to produce the next key, and so wait for
    /// ever; soon no instance would answer.
    fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let bucket = self.bucket()?;
        let mut found = Vec::new();
        let mut cursor = None;
        loop {
            let page = bucket.list_keys(cursor.as_deref()).map_err(failed_sync)?;
            found.extend(page.keys.into_iter().filter(|key| key.starts_with(prefix)));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }
}

impl std::fmt::Debug for Opened {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

impl SpinHost {
    /// The Redis that holds the state; `None` if Spin's own store does.
    async fn redis(&self) -> Result<Option<&SpinRedis>, StoreError> {
        if let Some(chosen) = self.store.redis.get() {
            return Ok(chosen.as_ref());
        }
        let chosen = Box::pin(redis::chosen(self)).await?;
        Ok(self.store.redis.get_or_init(|| chosen).as_ref())
    }

    async fn run(&self, call: Call<'_>) -> Result<Outcome, StoreError> {
        if let Some(redis) = self.redis().await? {
            return redis.run(call).await;
        }
        let store = &self.store;
        match call {
            Call::Increment(key, n) => return store.increment(key, n).map(Outcome::Count),
            Call::Keys(prefix) => return store.keys(prefix).map(Outcome::Keys),
            Call::Create(..) | Call::SetFor(..) => {
                return Err(StoreError::refused("Spin's store cannot do this"));
            }
            Call::Get(_) | Call::Set(..) | Call::Delete(_) => {}
        }
        let values = store.values().await?;
        let done = match call {
            Call::Get(key) => return values.get(key).await.map(Outcome::Value).map_err(failed),
            Call::Set(key, value) => values.set(key, value).await,
            Call::Delete(key) => values.delete(key).await,
            _ => Ok(()),
        };
        done.map(|()| Outcome::Done).map_err(failed)
    }
}

impl Store for SpinHost {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.run(Call::Get(key)).await?.value()
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.run(Call::Set(key, value)).await.map(drop)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.run(Call::Delete(key)).await.map(drop)
    }

    async fn increment(&self, key: &str, n: u64) -> Result<u64, StoreError> {
        self.run(Call::Increment(key, n)).await?.count()
    }

    async fn counter(&self, key: &str) -> Result<u64, StoreError> {
        decode_counter(self.get(key).await?.as_deref())
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.run(Call::Keys(prefix)).await?.keys()
    }

    async fn store_capabilities(&self) -> Result<StoreCapabilities, StoreError> {
        Ok(StoreCapabilities { creates: self.redis().await?.is_some() })
    }

    async fn create(
        &self,
        key: &str,
        value: &[u8],
        lasts: Duration,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.run(Call::Create(key, value, lasts)).await?.value()
    }

    async fn set_for(&self, key: &str, value: &[u8], lasts: Duration) -> Result<(), StoreError> {
        self.run(Call::SetFor(key, value, lasts)).await.map(drop)
    }
}

fn failed(error: key_value::Error) -> StoreError {
    match error {
        key_value::Error::StoreTableFull => StoreError::refused("too many stores are open"),
        key_value::Error::NoSuchStore => no_such_store(),
        key_value::Error::AccessDenied => no_access(),
        key_value::Error::Other(text) => other(text),
    }
}

fn failed_sync(error: sync::Error) -> StoreError {
    match error {
        sync::Error::NoSuchStore => no_such_store(),
        sync::Error::AccessDenied => no_access(),
        sync::Error::Other(text) => other(text),
    }
}

fn no_such_store() -> StoreError {
    StoreError::refused(format!("there is no store named {STORE_LABEL}"))
}

fn no_access() -> StoreError {
    StoreError::refused(format!("no access to the store named {STORE_LABEL}"))
}

/// Spin 4.1 limits calls of the store and answers with this text beyond its
/// limits; the call then had no effect (`../shared/reference/hosts.md`,
/// "News of 4.1").
fn other(text: String) -> StoreError {
    match text.as_str() {
        "too many requests" => StoreError::refused(text),
        _ => StoreError::unknown(text),
    }
}
