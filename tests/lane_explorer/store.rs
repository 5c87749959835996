//! A model of the store: current on every read, or stale.

use kafka_edge::state::lane::{Document, Epoch, Hint, Watch};

pub(crate) type Position = u8;
pub(crate) type Doc = Document<Position>;
pub(crate) type Time = u16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Key {
    Claim(Epoch),
    Document(Epoch),
    Watch(Epoch),
    Hint,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Value {
    Claim,
    /// With the epoch that wrote it, for the variant with one key for all.
    Document(Epoch, Doc),
    Watch(Watch),
    Hint(Hint),
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
    /// By key; of one key the oldest first.
    entries: Vec<Entry>,
}

impl Store {
    pub(crate) fn put(&mut self, key: Key, value: Option<Value>, now: Time, stale: Stale) {
        let end = self.entries.partition_point(|entry| entry.key <= key);
        let start = self.entries.partition_point(|entry| entry.key < key);
        if stale == Stale::Never || matches!(key, Key::Claim(_)) {
            self.entries.drain(start..end);
            if value.is_some() {
                self.entries.insert(start, Entry { key, value, since: 0 });
            }
        } else {
            self.entries.insert(end, Entry { key, value, since: now });
        }
    }

    pub(crate) fn claimed(&self, epoch: Epoch) -> bool {
        self.current(Key::Claim(epoch)).is_some()
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

    /// The highest epoch with a document.
    pub(crate) fn highest(&self) -> Option<Epoch> {
        let written = |entry: &Entry| match entry.key {
            Key::Document(epoch) if self.current(entry.key).is_some() => Some(epoch),
            _ => None,
        };
        self.entries.iter().filter_map(written).max()
    }
}
