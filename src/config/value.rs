//! Values of variables that are neither addresses nor secrets.

use std::time::Duration;

use crate::error::{ErrorKind, Result};

const LONGEST: Duration = Duration::from_secs(600);

/// A duration: `500ms`, `10s` or `2m`. A number without a unit is in seconds.
pub(super) fn duration(name: &str, value: Option<&str>, default: Duration) -> Result<Duration> {
    let Some(value) = value else { return Ok(default) };
    time(value).filter(|time| !time.is_zero()).ok_or_else(|| {
        ErrorKind::Unconfigured(format!(
            "{name} is not a time from 1ms to 10m, such as 500ms or 10s"
        ))
        .into()
    })
}

/// A maximum age; zero if it is not set.
pub(super) fn age(name: &str, value: Option<&str>) -> Result<Duration> {
    let Some(value) = value.filter(|value| !value.trim().is_empty()) else {
        return Ok(Duration::ZERO);
    };
    time(value).ok_or_else(|| {
        ErrorKind::Unconfigured(format!(
            "{name} is not a time from 0s to 10m, such as 300ms or 60s"
        ))
        .into()
    })
}

fn time(value: &str) -> Option<Duration> {
    let value = value.trim();
    let unit = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    let (number, unit) = value.split_at(unit);
    let millis = match unit {
        "ms" => Some(1),
        "s" | "" => Some(1_000),
        "m" => Some(60_000),
        _ => None,
    };
    let time = number.parse().ok().zip(millis).and_then(|(n, ms): (u64, u64)| n.checked_mul(ms));
    time.map(Duration::from_millis).filter(|time| *time <= LONGEST)
}

pub(super) fn switch(name: &str, value: Option<&str>) -> Result<bool> {
    match value.map(str::trim) {
        None | Some("" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(ErrorKind::Unconfigured(format!("{name} is neither true nor false")).into()),
    }
}

/// A cluster id, which becomes a segment of paths and a part of record ids.
pub(super) fn cluster_id(value: &str) -> Result<String> {
    let value = value.trim();
    let lawful = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if value.len() > 100 || !value.chars().all(lawful) {
        return Err(
            ErrorKind::Unconfigured("kafka_cluster_id is not the id of a cluster".into()).into()
        );
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let of = |value| duration("t", Some(value), Duration::ZERO);
        assert_eq!(of("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(of(" 10s "), Ok(Duration::from_secs(10)));
        assert_eq!(of("10"), Ok(Duration::from_secs(10)));
        assert_eq!(of("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(duration("t", None, Duration::from_secs(3)), Ok(Duration::from_secs(3)));
        for wrong in ["", "0", "-1s", "1.5s", "s", "1h", "601s", "99999999999999999999s", "1 s"] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_age_may_be_zero_and_is_if_nothing_is_set() {
        let of = |value| age("t", value);
        for zero in [None, Some(""), Some(" "), Some("0"), Some("0s")] {
            assert_eq!(of(zero), Ok(Duration::ZERO), "{zero:?}");
        }
        assert_eq!(of(Some("300ms")), Ok(Duration::from_millis(300)));
        for wrong in ["s", "soon", "11m", "-1s"] {
            assert!(of(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn cluster_ids_stay_one_segment() {
        assert_eq!(cluster_id(" lkc-abc12 "), Ok("lkc-abc12".into()));
        assert_eq!(cluster_id("4L6g3nShT-eMCtK--X86sw"), Ok("4L6g3nShT-eMCtK--X86sw".into()));
        for wrong in ["a/b", "..", "a b", "ü", "%41"] {
            assert!(cluster_id(wrong).is_err(), "{wrong}");
        }
    }
}
