//! `/config`: the set-up as one document, to keep and to move.

use http::{Method, StatusCode};
use serde_json::Value;

use crate::access::Permission;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::{ErrorBody, Response, to_json};
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::json::without_mark;
use crate::http::parameter::{Kind, Number, Parameter};
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;
use crate::services::configuration::{
    Applied, Configuration, MAX_BYTES, MAX_ENTRIES, Taken, Wanted, What,
};

/// A passphrase does not belong in a URL, which logs show, and a body is the document.
const PASSPHRASE: &str = "X-Passphrase";

const LIMIT: Number = Number {
    name: "limit",
    bounds: 1..=MAX_ENTRIES,
    about: "The entries of the document, at most; without it, too many are an error",
};

const EXPORT: &[Parameter] = &[
    Parameter::new("kinds", Kind::Text, "Only these kinds of entries, with commas between"),
    Parameter::new("after", Kind::Text, "What `next` said in the document before"),
    LIMIT.declared(),
];

const APPLY: &[Parameter] = &[Parameter::new(
    "dry_run",
    Kind::OneOf(&["true", "false"]),
    "Whether it is only said what would be done",
)];

#[cfg(feature = "description")]
const ABOUT_PASSPHRASE: &str = "What the document's secrets are encrypted to: 12 to 1,024 bytes";

/// The set-up. docs/config.schema.json describes all of it.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct DocumentJson {
    version: u32,
    /// The version of the gateway that wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    /// Of each kind of entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    versions: Option<std::collections::BTreeMap<String, u32>>,
    /// How the key is made of the passphrase.
    #[serde(skip_serializing_if = "Option::is_none")]
    encryption: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    entries: Vec<EntryJson>,
    /// There is more: `after` for the next call.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct EntryJson {
    /// `credential`, `destination`, `source`, `action`, `subscription`, `group` or `position`.
    kind: String,
    name: String,
    settings: std::collections::BTreeMap<String, serde_json::Value>,
    /// One for each mask in the settings, encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets: Option<Vec<String>>,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct AppliedJson {
    /// The first error of an entry.
    #[serde(flatten)]
    error: Option<ErrorBody>,
    dry_run: bool,
    /// How many entries were made or replaced, or would be.
    changed: usize,
    entries: Vec<AppliedEntry>,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct AppliedEntry {
    kind: String,
    name: String,
    /// `create`, `replace`, `unchanged`, or `kept`: what is there has moved on, and stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'static str>,
    /// Present and true where it does nothing before it is given its secret.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    needs_secret: bool,
    #[serde(flatten)]
    error: Option<ErrorBody>,
}

/// The members of an error in a JSON object, with a comma behind them.
fn members(error: &Error) -> String {
    let json = String::from_utf8(to_json(&ErrorBody::from(error))).unwrap_or_default();
    json.trim_matches(['{', '}']).to_owned() + ","
}

/// What serde derives for it is larger.
fn entry(applied: &Applied) -> String {
    let (kind, name) = (Value::from(&*applied.kind), Value::from(&*applied.name));
    let rest = match &applied.taken {
        Ok(Taken { what, needs_secret: true }) => {
            format!("\"what\":\"{}\",\"needs_secret\":true", what.name())
        }
        Ok(Taken { what, .. }) => format!("\"what\":\"{}\"", what.name()),
        Err(error) => members(error).trim_end_matches(',').to_owned(),
    };
    format!("{{\"kind\":{kind},\"name\":{name},{rest}}}")
}

fn passphrase<B>(request: &Request<B>) -> Result<Option<String>, Error> {
    let mut values = request.header_values(PASSPHRASE);
    let Some(value) = values.next() else { return Ok(None) };
    let text = std::str::from_utf8(value).ok().filter(|_| values.next().is_none());
    let text = text.ok_or_else(|| Error::invalid("passphrase", "Not one passphrase in UTF-8"))?;
    Ok(Some(text.to_owned()))
}

async fn configuration<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
) -> Result<Configuration<H, L>, Refusal> {
    let (services, credentials) = (call.app.services().await?, call.app.credentials().await?);
    Ok(Configuration::new(call.app.host().clone(), services, credentials))
}

pub(super) struct ExportConfiguration;

impl Endpoint for ExportConfiguration {
    const DECLARATION: Declaration = Declaration {
        name: "exportConfiguration",
        methods: &[Method::GET],
        path: "/config/export",
        caller: Caller::Allowed(Permission::Admin),
        safe: true,
        about: "Everything that the gateway is set up to do, as one document",
        query: QueryRule::Only(EXPORT),
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> Result<Response, Refusal> {
        let kinds = call.query.text("kinds")?.unwrap_or_default();
        let kinds = kinds.split(',').filter(|kind| !kind.is_empty()).map(str::to_owned);
        let after = call.query.text("after")?.map(str::to_owned);
        let wanted = Wanted { kinds: kinds.collect(), after, limit: LIMIT.of(&call.query)? };
        let passphrase = passphrase(call.request)?;
        let document = configuration(&call).await?.export(&wanted, passphrase.as_deref()).await?;
        Ok(Response::json_text(StatusCode::OK, document))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail("Secrets are left out, unless there is a passphrase. docs/moving.md has more.")
            .heeds(PASSPHRASE, ABOUT_PASSPHRASE)
            .gives::<DocumentJson>(200, "The document")
            .fails(422, "There is more than fits into one document")
            .asks_kafka()
            .example("/config/export");
    }
}

pub(super) struct ApplyConfiguration;

impl Endpoint for ApplyConfiguration {
    const DECLARATION: Declaration = Declaration {
        name: "applyConfiguration",
        methods: &[Method::POST],
        path: "/config/apply",
        safe: false,
        about: "Makes the set-up what a document says; what is not in it is left alone",
        query: QueryRule::Only(APPLY),
        body: BodyRule::Json { limit: MAX_BYTES },
        ..ExportConfiguration::DECLARATION
    };

    const ADMINISTRATIVE: bool = true;

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        NoTopic: NoTopic,
    ) -> Result<Response, Refusal> {
        let dry_run = match call.query.text("dry_run")? {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Error::invalid("dry_run", "Neither true nor false").into()),
        };
        let passphrase = passphrase(call.request)?;
        let body = call.body().await?;
        let configuration = configuration(&call).await?;
        let document = without_mark(&body);
        let applied = configuration.apply(document, passphrase.as_deref(), dry_run).await?;
        let is_change = |applied: &&Applied| {
            matches!(&applied.taken, Ok(Taken { what: What::Create | What::Replace, .. }))
        };
        let changed = applied.iter().filter(is_change).count();
        let failed = applied.iter().find_map(|applied| applied.taken.as_ref().err());
        let status = failed.map_or(StatusCode::OK, |error| ErrorBody::from(error).status());
        let error = failed.map(members).unwrap_or_default();
        let entries: Vec<String> = applied.iter().map(entry).collect();
        let entries = entries.join(",");
        let json = format!(
            "{{{error}\"dry_run\":{dry_run},\"changed\":{changed},\"entries\":[{entries}]}}"
        );
        Ok(Response::json_text(status, json))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "Applying a document again changes nothing. If some entries fail, the answer has \
                 the status of the first error, and tells of each; the others are done.",
            )
            .heeds(PASSPHRASE, ABOUT_PASSPHRASE)
            .takes::<DocumentJson>()
            .gives::<AppliedJson>(200, "What was done with each entry, or would be")
            .fails(409, "An entry is in conflict with what is there")
            .fails(422, "An entry cannot be taken")
            .asks_kafka()
            .example_with(
                "/config/apply",
                r#"{"version":1,"entries":[{"kind":"group","name":"careful","settings":{"delivery_limit":5}}]}"#,
            );
    }
}
