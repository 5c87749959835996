//! `/consumers` and `/delete-consumer`.

use http::{Method, StatusCode};
use serde::Serialize;

use super::{GET, names, success};
use crate::access::Permission;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, Filtered, OfInstance};
use crate::http::refusal::{Refusal, RefusalKind};
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::sorted::SortedMap;

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct ConsumerGroup {
    name: String,
    instances: Vec<ConsumerInstance>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct ConsumerInstance {
    name: String,
    topics: Vec<InstanceTopic>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct InstanceTopic {
    topic: String,
    /// Those that the instance reads first.
    partitions: Vec<i32>,
}

/// The groups that have instances, with the topics that the caller may see.
pub(in crate::http) struct Consumers;

impl Endpoint for Consumers {
    const DECLARATION: Declaration = Declaration {
        name: "upstashConsumers",
        methods: GET,
        path: "/upstash/consumers",
        caller: Caller::Allowed(Permission::Consume),
        safe: true,
        about: "Upstash: all groups and their instances",
        query: QueryRule::Among(&[]),
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        Filtered(grant): Filtered,
    ) -> Result<Response, Refusal> {
        let services = call.app.services().await?;
        let topics = services.topics.list(&grant).await?;
        let counts: SortedMap<_, _> =
            topics.into_iter().map(|topic| (topic.name, topic.partitions)).collect();
        let mut groups = Vec::new();
        for (group, known) in services.instances.list(&grant).await? {
            let mut instances = Vec::new();
            for (instance, known) in known {
                let mut topics = Vec::new();
                for topic in known {
                    let count = counts.get(&topic).copied().unwrap_or_default();
                    let partitions =
                        services.instances.partitions(&group, &instance, &topic, count).await?;
                    topics.push(InstanceTopic { topic, partitions });
                }
                instances.push(ConsumerInstance { name: instance, topics });
            }
            groups.push(ConsumerGroup { name: group, instances });
        }
        Ok(Response::json(StatusCode::OK, &groups))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<Vec<ConsumerGroup>>(200, "The groups that have instances")
            .asks_kafka()
            .example("/upstash/consumers");
    }
}

pub(in crate::http) struct DeleteConsumer;

impl Endpoint for DeleteConsumer {
    const DECLARATION: Declaration = Declaration {
        name: "upstashDeleteConsumer",
        methods: &[Method::POST, Method::DELETE],
        path: "/upstash/delete-consumer/{consumer_group}/{instance}",
        safe: false,
        about: "Upstash: removes an instance of a group",
        ..Consumers::DECLARATION
    };

    type Topics = OfInstance;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfInstance(grant): OfInstance,
    ) -> Result<Response, Refusal> {
        let (group, instance) = names(&call)?;
        let instances = &call.app.services().await?.instances;
        if instances.delete(&group, &instance, &grant).await? {
            Ok(success())
        } else {
            Err(RefusalKind::UnknownInstance.into())
        }
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<super::Success>(200, "The instance is removed")
            .fails(404, "There is no such instance")
            .asks_kafka()
            .example("/upstash/delete-consumer/tour/one");
    }
}
