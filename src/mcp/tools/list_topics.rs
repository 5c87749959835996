//! `list_topics`: the topics that the caller may use.

use super::{Call, Called, Tool, Topics, done};
use crate::access::AccessError;
use crate::host::Host;
use crate::kafka::{Log, Topic};

pub(super) const TOOL: Tool = Tool { name: "list_topics", permission: None, topics: Topics::None };

pub(super) async fn call<H: Host, L: Log>(call: Call<'_, H, L>) -> Result<Called, AccessError> {
    call.arguments.only(&[])?;
    Ok(write(&call.services.topics.list(call.grant).await?))
}

#[inline(never)]
fn write(topics: &[Topic]) -> Called {
    done(|json| {
        json.objects("topics", topics, |json, topic| {
            json.text("topic", &topic.name);
            json.number("partitions", topic.partitions.into());
        });
    })
}
