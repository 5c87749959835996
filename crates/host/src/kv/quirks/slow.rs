//! A store whose writes take their time.

use crate::kv::{Store, StoreError, Swap};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a read takes.
const READ_TIME: Duration = Duration::from_micros(500);

/// Each write takes the same time, and only one is under way in the whole store; a read
/// takes half a millisecond. So does Spin's default store, whose writes take 10 to 30 ms
/// (`reference/hosts.md`, "Spin 4.1 run by hand").
#[derive(Clone)]
pub struct Slow {
    store: Arc<dyn Store>,
    write_time: Duration,
    /// Whoever has this writes.
    writing: Arc<Mutex<()>>,
}

impl std::fmt::Debug for Slow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slow").field("write_time", &self.write_time).finish_non_exhaustive()
    }
}

impl Slow {
    /// Slows down another store.
    pub fn new(store: impl Store, write_time: Duration) -> Self {
        Self { store: Arc::new(store), write_time, writing: Arc::default() }
    }

    async fn write<T>(
        &self,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let _turn = self.writing.lock().await;
        tokio::time::sleep(self.write_time).await;
        work.await
    }
}

#[async_trait]
impl Store for Slow {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        tokio::time::sleep(READ_TIME).await;
        self.store.get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.write(self.store.set(key, value)).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.write(self.store.delete(key)).await
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        tokio::time::sleep(READ_TIME).await;
        self.store.keys().await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        self.write(self.store.increment(key, delta)).await
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<Swap, StoreError> {
        self.write(self.store.swap(key, expected, value)).await
    }
}
