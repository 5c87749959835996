//! `list_subscriptions`: the webhooks out.

use super::{Called, Caller, Tool, done};
use crate::access::{AccessError, Permission};
use crate::host::Host;
use crate::kafka::Log;
use crate::mcp::arguments::Arguments;
use crate::render::timestamp;

pub(super) const TOOL: Tool = Tool {
    name: "list_subscriptions",
    permission: Some(Permission::Webhooks),
    names_topics: false,
    listed: concat!(
        r#"{"name":"list_subscriptions","title":"List subscriptions","#,
        r#""description":"Lists the subscriptions (webhooks out): the URLs to which each new record of a topic is sent. Secrets and the queries of URLs are not shown.","#,
        r#""annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":false},"#,
        r#""inputSchema":{"type":"object","properties":{},"additionalProperties":false},"#,
        r#""outputSchema":{"type":"object","required":["subscriptions"],"additionalProperties":false,"properties":{"subscriptions":{"type":"array","items":{"type":"object","required":["id","topic","callback_url","created"],"additionalProperties":false,"properties":{"id":{"type":"string"},"topic":{"type":"string"},"callback_url":{"type":"string"},"created":{"type":"string"}}}}}}}"#
    ),
};

pub(super) async fn call<H: Host, L: Log>(
    caller: &Caller<H, L>,
    arguments: Option<&str>,
) -> Result<Called, AccessError> {
    Arguments::parse(arguments, &[])?;
    let subscriptions = caller.app.services().await?.subscriptions.list(&caller.grant).await?;
    Ok(done(|json| {
        json.objects("subscriptions", &subscriptions, |json, subscription| {
            json.text("id", &subscription.id);
            json.text("topic", &subscription.topic);
            json.text("callback_url", &without_query(&subscription.callback_url));
            json.text("created", &timestamp(subscription.created));
        });
    }))
}

/// Many services want a token in the query of the URL, and what a model reads goes to
/// whoever runs it.
fn without_query(url: &str) -> String {
    match url.split_once('?') {
        Some((place, _)) => format!("{place}?********"),
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_may_hold_a_secret() {
        assert_eq!(without_query("https://h.test/a"), "https://h.test/a");
        assert_eq!(without_query("https://h.test/a?t=b?c"), "https://h.test/a?********");
    }
}
