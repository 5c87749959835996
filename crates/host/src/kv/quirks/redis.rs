//! Spin's Redis store.

use crate::kv::{Entry, Memory, Store, StoreError, Swap, add};
use async_trait::async_trait;

/// Behaves like Spin's store over a single Redis (4.1.0-pre,
/// `reference/hosts.md`).
///
/// Clones share their contents.
#[derive(Clone, Debug, Default)]
pub struct SpinRedis {
    memory: Memory,
}

impl SpinRedis {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The contents, without the faults.
    pub fn contents(&self) -> &Memory {
        &self.memory
    }
}

#[async_trait]
impl Store for SpinRedis {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.memory.get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.memory.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.memory.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.memory.keys().await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.memory.with(|map| {
            let count = match map.get(key) {
                None => 0,
                Some(text) => str::from_utf8(text)
                    .ok()
                    .and_then(|text| text.parse().ok())
                    .ok_or_else(|| StoreError::other("the value is not an integer"))?,
            };
            let count = add(count, delta)?;
            map.insert(key.to_owned(), count.to_string().into_bytes());
            Ok(count)
        })
    }

    async fn swap(
        &self,
        key: &str,
        _expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<Swap, StoreError> {
        // The transaction succeeds, but its answer is read as a refusal.
        self.memory.set(key, value).await?;
        Ok(Swap::Failed)
    }

    async fn get_many(&self, _keys: Vec<String>) -> Result<Vec<Entry>, StoreError> {
        Err(StoreError::other("the reply could not be converted"))
    }
}
