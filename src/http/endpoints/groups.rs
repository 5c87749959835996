//! Everything under `/groups`.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::access::Grant;
use crate::app::App;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::limits::JSON_BYTES;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::http::{json, percent, time};
use crate::kafka::Log;
use crate::names;
use crate::services::groups::{Group, GroupPosition, SeekTo};
use crate::sorted::SortedMap;

#[derive(Serialize)]
struct List {
    groups: Vec<Listed>,
}

#[derive(Serialize)]
struct Listed {
    group: String,
    topics: Vec<String>,
}

#[derive(Serialize)]
struct Described {
    group: String,
    topics: Vec<TopicPositions>,
}

#[derive(Serialize)]
struct TopicPositions {
    topic: String,
    partitions: Vec<PartitionPosition>,
}

#[derive(Serialize)]
struct PartitionPosition {
    partition: i32,
    /// Null where the group has no position.
    committed: Option<i64>,
    claimed: usize,
    /// Null where the server does not tell.
    end_offset: Option<i64>,
    lag: Option<i64>,
}

/// Exactly one of the last three.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish<'a> {
    topic: String,
    to: Option<String>,
    offsets: Option<SortedMap<i32, i64>>,
    /// RFC 3339 as a string, or milliseconds since 1970.
    #[serde(borrow)]
    timestamp: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Moved {
    group: String,
    topic: String,
    offsets: SortedMap<i32, i64>,
}

pub(in crate::http) async fn list<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    Query::parse(request.query(), &[])?;
    let groups = app.services().await?.groups.list().await?;
    let groups = groups.into_iter().filter_map(|(group, topics)| {
        let topics: Vec<_> = topics.into_iter().filter(|topic| grant.covers(topic)).collect();
        (!topics.is_empty()).then_some(Listed { group, topics })
    });
    Ok(Response::json(StatusCode::OK, &List { groups: groups.collect() }))
}

pub(in crate::http) async fn get<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let group = group(segment)?;
    Query::parse(request.query(), &[])?;
    let services = app.services().await?;
    let described = services.groups.get(&group, |topic| grant.covers(topic)).await?;
    Ok(Response::json(StatusCode::OK, &Described::from(described)))
}

pub(in crate::http) async fn seek<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    segment: &str,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let group = group(segment)?;
    Query::parse(request.query(), &[])?;
    let body = request.read_body(JSON_BYTES).await?;
    let (topic, to) = wish(&body)?;
    grant.permits_topic(&topic)?;
    let offsets = app.services().await?.groups.seek(&group, &topic, to).await?;
    Ok(Response::json(StatusCode::OK, &Moved { group, topic, offsets }))
}

fn wish(body: &[u8]) -> Result<(String, SeekTo), Error> {
    let wish: Wish<'_> = json::object(body)
        .map_err(|error| Error::invalid("body", format!("Not a place to seek to: {error}")))?;
    names::check_topic(&wish.topic)?;
    let to = match (wish.to.as_deref(), wish.offsets, wish.timestamp) {
        (Some("earliest"), None, None) => SeekTo::Earliest,
        (Some("latest"), None, None) => SeekTo::Latest,
        (Some(_), None, None) => {
            return Err(Error::invalid("to", "Neither \"earliest\" nor \"latest\""));
        }
        (None, Some(offsets), None) if offsets.is_empty() => {
            return Err(Error::invalid("offsets", "No partition is named"));
        }
        (None, Some(offsets), None) => SeekTo::Offsets(offsets),
        (None, None, Some(raw)) => SeekTo::Time(time::parse(raw.get().trim_matches('"'))?),
        _ => {
            let message = "Not exactly one of \"to\", \"offsets\" and \"timestamp\"";
            return Err(Error::invalid("body", message));
        }
    };
    Ok((wish.topic, to))
}

/// A group is deleted as a whole, so all of its topics have to be the
/// caller's.
pub(in crate::http) async fn delete<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let group = group(segment)?;
    Query::parse(request.query(), &[])?;
    let groups = &app.services().await?.groups;
    if let Some(topics) = groups.list().await?.get(&group) {
        topics.iter().try_for_each(|topic| grant.permits_topic(topic))?;
    }
    groups.delete(&group).await?;
    Ok(Response::empty())
}

/// The group that a path names.
fn group(segment: &str) -> Result<String, Error> {
    let group = percent::decode_text("group", segment)?;
    names::check_group(&group)?;
    Ok(group)
}

impl From<Group> for Described {
    fn from(Group { name, topics }: Group) -> Self {
        let topics = topics.into_iter().map(|(topic, positions)| TopicPositions {
            topic,
            partitions: positions.into_iter().map(PartitionPosition::from).collect(),
        });
        Self { group: name, topics: topics.collect() }
    }
}

impl From<GroupPosition> for PartitionPosition {
    fn from(position: GroupPosition) -> Self {
        Self {
            partition: position.partition,
            committed: position.committed,
            claimed: position.claimed,
            end_offset: position.end,
            lag: position.lag,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_seek_to_is_named_in_exactly_one_way() {
        let to = |rest: &str| wish(format!(r#"{{"topic":"t"{rest}}}"#).as_bytes());
        for (rest, expected) in [
            (r#","to":"earliest""#, SeekTo::Earliest),
            (r#","to":"latest""#, SeekTo::Latest),
            (r#","offsets":{"0":42,"3":0}"#, SeekTo::Offsets([(0, 42), (3, 0)].into())),
            (r#","timestamp":"1970-01-01T00:00:01Z""#, SeekTo::Time(1000)),
            (r#","timestamp":1000"#, SeekTo::Time(1000)),
        ] {
            assert_eq!(to(rest), Ok(("t".into(), expected)), "{rest}");
        }
        for (rest, field) in [
            ("", "body"),
            (r#","to":"latest","timestamp":1"#, "body"),
            (r#","to":"earliest","offsets":{"0":1}"#, "body"),
            (r#","form":"latest""#, "body"),
            (r#","offsets":{"x":1}"#, "body"),
            (r#","offsets":[1]"#, "body"),
            (r#","offsets":{}"#, "offsets"),
            (r#","to":"end""#, "to"),
            (r#","timestamp":"noon""#, "timestamp"),
        ] {
            let error = to(rest).unwrap_err();
            assert!(
                matches!(&error, Error::Invalid { field: named, .. } if *named == field),
                "{rest}: {error:?}"
            );
        }
    }
}
