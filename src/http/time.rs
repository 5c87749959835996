//! Times that callers give: RFC 3339, or milliseconds since 1970.

use crate::error::Error;
use crate::host::Millis;

/// `2026-01-31T23:59:59.123Z`, `2026-01-31T23:59:59+01:00` or `1769903999123`.
pub(super) fn parse(text: &str) -> Result<Millis, Error> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let time = if digits { text.parse().ok() } else { rfc3339(text) };
    time.ok_or_else(|| {
        Error::invalid("timestamp", "Neither a time in RFC 3339 nor milliseconds since 1970")
    })
}

fn rfc3339(text: &str) -> Option<Millis> {
    let (date, time) = text.split_once(['T', 't'])?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let zone = time.find(['Z', 'z', '+', '-'])?;
    let (time, zone) = time.split_at(zone);
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let lawful = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        // A leap second is the first of the next minute.
        && second <= 60;
    if !lawful {
        return None;
    }
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    Some((seconds - offset(zone)?) * 1000 + millis(fraction)?)
}

/// Numbers of exactly so many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        *number = decimal(parts.next().filter(|part| part.len() == digits)?)?;
    }
    parts.next().is_none().then_some(numbers)
}

fn decimal(text: &str) -> Option<i64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok() } else { None }
}

/// What comes after milliseconds is cut off.
fn millis(fraction: &str) -> Option<i64> {
    decimal(fraction)?;
    decimal(&format!("{fraction:0<3}")[..3])
}

/// Of a time zone, in seconds.
fn offset(zone: &str) -> Option<i64> {
    if zone.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let (sign, clock) = zone.split_at_checked(1)?;
    let (hours, minutes) = clock.split_once(':')?;
    let lawful = |text: &str, most| decimal(text).filter(|n| text.len() == 2 && *n <= most);
    let seconds = (lawful(hours, 23)? * 60 + lawful(minutes, 59)?) * 60;
    Some(if sign == "-" { -seconds } else { seconds })
}

fn days_in(year: i64, month: i64) -> i64 {
    let next = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days_since_1970(next.0, next.1, 1) - days_since_1970(year, month, 1)
}

/// In the Gregorian calendar. Years begin in March here, so that the day that
/// comes and goes is a year's last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let months = (month + 9) % 12;
    let year = year - i64::from(month <= 2);
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // From the first of March of year 0 to 1970-01-01 it is 719,468 days.
    365 * year + leap_days + (153 * months + 2) / 5 + day - 1 - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render;

    #[test]
    fn what_we_render_is_read_back() {
        for days in 0..60_000 {
            let time = days * 86_400_000 + days * 1_021 % 86_400_000;
            assert_eq!(parse(&render::timestamp(time)), Ok(time));
        }
    }

    #[test]
    fn zones_and_fractions_count() {
        for (text, time) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01t01:00:00.5+01:00", 500),
            ("1969-12-31T23:30:00.123999-00:30", 123),
            ("2024-02-29T00:00:00Z", 1_709_164_800_000),
            ("2016-12-31T23:59:60Z", 1_483_228_800_000),
            ("1769903999123", 1_769_903_999_123),
        ] {
            assert_eq!(parse(text), Ok(time), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "-1",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-13-01T00:00:00Z",
            "2025-02-29T00:00:00Z",
            "2026-00-10T00:00:00Z",
            "2026-1-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+25:00",
            "2026-01-01T00:00Z",
            "2026-01-01T00:00:00Z ",
            "99999999999999999999",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
