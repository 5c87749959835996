//! Times as the REST server writes them.

use crate::host::Millis;

/// Reads `2026-03-01T10:15:30.250Z`, with or without a fraction. Other forms
/// (years beyond 9999 among them) are `None`: the time is a courtesy.
pub(super) fn parse(text: &str) -> Option<Millis> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    if !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    if fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let millis: i64 = format!("{fraction:0<3}")[..3].parse().ok()?;
    let seconds = days(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000 + millis)
}

fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[i64; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let part = parts.next()?;
        if part.len() != width || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days from 1970-01-01. A year is taken to begin in March, so that the leap
/// day is its last one.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (month * 153 + 2) / 5 + day - 719_469
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render;

    #[test]
    fn what_is_rendered_is_read_back() {
        let step = 7 * 3_600_000 + 61_001;
        for time in (0..200_000).map(|n| n * step) {
            assert_eq!(parse(&render::timestamp(time)), Some(time));
        }
    }

    #[test]
    fn fractions_come_in_any_length() {
        assert_eq!(parse("1970-01-01T00:00:01Z"), Some(1_000));
        assert_eq!(parse("1970-01-01T00:00:01.5Z"), Some(1_500));
        assert_eq!(parse("1970-01-01T00:00:01.123456789Z"), Some(1_123));
    }

    #[test]
    fn what_is_no_such_time_is_none() {
        for text in [
            "",
            "Z",
            "1970-01-01",
            "1970-01-01T00:00:01",
            "+58133-01-01T00:00:00Z",
            "1970-13-01T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.x€Z",
            "1970-1-1T0:0:0Z",
            "1970-01-01T00:00:00+02:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
