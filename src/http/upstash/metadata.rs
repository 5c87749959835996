//! `/topics` and `/offsets`.

use http::StatusCode;

use super::commit::Offset;
use super::{json, permit};
use crate::access::Grant;
use crate::app::App;
use crate::concurrent::try_join_bounded;
use crate::deadline::or_timeout;
use crate::error::Error;
use crate::host::{Host, Millis};
use crate::http::answer::Response;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::http::routes::Found;
use crate::http::{limits, percent};
use crate::kafka::Log;
use crate::sorted::{SortedMap, SortedSet};

/// A time before this many milliseconds is one in seconds: as milliseconds it
/// would lie in early 1973, as seconds this is the year 5138.
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

/// The number of partitions, by topic.
pub(super) async fn topics<H: Host, L: Log>(
    app: &App<H, L>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let topics = app.services().await?.topics.list().await?;
    let topics = topics.into_iter().filter(|topic| grant.covers(&topic.name));
    let topics: SortedMap<_, _> = topics.map(|topic| (topic.name, topic.partitions)).collect();
    Ok(Response::json(StatusCode::OK, &topics))
}

pub(super) async fn offsets<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    found: &Found<'_>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let when = found.params.get("time").unwrap_or_default();
    let when = When::parse(&percent::decode_text("timestamp", when)?)?;
    let body = request.read_body(limits::JSON_BYTES).await?;
    let wanted: Vec<json::Partition> = json::some(&body)?;
    let topics: SortedSet<_> = wanted.iter().map(|wanted| &wanted.topic).collect();
    permit(grant, topics.iter().copied())?;
    let patience = json::patience(request.query())?;
    let services = app.services().await?;
    let known = topics.iter().map(async |topic| {
        let bounds = async || services.topics.offsets(topic).await;
        let offsets: SortedMap<i32, i64> = match when {
            When::Earliest => {
                bounds().await?.iter().map(|(p, bounds)| (*p, bounds.first)).collect()
            }
            When::Latest => bounds().await?.iter().map(|(p, bounds)| (*p, bounds.end)).collect(),
            When::At(time) => services.topics.offsets_at(topic, time).await?,
        };
        Ok::<_, Error>((*topic, offsets))
    });
    let known = or_timeout(app.host(), patience, try_join_bounded(known)).await?;
    let known: SortedMap<_, _> = known.into_iter().collect();
    let offset = |json::Partition { topic, partition }: &json::Partition| {
        let offset = known.get(topic).and_then(|offsets| offsets.get(partition));
        let offset = *offset
            .ok_or_else(|| Error::invalid("partition", "The topic has no such partition"))?;
        Ok(Offset { topic: topic.clone(), partition: *partition, offset })
    };
    let offsets: Result<Vec<_>, Error> = wanted.iter().map(offset).collect();
    Ok(Response::json(StatusCode::OK, &offsets?))
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
