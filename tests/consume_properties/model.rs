//! What was handed out and disposed of, and what must hold of it.
//!
//! A record is disposed of when its caller has it, when it was acknowledged
//! (or may have been), or when the group was moved past it.

use std::collections::BTreeMap;
use std::ops::AddAssign;
use std::time::Duration;

use kafka_edge::services::consume::Acknowledged;
use kafka_edge::services::groups::Group;
use kafka_edge_sim::{SimHost, SimLog};

use crate::plan::{Plan, TOPICS};

/// Between the claim of a record and the answer that has it: two or three
/// writes and some fetches.
const ANSWER_TIME: Duration = Duration::from_secs(3);

/// Clocks within the allowed skew.
const SKEW: Duration = Duration::from_secs(1);

/// A topic and a partition.
pub(crate) type Lane = (usize, i32);

/// Where a record is.
pub(crate) type At = (Lane, i64);

/// One hand-out of a record.
pub(crate) type Handing = (At, usize);

#[derive(Debug, Default)]
struct Partition {
    records: BTreeMap<i64, Record>,
    moves: Vec<Move>,
}

#[derive(Debug, Default)]
struct Record {
    hands: Vec<Hand>,
    /// When it was last disposed of.
    disposed: Option<Duration>,
}

#[derive(Debug)]
struct Hand {
    at: Duration,
    by: SimHost,
    state: State,
}

impl Hand {
    /// When it became its caller's at the earliest: who claims a record is
    /// answered only once that is written down.
    fn since(&self) -> Duration {
        let before = if self.state.is_claimed() { ANSWER_TIME } else { Duration::ZERO };
        self.at.saturating_sub(before)
    }
}

/// What became of a record that was handed out.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Its caller has it, and the instance is to write that down.
    Delivered,
    /// Its caller did not take it.
    Returned,
    /// Its caller has it until then at least.
    Claimed { until: Duration },
    /// Told so, so this is for good.
    Acked,
    /// Others may have it from then on.
    GivenBack { due: Duration },
}

impl State {
    fn is_claimed(self) -> bool {
        !matches!(self, Self::Delivered | Self::Returned)
    }
}

/// The group is moved; a delete moves it to the first record.
#[derive(Debug)]
struct Move {
    start: Duration,
    end: Option<Duration>,
    /// Where it went, if that is known to have happened.
    to: Option<i64>,
    /// The highest offset that it may have gone to.
    at_most: i64,
}

impl Move {
    fn may_end_after(&self, time: Duration) -> bool {
        self.end.is_none_or(|end| end >= time)
    }
}

/// Counts of what happened, to see that something did.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) handed: u64,
    pub(crate) again: u64,
    pub(crate) acked: u64,
    pub(crate) committed: u64,
    pub(crate) moves: u64,
    pub(crate) deaths: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.handed += other.handed;
        self.again += other.again;
        self.acked += other.acked;
        self.committed += other.committed;
        self.moves += other.moves;
        self.deaths += other.deaths;
    }
}

#[derive(Debug)]
pub(crate) struct Model {
    plan: Plan,
    partitions: BTreeMap<Lane, Partition>,
    pub(crate) counts: Counts,
}

impl Model {
    pub(crate) fn new(plan: Plan) -> Self {
        let lanes = (0..TOPICS.len())
            .flat_map(|topic| (0..plan.partitions[topic]).map(move |p| (topic, p as i32)));
        let partitions = lanes.map(|lane| (lane, Partition::default())).collect();
        Self { plan, partitions, counts: Counts::default() }
    }

    fn hand(&mut self, ((lane, offset), number): Handing) -> &mut Hand {
        let partition = self.partitions.get_mut(&lane).expect("a partition of the log");
        &mut partition.records.get_mut(&offset).expect("it was handed out").hands[number]
    }

    /// Whether the group was, or may have been, moved since.
    fn is_moved_since(&self, lane: Lane, time: Duration) -> bool {
        self.partitions[&lane].moves.iter().any(|m| m.may_end_after(time))
    }

    /// A caller has got a record; with a lease and a count if it has to
    /// acknowledge it.
    pub(crate) fn handed(
        &mut self,
        (lane, offset): At,
        now: Duration,
        by: &SimHost,
        claim: Option<(Duration, u32)>,
    ) -> Handing {
        let plan = self.plan;
        let record = self.partitions[&lane].records.get(&offset);
        let hands = record.map_or(&[][..], |record| &record.hands);
        for hand in hands {
            let may_repeat = match hand.state {
                State::Delivered => hand.by.is_dead() || plan.store.failures > 0.0,
                State::Returned => true,
                State::Claimed { until } => now >= until,
                State::Acked => false,
                State::GivenBack { due } => now + SKEW >= due,
            };
            assert!(
                may_repeat || self.is_moved_since(lane, hand.since()) || plan.is_unreliable(),
                "{:?} is handed out at {now:?} although {:?} since {:?}",
                (lane, offset),
                hand.state,
                hand.at,
            );
        }
        if plan.is_orderly() && hands.is_empty() {
            // Claims take a write before the answer, and are overtaken by
            // what is handed out without. While that write returns, the next
            // holder may be faster.
            let later = self.partitions[&lane].records.range(offset + 1..);
            let mut alike = later
                .flat_map(|(_, record)| &record.hands)
                .filter(|hand| hand.state.is_claimed() == claim.is_some());
            let overtaken = alike.find(|hand| hand.at + plan.store.latency < now);
            assert!(overtaken.is_none(), "{offset} of {lane:?} comes after {overtaken:?}");
        }
        if let Some((_, count)) = claim
            && self.partitions[&lane].moves.is_empty()
            && !plan.is_unreliable()
        {
            let expected = hands.iter().filter(|hand| hand.state.is_claimed()).count() + 1;
            assert!(count as usize >= expected, "handed out {expected} times, said {count}");
            assert!(!plan.is_orderly() || count as usize == expected, "{count}, not {expected}");
        }
        self.counts.handed += 1;
        self.counts.again += u64::from(!hands.is_empty());
        let state = match claim {
            None => State::Returned,
            Some((lease, _)) => State::Claimed { until: now + lease.saturating_sub(ANSWER_TIME) },
        };
        let partition = self.partitions.get_mut(&lane).expect("a partition of the log");
        let hands = &mut partition.records.entry(offset).or_default().hands;
        hands.push(Hand { at: now, by: by.clone(), state });
        ((lane, offset), hands.len() - 1)
    }

    /// The caller takes it.
    pub(crate) fn delivered(&mut self, handing: Handing, now: Duration) {
        self.hand(handing).state = State::Delivered;
        self.dispose(handing.0, now);
    }

    fn dispose(&mut self, (lane, offset): At, now: Duration) {
        let partition = self.partitions.get_mut(&lane).expect("a partition of the log");
        partition.records.entry(offset).or_default().disposed = Some(now);
    }

    /// The caller is about to acknowledge it.
    pub(crate) fn acking(&mut self, handing: Handing, now: Duration) {
        self.dispose(handing.0, now);
    }

    /// The caller is about to give it back.
    pub(crate) fn giving_back(&mut self, handing: Handing, due: Duration) {
        let hand = self.hand(handing);
        if let State::Claimed { until } = hand.state {
            hand.state = State::GivenBack { due: due.min(until) };
        }
    }

    /// The answer to an acknowledgement.
    pub(crate) fn answered(&mut self, handing: Handing, ack: bool, answer: Acknowledged) {
        let ((lane, _), _) = handing;
        let since = self.hand(handing).since();
        if answer == Acknowledged::Unknown {
            let lawful = self.is_moved_since(lane, since) || self.plan.is_unreliable();
            assert!(lawful, "the receipt of {handing:?} is unknown");
        }
        if answer == Acknowledged::Done && ack {
            self.hand(handing).state = State::Acked;
            self.counts.acked += 1;
        }
    }

    /// Everything that a name had was said to be done with. That is for good if
    /// the claim was still alive.
    pub(crate) fn committed(&mut self, handing: Handing, now: Duration) {
        let hand = self.hand(handing);
        if matches!(hand.state, State::Claimed { until } if now < until) {
            hand.state = State::Acked;
            self.counts.committed += 1;
        }
    }

    /// A name keeps what it has for a while longer.
    pub(crate) fn extended(&mut self, handing: Handing, to: Duration, now: Duration) {
        let hand = self.hand(handing);
        if let State::Claimed { until } = hand.state
            && now < until
        {
            hand.state = State::Claimed { until: until.max(to - ANSWER_TIME) };
        }
    }

    /// What is handed out in a name is so while nobody else, apart from those who do
    /// not claim, has any of the partition: to commit would speak of that as well.
    /// Others may claim behind it while the call goes on with another partition, so
    /// that only what was claimed before the call counts.
    pub(crate) fn claimed_alone(
        &self,
        handed: &[Handing],
        held: &[Handing],
        asked: Duration,
        now: Duration,
    ) {
        for ((lane, offset), number) in handed {
            for (other, record) in &self.partitions[lane].records {
                let last = record.hands.len() - 1;
                let hand = &record.hands[last];
                let handing = ((*lane, *other), last);
                let lives = matches!(hand.state, State::Claimed { until } if now < until);
                let disposed = record.disposed.is_some_and(|at| at >= hand.at);
                assert!(
                    !lives
                        || disposed
                        || hand.at > asked
                        || held.contains(&handing)
                        || handed.contains(&handing)
                        || self.is_moved_since(*lane, hand.since())
                        || self.plan.is_unreliable(),
                    "{offset} of {lane:?} is claimed in a name ({number}), and {other} by another"
                );
            }
        }
    }

    /// The group is about to be moved on a partition, at most to that offset.
    pub(crate) fn moving(&mut self, lane: Lane, at_most: i64, start: Duration) -> usize {
        let moves = &mut self.partitions.get_mut(&lane).expect("a partition").moves;
        moves.push(Move { start, end: None, to: None, at_most });
        self.counts.moves += 1;
        moves.len() - 1
    }

    /// It is, or was not touched.
    pub(crate) fn moved(&mut self, lane: Lane, number: usize, to: Option<i64>, now: Duration) {
        let moves = &mut self.partitions.get_mut(&lane).expect("a partition").moves;
        let at_most = to.unwrap_or(0);
        let start = moves[number].start;
        moves[number] = Move { start, end: Some(now), to, at_most };
    }

    /// It is moved, or not: those who wait for records need not get what is
    /// before, and get the rest all the same.
    pub(crate) fn moved_at_most(&mut self, lane: Lane, number: usize, now: Duration) {
        let moves = &mut self.partitions.get_mut(&lane).expect("a partition").moves;
        moves[number].end = Some(now);
    }

    /// Where the group is said to stand must not be ahead of what it has done.
    pub(crate) fn check_standing(&self, group: &Group, log: &SimLog) {
        for (topic, standings) in &group.topics {
            let topic = TOPICS.iter().position(|known| known == topic).expect("a topic");
            for standing in standings {
                let lane = (topic, standing.partition);
                let Some(committed) = standing.committed else { continue };
                let first = log.first(TOPICS[topic], standing.partition as usize);
                for offset in first..committed {
                    assert!(
                        self.is_done_since(lane, offset, None),
                        "committed {committed} of {lane:?}, and {offset} is not done with"
                    );
                }
            }
        }
    }

    /// Whether a record was disposed of, or may have been moved past, since
    /// (and apart from) a move.
    fn is_done_since(&self, lane: Lane, offset: i64, since: Option<&Move>) -> bool {
        let partition = &self.partitions[&lane];
        let start = since.map_or(Duration::ZERO, |since| since.start);
        let disposed = partition.records.get(&offset).and_then(|record| record.disposed);
        disposed.is_some_and(|at| at >= start)
            || partition.moves.iter().any(|other| {
                !since.is_some_and(|since| std::ptr::eq(since, other))
                    && other.may_end_after(start)
                    && other.at_most > offset
            })
    }

    /// The records in the log that the group has still to get.
    pub(crate) fn missing(&self, log: &SimLog) -> Vec<At> {
        let mut missing = Vec::new();
        for (&lane, partition) in &self.partitions {
            let (topic, number) = (TOPICS[lane.0], lane.1 as usize);
            for offset in log.first(topic, number)..log.end(topic, number) {
                // Where two may hold at once, one may undo what another moved.
                let moves = partition.moves.iter().filter(|_| !self.plan.is_unreliable());
                let mut moves = moves.filter(|m| m.to.is_some_and(|to| to <= offset));
                let done = self.is_done_since(lane, offset, None)
                    && moves.all(|m| self.is_done_since(lane, offset, Some(m)));
                if !done {
                    missing.push((lane, offset));
                }
            }
        }
        missing
    }
}
