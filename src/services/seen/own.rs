//! What an instance has written lately, so that its own writes do not overwrite each
//! other: two of them may read the same slot before either has written it.

use std::hash::{DefaultHasher, Hasher};
use std::time::Duration;

use super::slot::{Entry, MAX_ENTRIES, PENDING_TIME};

/// How many slots share a bucket is chance; an event looks at one bucket only.
const BUCKETS: u64 = 512;

/// The entries that were noted within the last [`PENDING_TIME`], each with its slot.
pub(super) struct Own {
    buckets: Vec<Vec<Noted>>,
    /// How many entries were noted so far.
    count: u64,
}

struct Noted {
    /// The slot's key, as a hash: whole keys differ at their ends only, and are compared
    /// for each entry.
    slot: u64,
    entry: Entry,
    number: u64,
    at: u64,
    /// When a write of the slot with this entry had ended.
    stored: Option<u64>,
}

/// What an instance had noted in a slot until a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until(u64);

impl Default for Own {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| Vec::new()).collect(), count: 0 }
    }
}

impl Own {
    pub(super) fn find(&self, slot: &str, id: &str, now: Duration) -> Option<&Entry> {
        let (slot, now) = (hash(slot), millis(now));
        let mut own = self.bucket(slot).iter();
        let found = own.find(|own| own.slot == slot && own.entry.id == id && own.is_recent(now));
        found.map(|own| &own.entry)
    }

    /// Those of a slot, oldest first, that a read which began at this time may not have
    /// seen.
    pub(super) fn missing(
        &self,
        slot: &str,
        read_at: Duration,
        now: Duration,
    ) -> impl Iterator<Item = &Entry> {
        let (slot, read_at, now) = (hash(slot), millis(read_at), millis(now));
        let own = self.bucket(slot).iter().filter(move |own| {
            own.slot == slot
                && own.is_recent(now)
                && own.stored.is_none_or(|stored| stored >= read_at)
        });
        own.map(|own| &own.entry)
    }

    pub(super) fn until_now(&self) -> Until {
        Until(self.count)
    }

    /// Keeps in mind that what had been noted until then is in the store.
    pub(super) fn are_stored(&mut self, slot: &str, until: Until, now: Duration) {
        let slot = hash(slot);
        for own in self.bucket_mut(slot) {
            if own.slot == slot && own.number < until.0 && own.stored.is_none() {
                own.stored = Some(millis(now));
            }
        }
    }

    /// Puts an entry in place of the one with the same id. Where a bucket is full, the
    /// oldest makes room.
    pub(super) fn put(&mut self, slot: &str, entry: Entry, now: Duration) {
        let (slot, at, number) = (hash(slot), millis(now), self.count);
        self.count += 1;
        let bucket = self.bucket_mut(slot);
        bucket.retain(|own| own.is_recent(at) && (own.slot != slot || own.entry.id != entry.id));
        if bucket.len() >= MAX_ENTRIES * 2 {
            bucket.remove(0);
        }
        bucket.push(Noted { slot, entry, number, at, stored: None });
    }

    fn bucket(&self, slot: u64) -> &[Noted] {
        &self.buckets[place(slot)]
    }

    fn bucket_mut(&mut self, slot: u64) -> &mut Vec<Noted> {
        &mut self.buckets[place(slot)]
    }
}

impl Noted {
    fn is_recent(&self, now: u64) -> bool {
        now.saturating_sub(self.at) < PENDING_TIME.as_millis() as u64
    }
}

fn place(slot: u64) -> usize {
    (slot % BUCKETS) as usize
}

fn hash(slot: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(slot.as_bytes());
    hasher.finish()
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, at: i64) -> Entry {
        Entry::pending(id.into(), None, at, Vec::new())
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn missing(own: &Own, slot: &str, read_at: u64, now: u64) -> Vec<String> {
        let missing = own.missing(slot, seconds(read_at), seconds(now));
        missing.map(|entry| entry.id.clone()).collect()
    }

    #[test]
    fn an_entry_is_known_for_ten_seconds_and_to_its_slot_only() {
        let mut own = Own::default();
        own.put("seen/a/7", entry("x", 1), seconds(1));
        own.put("seen/b/7", entry("x", 2), seconds(2));
        own.put("seen/a/7", entry("y", 3), seconds(3));
        own.put("seen/a/7", entry("x", 4), seconds(4));
        assert_eq!(missing(&own, "seen/a/7", 5, 12), ["y", "x"]);
        assert_eq!(missing(&own, "seen/b/7", 5, 11), ["x"]);
        assert_eq!(missing(&own, "seen/b/7", 5, 12), Vec::<String>::new());
        assert_eq!(missing(&own, "seen/a/8", 5, 5), Vec::<String>::new());
        assert_eq!(own.find("seen/a/7", "x", seconds(13)), Some(&entry("x", 4)));
        assert_eq!(own.find("seen/a/7", "x", seconds(14)), None);
        assert_eq!(own.find("seen/b/7", "y", seconds(4)), None);
    }

    #[test]
    fn what_is_stored_is_not_missing_in_a_later_read() {
        let mut own = Own::default();
        own.put("s", entry("x", 1), seconds(1));
        let until = own.until_now();
        own.put("s", entry("y", 2), seconds(2));
        own.put("t", entry("z", 2), seconds(2));
        own.are_stored("s", until, seconds(3));
        assert_eq!(missing(&own, "s", 4, 5), ["y"]);
        assert_eq!(missing(&own, "s", 3, 5), ["x", "y"], "it was read while that was written");
        assert_eq!(missing(&own, "t", 4, 5), ["z"]);
        own.put("s", entry("x", 5), seconds(5));
        assert_eq!(missing(&own, "s", 6, 6), ["y", "x"], "it has changed since");
        assert_eq!(own.find("s", "x", seconds(6)), Some(&entry("x", 5)), "known all the same");
    }

    #[test]
    fn it_is_bounded() {
        let mut own = Own::default();
        for number in 0..100 {
            own.put("seen/a/7", entry(&format!("{number}"), number), Duration::ZERO);
        }
        let ids = missing(&own, "seen/a/7", 0, 1);
        assert_eq!((ids.len(), ids[0].as_str()), (32, "68"));
    }

    #[test]
    fn slots_are_spread_over_the_buckets() {
        let mut counts = [0; BUCKETS as usize];
        for number in 0..2_048 {
            counts[place(hash(&format!("kafka-edge/seen/source/s3/{number}")))] += 1;
        }
        assert!(counts.iter().all(|count| *count < 16), "{counts:?}");
    }
}
