//! When a failed delivery is tried again, and when it is not any more.

use std::time::Duration;

use super::settings::{DELAYS, Exponential, Retry};
use crate::host::Millis;
use crate::random;

/// The longest delay that a schedule may have.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest `Retry-After` that is honoured: a receiver may ask for time, but
/// not stop its subscription for days.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(6 * 60 * 60);

/// No wait is longer than this, jitter included.
const MAX_WAIT: Duration = Duration::from_secs(36 * 60 * 60);

/// A callback that has no time for one record has none for others. So long, at most, are
/// they held back for it, unless it asks for more.
const MAX_SLOWDOWN: Duration = Duration::from_secs(60);

/// Whether an attempt is yet to come. A time that is further away than any wait was
/// written by a wrong clock.
pub(super) fn is_to_come(due: Millis, now: Millis) -> bool {
    (1..=millis(MAX_WAIT)).contains(&due.saturating_sub(now))
}

pub(super) fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}

/// What a failed attempt means for the time of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RetryHint {
    /// The receiver's `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// The receiver answered 410 Gone.
    pub(super) is_gone: bool,
    /// It is not this record that the callback cannot take, but anything: it answered 429
    /// or 5xx, or not at all.
    pub(super) is_overloaded: bool,
}

/// What is next for a record after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    Again(Duration),
    /// The schedule is used up.
    Exhausted,
}

impl Retry {
    /// The wait after `failures` failed attempts (1 or more) at the same record; `random`
    /// is any number, which spreads it.
    pub(super) fn next(&self, failures: u32, hint: RetryHint, random: u32) -> Next {
        match self.scheduled(failures) {
            Some(delay) => Next::Again(self.spread(delay, hint, random)),
            None => Next::Exhausted,
        }
    }

    /// The wait of a record that is tried on although the schedule is used up.
    pub(super) fn longest(&self, hint: RetryHint, random: u32) -> Duration {
        self.spread(self.longest_delay(), hint, random)
    }

    fn longest_delay(&self) -> Duration {
        let longest = match (&self.delays, &self.exponential) {
            (Some(delays), _) => delays.iter().copied().fold(0.0, f64::max),
            (None, Some(exponential)) => exponential.cap,
            (None, None) => DELAYS[DELAYS.len() - 1],
        };
        seconds(longest).max(Duration::from_secs(1))
    }

    /// For how long the whole subscription is left alone after so many failures in a row.
    pub(super) fn slowdown(&self, failures: u32, hint: RetryHint, random: u32) -> Duration {
        let delay = self.scheduled(failures).unwrap_or_else(|| self.longest_delay());
        self.spread(delay.min(MAX_SLOWDOWN), hint, random)
    }

    /// `None`: there is no further attempt.
    fn scheduled(&self, failures: u32) -> Option<Duration> {
        let failures = failures.max(1);
        let index = failures as usize - 1;
        match (&self.delays, &self.exponential) {
            (Some(delays), _) => delays.get(index).map(|delay| seconds(*delay)),
            (None, Some(exponential)) => exponential.delay(failures),
            (None, None) => DELAYS.get(index).map(|delay| seconds(*delay)),
        }
    }

    fn spread(&self, delay: Duration, hint: RetryHint, random: u32) -> Duration {
        match hint.retry_after.map(|asked| asked.min(MAX_RETRY_AFTER)) {
            // Never before the requested time.
            Some(asked) if asked > delay => random::between(asked, asked.mul_f64(1.25), random),
            _ => {
                let half = if self.jitter > 0.0 { self.jitter.min(1.0) / 2.0 } else { 0.0 };
                random::between(delay.mul_f64(1.0 - half), delay.mul_f64(1.0 + half), random)
            }
        }
    }
}

impl Exponential {
    fn delay(&self, failures: u32) -> Option<Duration> {
        if failures >= self.attempts {
            return None;
        }
        let mut delay = self.first;
        for _ in 1..failures {
            delay *= self.factor;
            if delay >= self.cap {
                break;
            }
        }
        Some(seconds(delay.min(self.cap)))
    }
}

/// Seconds as they are set. What is no time at all is none.
fn seconds(number: f64) -> Duration {
    Duration::try_from_secs_f64(number).map_or(Duration::ZERO, |time| time.min(MAX_DELAY))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: u32 = u32::MAX / 2;
    const NO_HINT: RetryHint =
        RetryHint { retry_after: None, is_gone: false, is_overloaded: false };

    fn asked(seconds: u64) -> RetryHint {
        RetryHint { retry_after: Some(Duration::from_secs(seconds)), ..NO_HINT }
    }

    fn again(retry: &Retry, failures: u32, hint: RetryHint, random: u32) -> Duration {
        match retry.next(failures, hint, random) {
            Next::Again(delay) => delay,
            Next::Exhausted => panic!("used up after {failures}"),
        }
    }

    fn exact(delays: &[f64]) -> Retry {
        Retry { delays: Some(delays.to_vec()), exponential: None, jitter: 0.0 }
    }

    #[test]
    fn without_a_schedule_delays_grow_up_to_an_hour_whatever_the_jitter() {
        let retry = Retry::default();
        for failures in 1..7 {
            assert!(
                again(&retry, failures, NO_HINT, u32::MAX)
                    < again(&retry, failures + 1, NO_HINT, 0),
                "after {failures} failures"
            );
        }
        assert_eq!(again(&retry, 1, NO_HINT, MIDDLE).as_millis(), 1000);
        assert_eq!(again(&retry, 7, NO_HINT, u32::MAX), Duration::from_secs(4050));
        assert_eq!(retry.next(8, NO_HINT, 0), Next::Exhausted);
        assert_eq!(retry.longest(NO_HINT, u32::MAX), Duration::from_secs(4050));
        assert_eq!(again(&retry, 0, NO_HINT, 0), again(&retry, 1, NO_HINT, 0));
    }

    #[test]
    fn a_list_is_one_attempt_and_one_more_after_each_delay() {
        let retry = exact(&[0.5, 60.0, 5.0]);
        let delays: Vec<_> = (1..=3).map(|n| again(&retry, n, NO_HINT, MIDDLE)).collect();
        assert_eq!(delays, [500, 60_000, 5_000].map(Duration::from_millis));
        assert_eq!(retry.next(4, NO_HINT, 0), Next::Exhausted);
        assert_eq!(retry.longest(NO_HINT, 0), Duration::from_secs(60));
        assert_eq!(exact(&[]).next(1, NO_HINT, 0), Next::Exhausted);
        // Whoever waits for ever still waits between two attempts.
        assert_eq!(exact(&[]).longest(NO_HINT, 0), Duration::from_secs(1));
    }

    #[test]
    fn exponential_delays_grow_up_to_their_cap_and_end() {
        let exponential = Exponential { first: 1.0, factor: 3.0, cap: 20.0, attempts: 6 };
        let retry = Retry { delays: None, exponential: Some(exponential), jitter: 0.0 };
        let delays: Vec<_> = (1..6).map(|n| again(&retry, n, NO_HINT, 0).as_secs()).collect();
        assert_eq!(delays, [1, 3, 9, 20, 20]);
        assert_eq!(retry.next(6, NO_HINT, 0), Next::Exhausted);
        assert_eq!(retry.longest(NO_HINT, 0), Duration::from_secs(20));
        let steep = Exponential { first: 1e300, factor: 1e300, cap: 1e308, attempts: 9 };
        let retry = Retry { exponential: Some(steep), ..Retry::default() };
        assert!(again(&retry, 5, NO_HINT, u32::MAX) <= MAX_WAIT);
    }

    #[test]
    fn jitter_spreads_by_its_part_and_none_not_at_all() {
        let delay = |jitter, random| {
            again(&Retry { jitter, ..exact(&[100.0]) }, 1, NO_HINT, random).as_secs()
        };
        assert_eq!((delay(0.0, 0), delay(0.0, u32::MAX)), (100, 100));
        assert_eq!((delay(0.25, 0), delay(0.25, u32::MAX)), (87, 112));
        assert_eq!((delay(1.0, 0), delay(1.0, u32::MAX)), (50, 150));
        assert_eq!((delay(f64::NAN, 0), delay(9.0, u32::MAX)), (100, 150));
    }

    #[test]
    fn a_receiver_may_ask_for_time_within_a_cap() {
        let retry = Retry::default();
        // Never earlier than asked.
        assert_eq!(again(&retry, 1, asked(60), 0), Duration::from_secs(60));
        assert_eq!(again(&retry, 1, asked(60), u32::MAX), Duration::from_secs(75));
        // Never earlier than scheduled.
        assert_eq!(again(&retry, 7, asked(1), 0), again(&retry, 7, NO_HINT, 0));
        // Never longer than the cap and its jitter.
        assert_eq!(again(&retry, 1, asked(u64::MAX), u32::MAX), MAX_RETRY_AFTER.mul_f64(1.25));
        // It cannot make a schedule longer.
        assert_eq!(retry.next(8, asked(60), 0), Next::Exhausted);
    }

    #[test]
    fn an_overloaded_callback_is_left_alone_for_a_minute_at_most_unless_it_asks() {
        let retry = Retry { jitter: 0.0, ..Retry::default() };
        assert_eq!(retry.slowdown(1, NO_HINT, 0), Duration::from_secs(1));
        assert_eq!(retry.slowdown(3, NO_HINT, 0), Duration::from_secs(30));
        assert_eq!(retry.slowdown(5, NO_HINT, 0), Duration::from_secs(60));
        assert_eq!(retry.slowdown(99, NO_HINT, 0), Duration::from_secs(60));
        assert_eq!(retry.slowdown(1, asked(600), 0), Duration::from_secs(600));
        // Whose schedule is short is not left alone for longer than it says.
        assert_eq!(exact(&[]).slowdown(1, NO_HINT, 0), Duration::from_secs(1));
        assert_eq!(exact(&[3.0]).slowdown(9, NO_HINT, 0), Duration::from_secs(3));
    }

    #[test]
    fn a_time_that_no_wait_takes_is_of_another_clock() {
        assert!(is_to_come(1_001, 1_000) && !is_to_come(1_000, 1_000));
        let longest = millis(MAX_WAIT);
        assert!(is_to_come(longest, 0) && !is_to_come(longest + 1, 0));
        assert!(MAX_DELAY.mul_f64(1.5) <= MAX_WAIT && MAX_RETRY_AFTER.mul_f64(1.25) <= MAX_WAIT);
        assert!(!is_to_come(i64::MAX, i64::MIN));
    }
}
