//! A source as it is configured: an inbound endpoint and what is done with its
//! events. The same form is stored, with its secrets encrypted, and answered, with
//! its secrets masked.

use std::fmt;

use kafka_edge_signatures::Settings;
use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::malformed;
use super::prepared::invalid;
use crate::access::Name;
use crate::error::Result;
use crate::secrets::StoredSecret;
use crate::sorted::SortedMap;
use crate::state::stored::is_default;

/// The default size that an event may have.
const MAX_BYTES: usize = 1024 * 1024;
/// The default time for which ids are remembered, in seconds.
const WINDOW: u64 = 86_400;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub name: Name,
    /// Where events go, unless the shape names the topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Where events are written; the gateway's own Kafka alone, if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub destinations: Vec<Target>,
    pub verify: Verify,
    /// The address under which the sender knows this source, if it is not the
    /// gateway's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// How many proxies stand in front of the gateway and write forwarding headers.
    #[serde(default, skip_serializing_if = "is_default")]
    pub proxies: u8,
    #[serde(default, skip_serializing_if = "is_default")]
    pub allow: Allow,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedupe: Option<Dedupe>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validate: Option<Validate>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub shape: Shape,
    /// How events are written as CloudEvents, if they are. Then an event that comes as
    /// one is understood as such.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_events: Option<CloudEvents>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub answer: Answer,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub enabled: bool,
    /// What a source that is switched off answers: 410 tells senders to stop, 503 to
    /// come again.
    #[serde(default = "gone", skip_serializing_if = "is_gone")]
    pub disabled_status: u16,
}

impl Source {
    /// Reads a source. Everything that reads one comes here: what serde derives for it is
    /// there once for each kind of input.
    pub(super) fn from_value(json: Value) -> Result<Self, kafka_edge_json::Error> {
        kafka_edge_json::from_value(&json)
    }

    /// The same from a caller, of whose secrets none is encrypted under a key of ours.
    pub(super) fn given(json: Value) -> Result<Self> {
        let source = Self::from_value(json).map_err(|error| malformed(&error))?;
        let sealed = |secret: &StoredSecret| matches!(secret, StoredSecret::Sealed { .. });
        match source.verify.secrets.iter().position(sealed) {
            Some(place) => {
                let field = format!("verify.secrets[{place}]");
                Err(invalid(field, "A secret cannot begin with \"sealed:\""))
            }
            None => Ok(source),
        }
    }

    pub fn to_value(&self) -> Value {
        kafka_edge_json::from_str(&self.to_json()).unwrap_or_default()
    }

    /// The settings in the form in which callers give them.
    pub fn to_json(&self) -> String {
        // Nothing in a source can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Whether events are written to the gateway's own Kafka.
    pub(super) fn writes_to_gateway(&self) -> bool {
        let targets = &self.destinations;
        targets.is_empty() || targets.iter().any(Target::is_gateway)
    }

    /// Every topic that the source can write to: names, and beginnings of names with a
    /// `*`.
    pub(super) fn topics(&self) -> impl Iterator<Item = &str> {
        let Self { topic, shape, validate, .. } = self;
        let otherwise = [Some(&shape.on_error), validate.as_ref().map(|v| &v.on_failure)];
        let dead = otherwise.into_iter().flatten().filter_map(|otherwise| match otherwise {
            Otherwise::DeadLetter(topic) => Some(topic.as_str()),
            _ => None,
        });
        let allowed = shape.topic.iter().flat_map(|choice| &choice.allowed).map(String::as_str);
        topic.as_deref().into_iter().chain(dead).chain(allowed)
    }
}

/// What the gateway's own Kafka is called among the destinations of a source.
pub const GATEWAY: &str = "gateway";

/// A destination by its name or id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub name: String,
    /// It is left out while it is switched off.
    pub optional: bool,
}

impl Target {
    pub(super) fn is_gateway(&self) -> bool {
        self.name == GATEWAY
    }
}

impl Serialize for Target {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut whole = Value::from(self.name.as_str());
        if self.optional {
            whole = Map::from_iter([
                ("name".to_owned(), whole),
                ("optional".to_owned(), Value::Bool(true)),
            ])
            .into();
        }
        whole.serialize(serializer)
    }
}

/// A name, or `{"name":…,"optional":…}`.
impl<'de> Deserialize<'de> for Target {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let malformed = || {
            D::Error::custom("destinations: neither a name nor an object with name and optional")
        };
        let (name, optional) = match Value::deserialize(deserializer)? {
            Value::Object(mut whole) => {
                let (name, optional) = (whole.remove("name"), whole.remove("optional"));
                if !whole.is_empty() {
                    return Err(malformed());
                }
                (name, optional)
            }
            name => (Some(name), None),
        };
        match (name, optional.unwrap_or_default()) {
            (Some(Value::String(name)), Value::Null) => Ok(Self { name, optional: false }),
            (Some(Value::String(name)), Value::Bool(optional)) => Ok(Self { name, optional }),
            _ => Err(malformed()),
        }
    }
}

/// How it is found out who sent an event, with the secrets.
#[derive(Clone, PartialEq)]
pub struct Verify {
    pub settings: Settings,
    pub secrets: Vec<StoredSecret>,
}

/// Which requests are looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allow {
    /// Networks of clients, such as `203.0.113.0/24`; all, if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// The header in which the proxies name the client, in place of the address that the
    /// host knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_header: Option<String>,
    #[serde(default = "post", skip_serializing_if = "is_post")]
    pub methods: Vec<String>,
    /// All, if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub content_types: Vec<String>,
    #[serde(default = "max_bytes", skip_serializing_if = "is_max_bytes")]
    pub max_bytes: usize,
    /// Events in a second, counted in each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
}

impl Default for Allow {
    fn default() -> Self {
        Self {
            addresses: Vec::new(),
            address_header: None,
            methods: post(),
            content_types: Vec::new(),
            max_bytes: MAX_BYTES,
            rate: None,
        }
    }
}

/// How repeats are known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dedupe {
    /// Where the event's id is; without it the provider's own place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ValueOf>,
    /// For how many seconds an id is remembered.
    #[serde(default = "window", skip_serializing_if = "is_window")]
    pub window: u64,
}

/// A value of an event: exactly one of these.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueOf {
    Header(String),
    /// A JSON pointer (RFC 6901) into the body.
    Field(String),
    Jq(String),
}

/// What events have to look like.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validate {
    /// A JSON Schema, or `{"registry": subject}`.
    pub schema: Value,
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_failure: Otherwise,
    /// Whether the value gets the five bytes that Confluent's deserializers read the
    /// schema's id from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub frame: bool,
}

/// What is done with an event that a stage cannot take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// 422.
    #[default]
    Refuse,
    /// It is written as it came.
    Pass,
    /// It is answered 200 and written nowhere.
    Skip,
    /// It is written to this topic.
    DeadLetter(String),
}

/// What is made of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Events for which this is false or null are written nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Each value that this gives is a record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ValueOf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<TopicChoice>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub headers: HeaderChoice,
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_error: Otherwise,
}

/// A topic that depends on the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicChoice {
    pub jq: String,
    /// Topics' names, or beginnings of names and a `*`.
    pub allowed: Vec<String>,
}

/// Which headers a record has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeaderChoice {
    /// The request's headers that are kept; without a list, all that no part of HTTP
    /// and no proxy has added, and that show nothing secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    pub add: SortedMap<String, String>,
}

/// How events are written as CloudEvents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudEvents {
    pub mode: ContentMode,
    /// The type of an event that does not come as a CloudEvent.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub event_type: Option<TextOf>,
    /// Its source; without it, the path of this source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<TextOf>,
    /// Whether the attribute `partitionkey` becomes the record's key.
    #[serde(default, skip_serializing_if = "is_default")]
    pub partition_key: bool,
}

/// The content mode of a CloudEvent in Kafka (Kafka Protocol Binding 1.0.2, section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentMode {
    Binary,
    Structured,
}

/// A text, or a value of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TextOf {
    Fixed(String),
    Value(ValueOf),
}

impl<'de> Deserialize<'de> for TextOf {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Fixed(text)),
            other => kafka_edge_json::from_value(&other).map(Self::Value).map_err(D::Error::custom),
        }
    }
}

/// What the sender is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    #[serde(default, skip_serializing_if = "is_default")]
    pub ack: Ack,
    /// The status for an event that was taken, in place of 200 or 202.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The body, in place of the report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// When the sender is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ack {
    /// After Kafka has the record.
    #[default]
    Kafka,
    /// At once: the event can be lost.
    None,
}

impl Serialize for Verify {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let settings = serde_json::to_vec(&self.settings).map_err(S::Error::custom)?;
        let mut whole: Map<String, Value> =
            kafka_edge_json::from_slice(&settings).map_err(S::Error::custom)?;
        if !self.secrets.is_empty() {
            let secrets = self.secrets.iter().map(|secret| Value::String(secret.to_text()));
            whole.insert("secrets".into(), secrets.collect());
        }
        whole.serialize(serializer)
    }
}

/// The secrets are taken out before the settings are read: those refuse unknown
/// fields, which is not to be had beside a flattened struct.
impl<'de> Deserialize<'de> for Verify {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut whole = Map::<String, Value>::deserialize(deserializer)?;
        let secrets =
            whole.remove("secrets").map(|given| kafka_edge_json::from_value(&given)).transpose();
        let secrets = secrets.map_err(|_| D::Error::custom("secrets is not a list of texts"))?;
        let settings = kafka_edge_json::from_value(&whole.into()).map_err(D::Error::custom)?;
        Ok(Self { settings, secrets: secrets.unwrap_or_default() })
    }
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("settings", &self.settings).finish_non_exhaustive()
    }
}

fn yes() -> bool {
    true
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_yes(value: &bool) -> bool {
    *value
}

fn gone() -> u16 {
    410
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_gone(status: &u16) -> bool {
    *status == gone()
}

fn post() -> Vec<String> {
    vec!["POST".into()]
}

fn is_post(methods: &[String]) -> bool {
    methods == ["POST"]
}

fn max_bytes() -> usize {
    MAX_BYTES
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_max_bytes(bytes: &usize) -> bool {
    *bytes == MAX_BYTES
}

fn window() -> u64 {
    WINDOW
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_window(seconds: &u64) -> bool {
    *seconds == WINDOW
}
