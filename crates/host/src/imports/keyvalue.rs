//! `wasi:keyvalue@0.2.0-draft2`. Its functions are synchronous: while one
//! runs, nothing else in that instance does.

use super::bindings::keyvalue::wasi::keyvalue::{atomics, batch, store};
use super::key_value::check_len;
use crate::faults::{CallKind, Failure};
use crate::kv::{Entry, Store, StoreError, Swap};
use crate::state::{Caller, State};
use std::sync::Arc;
use wasmtime::component::{HasData, Linker, Resource};

pub(super) fn add_to_linker(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    store::add_to_linker::<_, Keyvalue>(linker, |state| state)?;
    atomics::add_to_linker::<_, Keyvalue>(linker, |state| state)?;
    batch::add_to_linker::<_, Keyvalue>(linker, |state| state)
}

/// A store that a guest has opened.
pub struct Bucket(pub(super) Arc<dyn Store>);

/// What a key had when a compare-and-swap was begun.
pub struct Cas {
    store: Arc<dyn Store>,
    key: String,
    seen: Option<Vec<u8>>,
}

struct Keyvalue;

impl HasData for Keyvalue {
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

pub(super) fn open_bucket(
    state: &State,
    bucket: &Resource<Bucket>,
) -> wasmtime::Result<(Caller, Arc<dyn Store>)> {
    state.unread.check()?;
    let store = Arc::clone(&state.table.get(bucket)?.0);
    Ok((state.caller(), store))
}

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

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<String>,
    ) -> Outcome<store::KeyResponse> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let list = async {
            let page = store.list_keys(cursor).await?;
            Ok(store::KeyResponse { keys: page.keys, cursor: page.cursor })
        };
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
        delta: i64,
    ) -> Outcome<i64> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let increment = async { Ok(store.increment(&key, delta).await?) };
        caller.call(CallKind::KvIncrement, &key, increment).await
    }

    async fn swap(
        &mut self,
        cas: Resource<Cas>,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), atomics::CasError>> {
        let caller = self.caller();
        let Cas { store, key, seen } = self.table.delete(cas)?;
        let swap = async {
            check_len(&value)?;
            match store.swap(&key, seen, value).await? {
                Swap::Done => Ok(None),
                // The caller is handed a fresh look at the key to try again.
                Swap::Failed => Ok(Some(store.get(&key).await?)),
            }
        };
        let outcome: Result<Option<Option<Vec<u8>>>, store::Error> =
            caller.call(CallKind::KvSwap, &key, swap).await?;
        Ok(match outcome {
            Ok(None) => Ok(()),
            Ok(Some(seen)) => {
                let cas = self.table.push(Cas { store, key, seen })?;
                Err(atomics::CasError::CasFailed(cas))
            }
            Err(error) => Err(atomics::CasError::StoreError(error)),
        })
    }
}

impl atomics::HostCas for &mut State {
    async fn new(&mut self, bucket: Resource<Bucket>, key: String) -> Outcome<Resource<Cas>> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let get = async { Ok(store.get(&key).await?) };
        let seen: Result<_, store::Error> = caller.call(CallKind::KvGet, &key, get).await?;
        match seen {
            Ok(seen) => Ok(Ok(self.table.push(Cas { store, key, seen })?)),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn current(&mut self, cas: Resource<Cas>) -> Outcome<Option<Vec<u8>>> {
        Ok(Ok(self.table.get(&cas)?.seen.clone()))
    }

    async fn drop(&mut self, cas: Resource<Cas>) -> wasmtime::Result<()> {
        self.table.delete(cas)?;
        Ok(())
    }
}

impl batch::Host for &mut State {
    async fn get_many(
        &mut self,
        bucket: Resource<Bucket>,
        keys: Vec<String>,
    ) -> Outcome<Vec<Entry>> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let target = keys.join(" ");
        let get = async { Ok(store.get_many(keys).await?) };
        caller.call(CallKind::KvGet, &target, get).await
    }

    async fn set_many(
        &mut self,
        bucket: Resource<Bucket>,
        entries: Vec<(String, Vec<u8>)>,
    ) -> Outcome<()> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let keys: Vec<_> = entries.iter().map(|(key, _)| key.as_str()).collect();
        let target = keys.join(" ");
        let set = async {
            for (_, value) in &entries {
                check_len(value)?;
            }
            Ok(store.set_many(entries).await?)
        };
        caller.call(CallKind::KvSet, &target, set).await
    }

    async fn delete_many(&mut self, bucket: Resource<Bucket>, keys: Vec<String>) -> Outcome<()> {
        let (caller, store) = open_bucket(self, &bucket)?;
        let target = keys.join(" ");
        let delete = async { Ok(store.delete_many(keys).await?) };
        caller.call(CallKind::KvDelete, &target, delete).await
    }
}
