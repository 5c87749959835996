//! A model of the store: a counter, which is always current, and values, whose reads
//! may be stale.

use kafka_edge::state::lane::{Document, Era, Ticket, Watch};

pub(crate) type Position = u8;
pub(crate) type Doc = Document<Position>;
pub(crate) type Time = u16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Document(Era),
    Watch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Document(Doc),
    Watch(Watch),
}

/// How old a read may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Stale {
    Never,
    UpTo(Time),
    Any,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Entry {
    key: Key,
    value: Option<Value>,
    since: Time,
}

/// Everything that was ever written and may still be read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Store {
    pub(crate) counter: u64,
    /// By key; of one key the oldest first.
    entries: Vec<Entry>,
}

impl Store {
    pub(crate) fn put(&mut self, key: Key, value: Option<Value>, now: Time, stale: Stale) {
        let end = self.entries.partition_point(|entry| entry.key <= key);
        let start = self.entries.partition_point(|entry| entry.key < key);
        if stale == Stale::Never {
            self.entries.drain(start..end);
            if value.is_some() {
                self.entries.insert(start, Entry { key, value, since: 0 });
            }
        } else {
            self.entries.insert(end, Entry { key, value, since: now });
        }
    }

    pub(crate) fn draw(&mut self, by: u64) -> Ticket {
        self.counter += by;
        Ticket::of(self.counter)
    }

    fn current(&self, key: Key) -> Option<Value> {
        self.entries.iter().rfind(|entry| entry.key == key)?.value
    }

    /// All that a read of `key` may answer, the truth first.
    pub(crate) fn readable(&self, key: Key, now: Time, stale: Stale) -> Vec<Option<Value>> {
        let mut readable = vec![self.current(key)];
        if stale == Stale::Never {
            return readable;
        }
        // Each value may be read until some time after the next one landed.
        let mut older = None;
        for entry in self.entries.iter().filter(|entry| entry.key == key) {
            let visible = match stale {
                Stale::Never => false,
                Stale::UpTo(bound) => entry.since + bound >= now,
                Stale::Any => true,
            };
            if visible && !readable.contains(&older) {
                readable.push(older);
            }
            older = entry.value;
        }
        readable
    }
}
