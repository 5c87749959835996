//! The state of a subscription in one partition, as its lane holds it.

use serde::{Deserialize, Serialize};

use super::Progress;
use super::attempt::AttemptFailure;
use super::retry;
use crate::host::Millis;
use crate::kafka::Place;
use crate::state::stored::stored;

/// Every state that was ever written is safe to continue from: the callback
/// accepted each record below `position`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct DeliveryState {
    /// The offset of the next record to be delivered.
    pub(super) position: i64,
    /// The log's place for reading at `position`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trouble: Option<FailingRecord>,
}

stored!(DeliveryState, "a webhook's position");

/// The record at `position` was tried in vain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FailingRecord {
    pub(super) failures: u32,
    pub(super) next_attempt: Millis,
    pub(super) reason: String,
}

/// Why there is nothing to do in a partition now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Idle {
    CaughtUp,
    NotDue(Millis),
}

impl DeliveryState {
    pub(super) fn at(position: i64) -> Self {
        Self { position, place: None, trouble: None }
    }

    /// The callback accepted the record at `offset`.
    pub(super) fn delivered(&mut self, offset: i64) {
        self.moved(offset + 1);
    }

    /// Everything below `position` is delivered, or gone from the log.
    pub(super) fn moved(&mut self, position: i64) {
        if position != self.position {
            *self = Self::at(position);
        }
    }

    /// The callback did not accept the record at `offset`. Returns the time of the
    /// next attempt. `random` is any number.
    pub(super) fn failed(
        &mut self,
        offset: i64,
        failure: AttemptFailure,
        now: Millis,
        random: u32,
    ) -> Millis {
        // The log may have deleted the records in between.
        self.moved(offset);
        let failures = self.trouble.as_ref().map_or(0, |trouble| trouble.failures);
        let failures = failures.saturating_add(1);
        let delay = retry::delay(failures, failure.hint, random).as_millis();
        let next_attempt = now.saturating_add(i64::try_from(delay).unwrap_or(i64::MAX));
        self.trouble = Some(FailingRecord { failures, next_attempt, reason: failure.reason });
        next_attempt
    }

    /// When the next attempt may be made, if one has failed.
    pub(super) fn next_attempt(&self) -> Option<Millis> {
        self.trouble.as_ref().map(|trouble| trouble.next_attempt)
    }

    /// Whether there is nothing to do; `end` is the end of the partition, if it is
    /// known.
    pub(super) fn idle(&self, end: Option<i64>, now: Millis) -> Option<Idle> {
        if end.is_some_and(|end| self.position >= end) {
            return Some(Idle::CaughtUp);
        }
        self.next_attempt().filter(|due| retry::is_to_come(*due, now)).map(Idle::NotDue)
    }

    pub(super) fn describe(&self, topic: String, partition: i32) -> Progress {
        let trouble = self.trouble.as_ref();
        Progress {
            topic,
            partition,
            position: self.position,
            failures: trouble.map_or(0, |trouble| trouble.failures),
            next_attempt: self.next_attempt(),
            last_error: trouble.map(|trouble| trouble.reason.clone()),
            beyond_end: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure() -> AttemptFailure {
        AttemptFailure {
            reason: "The callback answered 500".into(),
            hint: retry::RetryHint::default(),
        }
    }

    #[test]
    fn failures_of_one_record_add_up_and_delivery_forgets_them() {
        let mut state = DeliveryState::at(5);
        state.failed(5, failure(), 1_000, 0);
        assert_eq!(state.next_attempt(), Some(1_875));
        state.failed(5, failure(), 10_000, 0);
        assert_eq!(state.describe("t".into(), 3).failures, 2);
        assert_eq!(state.next_attempt(), Some(14_375));
        state.delivered(5);
        assert_eq!(state, DeliveryState::at(6));
    }

    #[test]
    fn a_failure_behind_a_gap_is_a_first_one() {
        let mut state = DeliveryState::at(5);
        state.failed(5, failure(), 0, 0);
        state.failed(9, failure(), 0, 0);
        assert_eq!((state.position, state.describe("t".into(), 0).failures), (9, 1));
    }

    #[test]
    fn the_end_of_the_log_outranks_a_failure() {
        let mut state = DeliveryState::at(5);
        assert_eq!(state.idle(None, 0), None);
        assert_eq!(state.idle(Some(6), 0), None);
        assert_eq!(state.idle(Some(5), 0), Some(Idle::CaughtUp));
        state.failed(5, failure(), 0, 0);
        assert_eq!(state.idle(Some(6), 874), Some(Idle::NotDue(875)));
        assert_eq!(state.idle(None, 874), Some(Idle::NotDue(875)));
        assert_eq!(state.idle(None, 875), None);
        assert_eq!(state.idle(None, -24 * 60 * 60 * 1000), None, "a clock was wrong");
        assert_eq!(state.idle(Some(5), 0), Some(Idle::CaughtUp));
    }

    #[test]
    fn what_is_kept_is_small() {
        let text = serde_json::to_string(&DeliveryState::at(5)).unwrap();
        assert_eq!(text, r#"{"position":5}"#);
        assert_eq!(serde_json::from_str::<DeliveryState>(&text).unwrap(), DeliveryState::at(5));
    }
}
