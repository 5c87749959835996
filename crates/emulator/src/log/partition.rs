//! One partition: records in offset order.

use super::record::{NewRecord, Record};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;

#[derive(Debug, Default)]
struct State {
    first: i64,
    next: i64,
    records: VecDeque<Arc<Record>>,
}

#[derive(Debug, Default)]
pub(crate) struct Partition {
    state: Mutex<State>,
}

impl Partition {
    /// Appends a record and returns its offset.
    pub(crate) fn append(&self, record: NewRecord, timestamp: i64) -> i64 {
        let mut state = self.state.lock();
        let offset = state.next;
        state.records.push_back(Arc::new(Record {
            offset,
            timestamp,
            key: record.key,
            value: record.value,
            headers: record.headers,
        }));
        state.next += 1;
        offset
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
        let start = state.records.partition_point(|r| r.offset < offset);
        state.records.iter().skip(start).take(max).cloned().collect()
    }

    /// The first offset whose record is not older than `timestamp`.
    pub(crate) fn offset_at(&self, timestamp: i64) -> Option<i64> {
        let state = self.state.lock();
        state.records.iter().find(|r| r.timestamp >= timestamp).map(|r| r.offset)
    }

    /// Forgets every record before `offset`, as retention does.
    pub(crate) fn truncate_before(&self, offset: i64) {
        let mut state = self.state.lock();
        state.first = offset.clamp(state.first, state.next);
        while state.records.front().is_some_and(|r| r.offset < state.first) {
            state.records.pop_front();
        }
    }

    /// Takes one record out and leaves a gap, as compaction does.
    pub(crate) fn remove(&self, offset: i64) -> bool {
        let mut state = self.state.lock();
        let at = state.records.partition_point(|r| r.offset < offset);
        let found = state.records.get(at).is_some_and(|r| r.offset == offset);
        if found {
            state.records.remove(at);
        }
        found
    }

    /// Leaves offsets unused so that the next record gets `offset`.
    pub(crate) fn skip_to(&self, offset: i64) {
        let mut state = self.state.lock();
        state.next = state.next.max(offset);
    }
}
