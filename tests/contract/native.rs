//! The stores of `crates/host` as the component sees them: what
//! `components/spin/src/host/store.rs` does with Spin's interfaces, done with
//! what `crates/host` puts behind those.

use std::sync::Arc;

use kafka_edge::host::{Store, StoreError, decode_counter};
use kafka_edge_host::kv;

/// One instance's handle.
#[derive(Clone)]
pub(crate) struct Native(pub(crate) Arc<dyn kv::Store>);

impl Store for Native {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.0.get(key).await.map_err(failed)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.0.set(key, value.to_vec()).await.map_err(failed)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.0.delete(key).await.map_err(failed)
    }

    async fn increment(&self, key: &str, n: u64) -> Result<u64, StoreError> {
        let n = i64::try_from(n).expect("no test counts that far");
        let count = self.0.increment(key, n).await.map_err(failed)?;
        Ok(u64::try_from(count).expect("no counter falls below zero"))
    }

    async fn counter(&self, key: &str) -> Result<u64, StoreError> {
        decode_counter(self.get(key).await?.as_deref())
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.0.list_keys(cursor).await.map_err(failed)?;
            found.extend(page.keys.into_iter().filter(|key| key.starts_with(prefix)));
            cursor = page.cursor;
            if cursor.is_none() {
                return Ok(found);
            }
        }
    }
}

fn failed(error: kv::StoreError) -> StoreError {
    StoreError::unknown(error.to_string())
}
