//! Everything under `/sources`: the named inbound endpoints.

mod trial;

use http::header::{ETAG, LOCATION};
use http::{Method, StatusCode};
use serde::Serialize;

pub(super) use self::trial::TestSource;
use crate::access::Permission;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, Filtered, InBody, OfSource};
use crate::http::if_match::{as_condition, condition, quoted};
use crate::http::json::without_mark;
use crate::http::limits::JSON_BYTES;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::render::timestamp;
use crate::services::sources::{self as service, SourceView, Statistics};
use crate::sorted::SortedMap;

/// A source and what is known of it.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
pub(super) struct SourceJson {
    #[serde(flatten)]
    source: SourceFields,
    created: String,
    /// Present and true where a secret cannot be read, because its key is not in
    /// `secrets_key` any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    secret_gone: bool,
    /// Only in the answer to a GET of one source.
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<StatisticsJson>,
}

/// The fields of a source that a caller sets. `docs/sources.md` has them all.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
pub(super) struct SourceFields {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    /// Names or ids, or objects with `name` and `optional`; `gateway` alone by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    destinations: Option<Vec<serde_json::Value>>,
    /// Who may send: a `provider`, or a scheme that is spelled out, and the `secrets`.
    verify: std::collections::BTreeMap<String, serde_json::Value>,
    /// Where events are sent to. It is to be set where the sender knows another address
    /// than the gateway does.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    proxies: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    allow: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dedupe: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validate: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cloud_events: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_status: Option<u16>,
}

/// Counts are lower bounds: an instance adds its own at most once in ten seconds.
#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct StatisticsJson {
    accepted: u64,
    repeats: u64,
    filtered: u64,
    dead_lettered: u64,
    /// Kafka did not take them, or only a part of their records.
    failed: u64,
    /// They may be in Kafka.
    unknown: u64,
    /// By stage and reason, such as `verify/mismatch`.
    #[cfg_attr(
        feature = "description",
        schemars(with = "std::collections::BTreeMap<String, u64>")
    )]
    refused: SortedMap<String, u64>,
    last_seen: Option<String>,
    /// Some of the last ones, the newest first.
    refusals: Vec<RefusalJson>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct RefusalJson {
    time: String,
    stage: String,
    reason: String,
    /// The names of the request's headers; their values are kept nowhere.
    headers: Vec<String>,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct SourceListJson {
    sources: Vec<SourceJson>,
}

impl From<Statistics> for StatisticsJson {
    fn from(statistics: Statistics) -> Self {
        let Statistics { counts, refused, last_seen, refusals, .. } = statistics;
        let count = |name: &str| counts.get(name).copied().unwrap_or(0);
        let refusal = |refusal: service::Refusal| RefusalJson {
            time: timestamp(refusal.time),
            stage: refusal.stage,
            reason: refusal.reason,
            headers: refusal.header_names,
        };
        Self {
            accepted: count("accepted"),
            repeats: count("repeats"),
            filtered: count("filtered"),
            dead_lettered: count("dead-lettered"),
            failed: count("failed"),
            unknown: count("unknown"),
            refused,
            last_seen: last_seen.map(timestamp),
            refusals: refusals.into_iter().rev().map(refusal).collect(),
        }
    }
}

/// A source as JSON, and its entity tag. What serde derives for a source is large, so
/// that what is known beside it is put behind the text.
async fn json<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
    view: SourceView,
    statistics: Option<&StatisticsJson>,
) -> Result<(String, String), Error> {
    let SourceView { source, created, tag, secret_gone } = view;
    let mut json = source.to_json();
    if source.url.is_none() {
        let url = call.app.gateway().await?.link(&format!("/in/{}", source.name));
        add(&mut json, "url", &url);
    }
    add(&mut json, "created", &timestamp(created));
    if secret_gone {
        add(&mut json, "secret_gone", &true);
    }
    if let Some(statistics) = statistics {
        add(&mut json, "statistics", statistics);
    }
    Ok((json, tag))
}

/// Adds a member to an object.
fn add(json: &mut String, name: &str, value: &impl Serialize) {
    let value = serde_json::to_string(value).unwrap_or_default();
    json.truncate(json.len() - 1);
    json.push_str(&format!(",\"{name}\":{value}}}"));
}

async fn answer<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
    view: SourceView,
    is_new: bool,
) -> Result<Response, Refusal> {
    let place = call.app.gateway().await?.link(&format!("/sources/{}", view.source.name));
    let (json, tag) = json(call, view, None).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    let response = Response::json_text(status, json).with_header(ETAG, quoted(&tag));
    Ok(if is_new { response.with_header(LOCATION, place) } else { response })
}

pub(super) struct CreateSource;

impl Endpoint for CreateSource {
    const DECLARATION: Declaration = Declaration {
        name: "createSource",
        methods: &[Method::POST],
        path: "/sources",
        caller: Caller::Allowed(Permission::Webhooks),
        safe: false,
        about: "Makes a source, whose events become records",
        query: QueryRule::NONE,
        body: BodyRule::Json { limit: JSON_BYTES },
        credential_in_query: false,
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = InBody;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InBody(grant): InBody,
    ) -> Result<Response, Refusal> {
        let body = call.body().await?;
        let services = call.app.services().await?;
        let view = services.sources.create(without_mark(&body), &grant).await?;
        answer(&call, view, true).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "The caller needs the permission `produce` for every topic that the source can \
                 write to. docs/sources.md has all fields.",
            )
            .takes::<SourceFields>()
            .gives::<SourceJson>(201, "The new source, with its secrets masked")
            .fails(409, "There is a source of this name, or the maximum number of them")
            .example_with(
                "/sources",
                r#"{"name":"stripe","topic":"orders","verify":{"provider":"stripe","secrets":["whsec_example"]}}"#,
            );
    }
}

#[cfg(feature = "description")]
const IF_MATCH: &str = "`*`, or the entity tags of versions of the source";

#[cfg(feature = "description")]
const EXAMPLE: &str = r#"{"name":"github","topic":"orders","verify":{"provider":"github","secrets":["It's a Secret to Everybody"]}}"#;

pub(super) struct ListSources;

impl Endpoint for ListSources {
    const DECLARATION: Declaration = Declaration {
        name: "listSources",
        methods: &[Method::GET],
        safe: true,
        about: "All sources",
        body: BodyRule::Ignored,
        ..CreateSource::DECLARATION
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        Filtered(grant): Filtered,
    ) -> Result<Response, Refusal> {
        let mut sources = Vec::new();
        for view in call.app.services().await?.sources.list(&grant).await? {
            sources.push(json(&call, view, None).await?.0);
        }
        let sources = sources.join(",");
        Ok(Response::json_text(StatusCode::OK, format!("{{\"sources\":[{sources}]}}")))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<SourceListJson>(200, "The sources all of whose topics the caller may use")
            .example("/sources");
    }
}

pub(super) struct GetSource;

impl Endpoint for GetSource {
    const DECLARATION: Declaration = Declaration {
        name: "getSource",
        path: "/sources/{name}",
        about: "A source, what came to it, and what was refused",
        ..ListSources::DECLARATION
    };

    type Topics = OfSource;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfSource(grant): OfSource,
    ) -> Result<Response, Refusal> {
        let name = call.path_text("name")?;
        let services = call.app.services().await?;
        let (view, statistics) = services.sources.get(&name, &grant).await?;
        let (json, tag) = json(&call, view, Some(&statistics.into())).await?;
        Ok(Response::json_text(StatusCode::OK, json).with_header(ETAG, quoted(&tag)))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<SourceJson>(200, "The source, with its secrets masked")
            .fails(404, "There is no such source")
            .example("/sources/github");
    }
}

pub(super) struct PutSource;

impl Endpoint for PutSource {
    const DECLARATION: Declaration = Declaration {
        name: "putSource",
        methods: &[Method::PUT],
        safe: false,
        about: "Makes a source, or replaces it",
        body: BodyRule::Json { limit: JSON_BYTES },
        ..GetSource::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSource;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        OfSource(grant): OfSource,
    ) -> Result<Response, Refusal> {
        let name = call.path_text("name")?;
        let tags = condition(call.request)?;
        let body = call.body().await?;
        let services = call.app.services().await?;
        let (body, condition) = (without_mark(&body), as_condition(tags.as_deref()));
        let put = services.sources.put(&name, body, condition, &grant).await?;
        answer(&call, put.view, put.is_new).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "A secret that is masked in the body stays what it is. `If-Match` is honoured, \
                 here and wherever a source is changed.",
            )
            .heeds("If-Match", IF_MATCH)
            .takes::<SourceFields>()
            .gives::<SourceJson>(200, "The source as it is now")
            .gives::<SourceJson>(201, "The new source")
            .fails(409, "The maximum number of sources has been reached")
            .fails(412, "The source is in another version than that of If-Match")
            .example_with("/sources/github", EXAMPLE);
    }
}

pub(super) struct PatchSource;

impl Endpoint for PatchSource {
    const DECLARATION: Declaration = Declaration {
        name: "patchSource",
        methods: &[Method::PATCH],
        about: "Changes a source by JSON Merge Patch (RFC 7396)",
        ..PutSource::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSource;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        OfSource(grant): OfSource,
    ) -> Result<Response, Refusal> {
        let name = call.path_text("name")?;
        let tags = condition(call.request)?;
        let body = call.body().await?;
        let services = call.app.services().await?;
        let (body, condition) = (without_mark(&body), as_condition(tags.as_deref()));
        let view = services.sources.patch(&name, body, condition, &grant).await?;
        answer(&call, view, false).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .heeds("If-Match", IF_MATCH)
            .takes::<std::collections::BTreeMap<String, serde_json::Value>>()
            .gives::<SourceJson>(200, "The source as it is now")
            .fails(404, "There is no such source")
            .fails(412, "The source is in another version than that of If-Match")
            .example_with("/sources/github", r#"{"enabled":false}"#);
    }
}

pub(super) struct DeleteSource;

impl Endpoint for DeleteSource {
    const DECLARATION: Declaration = Declaration {
        name: "deleteSource",
        methods: &[Method::DELETE],
        about: "Removes a source",
        body: BodyRule::Ignored,
        ..PutSource::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = OfSource;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        OfSource(grant): OfSource,
    ) -> Result<Response, Refusal> {
        let name = call.path_text("name")?;
        let tags = condition(call.request)?;
        let condition = as_condition(tags.as_deref());
        call.app.services().await?.sources.delete(&name, condition, &grant).await?;
        Ok(Response::empty())
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .heeds("If-Match", IF_MATCH)
            .gives_nothing("The source is removed")
            .fails(404, "There is no such source")
            .fails(412, "The source is in another version than that of If-Match")
            .example("/sources/github");
    }
}
