//! A destination as it is configured.

use serde_json::Value;

use super::given::{Given, Secret};
use crate::callers_url;
use crate::config;
use crate::error::{Error, ErrorKind, Result};
use crate::names;
use crate::secrets::MASK;

const MAX_ADDRESS_BYTES: usize = 1_000;
const MAX_CLUSTER_BYTES: usize = 100;
const MAX_KEY_BYTES: usize = 500;

/// What an id begins with; behind it are [`ID_DIGITS`] hexadecimal digits.
pub(super) const ID_PREFIX: &str = "dest_";
pub(super) const ID_DIGITS: usize = 16;

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
    pub(super) fn format(self) -> Format {
        match self {
            Self::Gateway => Format::Bytes,
            Self::Hookstream => Format::Json,
        }
    }

    pub(super) fn header_prefix(self) -> &'static str {
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

impl Destination {
    /// Reads what was stored.
    pub(super) fn stored(settings: &str) -> Result<Self> {
        let json = kafka_edge_json::from_str(settings).map_err(|_| ErrorKind::Store {
            detail: "what is stored of a destination cannot be read".into(),
        })?;
        Ok(Given::read(json, None, Dialect::Gateway)?.destination)
    }

    /// Checks what needs nothing else.
    pub(super) fn check(&self, secret: &Secret) -> Result<()> {
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

pub(super) fn invalid(field: &str, sentence: &str) -> Error {
    ErrorKind::InvalidField { field: field.into(), sentence: sentence.into() }.into()
}
