//! Which calls there are.

use http::Method;

use crate::access::Permission;
use crate::http::routes::{self, Caller, Route, Topic};

/// What answers a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    ProduceMessage,
    ProduceToTopic,
    Produce,
    Webhook,
    ConsumeTopic,
    Consume,
    Fetch,
    Commit,
    Committed,
    Offsets,
    Topics,
    Consumers,
    DeleteConsumer,
    ReadRegistry,
    WriteRegistry,
    DeleteFromRegistry,
}

impl Endpoint {
    pub(in crate::http) fn is_safe(self) -> bool {
        matches!(
            self,
            Self::Committed | Self::Offsets | Self::Topics | Self::Consumers | Self::ReadRegistry
        )
    }
}

pub(in crate::http) fn routes() -> Vec<Route> {
    use Endpoint as E;
    const GET: &[Method] = &[Method::GET];
    const GET_OR_POST: &[Method] = &[Method::GET, Method::POST];
    let produce = Caller::Allowed(Permission::Produce);
    let consume = Caller::Allowed(Permission::Consume);
    let calls: [(_, _, _, _, _, _); 16] = [
        (
            GET,
            "/upstash/produce/{topic}/{*message}",
            produce,
            Topic::InPath,
            E::ProduceMessage,
            "Upstash: writes the rest of the path as a record",
        ),
        (
            GET_OR_POST,
            "/upstash/produce/{topic}",
            produce,
            Topic::InPath,
            E::ProduceToTopic,
            "Upstash: writes records to a topic",
        ),
        (
            GET_OR_POST,
            "/upstash/produce",
            produce,
            Topic::InBody,
            E::Produce,
            "Upstash: writes records, each to the topic that it names",
        ),
        (
            GET_OR_POST,
            "/upstash/webhook",
            produce,
            Topic::InQuery,
            E::Webhook,
            "Upstash: writes the body as a record, and the headers with it",
        ),
        (
            GET,
            "/upstash/consume/{consumer_group}/{instance}/{topic}",
            consume,
            Topic::InPath,
            E::ConsumeTopic,
            "Upstash: the next records of a topic for an instance of a group",
        ),
        (
            GET_OR_POST,
            "/upstash/consume/{consumer_group}/{instance}",
            consume,
            Topic::InBody,
            E::Consume,
            "Upstash: the same of several topics",
        ),
        (
            GET_OR_POST,
            "/upstash/fetch",
            consume,
            Topic::InBody,
            E::Fetch,
            "Upstash: reads at offsets, for no group",
        ),
        (
            GET_OR_POST,
            "/upstash/commit/{consumer_group}/{instance}",
            consume,
            Topic::InBody,
            E::Commit,
            "Upstash: commits offsets, or all that was consumed",
        ),
        (
            GET_OR_POST,
            "/upstash/committed/{consumer_group}/{instance}",
            consume,
            Topic::InBody,
            E::Committed,
            "Upstash: the committed offsets",
        ),
        (
            GET_OR_POST,
            "/upstash/offsets/{time}",
            consume,
            Topic::InBody,
            E::Offsets,
            "Upstash: the offsets at a time, earliest or latest",
        ),
        (
            GET,
            "/upstash/topics",
            Caller::Known,
            Topic::Filtered,
            E::Topics,
            "Upstash: all topics and how many partitions each has",
        ),
        (
            GET,
            "/upstash/consumers",
            consume,
            Topic::Filtered,
            E::Consumers,
            "Upstash: all groups and their instances",
        ),
        (
            &[Method::POST, Method::DELETE],
            "/upstash/delete-consumer/{consumer_group}/{instance}",
            consume,
            Topic::OfInstance,
            E::DeleteConsumer,
            "Upstash: removes an instance of a group",
        ),
        (
            GET,
            "/upstash/schema-registry/{*path}",
            Caller::Known,
            Topic::None,
            E::ReadRegistry,
            "Upstash: asks the schema registry",
        ),
        (
            &[Method::POST, Method::PUT],
            "/upstash/schema-registry/{*path}",
            produce,
            Topic::None,
            E::WriteRegistry,
            "Upstash: registers schemas",
        ),
        (
            &[Method::DELETE],
            "/upstash/schema-registry/{*path}",
            Caller::Allowed(Permission::Admin),
            Topic::None,
            E::DeleteFromRegistry,
            "Upstash: deletes from the schema registry",
        ),
    ];
    let each =
        |(methods, path, caller, topic, endpoint, about): (&'static [Method], _, _, _, _, _)| {
            methods.iter().map(move |method| Route {
                method: method.clone(),
                path,
                caller,
                topic,
                endpoint: routes::Endpoint::Upstash(endpoint),
                about,
            })
        };
    calls.into_iter().flat_map(each).collect()
}
