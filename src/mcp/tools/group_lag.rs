//! `group_lag`: where consumer groups stand.

use super::{Call, Called, Tool, Topics, done};
use crate::access::{AccessError, Permission};
use crate::host::Host;
use crate::kafka::Log;
use crate::mcp::json::Json;
use crate::services::groups::{Group, GroupPosition};
use crate::sorted::{SortedMap, SortedSet};

pub(super) const TOOL: Tool =
    Tool { name: "group_lag", permission: Some(Permission::Consume), topics: Topics::None };

pub(super) async fn call<H: Host, L: Log>(call: Call<'_, H, L>) -> Result<Called, AccessError> {
    call.arguments.only(&["group"])?;
    let groups = &call.services.groups;
    match call.arguments.group()? {
        None => Ok(write_list(&groups.list(call.grant).await?)),
        Some(group) => Ok(write(&groups.get(&group, call.grant).await?)),
    }
}

#[inline(never)]
fn write_list(all: &SortedMap<String, SortedSet<String>>) -> Called {
    done(|json| {
        json.objects("groups", all, |json, (group, topics)| {
            json.text("group", group);
            json.objects("topics", topics, |json, topic| json.text("topic", topic));
        });
    })
}

#[inline(never)]
fn write(group: &Group) -> Called {
    done(|json| {
        json.objects("groups", [group], |json, group| {
            json.text("group", &group.name);
            json.objects("topics", &group.topics, |json, (topic, positions)| {
                json.text("topic", topic);
                json.number_or_null("lag", positions.iter().map(|position| position.lag).sum());
                json.objects("partitions", positions, position);
            });
        });
    })
}

fn position(json: &mut Json, position: &GroupPosition) {
    json.number("partition", position.partition.into());
    json.number_or_null("committed", position.committed);
    json.number("claimed", i64::try_from(position.claimed).unwrap_or(i64::MAX));
    json.number_or_null("end_offset", position.end);
    json.number_or_null("lag", position.lag);
    json.bool("beyond_end", position.beyond_end);
}
