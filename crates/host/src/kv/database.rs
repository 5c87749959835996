//! A store in a file, over an embedded database.

mod backend;
mod writer;

use super::{KeyPage, Store, StoreError, Swap};
use async_trait::async_trait;
use redb::{ReadableDatabase, TableDefinition};
use std::fs::OpenOptions;
use std::ops::Bound;
use std::path::Path;
use std::sync::Arc;
use writer::{Change, Outcome, Writer};

const TABLE: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("key-value");

/// How many keys one page of a listing holds.
const KEYS_PER_PAGE: usize = 1_000;

/// What an acknowledged write survives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// The death of this process, `kill -9` included: the operating system has
    /// the bytes. A power cut may cost the last moments.
    #[default]
    Process,
    /// A power cut: the disk has the bytes. Each group of writes waits for the
    /// disk; on the machine where this was tried, that took mostly 0.1 ms and
    /// sometimes 40 ms.
    Disk,
}

/// A store in one file.
///
/// All writes go through one thread, which takes whatever has gathered into one
/// commit; a caller's answer comes after the commit that holds its write. Reads
/// see the last commit and never wait.
#[derive(Clone, Debug)]
pub struct Database {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: Arc<redb::Database>,
    writer: Writer,
}

/// Why the file could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the database {0} is in use by another process")]
    InUse(String),
    /// Anything else.
    #[error("the database {path} could not be opened: {reason}")]
    Failed {
        /// The file.
        path: String,
        /// What the database or the operating system said.
        reason: String,
    },
}

impl Database {
    /// Opens the file, making it if there is none.
    pub fn open(path: impl AsRef<Path>, durability: Durability) -> Result<Self, OpenError> {
        let path = path.as_ref();
        let shown = path.display().to_string();
        let failed = |reason: String| OpenError::Failed { path: shown.clone(), reason };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let file = options.open(path).map_err(|e| failed(e.to_string()))?;
        let backend = backend::File::new(file, durability).map_err(|e| failed(e.to_string()))?;
        let database =
            redb::Builder::new().create_with_backend(backend).map_err(|error| match error {
                redb::DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(shown.clone()),
                other => failed(other.to_string()),
            })?;
        let database = Arc::new(database);
        let writer = Writer::start(Arc::clone(&database)).map_err(|e| failed(e.to_string()))?;
        Ok(Self { inner: Arc::new(Inner { database, writer }) })
    }

    fn read<R>(
        &self,
        work: impl FnOnce(&redb::ReadOnlyTable<&'static str, &'static [u8]>) -> Result<R, redb::Error>,
    ) -> Result<R, StoreError> {
        let read = || {
            let transaction = self.inner.database.begin_read()?;
            work(&transaction.open_table(TABLE)?)
        };
        read().map_err(StoreError::other)
    }

    async fn write(&self, change: Change) -> Result<Outcome, StoreError> {
        self.inner.writer.apply(change).await
    }
}

#[async_trait]
impl Store for Database {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(|table| Ok(table.get(key)?.map(|value| value.value().to_vec())))
    }

    async fn set(&self, key: &str, value: Vec<u8>) -> Result<(), StoreError> {
        let entries = vec![(key.to_owned(), Some(value))];
        self.write(Change::Put(entries)).await.map(drop)
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        let entries = vec![(key.to_owned(), None)];
        self.write(Change::Put(entries)).await.map(drop)
    }

    async fn keys(&self) -> Result<Vec<String>, StoreError> {
        self.read(|table| {
            let mut keys = Vec::new();
            for entry in table.range::<&str>(..)? {
                keys.push(entry?.0.value().to_owned());
            }
            Ok(keys)
        })
    }

    async fn list_keys(&self, cursor: Option<String>) -> Result<KeyPage, StoreError> {
        self.read(|table| {
            let start = cursor.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
            let mut keys = Vec::new();
            for entry in table.range::<&str>((start, Bound::Unbounded))?.take(KEYS_PER_PAGE) {
                keys.push(entry?.0.value().to_owned());
            }
            let cursor = (keys.len() == KEYS_PER_PAGE).then(|| keys[KEYS_PER_PAGE - 1].clone());
            Ok(KeyPage { keys, cursor })
        })
    }

    async fn increment(&self, key: &str, delta: i64) -> Result<i64, StoreError> {
        let key = key.to_owned();
        match self.write(Change::Increment { key, delta }).await? {
            Outcome::Count(count) => Ok(count),
            Outcome::Written | Outcome::Refused => Err(StoreError::other("no count")),
        }
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    ) -> Result<Swap, StoreError> {
        let change = Change::Swap { key: key.to_owned(), expected, value };
        Ok(match self.write(change).await? {
            Outcome::Refused => Swap::Failed,
            Outcome::Written | Outcome::Count(_) => Swap::Done,
        })
    }

    async fn set_many(&self, entries: Vec<(String, Vec<u8>)>) -> Result<(), StoreError> {
        let entries = entries.into_iter().map(|(k, v)| (k, Some(v))).collect();
        self.write(Change::Put(entries)).await.map(drop)
    }

    async fn delete_many(&self, keys: Vec<String>) -> Result<(), StoreError> {
        let entries = keys.into_iter().map(|key| (key, None)).collect();
        self.write(Change::Put(entries)).await.map(drop)
    }
}
