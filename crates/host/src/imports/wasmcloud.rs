//! `wasmcloud:keyvalue@0.2.0`.

use super::bindings::wasmcloud::wasmcloud::keyvalue::{atomics, store, types};
use super::key_value::check_len;
use super::keyvalue::{Bucket, open_bucket};
use crate::faults::{CallKind, Failure};
use crate::kv::{Store, StoreError, Swap};
use crate::state::{Caller, State};
use std::sync::Arc;
use wasmtime::component::{Accessor, HasData, Linker, Resource};

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, WasmCloud>(linker, |state| state)?;
    store::add_to_linker::<_, WasmCloud>(linker, |state| state)?;
    atomics::add_to_linker::<_, WasmCloud>(linker, |state| state)
}

/// wasmCloud has as many buckets as names; all of them are the store of this label.
const LABEL: &str = "default";

struct WasmCloud;

impl HasData for WasmCloud {
    type Data<'a> = &'a mut State;
}

impl types::Host for &mut State {}
impl types::HostBucket for &mut State {}
impl store::Host for &mut State {}
impl atomics::Host for &mut State {}

impl From<StoreError> for types::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchStore => Self::NoSuchStore,
            StoreError::AccessDenied => Self::AccessDenied,
            StoreError::TableFull => Self::QuotaExceeded,
            StoreError::Other(reason) => Self::Other(reason),
        }
    }
}

impl From<Failure> for types::Error {
    fn from(failure: Failure) -> Self {
        StoreError::from(failure).into()
    }
}

type Access = Accessor<State, WasmCloud>;
type Outcome<T> = wasmtime::Result<Result<T, types::Error>>;

fn opened(
    accessor: &Access,
    bucket: &Resource<Bucket>,
) -> wasmtime::Result<(Caller, Arc<dyn Store>)> {
    accessor.with(|mut access| open_bucket(access.get(), bucket))
}

impl store::HostWithStore<State> for WasmCloud {
    async fn open(accessor: &Access, _identifier: String) -> Outcome<Resource<Bucket>> {
        accessor.with(|mut access| {
            let state = access.get();
            let Some(store) = state.services().stores.get(LABEL).cloned() else {
                return Ok(Err(types::Error::NoSuchStore));
            };
            Ok(Ok(state.table.push(Bucket(store))?))
        })
    }
}

impl types::HostBucketWithStore<State> for WasmCloud {
    async fn get(
        accessor: &Access,
        bucket: Resource<Bucket>,
        key: String,
    ) -> Outcome<Option<Vec<u8>>> {
        let (caller, store) = opened(accessor, &bucket)?;
        let get = async { Ok(store.get(&key).await?) };
        caller.call(CallKind::KvGet, &key, get).await
    }

    /// No backend of wash 2.10.3 keeps a value for a time, and it says so.
    async fn set(
        accessor: &Access,
        bucket: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
        options: Option<types::SetOptions>,
    ) -> Outcome<()> {
        let (caller, store) = opened(accessor, &bucket)?;
        let set = async {
            check_len(&value)?;
            match options {
                Some(options) if options.ttl_ms.is_some() => {
                    Err(StoreError::other("ttl-ms is not supported by this backend").into())
                }
                Some(options) if options.if_not_exists => {
                    match store.swap(&key, None, value).await? {
                        Swap::Done => Ok(()),
                        Swap::Failed => Err(types::Error::PreconditionFailed),
                    }
                }
                _ => Ok(store.set(&key, value).await?),
            }
        };
        caller.call(CallKind::KvSet, &key, set).await
    }

    async fn delete(accessor: &Access, bucket: Resource<Bucket>, key: String) -> Outcome<()> {
        let (caller, store) = opened(accessor, &bucket)?;
        let delete = async { Ok(store.delete(&key).await?) };
        caller.call(CallKind::KvDelete, &key, delete).await
    }

    async fn exists(accessor: &Access, bucket: Resource<Bucket>, key: String) -> Outcome<bool> {
        let (caller, store) = opened(accessor, &bucket)?;
        let exists = async { Ok(store.exists(&key).await?) };
        caller.call(CallKind::KvGet, &key, exists).await
    }

    async fn list_keys(
        accessor: &Access,
        bucket: Resource<Bucket>,
        prefix: Option<String>,
        _cursor: Option<String>,
    ) -> Outcome<types::KeyResponse> {
        let (caller, store) = opened(accessor, &bucket)?;
        let prefix = prefix.unwrap_or_default();
        let list = async {
            let mut keys = store.keys().await?;
            keys.retain(|key| key.starts_with(&prefix));
            Ok(types::KeyResponse { keys, cursor: None })
        };
        caller.call(CallKind::KvList, "", list).await
    }

    async fn drop(accessor: &Access, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        accessor.with(|mut access| {
            access.get().table.delete(bucket)?;
            Ok(())
        })
    }
}

impl atomics::HostWithStore<State> for WasmCloud {
    async fn increment(
        accessor: &Access,
        bucket: Resource<Bucket>,
        key: String,
        delta: i64,
    ) -> Outcome<i64> {
        let (caller, store) = opened(accessor, &bucket)?;
        let increment = async { Ok(store.increment(&key, delta).await?) };
        caller.call(CallKind::KvIncrement, &key, increment).await
    }
}
