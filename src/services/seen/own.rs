//! What an instance has written lately, so that its own writes do not overwrite each
//! other: two of them may read the same slot before either has written it.

use std::time::Duration;

use super::slot::{Entry, MAX_ENTRIES, PENDING_TIME};

/// How many slots share a bucket is chance; an event looks at one bucket only.
const BUCKETS: usize = 256;

/// The entries that were written within the last [`PENDING_TIME`], each with its slot.
pub(super) struct Own(Vec<Vec<Written>>);

struct Written {
    slot: String,
    entry: Entry,
    at: Duration,
}

impl Written {
    fn is_recent(&self, now: Duration) -> bool {
        now.saturating_sub(self.at) < PENDING_TIME
    }
}

impl Default for Own {
    fn default() -> Self {
        Self((0..BUCKETS).map(|_| Vec::new()).collect())
    }
}

impl Own {
    /// Those of a slot, oldest first.
    pub(super) fn of(&self, slot: &str, now: Duration) -> impl Iterator<Item = &Entry> {
        let bucket = &self.0[bucket(slot)];
        let own = bucket.iter().filter(move |own| own.is_recent(now) && own.slot == slot);
        own.map(|own| &own.entry)
    }

    /// Puts an entry in place of the one with the same id. Where a bucket is full, the
    /// oldest makes room.
    pub(super) fn put(&mut self, slot: &str, entry: Entry, now: Duration) {
        let bucket = &mut self.0[bucket(slot)];
        let is_same = |own: &Written| own.entry.id == entry.id && own.slot == slot;
        bucket.retain(|own| own.is_recent(now) && !is_same(own));
        if bucket.len() >= MAX_ENTRIES {
            bucket.remove(0);
        }
        bucket.push(Written { slot: slot.to_owned(), entry, at: now });
    }
}

/// By the end of the slot's key, which is its number. The numbers are hashes.
fn bucket(slot: &str) -> usize {
    let end = slot.bytes().rev().take_while(u8::is_ascii_digit);
    let number = end.fold((0, 1), |(sum, place), digit| {
        (sum + usize::from(digit - b'0') * place, place * 10 % BUCKETS)
    });
    number.0 % BUCKETS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, at: i64) -> Entry {
        Entry::pending(id.into(), None, at, Vec::new())
    }

    fn ids(own: &Own, slot: &str, now: u64) -> Vec<String> {
        own.of(slot, Duration::from_secs(now)).map(|entry| entry.id.clone()).collect()
    }

    #[test]
    fn an_entry_is_known_for_ten_seconds_and_to_its_slot_only() {
        let mut own = Own::default();
        own.put("seen/a/7", entry("x", 1), Duration::from_secs(1));
        own.put("seen/b/7", entry("x", 2), Duration::from_secs(2));
        own.put("seen/a/7", entry("y", 3), Duration::from_secs(3));
        own.put("seen/a/7", entry("x", 4), Duration::from_secs(4));
        assert_eq!(ids(&own, "seen/a/7", 12), ["y", "x"]);
        assert_eq!(ids(&own, "seen/b/7", 11), ["x"]);
        assert_eq!(ids(&own, "seen/b/7", 12), Vec::<String>::new());
        assert_eq!(ids(&own, "seen/a/8", 5), Vec::<String>::new());
    }

    #[test]
    fn it_is_bounded() {
        let mut own = Own::default();
        for number in 0..100 {
            own.put("seen/a/7", entry(&format!("{number}"), number), Duration::ZERO);
        }
        let ids = ids(&own, "seen/a/7", 1);
        assert_eq!((ids.len(), ids[0].as_str()), (MAX_ENTRIES, "84"));
    }

    #[test]
    fn slots_are_spread_over_the_buckets() {
        let mut counts = [0; BUCKETS];
        for number in 0..2_048 {
            counts[bucket(&format!("kafka-edge/seen/source/s3/{number}"))] += 1;
        }
        assert_eq!(counts, [8; BUCKETS]);
    }
}
