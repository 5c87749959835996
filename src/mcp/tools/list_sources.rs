//! `list_sources`: the webhooks in, what came to them, and what was refused.

use super::{Called, Caller, Tool, done};
use crate::access::{AccessError, Permission};
use crate::concurrent::try_join_bounded;
use crate::host::Host;
use crate::kafka::Log;
use crate::mcp::arguments::Arguments;
use crate::mcp::json::Json;
use crate::render::timestamp;
use crate::services::sources::{SourceView, Statistics};

pub(super) const TOOL: Tool = Tool {
    name: "list_sources",
    permission: Some(Permission::Webhooks),
    names_topics: false,
    listed: concat!(
        r#"{"name":"list_sources","title":"List sources","#,
        r#""description":"Lists the sources (webhooks in): where events of other services come in and to which topic they go, how many came, and why the last ones were refused. Counts are lower bounds.","#,
        r#""annotations":{"readOnlyHint":true,"destructiveHint":false,"idempotentHint":true,"openWorldHint":false},"#,
        r#""inputSchema":{"type":"object","properties":{"name":{"type":"string","description":"Only this source, with all of the refusals that are kept; of each source of a list there are three."}},"additionalProperties":false},"#,
        r#""outputSchema":{"type":"object","required":["sources"],"additionalProperties":false,"properties":{"sources":{"type":"array","items":{"type":"object","required":["name","topic","url","enabled","created","accepted","repeats","filtered","dead_lettered","refused","last_seen","refusals"],"additionalProperties":false,"properties":{"name":{"type":"string"},"topic":{"type":["string","null"]},"url":{"type":"string"},"enabled":{"type":"boolean"},"created":{"type":"string"},"accepted":{"type":"integer"},"repeats":{"type":"integer"},"filtered":{"type":"integer"},"dead_lettered":{"type":"integer"},"refused":{"type":"integer"},"last_seen":{"type":["string","null"]},"#,
        r#""refusals":{"type":"array","description":"The newest first.","items":{"type":"object","required":["time","stage","reason","headers"],"additionalProperties":false,"properties":{"time":{"type":"string"},"stage":{"type":"string"},"reason":{"type":"string"},"headers":{"type":"array","items":{"type":"string"},"description":"The names of the request's headers."}}}}}}}}}}"#
    ),
};

/// How many refusals of each source a list shows.
const SOME: usize = 3;

pub(super) async fn call<H: Host, L: Log>(
    caller: &Caller<H, L>,
    arguments: Option<&str>,
) -> Result<Called, AccessError> {
    let name = Arguments::parse(arguments, &["name"])?.text("name")?;
    let services = caller.app.services().await?;
    let sources = &services.sources;
    let all = match &name {
        Some(name) => vec![sources.get(name, &caller.grant).await?],
        None => {
            let views = sources.list(&caller.grant).await?;
            let statistics = views.iter().map(|view| sources.statistics(view));
            let statistics = try_join_bounded(statistics).await?;
            views.into_iter().zip(statistics).collect()
        }
    };
    let gateway = caller.app.gateway().await?;
    let most = if name.is_some() { usize::MAX } else { SOME };
    Ok(done(|json| {
        json.objects("sources", all, |json, (view, statistics)| {
            let url = gateway.link(&format!("/in/{}", view.source.name));
            write(json, &view, &statistics, &url, most);
        });
    }))
}

fn write(json: &mut Json, view: &SourceView, statistics: &Statistics, url: &str, most: usize) {
    let SourceView { source, created, .. } = view;
    let whole = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
    let count = |name: &str| whole(statistics.counts.get(name).copied().unwrap_or(0));
    json.text("name", source.name.as_str());
    json.text_or_null("topic", source.topic.as_deref());
    json.text("url", url);
    json.bool("enabled", source.enabled);
    json.text("created", &timestamp(*created));
    json.number("accepted", count("accepted"));
    json.number("repeats", count("repeats"));
    json.number("filtered", count("filtered"));
    json.number("dead_lettered", count("dead-lettered"));
    json.number("refused", whole(statistics.refused.values().sum()));
    json.text_or_null("last_seen", statistics.last_seen.map(timestamp).as_deref());
    json.objects("refusals", statistics.refusals.iter().rev().take(most), |json, refusal| {
        json.text("time", &timestamp(refusal.time));
        json.text("stage", &refusal.stage);
        json.text("reason", &refusal.reason);
        json.texts("headers", refusal.header_names.iter().map(String::as_str));
    });
}
