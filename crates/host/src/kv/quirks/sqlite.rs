//! Spin's default store.

use crate::kv::{Entry, KeyPage, Memory, Store, StoreError, Swap};
use async_trait::async_trait;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Behaves like Spin's default store, which is in SQLite (4.1.0-pre,
/// `reference/hosts.md`).
///
/// Clones share their contents.
#[derive(Clone, Debug, Default)]
pub struct SpinSqlite {
    memory: Memory,
    dead: Arc<AtomicBool>,
}

impl SpinSqlite {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Brings a dead store back, as a restart of Spin does; what was written
    /// is still there.
    pub fn restart(&self) {
        self.dead.store(false, Ordering::SeqCst);
    }

    /// Whether an `increment` has killed the store.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// The contents, without the faults.
    pub fn contents(&self) -> &Memory {
        &self.memory
    }

    fn alive(&self) -> Result<&Memory, StoreError> {
        if self.is_dead() {
            Err(StoreError::other("the store's connection is poisoned"))
        } else {
            Ok(&self.memory)
        }
    }
}

#[async_trait]
impl Store for SpinSqlite {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.alive()?.get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.alive()?.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.alive()?.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.alive()?.keys().await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        let memory = self.alive()?;
        // Two steps, so a `set` may come between; that one breaks the rule anyhow.
        let is_counter = memory.with(|map| map.get(key).is_none_or(|value| value.len() == 8));
        if !is_counter {
            self.dead.store(true, Ordering::SeqCst);
        }
        self.alive()?.increment(key, delta).await
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<Swap, StoreError> {
        let memory = self.alive()?;
        if expected.is_none() {
            // An upsert without a condition: the last one stays, all "won".
            memory.set(key, value).await?;
            return Ok(Swap::Done);
        }
        memory.swap(key, expected, value).await
    }

    async fn list_keys(&self, cursor: Option<String>) -> Result<KeyPage, StoreError> {
        match cursor {
            None => Ok(KeyPage { keys: self.keys().await?, cursor: None }),
            Some(_) => Err(StoreError::other("cursors are not supported")),
        }
    }

    async fn get_many(&self, keys: Vec<String>) -> Result<Vec<Entry>, StoreError> {
        // A `WHERE key IN (…)`: the table's order, and only what is there.
        let mut found: Vec<Entry> = self.alive()?.with(|map| {
            map.iter()
                .filter(|(key, _)| keys.contains(key))
                .map(|(key, value)| (key.clone(), Some(value.clone())))
                .collect()
        });
        found.sort();
        Ok(found)
    }
}
