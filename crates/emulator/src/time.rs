//! Instants as Java writes and reads them.

/// `Instant.toString` of milliseconds since 1970: a whole second has no
/// fraction, a year beyond 9999 has a sign.
pub(crate) fn format_instant(ms: i64) -> String {
    let seconds = ms.div_euclid(1000);
    let millis = ms.rem_euclid(1000);
    let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
    let second_of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) =
        (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        10_000.. => format!("+{year}"),
        _ => format!("-{:04}", -year),
    };
    let fraction = if millis == 0 { String::new() } else { format!(".{millis:03}") };
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Reads an ISO instant with a zone into milliseconds since 1970. The error
/// is the index at which Java's parser gives up.
pub(crate) fn parse_instant(text: &str) -> Result<i64, usize> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    let year = reader.year()?;
    reader.expect(b'-')?;
    let month = reader.two_digits(1, 12)?;
    reader.expect(b'-')?;
    let day = reader.two_digits(1, 31)?;
    reader.expect_either(b'T', b't')?;
    let hour = reader.two_digits(0, 24)?;
    reader.expect(b':')?;
    let minute = reader.two_digits(0, 59)?;
    reader.expect(b':')?;
    let second = reader.two_digits(0, 60)?;
    let nanos = reader.fraction();
    let offset = reader.zone()?;
    if reader.at < reader.bytes.len() {
        return Err(reader.at);
    }
    if day > days_in_month(year, month) {
        return Err(0);
    }
    let seconds =
        days_from_civil(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset;
    Ok(seconds * 1000 + nanos / 1_000_000)
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), usize> {
        self.expect_either(byte, byte)
    }

    fn expect_either(&mut self, one: u8, other: u8) -> Result<(), usize> {
        match self.peek() {
            Some(b) if b == one || b == other => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.at),
        }
    }

    fn year(&mut self) -> Result<i64, usize> {
        let start = self.at;
        let sign = match self.peek() {
            Some(b'-') => -1,
            _ => 1,
        };
        if matches!(self.peek(), Some(b'-' | b'+')) {
            self.at += 1;
        }
        let digits = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) && self.at - digits < 10 {
            self.at += 1;
        }
        if self.at - digits < 4 {
            self.at = start;
            return Err(start);
        }
        let value = self.bytes[digits..self.at].iter().fold(0, |n, b| n * 10 + i64::from(b - b'0'));
        Ok(sign * value)
    }

    fn two_digits(&mut self, min: i64, max: i64) -> Result<i64, usize> {
        let digits = self.bytes.get(self.at..self.at + 2).ok_or(self.at)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(self.at);
        }
        let value = i64::from(digits[0] - b'0') * 10 + i64::from(digits[1] - b'0');
        if !(min..=max).contains(&value) {
            return Err(self.at);
        }
        self.at += 2;
        Ok(value)
    }

    /// Nanoseconds of an optional fraction.
    fn fraction(&mut self) -> i64 {
        if self.peek() != Some(b'.') {
            return 0;
        }
        self.at += 1;
        let (mut nanos, mut unit) = (0, 100_000_000);
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            nanos += i64::from(digit - b'0') * unit;
            unit /= 10;
            self.at += 1;
        }
        nanos
    }

    /// Seconds east of Greenwich.
    fn zone(&mut self) -> Result<i64, usize> {
        let start = self.at;
        let sign = match self.peek() {
            Some(b'Z' | b'z') => {
                self.at += 1;
                return Ok(0);
            }
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(start),
        };
        self.at += 1;
        let hours = self.two_digits(0, 18).map_err(|_| start)?;
        self.expect(b':').map_err(|_| start)?;
        let minutes = self.two_digits(0, 59).map_err(|_| start)?;
        Ok(sign * (hours * 3600 + minutes * 60))
    }
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a Gregorian date; years begin in March so that the leap
/// day is the last one.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let cycle = year.div_euclid(400);
    let year_of_cycle = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_cycle = year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    cycle * 146_097 + day_of_cycle - 719_468
}

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let cycle = days.div_euclid(146_097);
    let day_of_cycle = days.rem_euclid(146_097);
    let year_of_cycle =
        (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_cycle + cycle * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::{format_instant, parse_instant};

    #[test]
    fn instants_read_and_write_as_the_proxy_does() {
        let cases = [
            ("2026-03-01T10:15:30.250Z", "2026-03-01T10:15:30.250Z"),
            ("2026-03-01T10:15:30Z", "2026-03-01T10:15:30Z"),
            ("2026-03-01T10:15:30+02:00", "2026-03-01T08:15:30Z"),
            ("1969-12-31T23:59:59Z", "1969-12-31T23:59:59Z"),
            ("2024-02-29T00:00:00.1Z", "2024-02-29T00:00:00.100Z"),
        ];
        for (text, written) in cases {
            assert_eq!(parse_instant(text).map(format_instant).as_deref(), Ok(written), "{text}");
        }
        assert_eq!(format_instant(1_772_359_200_000_000), "+58133-10-29T16:00:00Z");
    }

    #[test]
    fn wrong_instants_say_where() {
        assert_eq!(parse_instant("2026-03-01T10:15:30"), Err(19));
        assert_eq!(parse_instant("yesterday"), Err(0));
        assert_eq!(parse_instant("2026-03-01"), Err(10));
    }
}
