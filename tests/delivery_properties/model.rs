//! What has come to the callbacks, and what must hold of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::AddAssign;

use kafka_edge_sim::{SimLog, World};
use serde_json::Value;

use crate::plan::{DEAD, Exhausted, Order, Plan};

/// A record that was written: where it is, and its key.
#[derive(Debug, Clone, Copy)]
struct Written {
    partition: usize,
    offset: i64,
    key: Option<u8>,
}

/// What a subscription has got of a record.
#[derive(Debug, Default, Clone, Copy)]
struct Got {
    attempts: usize,
    accepted: usize,
}

/// What has come in one request.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    number: usize,
    records: Vec<u64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) written: usize,
    pub(crate) accepted: usize,
    /// Accepted once more.
    pub(crate) again: usize,
    pub(crate) refused: usize,
    pub(crate) filtered: usize,
    pub(crate) dead: usize,
    pub(crate) skipped: usize,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.written += other.written;
        self.accepted += other.accepted;
        self.again += other.again;
        self.refused += other.refused;
        self.filtered += other.filtered;
        self.dead += other.dead;
        self.skipped += other.skipped;
    }
}

pub(crate) struct Model {
    plan: Plan,
    world: World,
    log: SimLog,
    /// By the record's number.
    written: BTreeMap<u64, Written>,
    at: BTreeMap<(usize, i64), u64>,
    /// The ids of the subscriptions.
    pub(crate) ids: Vec<String>,
    got: Vec<BTreeMap<u64, Got>>,
    /// Whose `webhook-id` is whose.
    names: BTreeMap<String, (usize, u64, u64)>,
    /// What each subscription was seen to be done with: it stays so.
    disposed: Vec<BTreeSet<u64>>,
    pub(crate) counts: Counts,
}

impl Model {
    pub(crate) fn new(plan: Plan, world: World, log: SimLog) -> Self {
        let got = plan.wishes.map(|_| BTreeMap::new()).to_vec();
        Self {
            plan,
            world,
            log,
            written: BTreeMap::new(),
            at: BTreeMap::new(),
            ids: Vec::new(),
            disposed: vec![BTreeSet::new(); got.len()],
            got,
            names: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    pub(crate) fn wrote(&mut self, number: u64, partition: usize, offset: i64, key: Option<u8>) {
        self.written.insert(number, Written { partition, offset, key });
        self.at.insert((partition, offset), number);
        self.counts.written += 1;
    }

    /// A request has reached a callback, whatever that makes of it.
    pub(crate) fn arrived(&mut self, number: usize, id: &str, records: &[u64]) -> Arrival {
        let (Some(first), Some(last)) = (records.first(), records.last()) else {
            panic!("nothing came");
        };
        let name = (number, *first, *last);
        let known = *self.names.entry(id.to_owned()).or_insert(name);
        assert_eq!(known, name, "another delivery under {id}");
        let others = self.names.values().filter(|other| **other == name).count();
        assert_eq!(others, 1, "another id for {name:?}");
        self.note_disposed(number);
        for record in records {
            self.check_arrival(number, *record, records);
            self.got[number].entry(*record).or_default().attempts += 1;
        }
        Arrival { number, records: records.to_vec() }
    }

    fn check_arrival(&self, number: usize, record: u64, together: &[u64]) {
        let wish = self.plan.wishes[number];
        let at = self.written[&record];
        assert!(!self.is_filtered(number, record), "{record} was to be filtered");
        let got = self.got[number].get(&record).copied().unwrap_or_default();
        if self.plan.is_exact() {
            assert_eq!(got.accepted, 0, "{record} comes to {number} though it was accepted");
        }
        if self.plan.is_unreliable() {
            return;
        }
        // Nobody starts behind where an earlier one stood.
        let position = self.position(number, at.partition);
        assert!(at.offset >= position, "{record} at {at:?} comes behind {position}");
        if got.attempts > 0 {
            return;
        }
        let place = together.iter().position(|one| *one == record).unwrap_or(0);
        for (other, before) in &self.written {
            let is_before = before.partition == at.partition && before.offset < at.offset;
            let waits = match wish.order {
                Order::Partition => is_before,
                Order::Key => is_before && before.key.is_some() && before.key == at.key,
                Order::None => false,
            };
            if waits && !together[..place].contains(other) {
                let is_done = self.disposed[number].contains(other);
                assert!(is_done, "{record} comes to {number} before {other}, by {wish:?}");
            }
        }
    }

    fn is_filtered(&self, number: usize, record: u64) -> bool {
        self.plan.wishes[number].filter.is_some_and(|divisor| record.is_multiple_of(divisor))
    }

    /// Notes which records may be done with, as far as can be seen from outside.
    fn note_disposed(&mut self, number: usize) {
        let wish = self.plan.wishes[number];
        let dead = self.dead_letters(number);
        let is_disposed = |record: &u64| {
            let got = self.got[number].get(record).copied().unwrap_or_default();
            self.is_filtered(number, *record)
                || got.accepted > 0
                || dead.contains(record)
                || (wish.exhausted == Exhausted::Skip && got.attempts >= wish.attempts)
        };
        let known = &self.disposed[number];
        let new = self.written.keys().filter(|record| !known.contains(record));
        let new: Vec<u64> = new.copied().filter(is_disposed).collect();
        self.disposed[number].extend(new);
    }

    /// The numbers of the records of a subscription that are among the dead letters.
    fn dead_letters(&self, number: usize) -> BTreeSet<u64> {
        let Some(id) = self.ids.get(number) else { return BTreeSet::new() };
        let of_this = self.log.records(DEAD, 0).into_iter().filter_map(|record| {
            let headers = record.headers.unwrap_or_default();
            let text = |name: &str| {
                let found = headers.iter().find(|header| header.name == name)?;
                Some(String::from_utf8_lossy(found.value.as_deref()?).into_owned())
            };
            if text("__dlq.errors.group")? != *id {
                return None;
            }
            let partition = text("__dlq.errors.partition")?.parse().ok()?;
            let offset = text("__dlq.errors.offset")?.parse().ok()?;
            self.at.get(&(partition, offset)).copied()
        });
        of_this.collect()
    }

    /// Where the latest document of the lane says that the subscription stands.
    pub(crate) fn position(&self, number: usize, partition: usize) -> i64 {
        self.state(number, partition).map_or(0, |state| state["window"]["p"].as_i64().unwrap_or(0))
    }

    /// How many records were skipped, as the lanes count.
    pub(crate) fn skipped(&self, number: usize) -> u64 {
        let states =
            (0..self.plan.partitions).filter_map(|partition| self.state(number, partition));
        states.map(|state| state["n"][4].as_u64().unwrap_or(0)).sum()
    }

    fn state(&self, number: usize, partition: usize) -> Option<Value> {
        let id = self.ids.get(number)?;
        let prefix = format!("kafka-edge/2/hook/{id}/orders/{partition}/d/");
        let documents = self.world.store().into_iter().filter_map(|(key, value)| {
            let era: u32 = key.strip_prefix(&prefix)?.parse().ok()?;
            Some((era, value?))
        });
        let (_, document) = documents.max_by_key(|(era, _)| *era)?;
        find_state(serde_json::from_slice(&document).ok()?)
    }

    pub(crate) fn accepted(&mut self, arrival: Arrival) {
        for record in arrival.records {
            let got = self.got[arrival.number].entry(record).or_default();
            got.accepted += 1;
            match got.accepted {
                1 => self.counts.accepted += 1,
                _ => self.counts.again += 1,
            }
        }
    }

    pub(crate) fn refused(&mut self, arrival: Arrival) {
        self.counts.refused += arrival.records.len();
    }

    /// Whether everything was done with.
    pub(crate) fn is_whole(&self) -> bool {
        (0..self.got.len()).all(|number| self.missing(number).is_empty())
    }

    /// The records that were neither accepted nor filtered nor are dead letters; with
    /// `skip`, those that may have been skipped are not missing.
    fn missing(&self, number: usize) -> Vec<u64> {
        let dead = self.dead_letters(number);
        let is_missing = |record: &u64| {
            let got = self.got[number].get(record).copied().unwrap_or_default();
            let wish = self.plan.wishes[number];
            let may_be_skipped = wish.exhausted == Exhausted::Skip && got.attempts >= wish.attempts;
            got.accepted == 0
                && !self.is_filtered(number, *record)
                && !dead.contains(record)
                && !may_be_skipped
        };
        self.written.keys().copied().filter(is_missing).collect()
    }

    /// At the end: nothing was lost, and what was skipped was counted.
    pub(crate) fn check_end(&mut self) {
        for number in 0..self.got.len() {
            let skipped = self.skipped(number);
            let missing = self.missing(number);
            assert!(missing.is_empty(), "{number} never got {missing:?}");
            let got = &self.got[number];
            let unseen = self.written.keys().filter(|record| {
                let accepted = got.get(record).is_some_and(|got| got.accepted > 0);
                !accepted
                    && !self.is_filtered(number, **record)
                    && self.plan.wishes[number].exhausted == Exhausted::Skip
            });
            let unseen = unseen.count();
            assert!(unseen as u64 <= skipped, "{number}: {unseen} skipped, {skipped} counted");
            self.counts.skipped += unseen;
            self.counts.dead += self.dead_letters(number).len();
            let filtered = self.written.keys().filter(|one| self.is_filtered(number, **one));
            self.counts.filtered += filtered.count();
        }
    }
}

/// The state in a lane's document, wherever it is in it.
fn find_state(value: Value) -> Option<Value> {
    match value {
        Value::Object(object) if object.contains_key("window") => Some(Value::Object(object)),
        Value::Object(object) => object.into_iter().find_map(|(_, value)| find_state(value)),
        _ => None,
    }
}
