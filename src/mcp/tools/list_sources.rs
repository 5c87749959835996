//! `list_sources`: the webhooks in, what came to them, and what was refused.

use super::{Call, Called, Tool, Topics, done};
use crate::access::{AccessError, Permission};
use crate::concurrent::try_join_bounded;
use crate::config::GatewayConfig;
use crate::host::Host;
use crate::kafka::Log;
use crate::mcp::json::Json;
use crate::render::timestamp;
use crate::services::sources::{SourceView, Statistics};

pub(super) const TOOL: Tool =
    Tool { name: "list_sources", permission: Some(Permission::Webhooks), topics: Topics::None };

/// How many refusals of each source a list shows.
const SOME: usize = 3;

pub(super) async fn call<H: Host, L: Log>(
    call: Call<'_, H, L>,
    gateway: &GatewayConfig,
) -> Result<Called, AccessError> {
    call.arguments.only(&["name"])?;
    let (name, sources) = (call.arguments.text("name")?, &call.services.sources);
    if let Some(name) = name {
        let source = sources.get(&name, call.grant).await?;
        return Ok(write_all(&[source], gateway, usize::MAX));
    }
    let views = sources.list(call.grant).await?;
    let statistics = try_join_bounded(views.iter().map(|view| sources.statistics(view))).await?;
    let all: Vec<_> = views.into_iter().zip(statistics).collect();
    Ok(write_all(&all, gateway, SOME))
}

#[inline(never)]
fn write_all(all: &[(SourceView, Statistics)], gateway: &GatewayConfig, most: usize) -> Called {
    done(|json| {
        json.objects("sources", all, |json, (view, statistics)| {
            let url = gateway.link(&format!("/in/{}", view.source.name));
            write(json, view, statistics, &url, most);
        });
    })
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
