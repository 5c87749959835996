//! A destination as it is configured.

use serde_json::{Map, Value};

use crate::callers_url;
use crate::config;
use crate::error::{Error, Result};
use crate::names;
use crate::secrets::MASK;

const MAX_NAME_BYTES: usize = 100;
const MAX_ADDRESS_BYTES: usize = 1_000;
const MAX_CLUSTER_BYTES: usize = 100;
const MAX_KEY_BYTES: usize = 500;
const MAX_PREFIX_BYTES: usize = 100;

/// What the gateway's own Kafka is called among the destinations of a source.
pub const GATEWAY: &str = "gateway";

/// What an id begins with; behind it are [`ID_DIGITS`] hexadecimal digits.
const ID_PREFIX: &str = "dest_";
const ID_DIGITS: usize = 16;

/// Which of two APIs a destination is made by. They differ in what is meant where nothing
/// is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `/destinations`.
    Gateway,
    /// `/v1/destinations`, as hookstream documents it.
    Hookstream,
}

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// As the bytes that it is.
    Bytes,
    /// As JSON, which the REST server parses and writes anew.
    Json,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Json => "json",
        }
    }
}

impl Dialect {
    fn format(self) -> Format {
        match self {
            Self::Gateway => Format::Bytes,
            Self::Hookstream => Format::Json,
        }
    }

    fn header_prefix(self) -> &'static str {
        match self {
            Self::Gateway => "kafka-edge-",
            Self::Hookstream => "hookstream-",
        }
    }
}

/// Where its REST server is, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Server {
    Bootstrap(String),
    RestUrl(String),
}

impl Server {
    pub(super) fn field(&self) -> &'static str {
        match self {
            Self::Bootstrap(_) => "bootstrap_servers",
            Self::RestUrl(_) => "rest_url",
        }
    }

    fn text(&self) -> &str {
        match self {
            Self::Bootstrap(text) | Self::RestUrl(text) => text,
        }
    }

    /// The base of its paths, if it may be called. The error is the predicate of a
    /// sentence.
    pub(super) fn base(&self, allow_private: bool) -> Result<String, String> {
        let base = match self {
            Self::Bootstrap(servers) => {
                config::base_of_bootstrap_servers(servers).ok_or("is not a list of host:port")?
            }
            // As the check has it, so that both mean the same host.
            Self::RestUrl(url) => {
                let url = callers_url::check(url, allow_private)?.url;
                config::base_of_rest_url(&url).ok_or("has more than a host, a port and a path")?
            }
        };
        callers_url::check(&base, allow_private)?;
        Ok(base)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) name: String,
    pub(super) server: Server,
    pub(super) cluster_id: Option<String>,
    pub(super) topic: String,
    pub(super) api_key: Option<String>,
    pub(super) format: Format,
    /// What the names of the headers begin with that the gateway adds.
    pub(super) header_prefix: String,
    pub(super) enabled: bool,
}

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
                let short: String = name.chars().take(64).collect();
                return Err(invalid(&format!("{within}{short}"), "There is no such field"));
            }
        }
        destination.check(&secret)?;
        Ok(Self { destination, secret, id })
    }
}

impl Destination {
    /// Reads what was stored.
    pub(super) fn stored(settings: &str) -> Result<Self> {
        let json = serde_json::from_str(settings).map_err(|_| Error::Store {
            detail: "what is stored of a destination cannot be read".into(),
        })?;
        Ok(Given::read(json, None, Dialect::Gateway)?.destination)
    }

    /// Checks what needs nothing else.
    fn check(&self, secret: &Secret) -> Result<()> {
        let field = format!("config.{}", self.server.field());
        if self.server.text().len() > MAX_ADDRESS_BYTES {
            let sentence = format!("The address is longer than {MAX_ADDRESS_BYTES} bytes");
            return Err(invalid(&field, &sentence));
        }
        let is_segment = |id: &String| {
            let lawful = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            (1..=MAX_CLUSTER_BYTES).contains(&id.len()) && id.chars().all(lawful)
        };
        match &self.cluster_id {
            Some(id) if !is_segment(id) => {
                return Err(invalid("config.cluster_id", "Not the id of a cluster"));
            }
            // Confluent Cloud has no list of its clusters (`reference/confluent-rest.md`, 1).
            None if matches!(self.server, Server::Bootstrap(_)) => {
                let sentence = "With bootstrap_servers the id of the cluster is needed";
                return Err(invalid("config.cluster_id", sentence));
            }
            _ => {}
        }
        names::check_topic(&self.topic)
            .map_err(|error| invalid("config.topic", &error.to_string()))?;
        let is_long = |text: &String| text.len() > MAX_KEY_BYTES;
        let has_control = |text: &String| text.contains(char::is_control);
        if let Some(key) = &self.api_key
            && (key.is_empty() || is_long(key) || has_control(key) || key.contains(':'))
        {
            // Basic authentication ends the user name at the first colon.
            let sentence = "Not a key: it is empty or too long, or has a colon or a control \
                            character in it";
            return Err(invalid("config.api_key", sentence));
        }
        match secret {
            Secret::Given(secret)
                if secret.is_empty()
                    || is_long(secret)
                    || has_control(secret)
                    || secret.starts_with("sealed:") =>
            {
                let sentence = "Not a secret: it is empty or too long, begins with \"sealed:\", \
                                or has a control character in it";
                Err(invalid("config.api_secret", sentence))
            }
            Secret::Given(_) | Secret::Kept if self.api_key.is_none() => {
                Err(invalid("config.api_key", "There is a secret, and no key that it belongs to"))
            }
            _ => Ok(()),
        }
    }

    /// As it is stored, or shown with more.
    pub(super) fn to_json(&self, id: Option<&str>, has_secret: bool) -> String {
        let mut json = String::from("{");
        let member = |json: &mut String, name: &str, value: Option<&str>| {
            let Some(value) = value else { return };
            if !json.ends_with('{') {
                json.push(',');
            }
            json.push_str(&format!("\"{name}\":{}", Value::from(value)));
        };
        let json = &mut json;
        member(json, "id", id);
        member(json, "name", Some(&self.name));
        member(json, "type", Some("kafka"));
        json.push_str(",\"config\":{");
        member(json, self.server.field(), Some(self.server.text()));
        member(json, "cluster_id", self.cluster_id.as_deref());
        member(json, "topic", Some(&self.topic));
        member(json, "api_key", self.api_key.as_deref());
        member(json, "api_secret", has_secret.then_some(MASK));
        json.push('}');
        member(json, "format", Some(self.format.name()));
        member(json, "header_prefix", Some(&self.header_prefix));
        json.push_str(&format!(",\"enabled\":{}}}", self.enabled));
        std::mem::take(json)
    }
}

/// Whether it is an id, so that it is no name.
pub(super) fn is_id(text: &str) -> bool {
    let digits = text.strip_prefix(ID_PREFIX).unwrap_or_default();
    digits.len() == ID_DIGITS
        && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

pub(super) fn new_id(clock: &impl crate::host::Clock) -> String {
    format!("{ID_PREFIX}{}", crate::random::hex_id::<{ ID_DIGITS / 2 }>(clock))
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

pub(super) fn invalid(field: &str, sentence: &str) -> Error {
    Error::InvalidSource { field: field.into(), sentence: sentence.into() }
}
