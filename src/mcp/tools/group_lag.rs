//! `group_lag`: where consumer groups stand.

use super::{Called, Caller, Tool, done};
use crate::access::{AccessError, Permission};
use crate::host::Host;
use crate::kafka::Log;
use crate::mcp::arguments::Arguments;
use crate::mcp::json::Json;
use crate::services::groups::GroupPosition;

pub(super) const TOOL: Tool = Tool {
    name: "group_lag",
    permission: Some(Permission::Consume),
    names_topics: false,
    listed: concat!(
        r#"{"name":"group_lag","title":"Lag of a group","#,
        r#""description":"Says where a consumer group stands on each partition and how many records it has not done yet. Without a group it lists the groups and their topics.","#,
        r#""annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":false},"#,
        r#""inputSchema":{"type":"object","properties":{"group":{"type":"string"}},"additionalProperties":false},"#,
        r#""outputSchema":{"type":"object","required":["groups"],"additionalProperties":false,"properties":{"groups":{"type":"array","items":{"type":"object","required":["group","topics"],"additionalProperties":false,"properties":{"group":{"type":"string"},"topics":{"type":"array","items":{"type":"object","required":["topic"],"additionalProperties":false,"properties":{"topic":{"type":"string"},"#,
        r#""lag":{"type":["integer","null"],"description":"Of all partitions; null where it is not known of one."},"#,
        r#""partitions":{"type":"array","items":{"type":"object","required":["partition","committed","claimed","end_offset","lag","beyond_end"],"additionalProperties":false,"properties":{"partition":{"type":"integer"},"#,
        r#""committed":{"type":["integer","null"],"description":"All records below are done; null where the group has no position."},"#,
        r#""claimed":{"type":"integer","description":"Records that callers have and have not acknowledged."},"#,
        r#""end_offset":{"type":["integer","null"]},"lag":{"type":["integer","null"]},"#,
        r#""beyond_end":{"type":"boolean","description":"The topic was made anew or has lost records: the group gets nothing until it is moved."}}}}}}}}}}}}}"#
    ),
};

pub(super) async fn call<H: Host, L: Log>(
    caller: &Caller<H, L>,
    arguments: Option<&str>,
) -> Result<Called, AccessError> {
    let group = Arguments::parse(arguments, &["group"])?.group()?;
    let groups = &caller.app.services().await?.groups;
    let Some(group) = group else {
        let all = groups.list(&caller.grant).await?;
        return Ok(done(|json| {
            json.objects("groups", &all, |json, (group, topics)| {
                json.text("group", group);
                json.objects("topics", topics, |json, topic| json.text("topic", topic));
            });
        }));
    };
    let described = groups.get(&group, &caller.grant).await?;
    Ok(done(|json| {
        json.objects("groups", [&described], |json, group| {
            json.text("group", &group.name);
            json.objects("topics", &group.topics, |json, (topic, positions)| {
                json.text("topic", topic);
                json.number_or_null("lag", positions.iter().map(|position| position.lag).sum());
                json.objects("partitions", positions, position);
            });
        });
    }))
}

fn position(json: &mut Json, position: &GroupPosition) {
    json.number("partition", position.partition.into());
    json.number_or_null("committed", position.committed);
    json.number("claimed", i64::try_from(position.claimed).unwrap_or(i64::MAX));
    json.number_or_null("end_offset", position.end);
    json.number_or_null("lag", position.lag);
    json.bool("beyond_end", position.beyond_end);
}
