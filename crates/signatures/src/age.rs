//! How old a signature is.

use chrono::DateTime;

use crate::failure::Failure;
use crate::scheme::{TimeUnit, Tolerance};

/// Checks the time of a signature. Both times count from 1970, `now` in
/// milliseconds.
pub(crate) fn check(
    text: &str,
    unit: TimeUnit,
    tolerance: Tolerance,
    now: i64,
) -> Result<(), Failure> {
    let signed = millis(text, unit).ok_or(Failure::UnreadableTime)?;
    let limits = tolerance.limits();
    // Senders that write seconds have cut off up to a second. The references allow
    // for it in both directions by comparing whole seconds.
    let seconds = (now.div_euclid(1_000)).saturating_sub(signed.div_euclid(1_000));
    let over = |limit: Option<u64>, seconds: i64| {
        limit.is_some_and(|limit| u64::try_from(seconds).is_ok_and(|age| age > limit))
    };
    if over(limits.age, seconds) {
        return Err(Failure::TooOld);
    }
    if over(limits.future, seconds.saturating_neg()) {
        return Err(Failure::InTheFuture);
    }
    Ok(())
}

fn millis(text: &str, unit: TimeUnit) -> Option<i64> {
    match unit {
        TimeUnit::S => digits(text)?.checked_mul(1_000),
        TimeUnit::Ms => digits(text),
        TimeUnit::Rfc3339 => {
            // Without a zone it is a time in UTC. chrono's readers of other forms are 11 KB.
            let zoned = DateTime::parse_from_rfc3339(text).or_else(|error| {
                let utc = if text.as_bytes().get(10) == Some(&b'T') { "Z" } else { "" };
                DateTime::parse_from_rfc3339(&(text.to_owned() + utc)).or(Err(error))
            });
            Some(zoned.ok()?.timestamp_millis())
        }
    }
}

fn digits(text: &str) -> Option<i64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scheme::Limits;

    const NOW: i64 = 1_764_400_000_500;

    #[test]
    fn units_and_zones_are_read() {
        for (text, unit) in [
            ("1764400000", TimeUnit::S),
            ("1764400000499", TimeUnit::Ms),
            ("2025-11-29T07:06:40Z", TimeUnit::Rfc3339),
            ("2025-11-29T08:06:40.250+01:00", TimeUnit::Rfc3339),
            ("2025-11-29T07:06:40.1", TimeUnit::Rfc3339),
        ] {
            assert_eq!(check(text, unit, Tolerance::Both(0), NOW), Ok(()), "{text}");
        }
        for text in ["2025-11-29T07:06", "2025-11-29 07:06:40", "2025-11-29T07:06:40+01:00Z"] {
            let read = check(text, TimeUnit::Rfc3339, Tolerance::Both(300), NOW);
            assert_eq!(read, Err(Failure::UnreadableTime), "{text}");
        }
        for text in ["", "-1", "+1", " 1", "1.5", "1e3", "99999999999999999999"] {
            let read = check(text, TimeUnit::S, Tolerance::Both(300), NOW);
            assert_eq!(read, Err(Failure::UnreadableTime), "{text}");
        }
    }

    #[test]
    fn age_and_future_have_limits_of_their_own() {
        let check = |seconds: i64, tolerance| {
            check(&(1_764_400_000 + seconds).to_string(), TimeUnit::S, tolerance, NOW)
        };
        let both = Tolerance::Both(300);
        assert_eq!((check(-300, both), check(300, both)), (Ok(()), Ok(())));
        assert_eq!(check(-301, both), Err(Failure::TooOld));
        assert_eq!(check(301, both), Err(Failure::InTheFuture));
        let past = Tolerance::Each(Limits { age: Some(5), future: None });
        assert_eq!((check(-6, past), check(1_000_000, past)), (Err(Failure::TooOld), Ok(())));
        let never = Tolerance::Each(Limits::default());
        assert_eq!(check(-1_000_000_000, never), Ok(()));
    }
}
