//! A store whose writes take their time.

use crate::kv::{Store, StoreError, Swap};
use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a read takes.
const READ_TIME: Duration = Duration::from_micros(500);

/// Each write takes the same time, and only one is under way in the whole store; a read
/// takes half a millisecond. Spin's default store is slow in a similar way: its writes take
/// 9 to 30 ms, though some go together (`reference/hosts.md`, "Spin 4.1 run by hand").
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

    /// Writes in a task of its own: an instance that is blocked by one call of the store
    /// does not poll its others, and one of those may have the turn.
    async fn write<T, F>(
        &self,
        work: impl FnOnce(Arc<dyn Store>) -> F + Send + 'static,
    ) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, StoreError>> + Send,
    {
        let Self { store, write_time, writing } = self.clone();
        let turn = tokio::spawn(async move {
            let _turn = writing.lock_owned().await;
            tokio::time::sleep(write_time).await;
            work(store).await
        });
        turn.await.map_err(StoreError::other)?
    }
}

#[async_trait]
impl Store for Slow {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        tokio::time::sleep(READ_TIME).await;
        self.store.get(key).await
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.write(async move |store| store.set(&key, value).await).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let key = key.to_owned();
        self.write(async move |store| store.delete(&key).await).await
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        tokio::time::sleep(READ_TIME).await;
        self.store.keys().await
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        let key = key.to_owned();
        self.write(async move |store| store.increment(&key, delta).await).await
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<Swap, StoreError> {
        let key = key.to_owned();
        self.write(async move |store| store.swap(&key, expected, value).await).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kv::Memory;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn one_write_goes_through_at_a_time_and_reads_do_not_wait_for_it() {
        let write_time = Duration::from_millis(15);
        let store = Slow::new(Memory::new(), write_time);
        let start = Instant::now();
        let write = async |key: &str| {
            store.set(key, vec![1]).await.unwrap();
            start.elapsed()
        };
        let read = async {
            assert_eq!(store.get("a").await.unwrap(), None);
            start.elapsed()
        };
        let (first, second, read) = tokio::join!(write("a"), write("b"), read);
        assert!(first >= write_time && first < write_time * 2, "{first:?}");
        assert!(second >= write_time * 2 && second < write_time * 3, "{second:?}");
        assert!(read >= READ_TIME && read < write_time, "{read:?}");
        assert_eq!(store.get("b").await.unwrap(), Some(vec![1]));
    }
}
