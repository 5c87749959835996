//! `list_topics`: the topics that the caller may use.

use super::{Called, Caller, Tool, done};
use crate::access::AccessError;
use crate::host::Host;
use crate::kafka::Log;
use crate::mcp::arguments::Arguments;

pub(super) const TOOL: Tool = Tool {
    name: "list_topics",
    permission: None,
    names_topics: false,
    listed: concat!(
        r#"{"name":"list_topics","title":"List topics","#,
        r#""description":"Lists the Kafka topics that your credential may use, with their numbers of partitions.","#,
        r#""annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":false},"#,
        r#""inputSchema":{"type":"object","properties":{},"additionalProperties":false},"#,
        r#""outputSchema":{"type":"object","required":["topics"],"additionalProperties":false,"properties":{"topics":{"type":"array","items":{"type":"object","required":["topic","partitions"],"additionalProperties":false,"properties":{"topic":{"type":"string"},"partitions":{"type":"integer"}}}}}}}"#
    ),
};

pub(super) async fn call<H: Host, L: Log>(
    caller: &Caller<H, L>,
    arguments: Option<&str>,
) -> Result<Called, AccessError> {
    Arguments::parse(arguments, &[])?;
    let topics = caller.app.services().await?.topics.list(&caller.grant).await?;
    Ok(done(|json| {
        json.objects("topics", &topics, |json, topic| {
            json.text("topic", &topic.name);
            json.number("partitions", topic.partitions.into());
        });
    }))
}
