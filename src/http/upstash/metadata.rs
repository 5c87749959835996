//! `/topics` and `/offsets`.

use http::StatusCode;

use super::commit::Offset;
use super::json::TIMEOUT;
use super::{GET, GET_OR_POST, allowed, json};
use crate::access::Permission;
use crate::concurrent::try_join_bounded;
use crate::deadline::or_timeout;
use crate::error::Error;
use crate::host::{Host, Millis};
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, Filtered, InBody};
use crate::http::limits;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::sorted::{SortedMap, SortedSet};

/// A number below this is a time in seconds, any other in milliseconds. As
/// milliseconds, this number is in early 1973; as seconds, in the year 5138.
const SECONDS_BELOW: Millis = 100_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    Earliest,
    Latest,
    At(Millis),
}

impl When {
    fn parse(text: &str) -> Result<Self, Error> {
        let time = |time: Millis| if time < SECONDS_BELOW { time * 1000 } else { time };
        match text {
            "earliest" => Ok(Self::Earliest),
            "latest" => Ok(Self::Latest),
            _ => text.parse().ok().filter(|at| *at >= 0).map(|at| Self::At(time(at))).ok_or_else(
                || Error::invalid("timestamp", "None of earliest, latest and a Unix timestamp"),
            ),
        }
    }
}

/// The number of partitions of each topic.
pub(in crate::http) struct Topics;

impl Endpoint for Topics {
    const DECLARATION: Declaration = Declaration {
        name: "upstashTopics",
        methods: GET,
        path: "/upstash/topics",
        caller: Caller::Known,
        safe: true,
        about: "Upstash: all topics and how many partitions each has",
        query: QueryRule::Among(&[]),
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        Filtered(grant): Filtered,
    ) -> Result<Response, Refusal> {
        let topics = call.app.services().await?.topics.list(&grant).await?;
        let topics: SortedMap<_, _> =
            topics.into_iter().map(|topic| (topic.name, topic.partitions)).collect();
        Ok(Response::json(StatusCode::OK, &topics))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<std::collections::BTreeMap<String, i32>>(200, "The partitions of each topic")
            .asks_kafka()
            .example("/upstash/topics");
    }
}

pub(in crate::http) struct Offsets;

impl Endpoint for Offsets {
    const DECLARATION: Declaration = Declaration {
        name: "upstashOffsets",
        methods: GET_OR_POST,
        path: "/upstash/offsets/{time}",
        caller: Caller::Allowed(Permission::Consume),
        safe: true,
        about: "Upstash: the offsets at a time, earliest or latest",
        query: QueryRule::Among(&[TIMEOUT]),
        body: BodyRule::Json { limit: limits::JSON_BYTES },
        credential_in_query: false,
    };

    type Topics = InBody;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InBody(grant): InBody,
    ) -> Result<Response, Refusal> {
        let when = When::parse(&call.path_text("time")?)?;
        let body = call.body().await?;
        let wanted: Vec<json::Partition> = json::some(&body)?;
        let topics: SortedSet<_> = wanted.iter().map(|wanted| wanted.topic.clone()).collect();
        let topics = allowed(&grant, topics)?;
        let patience = json::patience(&call.query)?;
        let services = call.app.services().await?;
        let known = topics.iter().map(async |topic| {
            let bounds = async || services.topics.offsets(topic).await;
            let offsets: SortedMap<i32, i64> = match when {
                When::Earliest => {
                    bounds().await?.iter().map(|(p, bounds)| (*p, bounds.first)).collect()
                }
                When::Latest => {
                    bounds().await?.iter().map(|(p, bounds)| (*p, bounds.end)).collect()
                }
                When::At(time) => services.topics.offsets_at(topic, time).await?,
            };
            Ok::<_, Error>((&**topic, offsets))
        });
        let known = or_timeout(call.app.host(), patience, try_join_bounded(known)).await?;
        let known: SortedMap<_, _> = known.into_iter().collect();
        let offset = |json::Partition { topic, partition }: &json::Partition| {
            let offset = known.get(topic.as_str()).and_then(|offsets| offsets.get(partition));
            let offset = *offset
                .ok_or_else(|| Error::invalid("partition", "The topic has no such partition"))?;
            Ok(Offset { topic: topic.clone(), partition: *partition, offset })
        };
        let offsets: Result<Vec<_>, Error> = wanted.iter().map(offset).collect();
        Ok(Response::json(StatusCode::OK, &offsets?))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<json::OneOrMany<json::Partition>>()
            .gives::<Vec<Offset>>(200, "The offset of each partition")
            .asks_kafka()
            .example_with("/upstash/offsets/latest", r#"{"topic":"orders","partition":0}"#);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_milliseconds_are_told_apart() {
        for (text, when) in [
            ("earliest", When::Earliest),
            ("latest", When::Latest),
            ("1772359200", When::At(1_772_359_200_000)),
            ("1772359200123", When::At(1_772_359_200_123)),
            ("0", When::At(0)),
        ] {
            assert_eq!(When::parse(text), Ok(when), "{text}");
        }
        for text in ["", "now", "-1", "1.5", "2026-01-01"] {
            assert!(When::parse(text).is_err(), "{text}");
        }
    }
}
