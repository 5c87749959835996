//! The state of a subscription in one partition, as its lane holds it.

use serde::{Deserialize, Serialize};

use super::Progress;
use super::breaker::Hold;
use super::retry::is_to_come;
use super::settings::Order;
use super::window::{Waiting, Window};
use crate::host::Millis;
use crate::kafka::Place;
use crate::state::stored::{is_default, stored};

/// How many of the last attempts are kept.
const MAX_ATTEMPTS: usize = 10;

/// How much of a callback's answer is kept.
pub(super) const MAX_ANSWER: usize = 256;

/// Every state that was ever written is safe to continue from: each record that it says is
/// done with was accepted by the callback, filtered, skipped, or is among the dead letters.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct DeliveryState {
    pub(super) window: Window,
    /// The log's place for reading at the position.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
    #[serde(rename = "n", default, skip_serializing_if = "Totals::is_zero")]
    pub(super) totals: Totals,
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    pub(super) hold: Option<Hold>,
    /// Everything below this offset was looked at, and nothing of it is to be done before
    /// this time.
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    pub(super) rest: Option<(i64, Millis)>,
    /// Since when the oldest record has waited that is not done with.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) oldest: Option<Millis>,
    /// Failures since the last success, and when the first of them was.
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    pub(super) failing: Option<(u32, Millis)>,
    /// What was under way when this was written, or about to begin, while the lane is held.
    #[serde(rename = "u", default, skip_serializing_if = "is_default")]
    pub(super) in_flight: u32,
    /// When the callback last accepted something.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) succeeded: Option<Millis>,
    /// The latest last.
    #[serde(rename = "a", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) attempts: Vec<LastAttempt>,
}

stored!(often DeliveryState, "a webhook's position");

/// One attempt, as it is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastAttempt {
    #[serde(rename = "t")]
    pub(super) at: Millis,
    /// Of the record, or of the first of a batch.
    #[serde(rename = "o")]
    pub(super) offset: i64,
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    #[serde(rename = "d")]
    pub(super) millis: u32,
    /// Why it failed, if it did.
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    /// How the callback's answer to a failed attempt begins, without what cannot be printed.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<String>,
}

/// How often what happened.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Totals([u64; 6]);

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Total {
    /// Records that the callback accepted.
    Delivered,
    /// Attempts that failed.
    Failed,
    /// Attempts that were not the first ones at their records.
    Retried,
    /// Records that were put among the dead letters.
    DeadLettered,
    /// Records that were given up.
    Skipped,
    /// Records that the filter or the transform left out.
    Filtered,
}

impl Totals {
    #[allow(clippy::trivially_copy_pass_by_ref)]
    fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn of(&self, total: Total) -> u64 {
        self.0[total as usize]
    }

    pub(super) fn count(&mut self, total: Total, number: usize) {
        let count = &mut self.0[total as usize];
        *count = count.saturating_add(number as u64);
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (ours, theirs) in self.0.iter_mut().zip(other.0) {
            *ours = ours.saturating_add(theirs);
        }
    }
}

/// Why there is nothing to do in a partition now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    CaughtUp,
    /// Nothing below this offset is to be done before this time.
    NotDue {
        until: Millis,
        to: i64,
    },
}

impl DeliveryState {
    pub(super) fn at(position: i64) -> Self {
        Self { window: Window::at(position), ..Self::default() }
    }

    pub(super) fn position(&self) -> i64 {
        self.window.position()
    }

    /// The same subscription elsewhere: what it failed on is forgotten, what it did is not.
    pub(super) fn moved_to(&self, position: i64) -> Self {
        let Self { totals, succeeded, attempts, .. } = self.clone();
        Self { totals, succeeded, attempts, ..Self::at(position) }
    }

    /// A record is done with.
    pub(super) fn dispose(&mut self, offset: i64, as_what: Total) {
        self.window.dispose(offset);
        self.totals.count(as_what, 1);
        self.place = None;
    }

    /// The callback accepted something.
    pub(super) fn succeeded(&mut self, at: Millis) {
        (self.failing, self.hold) = (None, None);
        self.succeeded = Some(at);
    }

    /// An attempt failed. Returns how many have failed in a row.
    pub(super) fn failed(&mut self, at: Millis) -> u32 {
        self.totals.count(Total::Failed, 1);
        let (failures, since) = self.failing.unwrap_or((0, at));
        // A clock that was set back may not make it last for ever.
        let failing = (failures.saturating_add(1), since.min(at));
        self.failing = Some(failing);
        failing.0
    }

    pub(super) fn note(&mut self, attempt: LastAttempt) {
        if self.attempts.len() >= MAX_ATTEMPTS {
            self.attempts.remove(0);
        }
        self.attempts.push(attempt);
    }

    /// The record at `position` or a later one waits since then, unless something is known
    /// to wait longer.
    pub(super) fn waits_since(&mut self, since: Option<Millis>) {
        self.oldest = match (self.oldest, since) {
            (_, None) => None,
            (Some(known), Some(since)) => Some(known.max(since)),
            (None, since) => since,
        };
    }

    /// What the record at `offset` failed, so far.
    pub(super) fn waiting(&self, offset: i64) -> Waiting {
        self.window.waiting().get(&offset).copied().unwrap_or_default()
    }

    pub(super) fn describe(&self, topic: String, partition: i32) -> Progress {
        let first = self.waiting(self.position());
        let failed = self.attempts.iter().rev().find(|attempt| attempt.error.is_some());
        let is_failing = !self.window.waiting().is_empty() || self.failing.is_some();
        Progress {
            topic,
            partition,
            position: self.position(),
            end: None,
            failures: first.failures,
            next_attempt: self.next_attempt(),
            last_error: failed.filter(|_| is_failing).and_then(|attempt| attempt.error.clone()),
            beyond_end: false,
        }
    }

    /// Whether everything before the end is done with; `end` is that of the partition, if it
    /// is known.
    pub(super) fn is_at(&self, end: Option<i64>) -> bool {
        end.is_some_and(|end| self.position() >= end)
    }

    /// Whether there is nothing to do; `end` is the end of the partition, if it is
    /// known.
    pub(super) fn idle(&self, end: Option<i64>, order: Order, now: Millis) -> Option<Idle> {
        if self.is_at(end) {
            return Some(Idle::CaughtUp);
        }
        if let Some(hold) = self.hold
            && is_to_come(hold.until, now)
        {
            return Some(Idle::NotDue { until: hold.until, to: i64::MAX });
        }
        if order == Order::Partition {
            let first = self.waiting(self.position());
            if is_to_come(first.due, now) {
                return Some(Idle::NotDue { until: first.due, to: i64::MAX });
            }
        }
        let (to, until) = self.rest?;
        let nothing_new = to == i64::MAX || end.is_some_and(|end| end <= to);
        (nothing_new && is_to_come(until, now)).then_some(Idle::NotDue { until, to })
    }

    fn next_attempt(&self) -> Option<Millis> {
        self.rest.map(|(_, until)| until).or(self.window.next_attempt())
    }

    /// Since when something could be delivered: since the time of an attempt, or since the
    /// oldest record waits. Of records that nobody has looked at no more is known than that
    /// they wait now.
    pub(super) fn overdue(&self, end: Option<i64>, order: Order, now: Millis) -> Option<Millis> {
        if self.idle(end, order, now).is_some() {
            return None;
        }
        match self.next_attempt() {
            Some(due) if due <= now => Some(due),
            // What it waits for is not due, so that it is something behind that.
            Some(_) => end.map(|_| now),
            None => self.oldest.or(end.map(|_| now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_due(until: Millis, to: i64) -> Option<Idle> {
        Some(Idle::NotDue { until, to })
    }

    fn failing(position: i64, due: Millis) -> DeliveryState {
        let mut state = DeliveryState::at(position);
        state.window.failed(position, Waiting { failures: 1, due, ..Waiting::default() });
        state
    }

    #[test]
    fn failures_in_a_row_add_up_and_a_success_ends_them() {
        let mut state = DeliveryState::at(5);
        assert_eq!((state.failed(1_000), state.failed(2_000)), (1, 2));
        assert_eq!(state.failing, Some((2, 1_000)));
        assert_eq!(state.failed(500), 3, "the clock was set back");
        assert_eq!(state.failing, Some((3, 500)));
        state.succeeded(3_000);
        assert_eq!((state.failing, state.succeeded), (None, Some(3_000)));
        assert_eq!(state.totals.of(Total::Failed), 3);
    }

    #[test]
    fn the_end_of_the_log_outranks_a_failure() {
        let state = failing(5, 875);
        let idle = |end, now| state.idle(end, Order::Partition, now);
        assert_eq!(DeliveryState::at(5).idle(None, Order::Partition, 0), None);
        assert_eq!(DeliveryState::at(5).idle(Some(6), Order::Partition, 0), None);
        assert_eq!(idle(Some(5), 0), Some(Idle::CaughtUp));
        assert_eq!(idle(Some(6), 874), not_due(875, i64::MAX));
        assert_eq!(idle(None, 874), not_due(875, i64::MAX));
        assert_eq!(idle(None, 875), None);
        assert_eq!(idle(None, -1_000 * 24 * 60 * 60 * 1000), None, "a clock was wrong");
    }

    #[test]
    fn with_other_orders_only_what_was_looked_at_rests() {
        let mut state = failing(5, 875);
        assert_eq!(state.idle(Some(9), Order::Key, 0), None);
        state.rest = Some((9, 875));
        assert_eq!(state.idle(Some(9), Order::Key, 874), not_due(875, 9));
        assert_eq!(state.idle(Some(9), Order::Key, 875), None);
        assert_eq!(state.idle(Some(10), Order::Key, 0), None, "there is a new record");
        assert_eq!(state.idle(None, Order::Key, 0), None);
    }

    #[test]
    fn overdue_is_what_could_be_delivered_now() {
        let overdue = |state: &DeliveryState, end, now| state.overdue(end, Order::Key, now);
        let mut state = DeliveryState::at(5);
        assert_eq!(overdue(&state, Some(5), 900), None, "it is at the end");
        assert_eq!(overdue(&state, None, 900), None, "nobody knows of a record");
        assert_eq!(overdue(&state, Some(6), 900), Some(900), "since now, at least");
        state.oldest = Some(300);
        assert_eq!(overdue(&state, Some(6), 900), Some(300));
        assert_eq!(overdue(&state, None, 900), Some(300));
        let mut state = DeliveryState { oldest: Some(300), ..failing(5, 875) };
        state.rest = Some((9, 875));
        assert_eq!(overdue(&state, Some(9), 874), None);
        assert_eq!(overdue(&state, Some(9), 900), Some(875), "since the time of the attempt");
        assert_eq!(overdue(&state, Some(10), 874), Some(874), "what lies behind is new");
    }

    #[test]
    fn a_subscription_that_is_held_back_rests_whatever_comes() {
        let mut state = DeliveryState::at(5);
        state.hold = Some(Hold { until: 700, is_open: true });
        assert_eq!(state.idle(Some(9), Order::None, 699), not_due(700, i64::MAX));
        assert_eq!(state.idle(Some(9), Order::None, 700), None);
    }

    #[test]
    fn the_oldest_record_waits_since_the_later_of_what_is_known() {
        let mut state = DeliveryState::at(5);
        state.waits_since(Some(100));
        state.waits_since(Some(90));
        assert_eq!(state.oldest, Some(100));
        state.waits_since(Some(300));
        assert_eq!(state.oldest, Some(300));
        state.waits_since(None);
        assert_eq!(state.oldest, None);
    }

    #[test]
    fn only_the_last_attempts_are_kept_and_a_move_keeps_them() {
        let mut state = failing(3, 9);
        state.totals.count(Total::Retried, 2);
        for offset in 0..15 {
            state.note(LastAttempt { offset, ..LastAttempt::default() });
        }
        let offsets: Vec<_> = state.attempts.iter().map(|attempt| attempt.offset).collect();
        assert_eq!(offsets, (5..15).collect::<Vec<_>>());
        let moved = state.moved_to(50);
        assert_eq!((moved.position(), moved.attempts.len()), (50, 10));
        assert_eq!((moved.totals.of(Total::Retried), moved.window.waiting().len()), (2, 0));
    }

    #[test]
    fn what_is_kept_is_small() {
        let text = serde_json::to_string(&DeliveryState::at(5)).unwrap();
        assert_eq!(text, r#"{"window":{"p":5}}"#);
        assert_eq!(serde_json::from_str::<DeliveryState>(&text).unwrap(), DeliveryState::at(5));
        let mut state = failing(5, 9);
        state.totals.count(Total::Filtered, 1);
        state.failed(7);
        state.rest = Some((8, 9));
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<DeliveryState>(&text).unwrap(), state);
    }
}
