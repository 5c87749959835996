//! The state of each record as its callers know it, and what must hold of it.
//!
//! A record is available until somebody acquires it, acquired as long as a lease on it
//! lasts, and acknowledged or archived for good. Callers learn of these states by what
//! they are handed and told. Where a call ends without an answer, its change may have been
//! made or not.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use kafka_edge::services::consume::{Acknowledged, Disposal};
use kafka_edge::services::groups::Group;
use kafka_edge_sim::SimLog;

use crate::plan::Plan;
use crate::scene::{DEAD, TOPIC};

/// Between the claim of a record and the answer that has it.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// How far the clocks of two instances may be apart.
const SKEW: Duration = Duration::from_secs(1);

/// A partition and an offset.
pub(crate) type At = (i32, i64);

/// One hand-out of a record.
pub(crate) type Handing = (At, usize);

#[derive(Debug, Default)]
struct Record {
    hands: Vec<Hand>,
    /// Somebody has accepted, or rejected, it, as far as a caller can tell.
    accepting: bool,
    rejecting: bool,
    /// Somebody was told so.
    accepted: bool,
    rejected: bool,
}

#[derive(Debug)]
struct Hand {
    count: u32,
    /// Nobody else gets it before.
    holds_until: Duration,
    /// Its caller can do nothing after.
    over_after: Duration,
    /// Its caller was told that it is released.
    released: bool,
}

/// Counts of what happened, to see that something did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) handed: u64,
    pub(crate) again: u64,
    pub(crate) accepted: u64,
    pub(crate) released: u64,
    pub(crate) rejected: u64,
    pub(crate) renewed: u64,
    /// What came too late.
    pub(crate) refused: u64,
    pub(crate) letters: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.handed += other.handed;
        self.again += other.again;
        self.accepted += other.accepted;
        self.released += other.released;
        self.rejected += other.rejected;
        self.renewed += other.renewed;
        self.refused += other.refused;
        self.letters += other.letters;
    }
}

#[derive(Debug)]
pub(crate) struct Model {
    plan: Plan,
    records: BTreeMap<At, Record>,
    /// Rejected and given up, by partition, and when that was shown.
    shown: Vec<(Duration, i32, (u64, u64))>,
    pub(crate) counts: Counts,
}

/// The dead letters of each record, with the delivery count that each one names.
pub(crate) fn letters(log: &SimLog) -> BTreeMap<At, Vec<u32>> {
    let mut letters = BTreeMap::<At, Vec<u32>>::new();
    for record in log.records(DEAD, 0) {
        let header = |name: &str| -> i64 {
            let headers = record.headers.iter().flatten();
            let found = headers.filter(|header| header.name == format!("__dlq.errors.{name}"));
            let value = found.last().and_then(|header| header.value.clone()).expect("a header");
            std::str::from_utf8(&value).unwrap().parse().unwrap()
        };
        let at = (header("partition") as i32, header("offset"));
        letters.entry(at).or_default().push(header("delivery.count") as u32);
    }
    letters
}

impl Model {
    pub(crate) fn new(plan: Plan) -> Self {
        let (records, shown) = (BTreeMap::new(), Vec::new());
        Self { plan, records, shown, counts: Counts::default() }
    }

    /// A caller has got a record with a lease. Returns what it is known by.
    pub(crate) fn handed(&mut self, at: At, now: Duration, lease: Duration, count: u32) -> Handing {
        let plan = self.plan;
        let record = self.records.entry(at).or_default();
        assert!(!record.accepted, "{at:?} comes again after it was accepted");
        assert!(!record.rejected, "{at:?} comes again after it was rejected");
        for hand in &record.hands {
            assert!(
                now >= hand.holds_until,
                "{at:?} is handed out at {now:?}, and somebody has it until {:?}",
                hand.holds_until
            );
            assert!(count > hand.count, "{at:?} has {count} deliveries after {}", hand.count);
        }
        let expected = record.hands.len() as u32 + 1;
        assert!(!plan.is_orderly() || count == expected, "{at:?}: {count}, not {expected}");
        let limit = plan.delivery_limit.unwrap_or(u32::MAX);
        assert!(count <= limit, "{at:?} is handed out {count} times, and {limit} are allowed");
        self.counts.handed += 1;
        self.counts.again += u64::from(!record.hands.is_empty());
        let (holds_until, over_after) =
            ((now + lease).saturating_sub(ANSWER_TIME), now + lease + SKEW);
        record.hands.push(Hand { count, holds_until, over_after, released: false });
        (at, record.hands.len() - 1)
    }

    fn hand(&mut self, (at, number): Handing) -> &mut Hand {
        &mut self.records.get_mut(&at).expect("it was handed out").hands[number]
    }

    /// The caller is about to say what becomes of it. Returns how often it was handed out.
    pub(crate) fn asks(&mut self, handing: Handing, disposal: Disposal, now: Duration) -> usize {
        match disposal {
            Disposal::Ack => self.records.get_mut(&handing.0).unwrap().accepting = true,
            Disposal::Reject => self.records.get_mut(&handing.0).unwrap().rejecting = true,
            Disposal::Nack { delay } => {
                let hand = self.hand(handing);
                hand.holds_until = hand.holds_until.min((now + delay).saturating_sub(SKEW));
            }
            Disposal::Renew { .. } => {}
        }
        self.records[&handing.0].hands.len()
    }

    /// What the caller was told; `None` if it got no answer. It had asked at `asked`, when
    /// the record had been handed out so many times.
    pub(crate) fn told(
        &mut self,
        handing: Handing,
        disposal: Disposal,
        (asked, now): (Duration, Duration),
        deliveries: usize,
        told: Option<Acknowledged>,
        log: &SimLog,
    ) {
        let (at, number) = handing;
        let (accepting, rejecting) = {
            let record = &self.records[&at];
            (record.accepting, record.rejecting)
        };
        let hand = self.hand(handing);
        let is_over = asked > hand.over_after || hand.released;
        hand.released |=
            told == Some(Acknowledged::Done) && matches!(disposal, Disposal::Nack { .. });
        if let Disposal::Renew { lease } = disposal {
            // It may have been renewed, whatever the caller was told.
            if !matches!(told, Some(Acknowledged::Expired | Acknowledged::Unknown)) {
                hand.over_after = hand.over_after.max(now + lease + SKEW);
            }
            if told == Some(Acknowledged::Done) {
                let holds_until = (asked + lease).saturating_sub(SKEW);
                hand.holds_until = hand.holds_until.max(holds_until);
            }
        }
        let Some(told) = told else { return };
        assert_ne!(told, Acknowledged::Unknown, "the receipt of {handing:?}");
        if told == Acknowledged::Done {
            // What was done before can be accepted again.
            let is_harmless = disposal == Disposal::Ack && (accepting || rejecting);
            assert!(
                !is_over || is_harmless,
                "{handing:?} counts although its lease was over: {disposal:?}"
            );
            // What is released can be with somebody else before that is told.
            let is_released = matches!(disposal, Disposal::Nack { .. });
            let deliveries = if is_released { deliveries } else { self.records[&at].hands.len() };
            assert!(
                number + 1 == deliveries || is_harmless,
                "{handing:?} counts although somebody else has it: {disposal:?}"
            );
        }
        self.counts.refused += u64::from(told == Acknowledged::Expired && is_over);
        let record = self.records.get_mut(&at).unwrap();
        match (told, disposal) {
            (Acknowledged::Done, Disposal::Ack) => {
                // Or somebody has rejected it before, or it was given up.
                record.accepted |= !is_over && !record.rejecting;
                self.counts.accepted += 1;
            }
            (Acknowledged::Done, Disposal::Reject) => {
                record.rejected = true;
                self.counts.rejected += 1;
                if self.plan.dead_letter {
                    let is_there = letters(log).contains_key(&at);
                    assert!(is_there, "{at:?} is said to be rejected before its dead letter");
                }
            }
            (Acknowledged::Done, Disposal::Nack { .. }) => self.counts.released += 1,
            (Acknowledged::Done, Disposal::Renew { .. }) => self.counts.renewed += 1,
            (Acknowledged::Undelivered, _) => {
                assert!(self.plan.dead_letter && !self.plan.is_orderly(), "{handing:?}");
            }
            _ => {}
        }
    }

    /// What is shown of the group to somebody who had asked for it at `asked`.
    pub(crate) fn shown(&mut self, group: &Group, (asked, now): (Duration, Duration)) {
        for standing in group.topics.get(TOPIC).into_iter().flatten() {
            let tally = standing.tally;
            let counts = (tally.rejected, tally.given_up);
            for (at, partition, before) in &self.shown {
                let is_before = *partition == standing.partition && *at <= asked;
                assert!(
                    !is_before || (counts.0 >= before.0 && counts.1 >= before.1),
                    "{counts:?} were given up after {before:?}"
                );
            }
            self.shown.push((now, standing.partition, counts));
            let claimed = tally.acquired + tally.returned;
            assert_eq!(claimed, standing.claimed);
            assert!(claimed <= self.plan.max_claimed, "{claimed} are claimed");
        }
    }

    /// Where every record is in the end: accepted, or among the dead letters.
    pub(crate) fn check_end(&mut self, log: &SimLog, group: &Group) {
        let plan = self.plan;
        let letters = letters(log);
        self.counts.letters += letters.len() as u64;
        let mut archived = 0;
        for partition in 0..plan.partitions as i32 {
            for offset in 0..log.end(TOPIC, partition as usize) {
                let at = (partition, offset);
                let record = self.records.entry(at).or_default();
                let of_record = letters.get(&at).map_or(&[][..], Vec::as_slice);
                let most = record.hands.iter().map(|hand| hand.count).max().unwrap_or(0);
                let is_spent = plan.delivery_limit.is_some_and(|limit| most >= limit);
                // Who died may have claimed it for a caller who never heard of it.
                let may_be_spent =
                    is_spent || (plan.delivery_limit.is_some() && !plan.is_orderly());
                let is_gone = match plan.dead_letter {
                    true => !of_record.is_empty(),
                    false => record.rejecting || may_be_spent,
                };
                assert!(record.accepting || is_gone, "{at:?} is lost: {record:?}");
                let may_be_dead = record.rejecting || may_be_spent;
                assert!(of_record.is_empty() || may_be_dead, "{at:?} is dead: {record:?}");
                if plan.is_orderly() {
                    assert!(of_record.len() <= 1, "{at:?} has {of_record:?}");
                    let told = record.accepted && record.rejected;
                    assert!(!told, "{at:?} was accepted and rejected");
                    assert!(of_record.iter().all(|count| *count == most), "{at:?}: {of_record:?}");
                }
                archived += u64::from(!of_record.is_empty());
            }
        }
        if plan.is_orderly() && plan.dead_letter {
            let tally = group.topics[TOPIC].iter().map(|standing| standing.tally);
            let counted: u64 = tally.map(|tally| tally.rejected + tally.given_up).sum();
            assert_eq!(counted, archived, "what is counted is what is there");
        }
    }
}
