//! Consumer instances that are passed on to nobody.
//!
//! In a topic that was compacted, or that has transactions, offsets are missing. An
//! instance that was passed on cannot show that: the missing records may be with its
//! earlier reader. So an instance that has met a gap is kept here, where no other reader
//! knows it, together with the records that were read last: the position may not have
//! moved past all of them. Without this, each page of such a topic would take a new
//! instance, which takes half a second (`recordings/v2-stateless-reading.jsonl`, "whole life").

use std::cell::RefCell;
use std::time::Duration;

use super::instance::ConsumerInstance;
use crate::kafka::Fetched;
use crate::record::Record;

/// How many instances are kept, and for how long: the server removes one that was not
/// used for five minutes (`reference/confluent-rest.md`, 5.2).
const MAX_KEPT: usize = 16;
const MAX_AGE: Duration = Duration::from_secs(60);

/// How many bytes of records are kept with an instance.
const MAX_KEPT_BYTES: usize = 1024 * 1024;

#[derive(Debug, Default)]
pub(super) struct OwnInstances(RefCell<Vec<OwnInstance>>);

/// An instance, and what it has read last.
#[derive(Debug)]
pub(super) struct OwnInstance {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) instance: ConsumerInstance,
    /// The offset from which on the records are here.
    from: i64,
    records: Vec<Record>,
    /// The offset of the next read.
    pub(super) next: i64,
    since: Duration,
}

impl OwnInstance {
    pub(super) fn new(
        topic: &str,
        partition: i32,
        instance: ConsumerInstance,
        read: (i64, &[Record], i64),
        since: Duration,
    ) -> Self {
        let (from, records, next) = read;
        let fits = records.iter().map(Record::size).sum::<usize>() <= MAX_KEPT_BYTES;
        let (from, records) = if fits { (from, records.to_vec()) } else { (next, Vec::new()) };
        Self { topic: topic.to_owned(), partition, instance, from, records, next, since }
    }

    /// The records from an offset on that were read before.
    pub(super) fn kept(&mut self, offset: i64) -> Option<Fetched> {
        self.records.retain(|record| record.offset >= offset);
        self.from = self.from.max(offset);
        let fetched = Fetched {
            records: self.records.clone(),
            next: self.next,
            place: None,
            silent_to: None,
        };
        (!self.records.is_empty()).then_some(fetched)
    }
}

impl OwnInstances {
    /// Takes out the instance from which a partition can be read at an offset, and those
    /// that have to be given up.
    pub(super) fn take(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
        now: Duration,
    ) -> (Option<OwnInstance>, Vec<ConsumerInstance>) {
        let mut kept = self.0.borrow_mut();
        let is_old = |own: &OwnInstance| now.saturating_sub(own.since) >= MAX_AGE;
        let mut old = Vec::new();
        while let Some(place) = kept.iter().position(is_old) {
            old.push(kept.remove(place).instance);
        }
        let reads = |own: &OwnInstance| {
            own.topic == topic
                && own.partition == partition
                && (own.from..=own.next).contains(&offset)
        };
        let place = kept.iter().position(reads);
        (place.map(|place| kept.remove(place)), old)
    }

    /// Keeps an instance. Returns the one that has to be given up for it.
    pub(super) fn keep(&self, own: OwnInstance) -> Option<ConsumerInstance> {
        let mut kept = self.0.borrow_mut();
        let oldest = (kept.len() >= MAX_KEPT).then(|| kept.remove(0).instance);
        kept.push(own);
        oldest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: i64, size: usize) -> Record {
        let value = Some(vec![0; size].into());
        Record { partition: 0, offset, key: None, value, headers: None, timestamp: None }
    }

    fn own(name: &str, read: (i64, &[Record], i64), since: u64) -> OwnInstance {
        let instance = ConsumerInstance(name.into());
        OwnInstance::new("t", 0, instance, read, Duration::from_secs(since))
    }

    fn offsets(own: &mut OwnInstance, offset: i64) -> Vec<i64> {
        let kept = own.kept(offset).map(|fetched| fetched.records).unwrap_or_default();
        kept.iter().map(|record| record.offset).collect()
    }

    #[test]
    fn what_was_read_is_read_again_from_here_and_not_from_before() {
        let kept = OwnInstances::default();
        let now = Duration::from_secs(1);
        assert!(kept.keep(own("a", (5, &[record(6, 1), record(9, 1)], 10), 1)).is_none());
        assert!(kept.take("t", 0, 4, now).0.is_none());
        assert!(kept.take("t", 0, 11, now).0.is_none());
        assert!(kept.take("t", 1, 5, now).0.is_none());
        assert!(kept.take("u", 0, 5, now).0.is_none());
        let mut found = kept.take("t", 0, 7, now).0.unwrap();
        assert_eq!(offsets(&mut found, 7), [9]);
        kept.keep(found);
        assert!(kept.take("t", 0, 6, now).0.is_none(), "6 is gone");
        let mut found = kept.take("t", 0, 10, now).0.unwrap();
        assert_eq!((offsets(&mut found, 10), found.next), (vec![], 10));
    }

    #[test]
    fn what_is_large_is_not_kept_nor_what_is_old_nor_too_many() {
        let kept = OwnInstances::default();
        let large = [record(5, MAX_KEPT_BYTES + 1)];
        kept.keep(own("large", (5, &large, 6), 0));
        assert!(kept.take("t", 0, 5, Duration::ZERO).0.is_none());
        let (none, old) = kept.take("t", 0, 6, MAX_AGE);
        assert!(none.is_none());
        assert_eq!(old, [ConsumerInstance("large".into())]);
        for number in 0..MAX_KEPT {
            assert!(kept.keep(own(&number.to_string(), (5, &[], 6), 0)).is_none());
        }
        let given_up = kept.keep(own("one more", (5, &[], 6), 0));
        assert_eq!(given_up, Some(ConsumerInstance("0".into())));
    }
}
