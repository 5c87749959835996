//! The one thread that writes.

use super::TABLE;
use crate::kv::{Entry, StoreError, add, decode_counter};
use redb::{ReadableTable, Table};
use std::io;
use std::sync::{Arc, mpsc};
use std::thread;
use tokio::sync::oneshot;

/// The maximum number of changes in a commit, so that the first caller's answer
/// does not wait for all later ones.
const MAX_CHANGES_PER_COMMIT: usize = 256;

/// What a caller wants written.
#[derive(Debug)]
pub(super) enum Change {
    /// Values to set, and keys to remove.
    Put(Vec<Entry>),
    Increment {
        key: String,
        delta: i64,
    },
    Swap {
        key: String,
        expected: Option<Vec<u8>>,
        value: Vec<u8>,
    },
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    Written,
    Count(i64),
    /// A swap whose key had another value.
    Refused,
}

type Answer = oneshot::Sender<Result<Outcome, StoreError>>;

#[derive(Debug)]
pub(super) struct Writer {
    /// Taken when the writer is dropped, which ends the thread.
    queue: Option<mpsc::Sender<(Change, Answer)>>,
    thread: Option<thread::JoinHandle<()>>,
}

/// Waits for the thread: it has the file open, and the code that drops a database
/// may open the same file next, in this process or in another one.
impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was printed, and its callers were told.
            _ = thread.join();
        }
    }
}

impl Writer {
    /// Starts the thread; it ends when the writer is dropped.
    pub(super) fn start(database: Arc<redb::Database>) -> Result<Self, io::Error> {
        make_table(&database).map_err(io::Error::other)?;
        let (queue, changes) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("key-value-writer".to_owned())
            .spawn(move || write_all(&database, &changes))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Passes on a change and waits for its commit.
    pub(super) async fn apply(&self, change: Change) -> Result<Outcome, StoreError> {
        let gone = || StoreError::other("the database has stopped");
        let (answer, outcome) = oneshot::channel();
        let queue = self.queue.as_ref().ok_or_else(gone)?;
        queue.send((change, answer)).map_err(|_| gone())?;
        outcome.await.map_err(|_| gone())?
    }
}

/// A reader cannot open a table that no commit has made.
fn make_table(database: &redb::Database) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    transaction.open_table(TABLE)?;
    transaction.commit()?;
    Ok(())
}

fn write_all(database: &redb::Database, changes: &mpsc::Receiver<(Change, Answer)>) {
    while let Ok(first) = changes.recv() {
        // The group is whatever came while the last commit was under way.
        let group: Vec<_> = std::iter::once(first)
            .chain(changes.try_iter().take(MAX_CHANGES_PER_COMMIT - 1))
            .collect();
        let (group, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        match commit(database, group) {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // A caller that has gone away has no use for it.
                    _ = answer.send(outcome);
                }
            }
            Err(error) => {
                for answer in answers {
                    _ = answer.send(Err(StoreError::other(&error)));
                }
            }
        }
    }
}

fn commit(
    database: &redb::Database,
    group: Vec<Change>,
) -> Result<Vec<Result<Outcome, StoreError>>, redb::Error> {
    let transaction = database.begin_write()?;
    let mut outcomes = Vec::with_capacity(group.len());
    {
        let mut table = transaction.open_table(TABLE)?;
        for change in group {
            outcomes.push(apply(&mut table, change)?);
        }
    }
    transaction.commit()?;
    Ok(outcomes)
}

/// One change in the open transaction. The outer error fails the group, the
/// inner one only its caller.
fn apply(
    table: &mut Table<'_, &'static str, &'static [u8]>,
    change: Change,
) -> Result<Result<Outcome, StoreError>, redb::Error> {
    match change {
        Change::Put(entries) => {
            for (key, value) in entries {
                match value {
                    Some(value) => drop(table.insert(key.as_str(), value.as_slice())?),
                    None => drop(table.remove(key.as_str())?),
                }
            }
            Ok(Ok(Outcome::Written))
        }
        Change::Increment { key, delta } => {
            let count = {
                let value = table.get(key.as_str())?;
                decode_counter(value.as_ref().map(|value| value.value()))
            };
            let count = match count.and_then(|count| add(count, delta)) {
                Ok(count) => count,
                Err(error) => return Ok(Err(error)),
            };
            table.insert(key.as_str(), count.to_le_bytes().as_slice())?;
            Ok(Ok(Outcome::Count(count)))
        }
        Change::Swap { key, expected, value } => {
            let same = {
                let value = table.get(key.as_str())?;
                value.as_ref().map(|value| value.value()) == expected.as_deref()
            };
            if !same {
                return Ok(Ok(Outcome::Refused));
            }
            table.insert(key.as_str(), value.as_slice())?;
            Ok(Ok(Outcome::Written))
        }
    }
}
