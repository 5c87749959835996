//! Everything under `/groups`.

mod set;

use http::header::ETAG;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub(super) use self::set::{PatchGroup, PutGroup};
use super::seek::seek_to;
use crate::access::Permission;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, Filtered, InBody, OfGroup};
use crate::http::if_match::quoted;
use crate::http::json;
use crate::http::limits::JSON_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::names;
use crate::render::timestamp;
use crate::services::group_settings::{Leases, Settings};
use crate::services::groups::{Group, GroupPosition};
use crate::services::seek::SeekTo;
use crate::sorted::SortedMap;

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct GroupList {
    groups: Vec<GroupEntry>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct GroupEntry {
    group: String,
    topics: Vec<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct GroupDescription {
    group: String,
    /// How many times a record is handed out under a claim before it is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lease: Option<Leases>,
    /// The topic for records that were rejected or given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    dead_letter: Option<String>,
    /// How many records of a partition are claimed or wait to come again, at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    max_claimed: Option<u32>,
    /// Only in the answer to a GET.
    #[serde(skip_serializing_if = "Option::is_none")]
    topics: Option<Vec<TopicPositions>>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct TopicPositions {
    topic: String,
    partitions: Vec<PartitionPosition>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct PartitionPosition {
    partition: i32,
    /// Null where the group has no position.
    committed: Option<i64>,
    /// Records that callers have and have not acknowledged.
    claimed: usize,
    /// Those of them whose lease lasts.
    acquired: usize,
    /// Records that wait to be handed out, for the first time or again. Null where the
    /// server does not give the end.
    available: Option<i64>,
    /// Records that callers have rejected.
    rejected: u64,
    /// Records that were handed out as often as the group allows.
    given_up: u64,
    /// The acquired record with the lowest offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    oldest_claim: Option<OldestClaimJson>,
    /// Null where the server does not give it.
    end_offset: Option<i64>,
    lag: Option<i64>,
    /// Present and true where the group gets nothing until it is moved: the
    /// topic was made anew, or has lost records.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "description", serde(default))]
    beyond_end: bool,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct OldestClaimJson {
    offset: i64,
    delivery_count: u32,
    /// The end of its lease.
    until: String,
}

/// Where to move a group: exactly one of `to`, `offsets` and `timestamp`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct SeekRequest<'a> {
    topic: String,
    /// `earliest` or `latest`.
    to: Option<String>,
    /// An offset for each partition.
    #[cfg_attr(
        feature = "description",
        schemars(with = "Option<std::collections::BTreeMap<i32, i64>>")
    )]
    offsets: Option<SortedMap<i32, i64>>,
    /// RFC 3339 as a string, or milliseconds since 1970.
    #[serde(borrow)]
    #[cfg_attr(feature = "description", schemars(with = "Option<serde_json::Value>"))]
    timestamp: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct GroupMoved {
    group: String,
    topic: String,
    #[cfg_attr(feature = "description", schemars(with = "std::collections::BTreeMap<i32, i64>"))]
    offsets: SortedMap<i32, i64>,
}

pub(super) struct ListGroups;

impl Endpoint for ListGroups {
    const DECLARATION: Declaration = Declaration {
        name: "listGroups",
        methods: &[Method::GET],
        path: "/groups",
        caller: Caller::Allowed(Permission::Consume),
        safe: true,
        about: "All consumer groups",
        query: QueryRule::NONE,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        Filtered(grant): Filtered,
    ) -> Result<Response, Refusal> {
        let groups = call.app.services().await?.groups.list(&grant).await?;
        let entry = |(group, topics): (String, crate::sorted::SortedSet<String>)| GroupEntry {
            group,
            topics: topics.into_iter().collect(),
        };
        let groups = groups.into_iter().map(entry).collect();
        Ok(Response::json(StatusCode::OK, &GroupList { groups }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<GroupList>(200, "The groups that read topics of the caller's")
            .example("/groups");
    }
}

pub(super) struct GetGroup;

impl Endpoint for GetGroup {
    const DECLARATION: Declaration = Declaration {
        name: "getGroup",
        path: "/groups/{group}",
        about: "Where a consumer group stands",
        ..ListGroups::DECLARATION
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        Filtered(grant): Filtered,
    ) -> Result<Response, Refusal> {
        let group = group(&call)?;
        let described = call.app.services().await?.groups.get(&group, &grant).await?;
        let tag = quoted(&described.tag);
        let described = GroupDescription::from(described);
        Ok(Response::json(StatusCode::OK, &described).with_header(ETAG, tag))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<GroupDescription>(200, "What it is set to, and its position on each partition")
            .fails(404, "There is no such group, or none of its topics is the caller's")
            .asks_kafka()
            .example("/groups/billing");
    }
}

pub(super) struct SeekGroup;

impl Endpoint for SeekGroup {
    const DECLARATION: Declaration = Declaration {
        name: "seekGroup",
        methods: &[Method::POST],
        path: "/groups/{group}/seek",
        safe: false,
        about: "Moves a consumer group on a topic",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..ListGroups::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = InBody;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InBody(grant): InBody,
    ) -> Result<Response, Refusal> {
        let group = group(&call)?;
        let body = call.body().await?;
        let (topic, to) = seek_request(&body)?;
        let topic = grant.topic(topic)?;
        let offsets = call.app.services().await?.groups.seek(&group, &topic, to).await?;
        let topic = topic.into_name();
        Ok(Response::json(StatusCode::OK, &GroupMoved { group, topic, offsets }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<SeekRequest<'_>>()
            .gives::<GroupMoved>(200, "Where the group is now")
            .fails(409, "The maximum number of groups has been reached")
            .asks_kafka()
            .example_with("/groups/audit/seek", r#"{"topic":"orders","to":"earliest"}"#);
    }
}

fn seek_request(body: &[u8]) -> Result<(String, SeekTo), Error> {
    let request: SeekRequest<'_> = json::object(body)?;
    names::check_topic(&request.topic)?;
    let to = seek_to(request.to.as_deref(), request.offsets, request.timestamp)?;
    Ok((request.topic, to))
}

pub(super) struct DeleteGroup;

impl Endpoint for DeleteGroup {
    const DECLARATION: Declaration = Declaration {
        name: "deleteGroup",
        methods: &[Method::DELETE],
        path: "/groups/{group}",
        safe: false,
        about: "Forgets a consumer group",
        ..ListGroups::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfGroup;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfGroup(grant): OfGroup,
    ) -> Result<Response, Refusal> {
        let group = group(&call)?;
        call.app.services().await?.groups.delete(&group, &grant).await?;
        Ok(Response::empty())
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives_nothing("The group is forgotten")
            .fails(404, "There is no such group")
            .asks_kafka()
            .example("/groups/audit");
    }
}

/// The group in the path.
fn group<H: Host, L: Log, B>(call: &Call<'_, H, L, B>) -> Result<String, Error> {
    let group = call.path_text("group")?;
    names::check_group(&group)?;
    Ok(group)
}

impl From<Group> for GroupDescription {
    fn from(Group { name, settings, topics, .. }: Group) -> Self {
        let topics = topics.into_iter().map(|(topic, positions)| TopicPositions {
            topic,
            partitions: positions.into_iter().map(PartitionPosition::from).collect(),
        });
        described(name, settings, Some(topics.collect()))
    }
}

fn described(
    group: String,
    settings: Settings,
    topics: Option<Vec<TopicPositions>>,
) -> GroupDescription {
    let Settings { delivery_limit, lease, dead_letter, max_claimed, .. } = settings;
    GroupDescription { group, delivery_limit, lease, dead_letter, max_claimed, topics }
}

impl From<GroupPosition> for PartitionPosition {
    fn from(position: GroupPosition) -> Self {
        let tally = position.tally;
        Self {
            partition: position.partition,
            committed: position.committed,
            claimed: position.claimed,
            acquired: tally.acquired,
            available: position.available,
            rejected: tally.rejected,
            given_up: tally.given_up,
            oldest_claim: tally.oldest.map(|oldest| OldestClaimJson {
                offset: oldest.offset,
                delivery_count: oldest.delivery_count,
                until: timestamp(oldest.until),
            }),
            end_offset: position.end,
            lag: position.lag,
            beyond_end: position.beyond_end,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_to_seek_to_is_named_in_exactly_one_way() {
        let to = |rest: &str| seek_request(format!(r#"{{"topic":"t"{rest}}}"#).as_bytes());
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
            (r#","form":"latest""#, "form"),
            (r#","offsets":{"x":1}"#, "offsets.x"),
            (r#","offsets":[1]"#, "offsets"),
            (r#","offsets":{}"#, "offsets"),
            (r#","to":"end""#, "to"),
            (r#","timestamp":"noon""#, "timestamp"),
        ] {
            let error = to(rest).unwrap_err();
            assert_eq!(error.field(), Some(field), "{rest}: {error:?}");
        }
    }
}
