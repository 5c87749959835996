//! `/commit` and `/committed`.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{json, names, permit, success};
use crate::access::Grant;
use crate::app::App;
use crate::concurrent::try_join_bounded;
use crate::deadline::or_timeout;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::limits;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::http::routes::Found;
use crate::kafka::Log;
use crate::services::instances::At;
use crate::sorted::{SortedMap, SortedSet};

/// An offset of a partition. Committed, it is that of the next record to be
/// read, as it is in Kafka.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(super) struct Offset {
    pub(super) topic: String,
    pub(super) partition: i32,
    pub(super) offset: i64,
}

pub(super) async fn commit<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    found: &Found<'_>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let (group, instance) = names(found)?;
    let body = request.read_body(limits::JSON_BYTES).await?;
    let offsets: Vec<Offset> = json::one_or_many(&body)?;
    permit(grant, offsets.iter().map(|offset| &offset.topic))?;
    let services = app.services().await?;
    if offsets.is_empty() {
        let known = services.instances.get(&group, &instance).await?;
        permit(grant, known.iter().flat_map(|known| &known.topics))?;
        return match services.instances.commit_all(&group, &instance).await? {
            true => Ok(success()),
            false => Err(Refusal::UnknownInstance),
        };
    }
    let at = |Offset { topic, partition, offset }| At { topic, partition, offset };
    let offsets: Vec<_> = offsets.into_iter().map(at).collect();
    services.instances.commit(&group, &instance, &offsets).await?;
    Ok(success())
}

/// A partition that the group has no position on is left out.
pub(super) async fn committed<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    found: &Found<'_>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let (group, _) = names(found)?;
    let body = request.read_body(limits::JSON_BYTES).await?;
    let wanted: Vec<json::Partition> = json::some(&body)?;
    let topics: SortedSet<_> = wanted.iter().map(|wanted| &wanted.topic).collect();
    permit(grant, topics.iter().copied())?;
    let patience = json::patience(request.query())?;
    let services = app.services().await?;
    let offsets = topics.iter().map(|topic| services.groups.committed(&group, topic));
    let offsets = or_timeout(app.host(), patience, try_join_bounded(offsets)).await?;
    let offsets: SortedMap<_, _> = topics.into_iter().zip(offsets).collect();
    let committed = wanted.iter().filter_map(|json::Partition { topic, partition }| {
        let offset = *offsets.get(topic)?.get(partition)?;
        Some(Offset { topic: topic.clone(), partition: *partition, offset })
    });
    Ok(Response::json(StatusCode::OK, &committed.collect::<Vec<_>>()))
}
