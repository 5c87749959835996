//! A store whose `increment` is not atomic.

use crate::kv::random::Random;
use crate::kv::{Entry, KeyPage, Store, StoreError, Swap, decode_counter};
use async_trait::async_trait;
use std::sync::Arc;

/// Loses some increments, as two that read the same value at once do: the
/// second caller is given the number that the first one got.
///
/// Everything else goes to the store beneath.
#[derive(Clone, Debug)]
pub struct DoubleClaim<S> {
    inner: S,
    probability: f64,
    random: Arc<Random>,
}

impl<S: Store> DoubleClaim<S> {
    /// Doubles an increment with the given probability, drawn from a seed.
    pub fn new(inner: S, probability: f64, seed: u64) -> Self {
        Self { inner, probability, random: Arc::new(Random::new(seed)) }
    }
}

#[async_trait]
impl<S: Store> Store for DoubleClaim<S> {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.inner.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.inner.delete(key).await
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.inner.keys().await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        if self.random.fraction() < self.probability
            && let Some(value) = self.inner.get(key).await?
        {
            return decode_counter(Some(&value));
        }
        self.inner.increment(key, delta).await
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<Swap, StoreError> {
        self.inner.swap(key, expected, value).await
    }

    async fn list_keys(&self, cursor: Option<String>) -> Result<KeyPage, StoreError> {
        self.inner.list_keys(cursor).await
    }

    async fn get_many(&self, keys: Vec<String>) -> Result<Vec<Entry>, StoreError> {
        self.inner.get_many(keys).await
    }
}
