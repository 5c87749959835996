//! `/consumers` and `/delete-consumer`.

use http::StatusCode;
use serde::Serialize;

use super::{names, permit, success};
use crate::access::Grant;
use crate::app::App;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::refusal::Refusal;
use crate::http::routes::Found;
use crate::kafka::Log;
use crate::sorted::SortedMap;

#[derive(Debug, Serialize)]
struct Group {
    name: String,
    instances: Vec<Instance>,
}

#[derive(Debug, Serialize)]
struct Instance {
    name: String,
    topics: Vec<Topic>,
}

#[derive(Debug, Serialize)]
struct Topic {
    topic: String,
    /// Those that the instance reads first.
    partitions: Vec<i32>,
}

/// The groups that have instances, as far as their topics are the caller's.
pub(super) async fn list<H: Host, L: Log>(
    app: &App<H, L>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let services = app.services().await?;
    let topics = services.topics.list().await?;
    let counts: SortedMap<_, _> =
        topics.into_iter().map(|topic| (topic.name, topic.partitions)).collect();
    let mut groups = Vec::new();
    for (group, known) in services.instances.list().await? {
        let mut instances = Vec::new();
        for (instance, known) in known {
            let mut topics = Vec::new();
            for topic in known.topics.into_iter().filter(|topic| grant.covers(topic)) {
                let count = counts.get(&topic).copied().unwrap_or_default();
                let partitions =
                    services.instances.partitions(&group, &instance, &topic, count).await?;
                topics.push(Topic { topic, partitions });
            }
            if !topics.is_empty() {
                instances.push(Instance { name: instance, topics });
            }
        }
        if !instances.is_empty() {
            groups.push(Group { name: group, instances });
        }
    }
    Ok(Response::json(StatusCode::OK, &groups))
}

pub(super) async fn delete<H: Host, L: Log>(
    app: &App<H, L>,
    found: &Found<'_>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let (group, instance) = names(found)?;
    let instances = &app.services().await?.instances;
    let known = instances.get(&group, &instance).await?;
    permit(grant, known.iter().flat_map(|known| &known.topics))?;
    match instances.delete(&group, &instance).await? {
        true => Ok(success()),
        false => Err(Refusal::UnknownInstance),
    }
}
