//! `Retry-After`: how long another server asks us to wait.

use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

use crate::host::Millis;

/// How long a server asks us to wait, by its `Retry-After`: a number of
/// seconds, or a date (RFC 9110, section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap, now: Millis) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number with too many digits is a very long time.
        return Some(value.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let since_epoch = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    let now = Duration::from_millis(u64::try_from(now).ok()?);
    Some(since_epoch.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = 1_614_265_330_000;
        let seconds = |n| Some(Duration::from_secs(n));
        for (value, expected) in [
            ("120", seconds(120)),
            (" 0 ", seconds(0)),
            ("99999999999999999999999", Some(Duration::MAX)),
            ("Thu, 25 Feb 2021 15:03:10 GMT", seconds(60)),
            ("Thu, 25 Feb 2021 15:01:10 GMT", seconds(0)),
            ("-5", None),
            ("1.5", None),
            ("soon", None),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(value))]);
            assert_eq!(retry_after(&headers, now), expected, "{value:?}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
