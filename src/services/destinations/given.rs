//! A destination as a caller gives it.

use serde_json::{Map, Value};

use super::destination::{
    Destination, Dialect, Format, ID_DIGITS, ID_PREFIX, Server, invalid, is_id,
};
use crate::error::{Error, Result};
use crate::secrets::MASK;
use crate::services::sources::GATEWAY;

const MAX_NAME_BYTES: usize = 100;
const MAX_PREFIX_BYTES: usize = 100;

/// What a caller says of the secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Secret {
    /// There is none.
    None,
    /// It is the one that is there.
    Kept,
    Given(String),
}

/// A destination as a caller gives it.
pub(super) struct Given {
    pub(super) destination: Destination,
    pub(super) secret: Secret,
    pub(super) id: Option<String>,
}

impl Given {
    /// Reads a destination. One that is put under its name may leave it out. What was read
    /// can be put back as it is.
    pub(super) fn read(json: Value, name: Option<&str>, dialect: Dialect) -> Result<Self> {
        let Value::Object(mut given) = json else {
            return Err(invalid("body", "A destination is a JSON object"));
        };
        let top = &mut given;
        top.retain(|name, _| !matches!(&**name, "created" | "secret_gone"));
        let id = text(top, "", "id")?;
        if id.as_deref().is_some_and(|id| !is_id(id)) {
            let sentence = format!("An id is {ID_PREFIX} and {ID_DIGITS} hexadecimal digits");
            return Err(invalid("id", &sentence));
        }
        let name = text(top, "", "name")?.or_else(|| name.map(str::to_owned));
        let name = name.ok_or_else(|| invalid("name", "A name is needed"))?;
        check_name(&name)?;
        match text(top, "", "type")?.as_deref() {
            Some("kafka") => {}
            _ => return Err(invalid("type", "The type is \"kafka\", there is no other one")),
        }
        let format = match text(top, "", "format")?.as_deref() {
            None => dialect.format(),
            Some("bytes") => Format::Bytes,
            Some("json") => Format::Json,
            Some(_) => return Err(invalid("format", "Neither \"bytes\" nor \"json\"")),
        };
        let header_prefix = text(top, "", "header_prefix")?;
        let header_prefix = header_prefix.unwrap_or_else(|| dialect.header_prefix().to_owned());
        let is_plain = header_prefix.bytes().all(|byte| byte.is_ascii_graphic());
        if header_prefix.len() > MAX_PREFIX_BYTES || !is_plain {
            let sentence = format!("Not up to {MAX_PREFIX_BYTES} visible characters of ASCII");
            return Err(invalid("header_prefix", &sentence));
        }
        let enabled = match top.remove("enabled") {
            None | Some(Value::Null) => true,
            Some(Value::Bool(enabled)) => enabled,
            Some(_) => return Err(invalid("enabled", "Neither true nor false")),
        };
        let Some(Value::Object(mut config)) = top.remove("config") else {
            return Err(invalid("config", "A config is needed, an object"));
        };
        let (destination, secret) = {
            let config = &mut config;
            let within = "config.";
            let server = match (
                text(config, within, "bootstrap_servers")?,
                text(config, within, "rest_url")?,
            ) {
                (Some(servers), None) => Server::Bootstrap(servers),
                (None, Some(url)) => Server::RestUrl(url),
                _ => {
                    let sentence = "Exactly one of bootstrap_servers and rest_url is needed";
                    return Err(invalid("config.bootstrap_servers", sentence));
                }
            };
            let cluster_id = text(config, within, "cluster_id")?;
            let topic = text(config, within, "topic")?
                .ok_or_else(|| invalid("config.topic", "A topic is needed"))?;
            let api_key = text(config, within, "api_key")?;
            let secret = match text(config, within, "api_secret")? {
                None => Secret::None,
                Some(text) if text == MASK => Secret::Kept,
                Some(text) => Secret::Given(text),
            };
            let destination = Destination {
                name,
                server,
                cluster_id,
                topic,
                api_key,
                format,
                header_prefix,
                enabled,
            };
            (destination, secret)
        };
        for (fields, within) in [(&config, "config."), (&*top, "")] {
            if let Some((name, _)) = fields.iter().next() {
                return Err(Error::no_such_field(within, name));
            }
        }
        destination.check(&secret)?;
        Ok(Self { destination, secret, id })
    }
}

fn check_name(name: &str) -> Result<()> {
    let refused = |sentence: &str| Err(invalid("name", sentence));
    if name.is_empty() || name.len() > MAX_NAME_BYTES {
        return refused(&format!("Not a name of 1 to {MAX_NAME_BYTES} bytes"));
    }
    if name.trim() != name || name.contains(char::is_control) {
        return refused("A name has no control characters, and no spaces at its ends");
    }
    match name {
        // Clients that normalise paths cannot name these in one (RFC 3986, 5.2.4).
        "." | ".." => refused("A destination cannot be named \".\" or \"..\""),
        GATEWAY => refused("This is the name of the gateway's own Kafka"),
        _ if is_id(name) => refused("A name cannot look like an id"),
        _ => Ok(()),
    }
}

/// Takes a field that is a text out, if it is there. `null` is as if it were not.
fn text(object: &mut Map<String, Value>, within: &str, name: &str) -> Result<Option<String>> {
    match object.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(&format!("{within}{name}"), "Not a text")),
    }
}
