//! When a failed delivery is tried again.
//!
//! A record is tried until its callback takes it, in order, with growing
//! delays: one failing callback costs next to nothing, and no record is
//! dropped.

use std::time::Duration;

/// The delays after the first failure, the second and so on; the last one
/// stays. Each is at least twice its predecessor, so that delays grow whatever
/// the jitter does.
const DELAYS: [Duration; 7] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    LONGEST,
];

const LONGEST: Duration = Duration::from_secs(60 * 60);

/// The longest `Retry-After` that is honoured: a receiver may ask for time,
/// not for its subscription to be forgotten.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(6 * 60 * 60);

/// No delay is longer than this.
pub(super) const MAX_DELAY: Duration = Duration::from_secs(8 * 60 * 60);

/// What a failed attempt says about the next one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct RetryHint {
    /// The receiver's `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// The receiver answered 410 Gone. SubscriptionList are not disabled by their
    /// receivers, so that the record is only tried at the longest delay.
    pub(super) gone: bool,
}

/// The wait after `failures` failed attempts (1 or more) at the same record.
///
/// `random` is any number; it spreads the delay by a quarter, so that
/// subscriptions that failed together do not come back together.
pub(super) fn delay(failures: u32, hint: RetryHint, random: u32) -> Duration {
    let index = (failures.max(1) - 1).min(DELAYS.len() as u32 - 1) as usize;
    let scheduled = if hint.gone { LONGEST } else { DELAYS[index] };
    let quarter = f64::from(random) / f64::from(u32::MAX) / 4.0;
    match hint.retry_after.map(|asked| asked.min(MAX_RETRY_AFTER)) {
        // Never before the time that was asked for.
        Some(asked) if asked > scheduled => asked.mul_f64(1.0 + quarter),
        _ => scheduled.mul_f64(0.875 + quarter),
    }
}

/// Reads a `Retry-After`: seconds, or a date. `now` is in milliseconds.
pub(super) fn retry_after(value: &str, now: i64) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit are simply very long.
        return Some(value.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Duration::from_millis(u64::try_from(now).ok()?);
    Some(since_epoch.saturating_sub(now))
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
        assert!(MAX_RETRY_AFTER.mul_f64(1.25) <= MAX_DELAY);
    }

    #[test]
    fn gone_waits_the_longest_at_once() {
        let gone = RetryHint { retry_after: None, gone: true };
        assert_eq!(delay(1, gone, 0), delay(7, RetryHint::default(), 0));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = 1_614_265_330_000;
        let seconds = |n| Some(Duration::from_secs(n));
        for (value, expected) in [
            ("120", seconds(120)),
            (" 0 ", seconds(0)),
            ("99999999999999999999999", Some(Duration::MAX)),
            ("Thu, 25 Feb 2021 15:03:10 GMT", seconds(60)),
            ("Thu, 25 Feb 2021 15:01:10 GMT", seconds(0)),
            ("-5", None),
            ("1.5", None),
            ("background", None),
            ("", None),
        ] {
            assert_eq!(retry_after(value, now), expected, "{value:?}");
        }
    }
}
