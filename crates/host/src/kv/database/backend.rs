//! The database's file, with or without waiting for the disk.

use super::Durability;
use redb::backends::FileBackend;
use redb::{BackendError, DatabaseError, StorageBackend};
use std::io;
use std::ops::Bound;

/// A file that passes "sync" on to the disk only if it was asked to.
///
/// Without it the bytes lie in the operating system's cache, in the order in
/// which they were written: a process that is killed leaves a file as redb
/// expects it after a crash, only a machine that loses power does not.
#[derive(Debug)]
pub(super) struct File {
    inner: FileBackend,
    durability: Durability,
}

impl File {
    pub(super) fn new(file: std::fs::File, durability: Durability) -> Result<Self, DatabaseError> {
        let inner = FileBackend::new(file)?;
        Ok(Self { inner, durability })
    }
}

impl StorageBackend for File {
    fn len(&self) -> io::Result<u64> {
        self.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.inner.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.durability {
            Durability::Process => Ok(()),
            Durability::Disk => self.inner.sync_data(),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.try_lock_range(start, end)
    }

    fn try_lock_shared_range(
        &self,
        start: Bound<u64>,
        end: Bound<u64>,
    ) -> Result<bool, BackendError> {
        self.inner.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.inner.query_lock_range(start, end)
    }
}
