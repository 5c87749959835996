//! The tools: what a model may call, each in a file with its arguments and its
//! result. They call the services that the HTTP API calls.
//!
//! Reading arguments and writing a result is not generic, and never inlined into what is:
//! that is compiled with the platform's crate, for speed instead of size.
//!
//! What the tools say about themselves is the constant text of `tools.json`. A test
//! compares the schemas in it with what the tools take and return.

mod acknowledge;
mod consume;
mod group_lag;
#[cfg(feature = "sources")]
mod list_sources;
mod list_subscriptions;
mod list_topics;
mod produce;
mod read_records;

use std::fmt;

use serde_json::value::RawValue;

use super::arguments::{Arguments, missing};
use super::json::Json;
use crate::access::{AccessError, AllowedTopic, Denial, Grant, Missing, Permission};
use crate::app::App;
use crate::error::Error;
use crate::host::Host;
use crate::http::content_encoding::gunzip;
use crate::kafka::Log;
use crate::services::Services;

/// A tool, as the grant is asked about it.
#[derive(Debug)]
struct Tool {
    name: &'static str,
    /// `None`: every known caller may call it.
    permission: Option<Permission>,
    /// Whether its argument `topic` names topics, and how many it may name.
    topics: Topics,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Topics {
    /// In pass-through mode no such tool with a permission can be called: there Kafka has
    /// to show a call's topics to the caller's key.
    None,
    One,
    /// With commas between their names.
    Some,
}

/// In the order of `tools.json`.
const TOOLS: &[Tool] = &[
    list_topics::TOOL,
    read_records::TOOL,
    produce::TOOL,
    consume::TOOL,
    acknowledge::TOOL,
    group_lag::TOOL,
    list_subscriptions::TOOL,
    #[cfg(feature = "sources")]
    list_sources::TOOL,
];

/// What the tools say about themselves, compressed by `build.rs`.
static DESCRIBED: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/tools.json.gz"));

/// Who calls a tool.
pub(crate) struct Caller<H: Host, L> {
    /// With the caller's key in pass-through mode.
    pub(crate) app: App<H, L>,
    pub(crate) grant: Grant,
}

/// The result of a tool, as the JSON of an object.
pub(crate) struct Called {
    pub(crate) json: String,
    /// To be called when the host has taken the whole answer.
    pub(crate) on_sent: Option<Box<dyn FnOnce()>>,
}

impl Tool {
    fn check(&self, grant: &Grant) -> Result<(), Denial> {
        let Some(permission) = self.permission else { return Ok(()) };
        grant.permits(permission)?;
        match grant.key() {
            Some(_) if self.topics == Topics::None => {
                Err(Denial::Forbidden(Missing::KeyOfGateway(permission)))
            }
            _ => Ok(()),
        }
    }

    /// The topics of a call, all of which the caller may use.
    #[inline(never)]
    fn topics(
        &self,
        grant: &Grant,
        arguments: &Arguments<'_>,
    ) -> Result<Vec<AllowedTopic>, AccessError> {
        Ok(match self.topics {
            Topics::None => Vec::new(),
            Topics::One => vec![grant.topic(arguments.needed("topic")?)?],
            Topics::Some => {
                let names = arguments.needed("topic")?;
                grant.topics(names.split(',').map(|name| name.trim().to_owned()).collect())?
            }
        })
    }
}

fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

pub(crate) fn is_tool(name: &str) -> bool {
    find(name).is_some()
}

/// The tools that a caller may call, as JSON.
#[inline(never)]
pub(crate) fn listed(grant: &Grant) -> String {
    // It was compressed with the component, and is not damaged.
    let json = String::from_utf8(gunzip(DESCRIBED, usize::MAX).unwrap_or_default());
    let json = json.unwrap_or_default();
    let all: Vec<&RawValue> = kafka_edge_json::from_str(&json).unwrap_or_default();
    let mine = TOOLS.iter().zip(all).filter(|(tool, _)| tool.check(grant).is_ok());
    format!("[{}]", mine.map(|(_, described)| described.get()).collect::<Vec<_>>().join(","))
}

/// Calls the tool of this name, which has to be one.
pub(crate) async fn call<H: Host, L: Log>(
    caller: &Caller<H, L>,
    name: &str,
    arguments: Option<&str>,
) -> Result<Called, AccessError> {
    let Caller { app, grant } = caller;
    let unknown = || Error::invalid("name", "There is no such tool");
    let tool = find(name).ok_or_else(unknown)?;
    tool.check(grant)?;
    let arguments = Arguments::parse(arguments)?;
    let topics = tool.topics(grant, &arguments)?;
    if let (Some(_), Some(permission)) = (grant.key(), tool.permission) {
        app.ask_kafka(permission, &topics).await?;
    }
    let services = app.services().await?;
    let call = Call { services: &services, grant, topics, arguments: &arguments };
    match name {
        "list_topics" => list_topics::call(call).await,
        "read_records" => read_records::call(call).await,
        "produce" => produce::call(call).await,
        "consume" => consume::call(call).await,
        "acknowledge" => acknowledge::call(call).await,
        "group_lag" => group_lag::call(call).await,
        #[cfg(feature = "sources")]
        "list_sources" => list_sources::call(call, &*app.gateway().await?).await,
        _ => list_subscriptions::call(call).await,
    }
}

/// What a tool is given.
struct Call<'c, H: Host, L> {
    services: &'c Services<H, L>,
    grant: &'c Grant,
    topics: Vec<AllowedTopic>,
    arguments: &'c Arguments<'c>,
}

impl<H: Host, L> Call<'_, H, L> {
    /// The one topic of the call.
    fn topic(&self) -> Result<&AllowedTopic, Error> {
        self.topics.first().ok_or_else(|| missing("topic"))
    }
}

/// A result that needs nothing more once it is sent.
fn done(members: impl FnOnce(&mut Json)) -> Called {
    Called { json: Json::object(members), on_sent: None }
}

impl<H: Host, L> fmt::Debug for Caller<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("grant", &self.grant).finish_non_exhaustive()
    }
}

impl fmt::Debug for Called {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Called").field("json", &self.json).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn every_tool_is_described_in_its_place_as_an_object() {
        let names = ["title", "description", "annotations", "inputSchema", "outputSchema"];
        let listed: Vec<Value> = serde_json::from_str(&listed(&Grant::open())).unwrap();
        assert_eq!(listed.len(), TOOLS.len());
        for (tool, json) in TOOLS.iter().zip(&listed) {
            assert_eq!(json["name"], tool.name);
            for name in names {
                assert!(!json[name].is_null(), "{} has no {name}", tool.name);
            }
            for schema in [&json["inputSchema"], &json["outputSchema"]] {
                assert_eq!(schema["type"], "object", "{}", tool.name);
                assert_eq!(schema["additionalProperties"], false, "{}", tool.name);
            }
            let hints = json["annotations"].as_object().unwrap();
            let hint = |name: &str| hints[name].as_bool().unwrap();
            // What only reads destroys nothing.
            assert!(!(hint("readOnlyHint") && hint("destructiveHint")), "{}", tool.name);
            assert!(hints.contains_key("idempotentHint") && !hint("openWorldHint"));
            assert!(!json.to_string().contains("x-mcp-header"));
        }
    }

    #[test]
    fn the_grant_decides_what_is_listed() {
        assert_eq!(listed(&Grant::open()).matches("\"inputSchema\"").count(), TOOLS.len());
        let nothing: Value = serde_json::from_str(&listed(&Grant::nothing())).unwrap();
        assert_eq!(nothing[0]["name"], "list_topics");
        assert_eq!(nothing.as_array().unwrap().len(), 1);
    }
}
