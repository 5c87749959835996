//! The key-value stores that a component can open.
//!
//! [`Store`] is what the interfaces `spin:key-value` and `wasi:keyvalue` need.
//! [`Memory`] and [`Database`] do what those interfaces promise. [`quirks`]
//! holds stores that behave as hosts in the field do, faults included, so that
//! tests can show a component right on them.

mod database;
mod memory;
pub mod quirks;
mod random;

pub use database::{Database, Durability, OpenError};
pub use memory::Memory;

use async_trait::async_trait;

/// The largest value that a store accepts, as in Spin 4.1.0-pre
/// (`reference/hosts.md`).
pub const MAX_VALUE_LEN: usize = 127 * 1024 * 1024;

/// Why a call to a store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Nothing is known under this label.
    #[error("no such store")]
    NoSuchStore,
    /// The component may not use this store.
    #[error("access denied")]
    AccessDenied,
    /// Too many stores are open at once.
    #[error("store table full")]
    TableFull,
    /// The store itself failed.
    #[error("{0}")]
    Other(String),
}

impl StoreError {
    /// A failure of the store itself.
    pub fn other(reason: impl ToString) -> Self {
        Self::Other(reason.to_string())
    }
}

/// A page of keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys, in no order that callers may lean on.
    pub keys: Vec<String>,
    /// Where the next page starts, if there is one.
    pub cursor: Option<String>,
}

/// What a compare-and-swap came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The value was written.
    Done,
    /// The key had another value, says the store.
    Failed,
}

/// A key with its value, if it has one.
pub type Entry = (String, Option<Vec<u8>>);

/// One key-value store.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The value of a key.
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError>;

    /// Writes a value, over whatever was there.
    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError>;

    /// Removes a key; one that is not there is no error.
    async fn delete(&self, key: &str) -> Result<(), StoreError>;

    /// Every key of the store.
    async fn keys(&self) -> Result<Vec<String>, StoreError>;

    /// Adds to a counter and answers with its new value; a missing one is 0.
    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError>;

    /// Writes `value` if the key still has the value `expected`.
    async fn swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<Swap, StoreError>;

    /// Whether a key has a value.
    async fn exists(&self, key: &str) -> Result<bool, StoreError> {
        Ok(self.get(key).await?.is_some())
    }

    /// A page of keys from a cursor on. The default answers with all at once.
    async fn list_keys(&self, cursor: Option<String>) -> Result<KeyPage, StoreError> {
        match cursor {
            None => Ok(KeyPage { keys: self.keys().await?, cursor: None }),
            Some(_) => Err(StoreError::other("this store gives no cursors")),
        }
    }

    /// Several values at once, one entry for each key, in the order asked.
    async fn get_many(&self, keys: Vec<String>) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::with_capacity(keys.len());
        for key in keys {
            let value = self.get(&key).await?;
            entries.push((key, value));
        }
        Ok(entries)
    }

    /// Several writes, not atomic.
    async fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        for (key, value) in entries {
            self.set(&key, value).await?;
        }
        Ok(())
    }

    /// Several removals, not atomic.
    async fn delete_many(&self, keys: Vec<String>) -> Result<(), StoreError> {
        for key in keys {
            self.delete(&key).await?;
        }
        Ok(())
    }
}

/// A counter as Spin's sqlite store keeps it (4.1.0-pre, `reference/hosts.md`):
/// eight bytes, little-endian.
fn decode_counter(value: Option<&[u8]>) -> Result<i64, StoreError> {
    match value {
        None => Ok(0),
        Some(bytes) => bytes
            .try_into()
            .map(i64::from_le_bytes)
            .map_err(|_| StoreError::other("the value of this key is not a counter")),
    }
}

/// The sum, or an error where a counter would run over.
fn add(count: i64, delta: i64) -> Result<i64, StoreError> {
    count.checked_add(delta).ok_or_else(|| StoreError::other("the counter would overflow"))
}
