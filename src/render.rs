//! How a record's bytes, headers and times look in JSON, the same in answers
//! and in what is sent to callbacks.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::host::Millis;
use crate::record;

/// Bytes as a JSON string: as they are when they are UTF-8, else base64, and
/// then [`encoding`](Text::encoding) says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<'a> {
    pub text: Cow<'a, str>,
    /// `"base64"`, or `None` for plain text.
    pub encoding: Option<&'static str>,
}

impl<'a> Text<'a> {
    pub fn of(bytes: &'a [u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { text: Cow::Borrowed(text), encoding: None },
            Err(_) => Self { text: Cow::Owned(STANDARD.encode(bytes)), encoding: Some("base64") },
        }
    }

    /// The text and the encoding of something that can be missing (a key, the
    /// value of a tombstone): both are `None` then.
    pub fn of_option(bytes: Option<&'a [u8]>) -> (Option<Cow<'a, str>>, Option<&'static str>) {
        match bytes.map(Self::of) {
            Some(Self { text, encoding }) => (Some(text), encoding),
            None => (None, None),
        }
    }
}

/// A header as an object: `{"name":"trace","value":"abc"}`. A list of these
/// keeps what an object by name would lose: repeated names and their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "RecordHeader"))]
pub struct Header<'a> {
    pub name: &'a str,
    pub value: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<&'static str>,
}

impl<'a> From<&'a record::Header> for Header<'a> {
    fn from(header: &'a record::Header) -> Self {
        let (value, encoding) = Text::of_option(header.value.as_deref());
        Self { name: &header.name, value, encoding }
    }
}

/// All headers of a record.
pub fn headers(headers: &[record::Header]) -> Vec<Header<'_>> {
    headers.iter().map(Header::from).collect()
}

/// A time in RFC 3339, in UTC and with milliseconds:
/// `2026-01-31T23:59:59.000Z`.
pub fn timestamp(time: Millis) -> String {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    let (year, month, day) = date(time.div_euclid(DAY));
    let of_day = time.rem_euclid(DAY);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, milli) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}

/// Year, month and day in the Gregorian calendar, so many days after
/// 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    // 146,097 days are exactly 400 years, so this is off by one at most.
    let mut year = 1970 + (days * 400).div_euclid(146_097);
    while days_before(year) > days {
        year -= 1;
    }
    while days_before(year + 1) <= days {
        year += 1;
    }
    let mut day = days - days_before(year);
    let february = if days_before(year + 1) - days_before(year) == 366 { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    (year, month, day + 1)
}

/// Days from 1970-01-01 to the first day of a year.
fn days_before(year: i64) -> i64 {
    let leap_days = |year: i64| year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    365 * (year - 1970) + leap_days(year - 1) - leap_days(1969)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text_and_bytes_become_base64() {
        assert_eq!(Text::of("grüß\n".as_bytes()).text, "grüß\n");
        assert_eq!(Text::of("grüß".as_bytes()).encoding, None);
        let binary = Text::of(&[0xff, 0x00]);
        assert_eq!((binary.text.as_ref(), binary.encoding), ("/wA=", Some("base64")));
        assert_eq!(Text::of_option(None), (None, None));
    }

    #[test]
    fn headers_keep_order_repeats_and_nulls() {
        let header = |name: &str, value: Option<&'static [u8]>| record::Header {
            name: name.into(),
            value: value.map(bytes::Bytes::from_static),
        };
        let all = [header("b", Some(b"1")), header("a", None), header("b", Some(&[0xfe]))];
        assert_eq!(
            serde_json::to_string(&headers(&all)).unwrap(),
            r#"[{"name":"b","value":"1"},{"name":"a","value":null},{"name":"b","value":"/g==","encoding":"base64"}]"#
        );
    }

    #[test]
    fn times_are_rfc_3339() {
        for (time, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_614_265_330_123, "2021-02-25T15:02:10.123Z"),
            (1_709_251_199_000, "2024-02-29T23:59:59.000Z"),
            (1_767_225_599_999, "2025-12-31T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(timestamp(time), text);
        }
        // Any number that a producer may write is a time.
        timestamp(i64::MAX);
        timestamp(i64::MIN);
    }
}
