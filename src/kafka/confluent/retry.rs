//! How long to wait before a call is made again.

use std::time::Duration;

use crate::host::Clock;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(3);

/// The pause after so many tries: growing, and with a random part so that
/// those who were refused together do not come back together. A server that
/// names a time (Confluent Cloud does not) is not asked earlier.
pub(super) fn pause(tries: u32, dice: u8, hint: Option<Duration>) -> Duration {
    let grown = FIRST.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(LONGEST);
    let jittered = grown.mul_f64(0.5 + f64::from(dice) / 510.0);
    hint.map_or(jittered, |hint| hint + FIRST.mul_f64(f64::from(dice) / 255.0))
}

pub(super) fn dice(clock: &impl Clock) -> u8 {
    let mut dice = [0];
    clock.random(&mut dice);
    dice[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_differ() {
        let millis = |tries, dice| pause(tries, dice, None).as_millis();
        assert_eq!((millis(1, 0), millis(1, 255)), (50, 100));
        assert_eq!((millis(2, 0), millis(2, 255)), (100, 200));
        assert_eq!((millis(6, 0), millis(6, 255)), (1_500, 3_000));
        assert_eq!(millis(u32::MAX, 255), 3_000);
    }

    #[test]
    fn a_server_that_names_a_time_is_not_asked_earlier() {
        let hint = Some(Duration::from_secs(7));
        assert_eq!(pause(1, 0, hint), Duration::from_secs(7));
        assert_eq!(pause(1, 255, hint), Duration::from_millis(7_100));
    }
}
