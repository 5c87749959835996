//! How long to wait before a call is made again.

use std::time::Duration;

use crate::random;

const FIRST_RETRY_DELAY: Duration = Duration::from_millis(100);
const MAX_RETRY_DELAY: Duration = Duration::from_secs(3);

/// The pause after `tries` tries: it grows, and has a random part so that
/// callers who were refused together do not come back together. A server that
/// names a time is not asked earlier.
pub(super) fn pause(tries: u32, random: u32, retry_after: Option<Duration>) -> Duration {
    match retry_after {
        Some(asked) => {
            asked.saturating_add(random::between(Duration::ZERO, FIRST_RETRY_DELAY, random))
        }
        None => {
            let doublings = tries.saturating_sub(1).min(10);
            let grown = FIRST_RETRY_DELAY.saturating_mul(1 << doublings).min(MAX_RETRY_DELAY);
            random::between(grown / 2, grown, random)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ() {
        let millis = |tries, random| pause(tries, random, None).as_millis();
        assert_eq!((millis(1, 0), millis(1, u32::MAX)), (50, 100));
        assert_eq!((millis(2, 0), millis(2, u32::MAX)), (100, 200));
        assert_eq!((millis(6, 0), millis(6, u32::MAX)), (1_500, 3_000));
        assert_eq!(millis(u32::MAX, u32::MAX), 3_000);
    }

    #[test]
    fn a_server_that_names_a_time_is_not_asked_earlier() {
        let asked = Some(Duration::from_secs(7));
        assert_eq!(pause(1, 0, asked), Duration::from_secs(7));
        assert_eq!(pause(1, u32::MAX, asked), Duration::from_millis(7_100));
        assert_eq!(pause(1, u32::MAX, Some(Duration::MAX)), Duration::MAX);
    }
}
