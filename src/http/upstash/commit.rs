//! `/commit` and `/committed`.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::json::TIMEOUT;
use super::{GET_OR_POST, allowed, json, names, success};
use crate::access::{AllowedTopic, Permission};
use crate::concurrent::try_join_bounded;
use crate::deadline::or_timeout;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, InBody};
use crate::http::limits;
use crate::http::refusal::{Refusal, RefusalKind};
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::services::instances::At;
use crate::sorted::{SortedMap, SortedSet};

/// An offset of a partition. Committed, it is that of the next record to be
/// read, as it is in Kafka.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "UpstashOffset"))]
pub(super) struct Offset {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

pub(in crate::http) struct Commit;

impl Endpoint for Commit {
    const DECLARATION: Declaration = Declaration {
        name: "upstashCommit",
        methods: GET_OR_POST,
        path: "/upstash/commit/{consumer_group}/{instance}",
        caller: Caller::Allowed(Permission::Consume),
        safe: false,
        about: "Upstash: commits offsets, or all that was consumed",
        query: QueryRule::Among(&[]),
        body: BodyRule::Json { limit: limits::JSON_BYTES },
        credential_in_query: false,
    };

    type Topics = InBody;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InBody(grant): InBody,
    ) -> Result<Response, Refusal> {
        let (group, instance) = names(&call)?;
        let body = call.body().await?;
        let offsets: Vec<Offset> = json::one_or_many(&body)?;
        let at = |Offset { topic, partition, offset }| {
            Ok(At { topic: grant.topic(topic)?, partition, offset })
        };
        let offsets = offsets.into_iter().map(at).collect::<Result<Vec<_>, Refusal>>()?;
        let instances = &call.app.services().await?.instances;
        if offsets.is_empty() {
            if !instances.commit_all(&group, &instance, &grant).await? {
                return Err(RefusalKind::UnknownInstance.into());
            }
        } else {
            instances.commit(&group, &instance, &offsets).await?;
        }
        Ok(success())
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes_optionally::<json::OneOrMany<Offset>>()
            .gives::<super::Success>(200, "The offsets are committed")
            .fails(404, "There is no such instance")
            .asks_kafka()
            .example_with(
                "/upstash/commit/tour/one",
                r#"{"topic":"orders","partition":0,"offset":0}"#,
            );
    }
}

/// The answer leaves out partitions where the group has no position.
pub(in crate::http) struct Committed;

impl Endpoint for Committed {
    const DECLARATION: Declaration = Declaration {
        name: "upstashCommitted",
        path: "/upstash/committed/{consumer_group}/{instance}",
        safe: true,
        about: "Upstash: the committed offsets",
        query: QueryRule::Among(&[TIMEOUT]),
        ..Commit::DECLARATION
    };

    type Topics = InBody;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InBody(grant): InBody,
    ) -> Result<Response, Refusal> {
        let (group, _) = names(&call)?;
        let body = call.body().await?;
        let wanted: Vec<json::Partition> = json::some(&body)?;
        let topics: SortedSet<_> = wanted.iter().map(|wanted| wanted.topic.clone()).collect();
        let topics: Vec<AllowedTopic> = allowed(&grant, topics)?;
        let patience = json::patience(&call.query)?;
        let services = call.app.services().await?;
        let offsets = topics.iter().map(|topic| services.groups.committed(&group, topic));
        let offsets = or_timeout(call.app.host(), patience, try_join_bounded(offsets)).await?;
        let offsets: SortedMap<_, _> = topics.iter().map(|topic| &**topic).zip(offsets).collect();
        let committed = wanted.iter().filter_map(|json::Partition { topic, partition }| {
            let offset = *offsets.get(topic.as_str())?.get(partition)?;
            Some(Offset { topic: topic.clone(), partition: *partition, offset })
        });
        Ok(Response::json(StatusCode::OK, &committed.collect::<Vec<_>>()))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<json::OneOrMany<json::Partition>>()
            .gives::<Vec<Offset>>(200, "The offset of each partition that the group has begun")
            .asks_kafka()
            .example_with("/upstash/committed/tour/one", r#"{"topic":"orders","partition":0}"#);
    }
}
