//! `GET /topics` and `GET /topics/{topic}`.

use http::{Method, StatusCode};
use serde::Serialize;

use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, Filtered, InPath};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::services::topics::Description;

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct TopicList {
    topics: Vec<TopicEntry>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct TopicEntry {
    topic: String,
    partitions: i32,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct TopicDescription {
    topic: String,
    partitions: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_message_bytes: Option<u64>,
    /// Absent where the server does not offer offsets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    offsets: Vec<PartitionOffsets>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct PartitionOffsets {
    partition: i32,
    first_offset: i64,
    end_offset: i64,
}

pub(super) struct ListTopics;

impl Endpoint for ListTopics {
    const DECLARATION: Declaration = Declaration {
        name: "listTopics",
        methods: &[Method::GET],
        path: "/topics",
        caller: Caller::Known,
        safe: true,
        about: "All topics",
        query: QueryRule::NONE,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        Filtered(grant): Filtered,
    ) -> Result<Response, Refusal> {
        let topics = call.app.services().await?.topics.list(&grant).await?;
        let entry = |topic: crate::kafka::Topic| TopicEntry {
            topic: topic.name,
            partitions: topic.partitions,
        };
        let topics = topics.into_iter().map(entry).collect();
        Ok(Response::json(StatusCode::OK, &TopicList { topics }))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<TopicList>(200, "The topics that the caller may use")
            .asks_kafka()
            .example("/topics");
    }
}

pub(super) struct DescribeTopic;

impl Endpoint for DescribeTopic {
    const DECLARATION: Declaration = Declaration {
        name: "describeTopic",
        path: "/topics/{topic}",
        about: "A topic's partitions and offsets",
        ..ListTopics::DECLARATION
    };

    type Topics = InPath;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        InPath(topic): InPath,
    ) -> Result<Response, Refusal> {
        let described = call.app.services().await?.topics.describe(&topic).await?;
        Ok(Response::json(StatusCode::OK, &TopicDescription::from(described)))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<TopicDescription>(200, "The topic")
            .asks_kafka()
            .example("/topics/orders");
    }
}

impl From<Description> for TopicDescription {
    fn from(Description { topic, offsets }: Description) -> Self {
        let offsets = offsets.into_iter().map(|(partition, offsets)| PartitionOffsets {
            partition,
            first_offset: offsets.first,
            end_offset: offsets.end,
        });
        Self {
            topic: topic.name,
            partitions: topic.partitions,
            max_message_bytes: topic.max_message_bytes,
            offsets: offsets.collect(),
        }
    }
}
