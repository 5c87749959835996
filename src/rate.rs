//! How often something may happen. It is counted in one instance: where each request
//! gets an instance of its own, it limits nothing.

use std::cell::Cell;
use std::time::Duration;

/// A number of calls in a second, of which a second's worth may come at once.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    /// The time at which the bucket was empty, as if it filled without end.
    empty_at: Cell<Option<Duration>>,
}

impl Rate {
    /// Takes one, or says how long to wait.
    pub(crate) fn take(&self, per_second: u32, now: Duration) -> Result<(), Duration> {
        self.take_every(Duration::from_secs(1) / per_second.max(1), now)
    }

    /// The same for one in each such time, and as many at once as come in a second.
    pub(crate) fn take_every(&self, interval: Duration, now: Duration) -> Result<(), Duration> {
        // All times are a second later, so that the first second has one before it.
        let (full, now) = (now, now + interval.max(Duration::from_secs(1)));
        let since = self.empty_at.get().map_or(full, |at| at.max(full));
        let next = since + interval;
        if next > now {
            return Err(next - now);
        }
        self.empty_at.set(Some(next));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_lets_a_seconds_worth_come_at_once() {
        let (rate, second) = (Rate::default(), Duration::from_secs(1));
        assert!((0..4).all(|_| Rate::default().take(4, Duration::ZERO).is_ok()));
        for _ in 0..4 {
            assert_eq!(rate.take(4, second * 10), Ok(()));
        }
        assert_eq!(rate.take(4, second * 10), Err(second / 4));
        assert_eq!(rate.take(4, second * 10 + second / 4), Ok(()));
        assert_eq!(rate.take(4, second * 10 + second / 4), Err(second / 4));
        assert!((0..4).all(|_| rate.take(4, second * 90).is_ok()));
    }

    #[test]
    fn less_than_one_in_a_second_comes_one_by_one() {
        let (rate, second) = (Rate::default(), Duration::from_secs(1));
        assert_eq!(rate.take_every(second * 6, second * 10), Ok(()));
        assert_eq!(rate.take_every(second * 6, second * 10), Err(second * 6));
        assert_eq!(rate.take_every(second * 6, second * 15), Err(second));
        assert_eq!(rate.take_every(second * 6, second * 16), Ok(()));
    }
}
