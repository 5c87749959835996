//! A store in memory.

use super::{Store, StoreError, Swap, add, decode_counter};
use async_trait::async_trait;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// By hash, because the keys of a component differ at their ends only.
type Map = HashMap<String, Vec<u8>>;

/// A store that does all that the interfaces promise and forgets it at the end.
///
/// Clones share their contents, so that a test can look at what a component
/// wrote.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    map: Arc<Mutex<Map>>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Works on the contents under a lock.
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut Map) -> R) -> R {
        // No caller leaves the map half changed, so a panic elsewhere is no
        // reason to stop.
        work(&mut self.map.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything in the store, in the order of the keys.
    pub fn entries(&self) -> Vec<(String, Vec<u8>)> {
        let mut entries: Vec<_> =
            self.with(|map| map.iter().map(|(k, v)| (k.clone(), v.clone())).collect());
        entries.sort();
        entries
    }
}

#[async_trait]
impl Store for Memory {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.with(|map| map.get(key).cloned()))
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        // A key that is there already is not copied.
        self.with(|map| match map.get_mut(key) {
            Some(there) => *there = value,
            None => drop(map.insert(key.to_owned(), value)),
        });
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.with(|map| map.remove(key));
        Ok(())
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        let mut keys: Vec<_> = self.with(|map| map.keys().cloned().collect());
        keys.sort();
        Ok(keys)
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.with(|map| {
            let count = decode_counter(map.get(key).map(Vec::as_slice))?;
            let count = add(count, delta)?;
            map.insert(key.to_owned(), count.to_le_bytes().to_vec());
            Ok(count)
        })
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<Swap, StoreError> {
        Ok(self.with(|map| {
            if map.get(key) == expected.as_ref() {
                map.insert(key.to_owned(), value);
                Swap::Done
            } else {
                Swap::Failed
            }
        }))
    }
}
