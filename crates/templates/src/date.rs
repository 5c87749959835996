//! Times as Go's reference layout writes them, in UTC.
//!
//! The layout is read as Go 1.26 reads it (time/format.go, nextStdChunk), with its rules
//! for what only looks like a part: `Janus` holds no month, `_2006` is a year.

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] =
    ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// The fields of a time.
struct Fields {
    year: i64,
    /// From 0.
    month: usize,
    day: i64,
    /// From 1.
    year_day: i64,
    /// Days since a Thursday.
    week_day: usize,
    hour: i64,
    minute: i64,
    second: i64,
    millis: u32,
}

impl Fields {
    /// `None` outside the years 0 to 9999.
    fn of(seconds: i64, millis: u32) -> Option<Self> {
        // From 0000-01-01 to 9999-12-31.
        if !(-62_167_219_200..=253_402_300_799).contains(&seconds) {
            return None;
        }
        let (days, second_of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        // Days since 0000-03-01: years then end with their leap day, and so do eras of
        // 400 years, which have 146,097 days.
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // Months from March on: 31, 30, 31, 30, 31 days and again.
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let is_next_year = month_from_march >= 10;
        let year = era * 400 + year_of_era + i64::from(is_next_year);
        let month = (month_from_march + 2) % 12;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let year_day = match is_next_year {
            true => of_year - 306 + 1,
            false => of_year + 59 + i64::from(leap) + 1,
        };
        Some(Self {
            year,
            month: usize::try_from(month).ok()?,
            day,
            year_day,
            week_day: usize::try_from(days.rem_euclid(7)).ok()?,
            hour: second_of_day / 3_600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
            millis,
        })
    }
}

/// A time by a layout; `None` outside the years 0 to 9999.
pub(crate) fn format(layout: &str, seconds: i64, millis: u32) -> Option<String> {
    let fields = Fields::of(seconds, millis)?;
    let mut out = String::with_capacity(layout.len() + 10);
    let mut rest = layout;
    while let Some(first) = rest.chars().next() {
        match part(&fields, rest, &mut out) {
            Some(length) => rest = &rest[length..],
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    Some(out)
}

/// A time as RFC 3339 has it, with milliseconds.
pub(crate) fn rfc3339(millis: i64) -> String {
    let of_second = millis.rem_euclid(1000) as u32;
    format("2006-01-02T15:04:05.000Z07:00", millis.div_euclid(1000), of_second).unwrap_or_default()
}

/// Writes the part that a layout begins with, and gives its length; `None` if there is none.
fn part(time: &Fields, layout: &str, out: &mut String) -> Option<usize> {
    let bytes = layout.as_bytes();
    let starts = |text: &str| layout.starts_with(text);
    // `Mon` in `Month` is no day of the week.
    let ends = |at: usize| !bytes.get(at).is_some_and(u8::is_ascii_lowercase);
    let hour12 = if time.hour % 12 == 0 { 12 } else { time.hour % 12 };
    let month = time.month as i64 + 1;
    let mut number = |value: i64, width: usize, pad: char| {
        let digits = value.to_string();
        (digits.len()..width).for_each(|_| out.push(pad));
        out.push_str(&digits);
    };
    let length = match bytes.first()? {
        b'J' if starts("January") => name(MONTHS[time.month], out, 7),
        b'J' if starts("Jan") && ends(3) => name(&MONTHS[time.month][..3], out, 3),
        b'M' if starts("Monday") => name(DAYS[time.week_day], out, 6),
        b'M' if starts("Mon") && ends(3) => name(&DAYS[time.week_day][..3], out, 3),
        b'M' if starts("MST") => name("UTC", out, 3),
        b'0' if starts("002") => {
            number(time.year_day, 3, '0');
            3
        }
        b'0' => {
            let value = match bytes.get(1)? {
                b'1' => month,
                b'2' => time.day,
                b'3' => hour12,
                b'4' => time.minute,
                b'5' => time.second,
                b'6' => time.year % 100,
                _ => return None,
            };
            number(value, 2, '0');
            2
        }
        b'1' if starts("15") => {
            number(time.hour, 2, '0');
            2
        }
        b'1' => {
            number(month, 1, ' ');
            1
        }
        b'2' if starts("2006") => {
            number(time.year, 4, '0');
            4
        }
        b'2' => {
            number(time.day, 1, ' ');
            1
        }
        b'_' if starts("_2006") => {
            out.push('_');
            return Some(1);
        }
        b'_' if starts("_2") => {
            number(time.day, 2, ' ');
            2
        }
        b'_' if starts("__2") => {
            number(time.year_day, 3, ' ');
            3
        }
        b'3' => {
            number(hour12, 1, ' ');
            1
        }
        b'4' => {
            number(time.minute, 1, ' ');
            1
        }
        b'5' => {
            number(time.second, 1, ' ');
            1
        }
        b'P' if starts("PM") => name(if time.hour < 12 { "AM" } else { "PM" }, out, 2),
        b'p' if starts("pm") => name(if time.hour < 12 { "am" } else { "pm" }, out, 2),
        b'-' if starts("-070000") => name("+000000", out, 7),
        b'-' if starts("-07:00:00") => name("+00:00:00", out, 9),
        b'-' if starts("-0700") => name("+0000", out, 5),
        b'-' if starts("-07:00") => name("+00:00", out, 6),
        b'-' if starts("-07") => name("+00", out, 3),
        b'Z' if starts("Z070000") => name("Z", out, 7),
        b'Z' if starts("Z07:00:00") => name("Z", out, 9),
        b'Z' if starts("Z0700") => name("Z", out, 5),
        b'Z' if starts("Z07:00") => name("Z", out, 6),
        b'Z' if starts("Z07") => name("Z", out, 3),
        b'.' | b',' => return fraction(time, layout, out),
        _ => return None,
    };
    Some(length)
}

fn name(text: &str, out: &mut String, length: usize) -> usize {
    out.push_str(text);
    length
}

/// `.000` writes so many digits, and `.999` leaves zeros at the end out.
fn fraction(time: &Fields, layout: &str, out: &mut String) -> Option<usize> {
    let bytes = layout.as_bytes();
    let digit = *bytes.get(1).filter(|digit| matches!(digit, b'0' | b'9'))?;
    let count = bytes[1..].iter().take_while(|byte| **byte == digit).count();
    if bytes.get(1 + count).is_some_and(u8::is_ascii_digit) {
        return None;
    }
    let all = format!("{:03}000000", time.millis);
    let shown = &all[..count.min(9)];
    let shown = if digit == b'9' { shown.trim_end_matches('0') } else { shown };
    if !shown.is_empty() {
        out.push_str(&layout[..1]);
        out.push_str(shown);
    }
    Some(1 + count)
}
