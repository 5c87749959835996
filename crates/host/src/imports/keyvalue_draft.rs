//! `wasi:keyvalue@0.2.0-draft`, as `wasmtime serve` and wasmCloud have it. Its functions are
//! synchronous.

use super::bindings::serve::wasi::keyvalue::{atomics, store};
use super::key_value::check_len;
use super::keyvalue::{Bucket, open_bucket};
use crate::faults::{CallKind, Failure};
use crate::kv::StoreError;
use crate::state::State;
use wasmtime::component::{HasData, Linker, Resource};

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    store::add_to_linker::<_, Draft>(linker, |state| state)?;
    atomics::add_to_linker::<_, Draft>(linker, |state| state)
}

struct Draft;

impl HasData for Draft {
    type Data<'a> = &'a mut State;
}

impl From<StoreError> for store::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchStore => Self::NoSuchStore,
            StoreError::AccessDenied => Self::AccessDenied,
            StoreError::TableFull => Self::Other("too many open stores".to_owned()),
            StoreError::Other(reason) => Self::Other(reason),
        }
    }
}

impl From<Failure> for store::Error {
    fn from(failure: Failure) -> Self {
        StoreError::from(failure).into()
    }
}

type Outcome<T> = wasmtime::Result<Result<T, store::Error>>;

impl store::Host for &mut State {
    async fn open(&mut self, identifier: String) -> Outcome<Resource<Bucket>> {
        let Some(store) = self.services().stores.get(&identifier).cloned() else {
            return Ok(Err(store::Error::NoSuchStore));
        };
        Ok(Ok(self.table.push(Bucket(store))?))
    }
}

impl store::HostBucket for &mut State {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Outcome<Option<Vec<u8>>> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let get = async { Ok(store.get(&key).await?) };
        caller.call(CallKind::KvGet, &key, get).await
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Outcome<()> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let set = async {
            check_len(&value)?;
            Ok(store.set(&key, value).await?)
        };
        caller.call(CallKind::KvSet, &key, set).await
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Outcome<()> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let delete = async { Ok(store.delete(&key).await?) };
        caller.call(CallKind::KvDelete, &key, delete).await
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Outcome<bool> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let exists = async { Ok(store.exists(&key).await?) };
        caller.call(CallKind::KvGet, &key, exists).await
    }

    /// All at once, whatever the cursor; `wasmtime serve` gives none either (49.0.3).
    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        _cursor: Option<u64>,
    ) -> Outcome<store::KeyResponse> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let list = async { Ok(store::KeyResponse { keys: store.keys().await?, cursor: None }) };
        caller.call(CallKind::KvList, "", list).await
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl atomics::Host for &mut State {
    async fn increment(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        delta: u64,
    ) -> Outcome<u64> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let increment = async {
            let delta = i64::try_from(delta).map_err(StoreError::other)?;
            let count = store.increment(&key, delta).await?;
            Ok(u64::try_from(count).map_err(StoreError::other)?)
        };
        caller.call(CallKind::KvIncrement, &key, increment).await
    }
}
