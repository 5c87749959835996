//! The query of a request: known parameters, each at most once.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::percent;
use super::refusal::Refusal;
use crate::error::Error;
use crate::limits;
use crate::services::consume::StartFrom;

/// The parameters of one request, decoded.
#[derive(Debug)]
pub(super) struct Query(Vec<(&'static str, Vec<u8>)>);

impl Query {
    /// Takes the query apart. A parameter that is not `known`, or that comes
    /// twice, is an error by its name: a misspelt one would otherwise be lost
    /// without a word.
    pub(super) fn parse(raw: Option<&str>, known: &[&'static str]) -> Result<Self, Refusal> {
        let mut parameters: Vec<(&'static str, Vec<u8>)> = Vec::new();
        for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent::decode_query(raw_name).ok_or(Refusal::MalformedQuery)?;
            let Some(name) = known.iter().find(|known| known.as_bytes() == name) else {
                let name = String::from_utf8_lossy(&name).into_owned();
                return Err(Refusal::UnknownParameter(name));
            };
            if parameters.iter().any(|(earlier, _)| earlier == name) {
                return Err(Error::invalid(name, "Query parameter given twice").into());
            }
            let value = percent::decode_query(raw_value)
                .ok_or_else(|| Error::invalid(name, "Malformed percent-encoding"))?;
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// The same for an API whose callers add parameters of their own: others
    /// than those known are passed over, and of two the first one counts.
    pub(super) fn parse_known(raw: Option<&str>, known: &[&'static str]) -> Result<Self, Refusal> {
        let mut parameters = Vec::new();
        for pair in raw.unwrap_or_default().split('&') {
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent::decode_query(raw_name).unwrap_or_default();
            if let Some(name) = known.iter().find(|known| known.as_bytes() == name) {
                let value = percent::decode_query(raw_value)
                    .ok_or_else(|| Error::invalid(name, "Malformed percent-encoding"))?;
                parameters.push((*name, value));
            }
        }
        Ok(Self(parameters))
    }

    /// The bytes of a parameter.
    pub(super) fn bytes(&self, name: &'static str) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_slice())
    }

    pub(super) fn text(&self, name: &'static str) -> Result<Option<&str>, Error> {
        let text = self.bytes(name).map(std::str::from_utf8).transpose();
        text.map_err(|_| Error::invalid(name, "Not valid UTF-8"))
    }

    pub(super) fn partition(&self) -> Result<Option<i32>, Error> {
        let parse = |text: &str| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| plain).ok_or_else(|| {
                Error::invalid("partition", "Not the number of a partition, counted from 0")
            })
        };
        self.text("partition")?.map(parse).transpose()
    }

    /// A whole number within bounds.
    pub(super) fn number(
        &self,
        name: &'static str,
        bounds: RangeInclusive<usize>,
    ) -> Result<Option<usize>, Error> {
        let parse = |text: &str| {
            // The parser would take a leading plus.
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            // A number that is too large for the type is too large.
            let number = text.parse().ok().filter(|_| plain).unwrap_or(usize::MAX);
            limits::check_number(name, number, &bounds)
        };
        self.text(name)?.map(parse).transpose()
    }

    /// `earliest` or `latest`.
    pub(super) fn from(&self) -> Result<Option<StartFrom>, Error> {
        self.text("from")?.map(start_from).transpose()
    }

    /// An offset, counted from 0.
    pub(super) fn offset(&self) -> Result<Option<i64>, Error> {
        let parse = |text: &str| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            let offset = text.parse().ok().filter(|_| plain);
            offset.ok_or_else(|| Error::invalid("offset", "Not an offset, counted from 0"))
        };
        self.text("offset")?.map(parse).transpose()
    }

    /// A time in seconds, with decimals if need be, up to `longest`.
    pub(super) fn seconds(
        &self,
        name: &'static str,
        default: Duration,
        longest: Duration,
    ) -> Result<Duration, Error> {
        let Some(text) = self.text(name)? else { return Ok(default) };
        // Only plain decimals: the parser would take "1e3", "inf" and "+1".
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        text.parse()
            .ok()
            .filter(|_| plain)
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
            .ok_or_else(|| Error::invalid(name, "Not a number of seconds"))
            .and_then(|time| limits::check_time(name, time, longest))
    }
}

/// Where to start, by its name.
pub(super) fn start_from(name: &str) -> Result<StartFrom, Error> {
    match name {
        "earliest" => Ok(StartFrom::Earliest),
        "latest" => Ok(StartFrom::Latest),
        _ => Err(Error::invalid("from", "Neither \"earliest\" nor \"latest\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(raw: &str) -> Result<Query, Refusal> {
        Query::parse(Some(raw), &["key", "partition", "wait", "from"])
    }

    #[test]
    fn parameters_are_decoded() {
        let query = parse("key=a%20b+c%FF&&partition=3&wait=").unwrap();
        assert_eq!(query.bytes("key"), Some(&b"a b c\xff"[..]));
        assert_eq!(query.partition(), Ok(Some(3)));
        assert_eq!(query.bytes("wait"), Some(&b""[..]));
        assert_eq!(query.bytes("from"), None);
        assert!(query.text("key").is_err());
        assert!(Query::parse(None, &[]).unwrap().0.is_empty());
        assert_eq!(parse("key").unwrap().bytes("key"), Some(&b""[..]));
    }

    #[test]
    fn what_is_unknown_or_twice_is_refused_by_name() {
        let unknown = |raw| match parse(raw) {
            Err(Refusal::UnknownParameter(name)) => name,
            other => panic!("{raw}: {other:?}"),
        };
        assert_eq!(unknown("grpup=a"), "grpup");
        assert_eq!(unknown("Key=a"), "Key");
        assert_eq!(unknown("%6Bey%ff=a"), "key\u{fffd}");
        assert_eq!(parse("k%65y=a").unwrap().bytes("key"), Some(&b"a"[..]));

        let twice = parse("key=a&key=a").unwrap_err();
        assert!(matches!(twice, Refusal::Service(Error::Invalid { field: "key", .. })));
        let malformed = parse("wait=%1").unwrap_err();
        assert!(matches!(malformed, Refusal::Service(Error::Invalid { field: "wait", .. })));
        assert!(matches!(parse("%zz=1"), Err(Refusal::MalformedQuery)));
    }

    #[test]
    fn numbers_are_checked() {
        for bad in ["-1", "%2B1", "x", "", "1.5", "2147483648", "%00", " 1", "0x1"] {
            let query = parse(&format!("partition={bad}")).unwrap();
            let error = query.partition().unwrap_err();
            assert!(matches!(error, Error::Invalid { field: "partition", .. }), "{bad}");
        }
        let number = |raw: &str| parse(&format!("key={raw}")).unwrap().number("key", 1..=500);
        assert_eq!(number("1"), Ok(Some(1)));
        assert_eq!(number("500"), Ok(Some(500)));
        for bad in ["0", "501", "", "-1", "%2B1", "1.0", "x", "99999999999999999999"] {
            assert!(number(bad).is_err(), "{bad}");
        }
        assert_eq!(parse("").unwrap().number("key", 1..=500), Ok(None));
        let seconds = |raw: &str| {
            let query = parse(&format!("wait={raw}")).unwrap();
            query.seconds("wait", Duration::from_secs(1), Duration::from_secs(30)).ok()
        };
        assert_eq!(seconds("0"), Some(Duration::ZERO));
        assert_eq!(seconds("30"), Some(Duration::from_secs(30)));
        assert_eq!(seconds("0.25"), Some(Duration::from_millis(250)));
        for bad in ["30.1", "-1", "", "1e1", "inf", "NaN", "1s", "%2B1", ".", "1.2.3"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
        let query = parse("").unwrap();
        let default = query.seconds("wait", Duration::from_secs(1), Duration::from_secs(30));
        assert_eq!(default, Ok(Duration::from_secs(1)));
    }

    #[test]
    fn a_start_is_earliest_or_latest() {
        assert_eq!(parse("").unwrap().from(), Ok(None));
        assert_eq!(parse("from=latest").unwrap().from(), Ok(Some(StartFrom::Latest)));
        assert!(parse("from=Latest").unwrap().from().is_err());
    }
}
