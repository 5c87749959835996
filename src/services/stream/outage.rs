//! A time in which a stream can read nothing: when to try again, and for how long.

use std::time::Duration;

use crate::error::{Error, ErrorKind};
use crate::random::between;

/// A stream gives up after this time. Its reader reconnects, and its credential is
/// checked again.
const LONGEST_OUTAGE: Duration = Duration::from_secs(5 * 60);

/// The pauses between two attempts double from the first to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Outage {
    /// By the monotonic clock.
    since: Duration,
    next_attempt: Duration,
    failures: u32,
}

impl Outage {
    /// An attempt failed at `now`. `random` is any number: readers that were
    /// interrupted together must not come back together.
    pub(super) fn failed(known: &mut Option<Self>, error: &Error, now: Duration, random: u32) {
        let (since, failures) = match known {
            Some(outage) => (outage.since, outage.failures.saturating_add(1)),
            None => (now, 1),
        };
        let doubled = FIRST_PAUSE.saturating_mul(1 << (failures - 1).min(10)).min(LONGEST_PAUSE);
        let pause = between(doubled / 2, doubled, random);
        let asked = match &**error {
            ErrorKind::Throttled { retry_after } => *retry_after,
            _ => Duration::ZERO,
        };
        *known = Some(Self { since, next_attempt: now + pause.max(asked), failures });
    }

    pub(super) fn is_long(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) >= LONGEST_OUTAGE
    }

    /// How long to wait before the next attempt.
    pub(super) fn pause(&self, now: Duration) -> Duration {
        self.next_attempt.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Duration = Duration::from_secs(100);

    fn pauses(error: &Error, random: u32) -> Vec<u128> {
        let mut outage = None;
        let pauses = (0..7).map(|_| {
            Outage::failed(&mut outage, error, AT, random);
            outage.unwrap().pause(AT).as_millis()
        });
        pauses.collect()
    }

    #[test]
    fn pauses_grow_and_differ_among_readers() {
        let longest = [250, 500, 1000, 2000, 4000, 5000, 5000];
        assert_eq!(pauses(&ErrorKind::Timeout.into(), u32::MAX), longest);
        assert_eq!(pauses(&ErrorKind::Timeout.into(), 0), longest.map(|millis| millis / 2));
        let throttled = ErrorKind::Throttled { retry_after: Duration::from_secs(3) };
        assert_eq!(pauses(&throttled.clone().into(), 0)[..2], [3000, 3000]);
    }

    #[test]
    fn an_outage_is_ridden_out_for_five_minutes() {
        let mut outage = None;
        Outage::failed(&mut outage, &ErrorKind::Timeout.into(), AT, 0);
        Outage::failed(&mut outage, &ErrorKind::Timeout.into(), AT + Duration::from_secs(299), 0);
        let outage = outage.unwrap();
        assert!(!outage.is_long(AT + Duration::from_secs(299)));
        assert!(outage.is_long(AT + Duration::from_secs(300)));
    }
}
