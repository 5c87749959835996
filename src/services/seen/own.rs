//! What an instance has written lately, so that its own writes do not overwrite each
//! other: two of them may read the same slot before either has written it.

use std::hash::{DefaultHasher, Hasher};
use std::rc::Rc;
use std::time::Duration;

use super::slot::{Entry, MAX_ENTRIES, PENDING_TIME};

/// How many slots share a bucket is chance; an event looks through one bucket only, several
/// times.
const BUCKETS: u64 = 1_024;

/// How many entries a bucket keeps: as many as a slot holds.
const BUCKET_ENTRIES: usize = MAX_ENTRIES;

/// For how long an entry is kept, in milliseconds. It is a constant, because an event compares
/// some fifty times with it.
const RECENT: u64 = PENDING_TIME.as_millis() as u64;

/// The key of a slot, as a hash: whole keys differ at their ends only, and are compared for
/// each entry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SlotHash(u64);

impl SlotHash {
    pub(super) fn of(key: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(key.as_bytes());
        Self(hasher.finish())
    }

    fn bucket(self) -> usize {
        (self.0 % BUCKETS) as usize
    }
}

/// An id, as a hash.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct IdHash(u64);

impl IdHash {
    pub(super) fn of(id: &str) -> Self {
        Self(SlotHash::of(id).0)
    }
}

/// The entries that were noted within the last [`PENDING_TIME`], each with its slot.
#[derive(Default)]
pub(super) struct Own {
    /// There are none before the first entry: where each request has a fresh instance, most
    /// note nothing.
    buckets: Vec<Vec<Noted>>,
    /// How many entries were noted so far.
    count: u64,
}

struct Noted {
    slot: SlotHash,
    /// Beside the entry, so that looking through a bucket reads no entries.
    id: IdHash,
    entry: Rc<Entry>,
    number: u64,
    at: u64,
    /// When a write of the slot with this entry had ended.
    stored: Option<u64>,
}

/// What an instance had noted in a slot until a moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Until(u64);

impl Own {
    fn bucket(&self, slot: SlotHash) -> &[Noted] {
        self.buckets.get(slot.bucket()).map_or(&[], Vec::as_slice)
    }

    /// What is known of an id, unless its window is over.
    pub(super) fn find(
        &self,
        slot: SlotHash,
        (id, hash): (&str, IdHash),
        now: Duration,
        window: Duration,
    ) -> Option<&Entry> {
        let (now, window) = (millis(now), millis(window));
        let found = self.bucket(slot).iter().find(|own| own.is_of(slot, hash, id))?;
        // A short window does not end while the id may be on its way.
        let lasts = if found.entry.is_pending() { RECENT } else { RECENT.min(window) };
        (now.saturating_sub(found.at) < lasts).then_some(&*found.entry)
    }

    /// Those of a slot, oldest first, that a read which began at this time may not have
    /// seen.
    pub(super) fn missing(
        &self,
        slot: SlotHash,
        read_at: Duration,
        now: Duration,
    ) -> impl Iterator<Item = &Rc<Entry>> {
        let (read_at, now) = (millis(read_at), millis(now));
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
    pub(super) fn are_stored(&mut self, slot: SlotHash, until: Until, now: Duration) {
        for own in self.buckets.get_mut(slot.bucket()).into_iter().flatten() {
            if own.slot == slot && own.number < until.0 && own.stored.is_none() {
                own.stored = Some(millis(now));
            }
        }
    }

    /// Puts an entry in place of the one with the same id. Where a bucket is full, the
    /// oldest makes room.
    pub(super) fn put(&mut self, slot: SlotHash, id: IdHash, entry: Rc<Entry>, now: Duration) {
        let (at, number) = (millis(now), self.count);
        self.count += 1;
        if self.buckets.is_empty() {
            self.buckets = (0..BUCKETS).map(|_| Vec::new()).collect();
        }
        let bucket = &mut self.buckets[slot.bucket()];
        // They lie nearly in the order of their times. Of the same id there is one, mostly the last.
        while bucket.first().is_some_and(|own| !own.is_recent(at)) {
            bucket.remove(0);
        }
        if let Some(same) = bucket.iter().rposition(|own| own.is_of(slot, id, &entry.id)) {
            bucket.remove(same);
        }
        if bucket.len() >= BUCKET_ENTRIES {
            bucket.remove(0);
        }
        bucket.push(Noted { slot, id, entry, number, at, stored: None });
    }
}

impl Noted {
    /// The entry is read only where its hash is the same.
    fn is_of(&self, slot: SlotHash, hash: IdHash, id: &str) -> bool {
        self.id == hash && self.slot == slot && self.entry.id == id
    }

    fn is_recent(&self, now: u64) -> bool {
        now.saturating_sub(self.at) < RECENT
    }
}

/// Without the 128 bits of `Duration::as_millis`.
pub(super) fn millis(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000).saturating_add(time.subsec_millis().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, at: i64) -> Rc<Entry> {
        Entry::pending(id.into(), None, at, Vec::new()).into()
    }

    fn slot(key: &str) -> SlotHash {
        SlotHash::of(key)
    }

    fn put(own: &mut Own, slot: SlotHash, entry: Rc<Entry>, now: Duration) {
        own.put(slot, IdHash::of(&entry.id), entry, now);
    }

    fn find<'o>(
        own: &'o Own,
        slot: SlotHash,
        id: &str,
        now: u64,
        window: Duration,
    ) -> Option<&'o Entry> {
        own.find(slot, (id, IdHash::of(id)), seconds(now), window)
    }

    const DAY: Duration = Duration::from_secs(86_400);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn missing(own: &Own, key: &str, read_at: u64, now: u64) -> Vec<String> {
        let missing = own.missing(slot(key), seconds(read_at), seconds(now));
        missing.map(|entry| entry.id.clone()).collect()
    }

    #[test]
    fn an_entry_is_known_for_ten_seconds_and_to_its_slot_only() {
        let mut own = Own::default();
        put(&mut own, slot("seen/a/7"), entry("x", 1), seconds(1));
        put(&mut own, slot("seen/b/7"), entry("x", 2), seconds(2));
        put(&mut own, slot("seen/a/7"), entry("y", 3), seconds(3));
        put(&mut own, slot("seen/a/7"), entry("x", 4), seconds(4));
        assert_eq!(missing(&own, "seen/a/7", 5, 12), ["y", "x"]);
        assert_eq!(missing(&own, "seen/b/7", 5, 11), ["x"]);
        assert_eq!(missing(&own, "seen/b/7", 5, 12), Vec::<String>::new());
        assert_eq!(missing(&own, "seen/a/8", 5, 5), Vec::<String>::new());
        assert_eq!(find(&own, slot("seen/a/7"), "x", 13, DAY), Some(&*entry("x", 4)));
        assert_eq!(find(&own, slot("seen/a/7"), "x", 14, DAY), None);
        assert_eq!(find(&own, slot("seen/b/7"), "y", 4, DAY), None);
        let same_hash = IdHash::of("x");
        assert_eq!(own.find(slot("seen/a/7"), ("z", same_hash), seconds(5), DAY), None);
    }

    #[test]
    fn a_short_window_ends_what_is_not_on_its_way() {
        let mut own = Own::default();
        put(&mut own, slot("s"), entry("x", 1), seconds(1));
        let is_known = |own: &Own, now| find(own, slot("s"), "x", now, seconds(2)).is_some();
        assert!(is_known(&own, 10) && !is_known(&own, 11));
        put(&mut own, slot("s"), entry("x", 1).done(Vec::new(), 5_000).into(), seconds(5));
        assert!(is_known(&own, 6) && !is_known(&own, 7));
    }

    #[test]
    fn what_is_stored_is_not_missing_in_a_later_read() {
        let mut own = Own::default();
        put(&mut own, slot("s"), entry("x", 1), seconds(1));
        let until = own.until_now();
        put(&mut own, slot("s"), entry("y", 2), seconds(2));
        put(&mut own, slot("t"), entry("z", 2), seconds(2));
        own.are_stored(slot("s"), until, seconds(3));
        assert_eq!(missing(&own, "s", 4, 5), ["y"]);
        assert_eq!(missing(&own, "s", 3, 5), ["x", "y"], "it was read while that was written");
        assert_eq!(missing(&own, "t", 4, 5), ["z"]);
        put(&mut own, slot("s"), entry("x", 5), seconds(5));
        assert_eq!(missing(&own, "s", 6, 6), ["y", "x"], "it has changed since");
        assert_eq!(find(&own, slot("s"), "x", 6, DAY), Some(&*entry("x", 5)), "known all the same");
    }

    #[test]
    fn it_is_bounded() {
        let mut own = Own::default();
        for number in 0..100 {
            put(&mut own, slot("seen/a/7"), entry(&format!("{number}"), number), Duration::ZERO);
        }
        let ids = missing(&own, "seen/a/7", 0, 1);
        assert_eq!((ids.len(), ids[0].as_str()), (16, "84"));
    }

    #[test]
    fn slots_are_spread_over_the_buckets() {
        let mut counts = [0; BUCKETS as usize];
        for number in 0..2_048 {
            counts[slot(&format!("kafka-edge/seen/source/s3/{number}")).bucket()] += 1;
        }
        assert!(counts.iter().all(|count| *count < 12), "{counts:?}");
    }
}
