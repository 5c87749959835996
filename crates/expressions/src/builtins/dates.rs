//! Dates of RFC 3339 in UTC, to the second: what `todate` writes and `fromdate` reads.

use kafka_edge_bounded_json::{Budget, Value};

use crate::eval::Stop;

const DAY: i64 = 86_400;
/// Days of 400 years.
const ERA: i64 = 146_097;
/// From the first of March of year 0 to 1970.
const EPOCH: i64 = 719_468;

pub(super) fn to_date(input: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    let Value::Number(number) = input else {
        return Err(Stop::error("strftime/1 requires parsed datetime inputs"));
    };
    let seconds = number.as_f64().trunc();
    // What is beyond has no year of four digits.
    if !(-62_167_219_200.0..253_402_300_800.0).contains(&seconds) {
        let what = "error converting number of seconds since epoch to datetime";
        return Err(Stop::error(what));
    }
    let seconds = seconds as i64;
    let (day, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
    // Years begin in March here, so that the day that may be missing is the last.
    let day = day + EPOCH;
    let (era, day) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let text = format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}Z");
    Ok(Value::string(&text, budget)?)
}

pub(super) fn from_date(input: &Value, budget: &mut Budget) -> Result<Value, Stop> {
    let Value::String(text) = input else {
        return Err(Stop::error("strptime/1 requires string inputs and arguments"));
    };
    match seconds(text.as_bytes()) {
        Some(seconds) => Ok(Value::from(seconds)),
        None => {
            budget.spend_bytes(text.len() as u64)?;
            let format = "%Y-%m-%dT%H:%M:%SZ";
            Err(Stop::error(format!("date \"{text}\" does not match format \"{format}\"")))
        }
    }
}

fn seconds(text: &[u8]) -> Option<i64> {
    let mask = b"0000-00-00T00:00:00Z";
    let fits = |(byte, mask): (&u8, &u8)| match mask {
        b'0' => byte.is_ascii_digit(),
        _ => byte == mask,
    };
    if text.len() != mask.len() || !text.iter().zip(mask).all(fits) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0'))
    };
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let (hour, minute, second) = (number(11, 13), number(14, 16), number(17, 19));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day = (153 * month + 2) / 5 + day - 1 + 365 * year + year / 4 - year / 100;
    let days = era * ERA + day - EPOCH;
    Some(days * DAY + hour * 3600 + minute * 60 + second)
}
