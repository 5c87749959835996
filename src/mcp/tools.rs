//! The tools: what a model may call, each in a file with its description, its arguments
//! and its result. They call the services that the HTTP API calls.
//!
//! The description of a tool is constant text. A test compares the schemas in it with
//! what the tool takes and returns.

/// The schema of records in a result.
macro_rules! record_schema {
    () => {
        concat!(
            r#"{"type":"array","items":{"type":"object","required":["topic","partition","offset","key","value"],"additionalProperties":false,"properties":{"topic":{"type":"string"},"partition":{"type":"integer"},"offset":{"type":"integer"},"timestamp":{"type":"string"},"key":{"type":["string","null"]},"key_encoding":{"enum":["base64"]},"#,
            r#""value":{"type":["string","null"]},"encoding":{"enum":["base64"],"description":"The value is base64 of bytes that are not text."},"#,
            r#""headers":{"type":"array","items":{"type":"object","required":["name","value"],"additionalProperties":false,"properties":{"name":{"type":"string"},"value":{"type":["string","null"]},"encoding":{"enum":["base64"]}}}},"#,
            r#""truncated":{"type":"string","description":"What is missing, and how to read it."},"#,
            r#""receipt":{"type":"string","description":"For acknowledge."},"delivery_count":{"type":"integer"}}}}"#
        )
    };
}
use record_schema;

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

use super::json::Json;
use crate::access::{AccessError, AllowedTopic, Denial, Grant, Missing, Permission};
use crate::app::App;
use crate::host::Host;
use crate::kafka::Log;

/// A tool, as it is listed.
#[derive(Debug)]
struct Tool {
    name: &'static str,
    /// `None`: every known caller may call it.
    permission: Option<Permission>,
    /// Whether the arguments name topics. In pass-through mode Kafka shows them to the
    /// caller's key, and no other tool with a permission can be called.
    names_topics: bool,
    /// What `tools/list` says about it.
    listed: &'static str,
}

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
            Some(_) if !self.names_topics => {
                Err(Denial::Forbidden(Missing::KeyOfGateway(permission)))
            }
            _ => Ok(()),
        }
    }
}

fn find(name: &str) -> Option<&'static Tool> {
    TOOLS.iter().find(|tool| tool.name == name)
}

pub(crate) fn is_tool(name: &str) -> bool {
    find(name).is_some()
}

/// The tools that a caller may call, as JSON.
pub(crate) fn listed(grant: &Grant) -> String {
    let mine = TOOLS.iter().filter(|tool| tool.check(grant).is_ok()).map(|tool| tool.listed);
    format!("[{}]", mine.collect::<Vec<_>>().join(","))
}

/// Calls the tool of this name.
pub(crate) async fn call<H: Host, L: Log>(
    caller: &Caller<H, L>,
    name: &str,
    arguments: Option<&str>,
) -> Result<Called, AccessError> {
    find(name).map_or(Ok(()), |tool| tool.check(&caller.grant))?;
    match name {
        "list_topics" => list_topics::call(caller, arguments).await,
        "read_records" => read_records::call(caller, arguments).await,
        "produce" => produce::call(caller, arguments).await,
        "consume" => consume::call(caller, arguments).await,
        "acknowledge" => acknowledge::call(caller, arguments).await,
        "group_lag" => group_lag::call(caller, arguments).await,
        #[cfg(feature = "sources")]
        "list_sources" => list_sources::call(caller, arguments).await,
        _ => list_subscriptions::call(caller, arguments).await,
    }
}

impl<H: Host, L: Log> Caller<H, L> {
    async fn topic(&self, name: String, needed: Permission) -> Result<AllowedTopic, AccessError> {
        let topic = self.grant.topic(name)?;
        self.show(needed, std::slice::from_ref(&topic)).await?;
        Ok(topic)
    }

    /// Several topics, with commas between their names.
    async fn topics(
        &self,
        names: &str,
        needed: Permission,
    ) -> Result<Vec<AllowedTopic>, AccessError> {
        let names = names.split(',').map(|name| name.trim().to_owned());
        let topics = self.grant.topics(names.collect())?;
        self.show(needed, &topics).await?;
        Ok(topics)
    }

    async fn show(&self, needed: Permission, topics: &[AllowedTopic]) -> Result<(), AccessError> {
        match self.grant.key() {
            Some(_) => self.app.ask_kafka(needed, topics).await,
            None => Ok(()),
        }
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
    fn every_tool_is_listed_under_its_name_as_an_object() {
        let names = ["title", "description", "annotations", "inputSchema", "outputSchema"];
        for tool in TOOLS {
            let json: Value = serde_json::from_str(tool.listed).expect(tool.name);
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
            assert!(!tool.listed.contains("x-mcp-header") && !tool.listed.contains('\n'));
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
