//! When a failed delivery is tried again.
//!
//! A record is tried until its callback accepts it, in order and with growing
//! delays. So a failing callback costs almost nothing, and no record is dropped.

use std::time::Duration;

use crate::host::Millis;
use crate::random;

/// The delays after the first failure, the second and so on; the last one applies
/// to all later failures. Each is at least twice the one before it, so that delays
/// grow in spite of the jitter.
const RETRY_DELAYS: [Duration; 7] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    MAX_SCHEDULED_DELAY,
];

const MAX_SCHEDULED_DELAY: Duration = Duration::from_secs(60 * 60);

/// The longest `Retry-After` that is honoured: a receiver may ask for time, but
/// not stop its subscription for days.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(6 * 60 * 60);

/// No delay is longer than this, jitter included.
pub(super) const MAX_RETRY_DELAY: Duration = Duration::from_secs(8 * 60 * 60);

/// Whether an attempt is yet to come. A time that is further away than any delay was
/// written by a wrong clock.
pub(super) fn is_to_come(due: Millis, now: Millis) -> bool {
    let longest = Millis::try_from(MAX_RETRY_DELAY.as_millis()).unwrap_or(Millis::MAX);
    (1..=longest).contains(&due.saturating_sub(now))
}

/// What a failed attempt means for the time of the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RetryHint {
    /// The receiver's `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// The receiver answered 410 Gone. A receiver cannot disable a subscription;
    /// its records are tried at the longest delay.
    pub(super) gone: bool,
}

/// The wait after `failures` failed attempts (1 or more) at the same record.
///
/// `random` is any number; it spreads the delay by a quarter, so that
/// subscriptions that failed together are not retried together.
pub(super) fn delay(failures: u32, hint: RetryHint, random: u32) -> Duration {
    let index = (failures.max(1) - 1).min(RETRY_DELAYS.len() as u32 - 1) as usize;
    let scheduled = if hint.gone { MAX_SCHEDULED_DELAY } else { RETRY_DELAYS[index] };
    match hint.retry_after.map(|asked| asked.min(MAX_RETRY_AFTER)) {
        // Never before the requested time.
        Some(asked) if asked > scheduled => random::between(asked, asked.mul_f64(1.25), random),
        _ => random::between(scheduled.mul_f64(0.875), scheduled.mul_f64(1.125), random),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIDDLE: u32 = u32::MAX / 2;

    #[test]
    fn delays_grow_up_to_an_hour_whatever_the_jitter() {
        let none = RetryHint::default();
        for failures in 1..7 {
            assert!(
                delay(failures, none, u32::MAX) < delay(failures + 1, none, 0),
                "after {failures} failures"
            );
        }
        assert_eq!(delay(1, none, MIDDLE).as_millis(), 1000);
        assert_eq!(delay(7, none, u32::MAX), Duration::from_secs(4050));
        assert_eq!(delay(7, none, 0), delay(u32::MAX, none, 0));
        assert_eq!(delay(0, none, 0), delay(1, none, 0));
    }

    #[test]
    fn jitter_spreads_by_a_quarter() {
        let (least, most) =
            (delay(4, RetryHint::default(), 0), delay(4, RetryHint::default(), u32::MAX));
        assert_eq!((least.as_secs(), most.as_secs()), (105, 135));
    }

    #[test]
    fn a_receiver_may_ask_for_time_within_a_cap() {
        let asked =
            |seconds| RetryHint { retry_after: Some(Duration::from_secs(seconds)), gone: false };
        // Never earlier than asked.
        assert_eq!(delay(1, asked(60), 0), Duration::from_secs(60));
        assert_eq!(delay(1, asked(60), u32::MAX), Duration::from_secs(75));
        // Never earlier than scheduled.
        assert_eq!(delay(7, asked(1), 0), delay(7, RetryHint::default(), 0));
        // Never longer than the cap and its jitter.
        assert_eq!(delay(1, asked(u64::MAX), u32::MAX), MAX_RETRY_AFTER.mul_f64(1.25));
        assert!(MAX_RETRY_AFTER.mul_f64(1.25) <= MAX_RETRY_DELAY);
    }

    #[test]
    fn gone_waits_the_longest_at_once() {
        let gone = RetryHint { retry_after: None, gone: true };
        assert_eq!(delay(1, gone, 0), delay(7, RetryHint::default(), 0));
    }
}
