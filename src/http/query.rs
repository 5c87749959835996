//! The query of a request, parsed by the rule that its endpoint declares.

use super::declaration::QueryRule;
use super::parameter::Parameter;
use super::percent;
use super::refusal::{Refusal, RefusalKind};
use crate::error::{Error, ErrorKind};
use crate::services::consume::StartFrom;

/// The parameters of one request, decoded.
#[derive(Debug)]
pub(super) struct Query(Vec<(&'static str, Vec<u8>)>);

impl Query {
    pub(super) fn parse(raw: Option<&str>, rule: QueryRule) -> Result<Self, Refusal> {
        match rule {
            QueryRule::Only(known) => Self::only(raw, known),
            QueryRule::Among(known) => Self::among(raw, known),
            QueryRule::PartOfPath => Ok(Self(Vec::new())),
        }
    }

    fn only(raw: Option<&str>, known: &'static [Parameter]) -> Result<Self, Refusal> {
        let mut parameters: Vec<(&'static str, Vec<u8>)> = Vec::new();
        for pair in raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()) {
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent::decode_query(raw_name).ok_or(RefusalKind::MalformedQuery)?;
            let Some(name) = named(known, &name) else {
                let name = String::from_utf8_lossy(&name).into_owned();
                return Err(RefusalKind::UnknownParameter(name).into());
            };
            if parameters.iter().any(|(earlier, _)| *earlier == name) {
                return Err(Error::invalid(name, "Query parameter given twice").into());
            }
            parameters.push((name, decoded(name, raw_value)?));
        }
        Ok(Self(parameters))
    }

    fn among(raw: Option<&str>, known: &'static [Parameter]) -> Result<Self, Refusal> {
        let mut parameters = Vec::new();
        for pair in raw.unwrap_or_default().split('&') {
            let (raw_name, raw_value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent::decode_query(raw_name).unwrap_or_default();
            if let Some(name) = named(known, &name) {
                parameters.push((name, decoded(name, raw_value)?));
            }
        }
        Ok(Self(parameters))
    }

    /// Refuses parameters that this form of the call does not have.
    pub(super) fn without(&self, names: &[&str]) -> Result<(), Refusal> {
        match self.0.iter().find(|(name, _)| names.contains(name)) {
            Some((name, _)) => {
                let (field, sentence) = ((*name).to_owned(), "Not taken in this form of the call");
                Err(ErrorKind::InvalidField { field, sentence: sentence.to_owned() }.into())
            }
            None => Ok(()),
        }
    }

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

    /// `earliest` or `latest`.
    pub(super) fn from(&self) -> Result<Option<StartFrom>, Error> {
        self.text("from")?.map(start_from).transpose()
    }

    pub(super) fn offset(&self) -> Result<Option<i64>, Error> {
        let parse = |text: &str| {
            let plain = text.bytes().all(|byte| byte.is_ascii_digit());
            let offset = text.parse().ok().filter(|_| plain);
            offset.ok_or_else(|| Error::invalid("offset", "Not an offset, counted from 0"))
        };
        self.text("offset")?.map(parse).transpose()
    }
}

fn named(known: &[Parameter], name: &[u8]) -> Option<&'static str> {
    known.iter().find(|known| known.name.as_bytes() == name).map(|known| known.name)
}

fn decoded(name: &'static str, raw: &str) -> Result<Vec<u8>, Error> {
    percent::decode_query(raw).ok_or_else(|| Error::invalid(name, "Malformed percent-encoding"))
}

pub(super) fn start_from(name: &str) -> Result<StartFrom, Error> {
    match name {
        "earliest" => Ok(StartFrom::Earliest),
        "latest" => Ok(StartFrom::Latest),
        _ => Err(Error::invalid("from", "Neither \"earliest\" nor \"latest\"")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::ErrorKind;
    use crate::http::parameter::{FROM, Kind, Number, PARTITION, Seconds};

    const WAIT: Seconds = Seconds {
        name: "wait",
        default: Duration::from_secs(1),
        most: Duration::from_secs(30),
        about: "How long to wait",
    };
    const COUNT: Number = Number { name: "count", bounds: 1..=500, about: "How many" };
    const KNOWN: &[Parameter] = &[
        Parameter::new("key", Kind::Bytes, "The key"),
        PARTITION,
        WAIT.declared(),
        COUNT.declared(),
        FROM,
    ];

    fn parse(raw: &str) -> Result<Query, Refusal> {
        Query::parse(Some(raw), QueryRule::Only(KNOWN))
    }

    #[test]
    fn parameters_are_decoded() {
        let query = parse("key=a%20b+c%FF&&partition=3&wait=").unwrap();
        assert_eq!(query.bytes("key"), Some(&b"a b c\xff"[..]));
        assert_eq!(query.partition(), Ok(Some(3)));
        assert_eq!(query.bytes("wait"), Some(&b""[..]));
        assert_eq!(query.bytes("from"), None);
        assert!(query.text("key").is_err());
        assert!(Query::parse(None, QueryRule::NONE).unwrap().0.is_empty());
        assert_eq!(parse("key").unwrap().bytes("key"), Some(&b""[..]));
    }

    #[test]
    fn what_is_unknown_or_twice_is_refused_by_name() {
        let unknown = |raw| match parse(raw).map_err(Refusal::into_kind) {
            Err(RefusalKind::UnknownParameter(name)) => name,
            other => panic!("{raw}: {other:?}"),
        };
        assert_eq!(unknown("grpup=a"), "grpup");
        assert_eq!(unknown("Key=a"), "Key");
        assert_eq!(unknown("%6Bey%ff=a"), "key\u{fffd}");
        assert_eq!(parse("k%65y=a").unwrap().bytes("key"), Some(&b"a"[..]));

        for (raw, field) in [("key=a&key=a", "key"), ("wait=%1", "wait")] {
            let RefusalKind::Service(error) = parse(raw).unwrap_err().into_kind() else {
                panic!("{raw}")
            };
            assert!(matches!(*error, ErrorKind::Invalid { field: named, .. } if named == field));
        }
        assert!(
            parse("%zz=1").is_err_and(|refusal| *refusal.kind() == RefusalKind::MalformedQuery)
        );
    }

    #[test]
    fn numbers_are_checked() {
        for bad in ["-1", "%2B1", "x", "", "1.5", "2147483648", "%00", " 1", "0x1"] {
            let query = parse(&format!("partition={bad}")).unwrap();
            let error = query.partition().unwrap_err();
            assert!(matches!(*error, ErrorKind::Invalid { field: "partition", .. }), "{bad}");
        }
        let number = |raw: &str| COUNT.of(&parse(&format!("count={raw}")).unwrap());
        assert_eq!(number("1"), Ok(Some(1)));
        assert_eq!(number("500"), Ok(Some(500)));
        for bad in ["0", "501", "", "-1", "%2B1", "1.0", "x", "99999999999999999999"] {
            assert!(number(bad).is_err(), "{bad}");
        }
        assert_eq!(COUNT.of(&parse("").unwrap()), Ok(None));
        let seconds = |raw: &str| {
            let query = parse(&format!("wait={raw}")).unwrap();
            WAIT.of(&query).ok()
        };
        assert_eq!(seconds("0"), Some(Duration::ZERO));
        assert_eq!(seconds("30"), Some(Duration::from_secs(30)));
        assert_eq!(seconds("0.25"), Some(Duration::from_millis(250)));
        for bad in ["30.1", "-1", "", "1e1", "inf", "NaN", "1s", "%2B1", ".", "1.2.3"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
        let query = parse("").unwrap();
        assert_eq!(WAIT.of(&query), Ok(Duration::from_secs(1)));
    }

    #[test]
    fn a_start_is_earliest_or_latest() {
        assert_eq!(parse("").unwrap().from(), Ok(None));
        assert_eq!(parse("from=latest").unwrap().from(), Ok(Some(StartFrom::Latest)));
        assert!(parse("from=Latest").unwrap().from().is_err());
    }

    #[test]
    fn where_others_are_passed_over_the_first_of_two_counts() {
        let query = Query::parse(Some("x=1&key=a&key=b&%zz=1"), QueryRule::Among(KNOWN)).unwrap();
        assert_eq!(query.bytes("key"), Some(&b"a"[..]));
        assert!(query.without(&["wait"]).is_ok());
        assert!(
            matches!(query.without(&["key"]).map_err(Refusal::into_kind), Err(RefusalKind::Service(error)) if error.field() == Some("key"))
        );
    }
}
