//! `spin:key-value@3.0.0`.

use super::bindings::spin::spin::key_value::key_value;
use super::listing::Listing;
use crate::faults::{CallKind, Failure};
use crate::kv::{MAX_VALUE_LEN, Store, StoreError};
use crate::state::{Caller, State};
use std::sync::Arc;
use wasmtime::component::{Accessor, FutureReader, HasData, Linker, Resource, StreamReader};

/// How many stores one instance may hold open.
const MAX_OPEN: usize = 256;

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    key_value::add_to_linker::<_, KeyValue>(linker, |state| state)
}

/// A store that a guest has opened.
pub struct OpenStore(Arc<dyn Store>);

struct KeyValue;

impl HasData for KeyValue {
    type Data<'a> = &'a mut State;
}

impl key_value::Host for &mut State {}
impl key_value::HostStore for &mut State {}

impl From<StoreError> for key_value::Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchStore => Self::NoSuchStore,
            StoreError::AccessDenied => Self::AccessDenied,
            StoreError::TableFull => Self::StoreTableFull,
            StoreError::Other(reason) => Self::Other(reason),
        }
    }
}

impl From<Failure> for key_value::Error {
    fn from(failure: Failure) -> Self {
        StoreError::from(failure).into()
    }
}

/// Refuses a value that is larger than any host accepts.
pub(super) fn check_len(value: &[u8]) -> Result<(), StoreError> {
    if value.len() > MAX_VALUE_LEN {
        return Err(StoreError::Other(format!(
            "the value has {} bytes, {MAX_VALUE_LEN} is the limit",
            value.len()
        )));
    }
    Ok(())
}

type Access = Accessor<State, KeyValue>;
type Outcome<T> = wasmtime::Result<Result<T, key_value::Error>>;

fn open_store(
    accessor: &Access,
    store: &Resource<OpenStore>,
) -> wasmtime::Result<(Caller, Arc<dyn Store>)> {
    accessor.with(|mut access| {
        let state = access.get();
        state.unread.check()?;
        let store = Arc::clone(&state.table.get(store)?.0);
        Ok((state.caller(), store))
    })
}

impl key_value::HostStoreWithStore<State> for KeyValue {
    async fn open(accessor: &Access, label: String) -> Outcome<Resource<OpenStore>> {
        accessor.with(|mut access| {
            let state = access.get();
            let Some(store) = state.services().stores.get(&label).cloned() else {
                return Ok(Err(key_value::Error::NoSuchStore));
            };
            if state.open_stores >= MAX_OPEN {
                return Ok(Err(key_value::Error::StoreTableFull));
            }
            state.open_stores += 1;
            Ok(Ok(state.table.push(OpenStore(store))?))
        })
    }

    async fn get(
        accessor: &Access,
        store: Resource<OpenStore>,
        key: String,
    ) -> Outcome<Option<Vec<u8>>> {
        let (caller, store) = open_store(accessor, &store)?;
        let get = async { Ok(store.get(&key).await?) };
        caller.call(CallKind::KvGet, &key, get).await
    }

    async fn set(
        accessor: &Access,
        store: Resource<OpenStore>,
        key: String,
        value: Vec<u8>,
    ) -> Outcome<()> {
        let (caller, store) = open_store(accessor, &store)?;
        let set = async {
            check_len(&value)?;
            Ok(store.set(&key, value).await?)
        };
        caller.call(CallKind::KvSet, &key, set).await
    }

    async fn delete(accessor: &Access, store: Resource<OpenStore>, key: String) -> Outcome<()> {
        let (caller, store) = open_store(accessor, &store)?;
        let delete = async { Ok(store.delete(&key).await?) };
        caller.call(CallKind::KvDelete, &key, delete).await
    }

    async fn exists(accessor: &Access, store: Resource<OpenStore>, key: String) -> Outcome<bool> {
        let (caller, store) = open_store(accessor, &store)?;
        let exists = async { Ok(store.exists(&key).await?) };
        caller.call(CallKind::KvGet, &key, exists).await
    }

    async fn get_keys(
        accessor: &Access,
        store: Resource<OpenStore>,
    ) -> wasmtime::Result<(StreamReader<String>, FutureReader<Result<(), key_value::Error>>)> {
        let (caller, store) = open_store(accessor, &store)?;
        let keys = async { store.keys().await.map_err(key_value::Error::from) };
        let keys = caller.call(CallKind::KvList, "", keys).await?;
        let (keys, result) = match keys {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        accessor.with(|mut access| {
            let keys = Listing::new(keys, access.get().unread.clone());
            let keys = StreamReader::new(&mut access, keys)?;
            let result =
                FutureReader::new(&mut access, async move { wasmtime::error::Ok(result) })?;
            Ok((keys, result))
        })
    }

    async fn drop(accessor: &Access, store: Resource<OpenStore>) -> wasmtime::Result<()> {
        accessor.with(|mut access| {
            let state = access.get();
            state.table.delete(store)?;
            state.open_stores -= 1;
            Ok(())
        })
    }
}
