//! One partition: records in offset order.

use super::files::{Entry, Journal};
use super::record::{NewRecord, Record};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

#[derive(Debug, Default)]
struct State {
    first: i64,
    next: i64,
    records: VecDeque<Arc<Record>>,
    journal: Option<Journal>,
}

#[derive(Debug, Default)]
pub(crate) struct Partition {
    state: Mutex<State>,
}

impl Partition {
    /// A partition that is what `entries` say, and writes into `journal` what
    /// happens from now on.
    pub(super) fn restored(journal: Journal, entries: Vec<Entry>) -> Partition {
        let mut state = State::default();
        for entry in entries {
            state.apply(entry);
        }
        state.journal = Some(journal);
        Partition { state: Mutex::new(state) }
    }

    /// Appends a record and returns its offset.
    pub(crate) fn append(&self, record: NewRecord, timestamp: i64) -> io::Result<i64> {
        let mut state = self.state.lock();
        let offset = state.next;
        state.change(Entry::Record(Record {
            offset,
            timestamp,
            key: record.key,
            value: record.value,
            headers: record.headers,
        }))?;
        Ok(offset)
    }

    /// The log's first offset.
    pub(crate) fn first_offset(&self) -> i64 {
        self.state.lock().first
    }

    /// The offset that the next record will get.
    pub(crate) fn end_offset(&self) -> i64 {
        self.state.lock().next
    }

    /// Up to `max` records from `offset` on.
    pub(crate) fn read(&self, offset: i64, max: usize) -> Vec<Arc<Record>> {
        let state = self.state.lock();
        let start = state.position(offset);
        state.records.iter().skip(start).take(max).cloned().collect()
    }

    /// The first offset whose record is not older than `timestamp`.
    pub(crate) fn offset_at(&self, timestamp: i64) -> Option<i64> {
        let state = self.state.lock();
        state.records.iter().find(|r| r.timestamp >= timestamp).map(|r| r.offset)
    }

    /// Forgets every record before `offset`, as retention does.
    pub(crate) fn truncate_before(&self, offset: i64) -> io::Result<()> {
        self.state.lock().change(Entry::TruncateBefore(offset))
    }

    /// Takes one record out and leaves a gap, as compaction does. Says whether
    /// it was there.
    pub(crate) fn remove(&self, offset: i64) -> io::Result<bool> {
        let mut state = self.state.lock();
        let at = state.position(offset);
        if state.records.get(at).is_none_or(|r| r.offset != offset) {
            return Ok(false);
        }
        state.change(Entry::Remove(offset))?;
        Ok(true)
    }

    /// Leaves offsets unused so that the next record gets `offset`.
    pub(crate) fn skip_to(&self, offset: i64) -> io::Result<()> {
        let mut state = self.state.lock();
        if offset <= state.next {
            return Ok(());
        }
        state.change(Entry::SkipTo(offset))
    }
}

impl State {
    /// Where the first record at or behind `offset` is.
    fn position(&self, offset: i64) -> usize {
        self.records.partition_point(|r| r.offset < offset)
    }

    /// Writes a change down, then makes it.
    fn change(&mut self, entry: Entry) -> io::Result<()> {
        if let Some(journal) = &mut self.journal {
            journal.append(&entry)?;
        }
        self.apply(entry);
        Ok(())
    }

    fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Record(record) => {
                self.next = record.offset + 1;
                self.records.push_back(Arc::new(record));
            }
            Entry::TruncateBefore(offset) => {
                self.first = offset.clamp(self.first, self.next);
                let gone = self.position(self.first);
                self.records.drain(..gone);
            }
            Entry::Remove(offset) => {
                let at = self.position(offset);
                self.records.remove(at);
            }
            Entry::SkipTo(offset) => self.next = self.next.max(offset),
        }
    }
}
