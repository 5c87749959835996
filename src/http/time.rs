//! Times from callers: RFC 3339, or milliseconds since 1970.

use crate::calendar;
use crate::error::Error;
use crate::host::Millis;

/// `2026-01-31T23:59:59.123Z`, `2026-01-31T23:59:59+01:00` or `1769903999123`.
pub(super) fn parse(text: &str) -> Result<Millis, Error> {
    parse_field("timestamp", text)
}

/// The same, of a field with another name.
pub(super) fn parse_field(field: &'static str, text: &str) -> Result<Millis, Error> {
    calendar::parse(text).ok_or_else(|| {
        Error::invalid(field, "Neither a time in RFC 3339 nor milliseconds since 1970")
    })
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
