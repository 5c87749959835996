//! `GET /topics` and `GET /topics/{topic}`.

use http::StatusCode;
use serde::Serialize;

use super::topic;
use crate::access::Grant;
use crate::app::App;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::Request;
use crate::kafka::Log;
use crate::services::topics::Description;

#[derive(Serialize)]
struct List {
    topics: Vec<Topic>,
}

#[derive(Serialize)]
struct Topic {
    topic: String,
    partitions: i32,
}

#[derive(Serialize)]
struct Described {
    topic: String,
    partitions: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_message_bytes: Option<u64>,
    /// Absent where the server does not offer offsets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    offsets: Vec<PartitionOffsets>,
}

#[derive(Serialize)]
struct PartitionOffsets {
    partition: i32,
    first_offset: i64,
    end_offset: i64,
}

pub(in crate::http) async fn list<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    Query::parse(request.query(), &[])?;
    let topics = app.services().await?.topics.list().await?;
    let topics = topics
        .into_iter()
        .filter(|topic| grant.covers(&topic.name))
        .map(|topic| Topic { topic: topic.name, partitions: topic.partitions })
        .collect();
    Ok(Response::json(StatusCode::OK, &List { topics }))
}

pub(in crate::http) async fn describe<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
) -> Result<Response, Refusal> {
    let topic = topic(segment)?;
    Query::parse(request.query(), &[])?;
    let described = app.services().await?.topics.describe(&topic).await?;
    Ok(Response::json(StatusCode::OK, &Described::from(described)))
}

impl From<Description> for Described {
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
