//! What was answered, and what must hold of it.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde_json::Value;

use crate::log::FailingLog;
use crate::plan::Plan;
use crate::scene::Answer;

/// What happened in a run.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) written: u64,
    pub(crate) repeats: u64,
    /// Answers that ask to come again because the event is pending.
    pub(crate) pending: u64,
    pub(crate) failed: u64,
    pub(crate) deaths: u64,
    pub(crate) hang_ups: u64,
    /// Reports of the log that were lost.
    pub(crate) unknown: u64,
    /// Records beyond one for each that an event has to become.
    pub(crate) surplus: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.written += other.written;
        self.repeats += other.repeats;
        self.pending += other.pending;
        self.failed += other.failed;
        self.deaths += other.deaths;
        self.hang_ups += other.hang_ups;
        self.unknown += other.unknown;
        self.surplus += other.surplus;
    }
}

/// An event, by its source and its id.
pub(crate) type Event = (&'static str, String);

pub(crate) struct Model {
    plan: Plan,
    log: FailingLog,
    pub(crate) counts: Counts,
    /// How often each event was answered with a success.
    taken: BTreeMap<Event, u64>,
}

impl Model {
    pub(crate) fn new(plan: Plan, log: FailingLog) -> Self {
        Self { plan, log, counts: Counts::default(), taken: BTreeMap::new() }
    }

    /// Checks an answer when it comes.
    pub(crate) fn answered(&mut self, event: &Event, answer: &Answer) {
        if !answer.is_taken() {
            let is_pending = answer.status == 503 && answer.json.to_string().contains("is being");
            if is_pending {
                self.counts.pending += 1;
                let wait = answer.retry_after.expect("it says when to come again");
                assert!((1..=11).contains(&wait), "{event:?} is to come after {wait} s");
            } else {
                self.counts.failed += 1;
                assert!(!self.plan.is_calm(), "{event:?} failed: {answer:?}");
            }
            return;
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        if answer.is_repeat() {
            self.counts.repeats += 1;
        } else {
            self.counts.written += 1;
        }
        *self.taken.entry(event.clone()).or_default() += 1;
        let mut parts: Vec<_> = answer
            .places()
            .iter()
            .map(|(topic, partition, offset)| {
                let records = self.log.log.records(topic, *partition as usize);
                let record = records.get(*offset as usize);
                let record = record.unwrap_or_else(|| panic!("{event:?} is nowhere: {answer:?}"));
                let (found, part) = read(record.value.as_deref());
                assert_eq!(&found, event, "{answer:?} is of another event");
                part
            })
            .collect();
        parts.sort_unstable();
        parts.dedup();
        // A try that wrote the missing part of an event reports on that part alone.
        assert!(!parts.is_empty(), "{event:?} was taken without a record");
        if answer.is_repeat() {
            assert_eq!(parts, parts_of(event.0), "{event:?} is not there as a whole: {answer:?}");
        }
    }

    /// Checks what is in the log when all is over.
    pub(crate) fn end(mut self, events: &[Event]) -> Counts {
        let mut copies: BTreeMap<(Event, i64), (u64, Vec<u8>)> = BTreeMap::new();
        for topic in ["t", "u"] {
            for record in self.log.log.records(topic, 0) {
                let copy = copies.entry(read(record.value.as_deref())).or_default();
                *copy = (copy.0 + 1, record.value.unwrap_or_default().to_vec());
            }
        }
        for event in events {
            let taken = self.taken.get(event).copied().unwrap_or_default();
            assert!(taken > 0, "{event:?} was never taken");
            for part in parts_of(event.0) {
                let copy = copies.get(&(event.clone(), part));
                let (copies, value) =
                    copy.unwrap_or_else(|| panic!("part {part} of {event:?} is lost"));
                let unknown = self.log.unknown(value);
                self.counts.unknown += unknown;
                self.counts.surplus += copies - 1;
                if self.plan.is_exact() {
                    assert!(
                        *copies <= 1 + unknown,
                        "part {part} of {event:?} was written {copies} times, and the log kept \
                         {unknown} reports on it to itself"
                    );
                }
            }
        }
        self.counts
    }
}

/// The records that an event of a source becomes.
fn parts_of(source: &str) -> Vec<i64> {
    if source == "fan" { vec![1, 2] } else { vec![0] }
}

fn read(value: Option<&[u8]>) -> (Event, i64) {
    let json: Value = serde_json::from_slice(value.unwrap_or_default()).expect("we sent JSON");
    let source = if json["source"] == "fan" { "fan" } else { "plain" };
    let id = json["id"].as_str().expect("we sent an id").to_owned();
    ((source, id), json["part"].as_i64().unwrap_or_default())
}
