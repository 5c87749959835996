//! JSON bodies. The content type is ignored, and a single object may stand for
//! a list of one.

use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::http::json::{self, without_mark};
use crate::http::parameter::{Kind, Parameter};
use crate::http::query::Query;
use crate::limits;

/// How long the caller waits, as a query parameter.
pub(super) const TIMEOUT: Parameter =
    Parameter::new("timeout", Kind::Milliseconds, "How long to wait, in milliseconds");

/// How long to wait for records if the caller does not say.
const DEFAULT_WAIT: Duration = Duration::from_secs(1);

/// How long a caller waits for existing data if it does not say.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// A partition of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "UpstashPartition"))]
pub(super) struct Partition {
    pub(super) topic: String,
    pub(super) partition: i32,
}

/// What [`one_or_many`] reads, for the API description.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "it is there for its schema")]
pub(super) enum OneOrMany<T> {
    One(T),
    Many(Vec<T>),
}

pub(super) fn one<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    json::part(body, "body")
}

/// An object or a list of objects. An empty body is an empty list.
pub(super) fn one_or_many<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>> {
    match without_mark(body).trim_ascii_start().first() {
        None => Ok(Vec::new()),
        Some(b'[') => one(body),
        Some(_) => Ok(vec![one(body)?]),
    }
}

/// Like [`one_or_many`], but at least one object is required.
pub(super) fn some<T: DeserializeOwned>(body: &[u8]) -> Result<Vec<T>> {
    let many = one_or_many(body)?;
    match many.is_empty() {
        true => Err(Error::invalid("body", "A JSON object or a list of them is needed")),
        false => Ok(many),
    }
}

/// How long to wait for records; `timeout` is in milliseconds. A wait that is
/// too long is shortened: callers poll again anyway.
pub(super) fn wait(timeout: Option<i64>) -> Result<Duration> {
    let Some(millis) = timeout else { return Ok(DEFAULT_WAIT) };
    Ok(millis_of(millis)?.min(limits::WAIT))
}

/// How long a caller waits for an answer about existing data. The call fails
/// after that.
pub(super) fn patience(query: &Query) -> Result<Duration> {
    let Some(millis) = timeout_of_query(query)? else { return Ok(DEFAULT_PATIENCE) };
    millis_of(millis)
}

fn millis_of(timeout: i64) -> Result<Duration> {
    let millis = u64::try_from(timeout);
    let millis = millis.map_err(|_| Error::invalid("timeout", "Not a number of milliseconds"))?;
    Ok(Duration::from_millis(millis))
}

/// The parameter `timeout`, in milliseconds.
pub(super) fn timeout_of_query(query: &Query) -> Result<Option<i64>> {
    let parse = |text: &str| {
        text.parse().map_err(|_| Error::invalid("timeout", "Not a number of milliseconds"))
    };
    query.text(TIMEOUT.name)?.map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::declaration::QueryRule;

    fn timeout_of_query(raw: &str) -> Result<Option<i64>> {
        let query = Query::parse(Some(raw), QueryRule::Among(&[TIMEOUT])).unwrap();
        super::timeout_of_query(&query)
    }

    #[test]
    fn one_is_as_good_as_many() {
        let partition = |number| Partition { topic: "t".into(), partition: number };
        let parse = |text: &str| some::<Partition>(text.as_bytes());
        assert_eq!(parse(r#"{"topic":"t","partition":1,"more":[]}"#), Ok(vec![partition(1)]));
        let two = r#" [{"topic":"t","partition":1},{"topic":"t","partition":2}]"#;
        assert_eq!(parse(two), Ok(vec![partition(1), partition(2)]));
        for (bad, field) in [
            ("", "body"),
            ("[]", "body"),
            ("{}", "topic"),
            ("7", "body"),
            ("{\"topic\":\"t\"}", "partition"),
            ("[{}]", "[0].topic"),
            ("nonsense", "body"),
        ] {
            let error = parse(bad).unwrap_err();
            assert_eq!(error.field(), Some(field), "{bad}: {error}");
        }
        assert_eq!(one_or_many::<Partition>(b" \n"), Ok(Vec::new()));
    }

    #[test]
    fn a_wait_is_a_second_and_never_longer_than_it_may_be() {
        assert_eq!(wait(None), Ok(Duration::from_secs(1)));
        assert_eq!(wait(Some(0)), Ok(Duration::ZERO));
        assert_eq!(wait(Some(i64::MAX)), Ok(limits::WAIT));
        assert!(wait(Some(-1)).is_err());
        assert_eq!(timeout_of_query("other=1&timeout=20"), Ok(Some(20)));
        assert!(timeout_of_query("timeout=soon").is_err());
    }
}
