//! When a callback is left alone for a while: it asked for time, it is overloaded, or its
//! breaker is open. Decided without I/O.
//!
//! It is advice that instances share, and nothing is written of it while all is well.
//! What is lost of it costs attempts that could have been spared, and no record.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::retry::{is_to_come, millis};
use super::settings::Breaker;
use crate::host::Millis;

/// The longest cooldown that a breaker may have: a day.
pub(super) const MAX_COOLDOWN: f64 = 86_400.0;

/// A subscription is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Hold {
    #[serde(rename = "u")]
    pub(super) until: Millis,
    /// By its breaker: once the time has come, one attempt in each partition shows whether
    /// the callback works again.
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) is_open: bool,
}

/// What a hold means now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stance {
    Free,
    /// No attempt before then.
    Held(Millis),
    /// The breaker is half open: one attempt, and no other before it has ended.
    Probe,
}

impl Hold {
    pub(super) fn stance(self, now: Millis) -> Stance {
        match (is_to_come(self.until, now), self.is_open) {
            (true, _) => Stance::Held(self.until),
            (false, true) => Stance::Probe,
            (false, false) => Stance::Free,
        }
    }

    /// What two of them mean together.
    pub(super) fn and(self, other: Self) -> Self {
        Self { until: self.until.max(other.until), is_open: self.is_open || other.is_open }
    }
}

impl Breaker {
    /// What a failure leads to, the last of so many in a row; `was_probe`: the breaker was
    /// half open.
    pub(super) fn after_failure(
        &self,
        in_a_row: u32,
        was_probe: bool,
        now: Millis,
    ) -> Option<Hold> {
        let opens = was_probe || in_a_row >= self.failures.max(1);
        opens.then(|| Hold { until: now.saturating_add(millis(self.cooldown())), is_open: true })
    }

    fn cooldown(&self) -> Duration {
        let seconds = if self.cooldown > 0.0 { self.cooldown.min(MAX_COOLDOWN) } else { 0.0 };
        Duration::from_secs_f64(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BREAKER: Breaker = Breaker { failures: 3, cooldown: 30.0 };

    #[test]
    fn it_opens_with_the_last_of_so_many_failures_and_probes_after_its_cooldown() {
        assert_eq!(BREAKER.after_failure(2, false, 0), None);
        let open = BREAKER.after_failure(3, false, 1_000).unwrap();
        assert_eq!(open, Hold { until: 31_000, is_open: true });
        assert_eq!(open.stance(30_999), Stance::Held(31_000));
        assert_eq!(open.stance(31_000), Stance::Probe);
        // A probe that fails opens it at once.
        assert_eq!(BREAKER.after_failure(1, true, 31_000).unwrap().until, 61_000);
    }

    #[test]
    fn a_callback_that_asked_for_time_is_free_after_it() {
        let hold = Hold { until: 500, is_open: false };
        assert_eq!([hold.stance(499), hold.stance(500)], [Stance::Held(500), Stance::Free]);
    }

    #[test]
    fn what_no_clock_or_setting_means_holds_nobody_for_ever() {
        let wrong = Hold { until: i64::MAX, is_open: false };
        assert_eq!(wrong.stance(0), Stance::Free);
        for cooldown in [f64::NAN, -1.0, 0.0] {
            let hold = Breaker { failures: 0, cooldown }.after_failure(1, false, 7);
            assert_eq!(hold.unwrap().until, 7);
        }
        let longest = Breaker { failures: 1, cooldown: f64::MAX }.after_failure(1, false, 0);
        assert!(matches!(longest.unwrap().stance(0), Stance::Held(86_400_000)));
    }

    #[test]
    fn of_two_the_later_counts_and_whoever_is_open_probes() {
        let (slow, open) = (Hold { until: 9, is_open: false }, Hold { until: 5, is_open: true });
        assert_eq!(slow.and(open), Hold { until: 9, is_open: true });
    }
}
