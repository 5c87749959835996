//! A replicated store whose reads lag behind.

use crate::kv::random::Random;
use crate::kv::{Store, StoreError, Swap, add, decode_counter};
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Reads may answer with what a key had up to a bound ago; `increment` and
/// compare-and-swap work on the present.
///
/// How far each read looks back is drawn from a seed. This applies to all
/// reads, even those of the writer. Clones share their contents.
#[derive(Clone, Debug)]
pub struct Eventual {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    bound: Duration,
    random: Random,
    keys: Mutex<BTreeMap<String, Versions>>,
}

/// What a key had, oldest first, and since when.
type Versions = Vec<(Instant, Option<Vec<u8>>)>;

impl Eventual {
    /// An empty store whose reads are at most `bound` old.
    pub fn new(bound: Duration, seed: u64) -> Self {
        Self {
            shared: Arc::new(Shared { bound, random: Random::new(seed), keys: Mutex::default() }),
        }
    }

    fn keys_now(&self) -> MutexGuard<'_, BTreeMap<String, Versions>> {
        let keys = self.shared.keys.lock();
        keys.unwrap_or_else(PoisonError::into_inner)
    }

    /// The moment whose values a read returns.
    fn moment(&self) -> Instant {
        let lag = self.shared.bound.mul_f64(self.shared.random.fraction());
        let now = Instant::now();
        now.checked_sub(lag).unwrap_or(now)
    }

    fn put(&self, versions: &mut Versions, value: Option<Vec<u8>>) {
        let now = Instant::now();
        versions.push((now, value));
        // Of the versions that are too old for any read, one is enough.
        let seen_by_all =
            versions.iter().rposition(|(since, _)| now.duration_since(*since) > self.shared.bound);
        if let Some(index) = seen_by_all {
            versions.drain(..index);
        }
    }
}

fn value_at(versions: &Versions, moment: Instant) -> Option<&Vec<u8>> {
    let index = versions.partition_point(|(since, _)| *since <= moment);
    versions[..index].last()?.1.as_ref()
}

fn value_now(versions: &Versions) -> Option<&Vec<u8>> {
    versions.last()?.1.as_ref()
}

#[async_trait]
impl Store for Eventual {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let moment = self.moment();
        let keys = self.keys_now();
        Ok(keys.get(key).and_then(|v| value_at(v, moment)).cloned())
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        self.put(self.keys_now().entry(key.to_owned()).or_default(), Some(value));
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        if let Some(versions) = self.keys_now().get_mut(key) {
            self.put(versions, None);
        }
        Ok(())
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        let moment = self.moment();
        let keys = self.keys_now();
        let present = keys.iter().filter(|(_, v)| value_at(v, moment).is_some());
        Ok(present.map(|(key, _)| key.clone()).collect())
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        let mut keys = self.keys_now();
        let versions = keys.entry(key.to_owned()).or_default();
        let count = decode_counter(value_now(versions).map(Vec::as_slice))?;
        let count = add(count, delta)?;
        self.put(versions, Some(count.to_le_bytes().to_vec()));
        Ok(count)
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<Swap, StoreError> {
        let mut keys = self.keys_now();
        let versions = keys.entry(key.to_owned()).or_default();
        if value_now(versions) != expected.as_ref() {
            return Ok(Swap::Failed);
        }
        self.put(versions, Some(value));
        Ok(Swap::Done)
    }
}
