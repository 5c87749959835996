//! Consumer groups and their lags.

use super::links::{Links, Metadata, Related, list as list_reply, ok};
use crate::core::Core;
use crate::http::{Call, Reply, RestError};
use crate::options::Version;
use crate::v2::{GroupState, GroupView, MemberView};
use serde::Serialize;

#[derive(Serialize)]
struct GroupBody {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    consumer_group_id: String,
    is_simple: bool,
    partition_assignor: &'static str,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_mixed_consumer_group: Option<bool>,
    coordinator: Related,
    /// Spelled as 7.9.9 has it where it differs.
    consumers: Related,
    lag_summary: Related,
}

fn links(core: &Core, call: &Call) -> Result<Links, RestError> {
    Links::or_else(core, call, |cluster| format!("Cluster {cluster} could not be found."))
}

fn body(core: &Core, links: &Links, group: &GroupView) -> GroupBody {
    let path = format!("/consumer-groups/{}", group.id);
    let newer = core.options.version == Version::V8_3_1;
    GroupBody {
        kind: "KafkaConsumerGroup",
        metadata: links.metadata(&path, &format!("/consumer-group={}", group.id)),
        cluster_id: links.cluster_id().to_owned(),
        consumer_group_id: group.id.clone(),
        is_simple: group.state == GroupState::Simple,
        partition_assignor: if group.state == GroupState::Stable { "range" } else { "" },
        state: match group.state {
            GroupState::Simple | GroupState::Empty => "EMPTY",
            GroupState::Rebalancing => "PREPARING_REBALANCE",
            GroupState::Stable => "STABLE",
        },
        r#type: newer.then_some("CLASSIC"),
        is_mixed_consumer_group: newer.then_some(false),
        coordinator: links.related("/brokers/1"),
        consumers: links.related(&format!("{path}/consumers")),
        lag_summary: links.related(&format!("{path}/lag-summary")),
    }
}

pub(super) fn list(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = links(core, call)?;
    let groups = core.consumers.groups();
    let data = groups.iter().map(|group| body(core, &links, group)).collect();
    Ok(list_reply("KafkaConsumerGroupList", links.url("/consumer-groups"), data))
}

pub(super) fn get(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = links(core, call)?;
    let group = core.consumers.group(&call.segments[3]).ok_or_else(RestError::not_found)?;
    Ok(ok(&body(core, &links, &group)))
}

#[derive(Serialize)]
struct Lag {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    consumer_group_id: String,
    topic_name: String,
    partition_id: i32,
    consumer_id: String,
    instance_id: Option<()>,
    client_id: String,
    current_offset: i64,
    log_end_offset: i64,
    lag: i64,
}

/// The lags of a group, the largest first.
fn collect_lags(core: &Core, links: &Links, call: &Call) -> Result<Vec<Lag>, RestError> {
    let id = &call.segments[3];
    let group = core.consumers.group(id).ok_or_else(|| {
        RestError::new(404, 404, format!("Consumer Group {id} could not be found."))
    })?;
    let mut lags = Vec::new();
    for ((topic, partition), committed) in &group.committed {
        let end = core
            .log
            .topic(topic)
            .and_then(|t| t.partition(*partition))
            .map_or(committed.offset, |p| p.end_offset());
        let member = group.members.iter().find(|m| m.owns(topic, *partition));
        let path = format!("/consumer-groups/{id}/lags/{topic}/partitions/{partition}");
        let crn = format!("/consumer-group={id}/lag={topic}/partition={partition}");
        lags.push(Lag {
            kind: "KafkaConsumerLag",
            metadata: links.metadata(&path, &crn),
            cluster_id: links.cluster_id().to_owned(),
            consumer_group_id: id.clone(),
            topic_name: topic.clone(),
            partition_id: *partition,
            consumer_id: member.map(MemberView::consumer_id).unwrap_or_default(),
            instance_id: None,
            client_id: member.map(MemberView::client_id).unwrap_or_default(),
            current_offset: committed.offset,
            log_end_offset: end,
            lag: end - committed.offset,
        });
    }
    lags.sort_by(|a, b| {
        b.lag
            .cmp(&a.lag)
            .then_with(|| a.topic_name.cmp(&b.topic_name))
            .then(a.partition_id.cmp(&b.partition_id))
    });
    if lags.is_empty() {
        return Err(RestError::new(404, 404, "Consumer group offsets could not be found."));
    }
    Ok(lags)
}

pub(super) fn lags(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = links(core, call)?;
    let lags = collect_lags(core, &links, call)?;
    let url = links.url(&format!("/consumer-groups/{}/lags", call.segments[3]));
    Ok(list_reply("KafkaConsumerLagList", url, lags))
}

/// The lag of one partition.
pub(super) fn lag(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = links(core, call)?;
    let (topic, partition) = (&call.segments[5], call.segments[7].parse().ok());
    let lags = collect_lags(core, &links, call)?;
    lags.into_iter()
        .find(|lag| lag.topic_name == *topic && Some(lag.partition_id) == partition)
        .map(|lag| ok(&lag))
        .ok_or_else(|| RestError::new(404, 404, "Consumer lags not found."))
}

#[derive(Serialize)]
struct LagSummary {
    kind: &'static str,
    metadata: Metadata,
    cluster_id: String,
    consumer_group_id: String,
    max_lag: i64,
    total_lag: i64,
    max_lag_consumer_id: String,
    max_lag_consumer: Related,
    max_lag_client_id: String,
    max_lag_instance_id: Option<()>,
    max_lag_topic_name: String,
    max_lag_partition_id: i32,
    max_lag_partition: Related,
}

pub(super) fn lag_summary(core: &Core, call: &Call) -> Result<Reply, RestError> {
    let links = links(core, call)?;
    let id = &call.segments[3];
    let lags = collect_lags(core, &links, call)?;
    let total_lag = lags.iter().map(|lag| lag.lag).sum();
    let first = lags.into_iter().next().ok_or_else(RestError::not_found)?;
    let path = format!("/consumer-groups/{id}/lag-summary");
    let partition = format!("/topics/{}/partitions/{}", first.topic_name, first.partition_id);
    Ok(ok(&LagSummary {
        kind: "KafkaConsumerGroupLagSummary",
        metadata: links.metadata(&path, &format!("/consumer-group={id}/lag-summary")),
        cluster_id: links.cluster_id().to_owned(),
        consumer_group_id: id.clone(),
        max_lag: first.lag,
        total_lag,
        max_lag_consumer: links
            .related(&format!("/consumer-groups/{id}/consumers/{}", first.consumer_id)),
        max_lag_consumer_id: first.consumer_id,
        max_lag_client_id: first.client_id,
        max_lag_instance_id: None,
        max_lag_topic_name: first.topic_name,
        max_lag_partition_id: first.partition_id,
        max_lag_partition: links.related(&partition),
    }))
}
