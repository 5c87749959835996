//! A source made ready: its secrets opened, its expressions compiled. Whatever cannot
//! be made ready is refused when the source is registered, with its field.

use std::cell::RefCell;
use std::time::Duration;

use ipnet::IpNet;
use kafka_edge_bounded_json::{Budget, Limits, parse};
use kafka_edge_signatures::{Handshake, Unusable, ValueAt, Verifier};
use serde_json::Value;

use super::admission;
#[cfg(feature = "jwt")]
use super::keys::FetchedKeys;
use super::list::StoredSource;
use super::programs::{Program, Schema};
use super::source::{Otherwise, Source, Target, TextOf, ValueOf};
use crate::access::TopicPatterns;
#[cfg(feature = "jwt")]
use crate::callers_url;
use crate::error::{Error, ErrorKind, Result};
use crate::names;
use crate::rate::Rate;
use crate::secrets::SecretKeys;
use crate::services::seen::Scope;

/// The most that a request to a source may be, whatever the source says.
pub const MAX_EVENT_BYTES: usize = 4 * 1024 * 1024;
const MAX_WINDOW: u64 = 30 * 86_400;
/// The maximum number of destinations of a source.
const MAX_DESTINATIONS: usize = 8;
const MAX_LIST: usize = 64;
const MAX_TEXT: usize = 4_096;
const METHODS: [&str; 2] = ["GET", "POST"];

/// Headers that no list of headers to keep may name: they hold credentials.
const NEVER_KEPT: [&str; 5] =
    ["authorization", "cookie", "proxy-authorization", "x-api-key", "set-cookie"];

/// A source, ready to receive.
pub struct Prepared {
    pub(super) source: Source,
    /// Its memory of ids.
    pub(super) scope: Scope,
    pub(super) verifier: Verifier,
    /// Kept, because finding a provider's row means reading all of them: it took the guest
    /// instructions of four produces.
    pub(super) handshake: Option<Handshake>,
    /// The headers in which senders show a secret; they never become a record's.
    pub(super) secret_headers: Vec<String>,
    /// In plain text, for the handshakes that are made with a secret.
    pub(super) secrets: Vec<String>,
    pub(super) networks: Vec<IpNet>,
    pub(super) rate: Rate,
    pub(super) schema: Option<SchemaOf>,
    pub(super) filter: Option<Program>,
    pub(super) transform: Option<Program>,
    pub(super) topic: Option<(Program, TopicPatterns)>,
    pub(super) key: Option<Place>,
    /// The first place that has an id counts.
    pub(super) ids: Vec<Place>,
    pub(super) event_type: Option<Text>,
    pub(super) subject: Option<Text>,
    #[cfg(feature = "jwt")]
    pub(super) fetched: RefCell<FetchedKeys>,
}

/// Where the schema comes from.
pub(super) enum SchemaOf {
    Given(Schema),
    /// The latest one of this subject.
    Registry {
        subject: String,
        known: RefCell<Option<(Duration, i32, Schema)>>,
    },
}

/// Where a value of an event is.
pub(super) enum Place {
    At(ValueAt),
    Jq(Program),
}

pub(super) enum Text {
    Fixed(String),
    At(Place),
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("source", &self.source.name).finish_non_exhaustive()
    }
}

impl Prepared {
    pub(super) fn new(stored: &StoredSource, keys: &SecretKeys, rules: &Rules) -> Result<Self> {
        let source = &*stored.source;
        let owner = owner(source.name.as_str());
        let secrets = source.verify.secrets.iter().map(|secret| keys.open(&owner, secret));
        let secrets: Vec<String> = secrets.collect::<Result<_, _>>()?;
        let plain: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let verifier = source.verify.settings.verifier(&plain);
        let verifier = verifier.map_err(|unusable| invalid(unusable.field, &unusable.sentence))?;
        Self::with(stored, secrets, verifier, rules)
    }

    /// Checks what can be checked of a source whose secrets are yet to be given.
    pub(super) fn check_without_secrets(stored: &StoredSource, rules: &Rules) -> Result<()> {
        let unusable = |unusable: Unusable| invalid(unusable.field, &unusable.sentence);
        stored.source.verify.settings.schemes().map_err(unusable)?;
        // It believes nobody.
        let verifier = Verifier::new(&[], &[]).map_err(unusable)?;
        Self::with(stored, Vec::new(), verifier, rules).map(drop)
    }

    fn with(
        stored: &StoredSource,
        secrets: Vec<String>,
        verifier: Verifier,
        rules: &Rules,
    ) -> Result<Self> {
        let source = (*stored.source).clone();
        check_plain(&source)?;
        if let Some(url) = &source.url {
            url.parse::<http::Uri>()
                .ok()
                .filter(|uri| uri.scheme().is_some() && uri.authority().is_some())
                .ok_or_else(|| invalid("url", "Not an absolute URL"))?;
        }
        if verifier.covers_url() && source.url.is_none() && !rules.public_url && source.proxies == 0
        {
            let sentence = "The signature covers the address: set url, or the variable public_url";
            return Err(invalid("url", sentence));
        }
        #[cfg(feature = "jwt")]
        if let Some(url) = verifier.jwks_url() {
            callers_url::check(url, rules.allow_private)
                .map_err(|reason| invalid("verify.jwt.jwks", &format!("The URL {reason}")))?;
        }
        let secret_headers = verifier.secret_headers();
        let kept = source.shape.headers.keep.iter().flatten();
        let is_secret =
            |name: &&String| secret_headers.iter().any(|s| s.eq_ignore_ascii_case(name));
        if let Some(name) = kept.clone().find(is_secret) {
            let sentence = format!("The header {name} holds a secret");
            return Err(invalid("shape.headers.keep", &sentence));
        }
        let networks = admission::networks(&source.allow.addresses).map_err(|place| {
            invalid(format!("allow.addresses[{place}]"), "Not an address or a network")
        })?;
        let shape = &source.shape;
        let program = |field: &str, text: &Option<String>| {
            text.as_deref().map(|text| program(field, text)).transpose()
        };
        let (filter, transform) = (
            program("shape.filter", &shape.filter)?,
            program("shape.transform", &shape.transform)?,
        );
        let topic = shape.topic.as_ref().map(|choice| {
            let allowed = TopicPatterns::parse(&choice.allowed)
                .map_err(|flaw| invalid("shape.topic.allowed", &flaw.to_string()))?;
            if allowed.is_empty() {
                return Err(invalid("shape.topic.allowed", "The list is empty"));
            }
            Ok((self::program("shape.topic.jq", &choice.jq)?, allowed))
        });
        let events = source.cloud_events.as_ref();
        let text = |field: &str, text: Option<&TextOf>| {
            let read = |text: &TextOf| match text {
                TextOf::Fixed(text) => Ok(Text::Fixed(text.clone())),
                TextOf::Value(value) => place(field, value).map(Text::At),
            };
            text.map(read).transpose()
        };
        let event_type =
            text("cloud_events.type", events.and_then(|events| events.event_type.as_ref()))?;
        let subject =
            text("cloud_events.subject", events.and_then(|events| events.subject.as_ref()))?;
        let ids = match source.dedupe.as_ref().map(|dedupe| &dedupe.id) {
            None => Vec::new(),
            Some(Some(id)) => vec![place("dedupe.id", id)?],
            Some(None) => {
                let places = source.verify.settings.id_places();
                if places.is_empty() && events.is_none() {
                    let sentence = "It is not known where this sender writes an event's id";
                    return Err(invalid("dedupe.id", sentence));
                }
                places.into_iter().map(Place::At).collect()
            }
        };
        let key = shape.key.as_ref().map(|key| place("shape.key", key)).transpose()?;
        let (topic, schema) = (topic.transpose()?, schema_of(&source, rules)?);
        Ok(Self {
            scope: Scope::source(&stored.memory_name())?,
            verifier,
            handshake: source.verify.settings.handshake(),
            secret_headers,
            secrets,
            networks,
            rate: Rate::default(),
            schema,
            filter,
            transform,
            topic,
            key,
            ids,
            event_type,
            subject,
            #[cfg(feature = "jwt")]
            fetched: RefCell::default(),
            source,
        })
    }

    pub fn source(&self) -> &Source {
        &self.source
    }
}

/// What a source may be beyond its own settings.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rules {
    #[cfg(feature = "jwt")]
    pub(super) allow_private: bool,
    /// The gateway's own address is configured.
    pub(super) public_url: bool,
    pub(super) schema_registry: bool,
    /// Tasks go on after the answer.
    pub(super) after_answer: bool,
    /// The host knows the address of a client.
    pub(super) client_address: bool,
}

/// To whom a sealed secret belongs.
pub(super) fn owner(name: &str) -> String {
    format!("source/{name}")
}

pub(super) fn invalid(field: impl Into<String>, sentence: &str) -> Error {
    ErrorKind::InvalidField { field: field.into(), sentence: sentence.to_owned() }.into()
}

fn program(field: &str, text: &str) -> Result<Program> {
    Program::parse(text).map_err(|sentence| invalid(field, &sentence))
}

fn place(field: &str, value: &ValueOf) -> Result<Place> {
    Ok(match value {
        ValueOf::Header(name) if !name.is_empty() => {
            Place::At(ValueAt { header: Some(name.clone()), ..ValueAt::default() })
        }
        ValueOf::Field(pointer) if pointer.starts_with('/') => {
            Place::At(ValueAt { field: Some(pointer.clone()), ..ValueAt::default() })
        }
        ValueOf::Jq(text) => Place::Jq(program(&format!("{field}.jq"), text)?),
        ValueOf::Header(_) => return Err(invalid(field, "The header has no name")),
        ValueOf::Field(_) => return Err(invalid(field, "Not a JSON pointer, such as /data/id")),
    })
}

fn schema_of(source: &Source, rules: &Rules) -> Result<Option<SchemaOf>> {
    const FIELD: &str = "validate.schema";
    let Some(validate) = &source.validate else { return Ok(None) };
    if validate.frame && source.shape.transform.is_some() {
        let sentence = "The schema checks the event as it came, so its id cannot stand before what \
                        a transform makes of it";
        return Err(invalid("validate.frame", sentence));
    }
    let of_registry = validate.schema.as_object().filter(|members| members.len() == 1);
    if let Some(Value::String(registry)) = of_registry.and_then(|members| members.get("registry")) {
        if !rules.schema_registry {
            let sentence = "There is no schema registry here: schema_registry_url is not set";
            return Err(invalid(FIELD, sentence));
        }
        let known = RefCell::default();
        return Ok(Some(SchemaOf::Registry { subject: registry.clone(), known }));
    }
    if validate.frame {
        let sentence = "Only a schema of the registry has an id to put before the value";
        return Err(invalid("validate.frame", sentence));
    }
    let mut budget = Budget::new(Limits::default());
    let text = serde_json::to_vec(&validate.schema).unwrap_or_default();
    let document = parse(&text, &mut budget).map_err(|error| invalid(FIELD, &error.to_string()))?;
    let schema = Schema::compile(&document).map_err(|sentence| invalid(FIELD, &sentence))?;
    Ok(Some(SchemaOf::Given(schema)))
}

/// Checks what needs nothing else.
fn check_plain(source: &Source) -> Result<()> {
    let Source { allow, answer, shape, dedupe, validate, .. } = source;
    let dead = |field: &str, otherwise: &Otherwise| match otherwise {
        Otherwise::DeadLetter(topic) => check_topic(field, topic),
        _ => Ok(()),
    };
    match &source.topic {
        Some(topic) => check_topic("topic", topic)?,
        None if shape.topic.is_none() && source.writes_to_gateway() => {
            return Err(invalid("topic", "The topic is missing"));
        }
        None => {}
    }
    check_targets(&source.destinations)?;
    dead("shape.on_error", &shape.on_error)?;
    if let Some(validate) = validate {
        dead("validate.on_failure", &validate.on_failure)?;
    }
    if allow.methods.is_empty() || allow.methods.iter().any(|m| !METHODS.contains(&&**m)) {
        let sentence = "Not a list of GET and POST";
        return Err(invalid("allow.methods", sentence));
    }
    if allow.max_bytes == 0 || allow.max_bytes > MAX_EVENT_BYTES {
        let sentence = format!("Not a whole number from 1 to {MAX_EVENT_BYTES}");
        return Err(invalid("allow.max_bytes", &sentence));
    }
    // Parameters of a request's type are left out before it is compared.
    let is_type = |kind: &String| kind.contains('/') && !kind.contains([';', ' ', ',']);
    if let Some(place) = allow.content_types.iter().position(|kind| !is_type(kind)) {
        let sentence = "Not a content type without parameters, such as application/json";
        return Err(invalid(format!("allow.content_types[{place}]"), sentence));
    }
    if allow.rate == Some(0) {
        return Err(invalid("allow.rate", "Not a number of events in a second, from 1 on"));
    }
    if allow.address_header.is_some() && source.proxies == 0 {
        let sentence = "A header says who the client is only behind proxies: set their number";
        return Err(invalid("proxies", sentence));
    }
    let lists = [
        ("allow.addresses", allow.addresses.len()),
        ("allow.content_types", allow.content_types.len()),
        ("shape.headers.keep", shape.headers.keep.as_ref().map_or(0, Vec::len)),
        ("shape.headers.add", shape.headers.add.len()),
    ];
    if let Some((field, _)) = lists.into_iter().find(|(_, length)| *length > MAX_LIST) {
        return Err(invalid(field, &format!("More than {MAX_LIST} entries")));
    }
    let kept = shape.headers.keep.iter().flatten();
    if let Some(name) =
        kept.into_iter().find(|name| NEVER_KEPT.contains(&&*name.to_ascii_lowercase()))
    {
        let sentence = format!("The header {name} holds a credential");
        return Err(invalid("shape.headers.keep", &sentence));
    }
    if dedupe.as_ref().is_some_and(|dedupe| dedupe.window == 0 || dedupe.window > MAX_WINDOW) {
        let sentence = format!("Not a number of seconds from 1 to {MAX_WINDOW}");
        return Err(invalid("dedupe.window", &sentence));
    }
    if answer.status.is_some_and(|status| !(200..300).contains(&status)) {
        return Err(invalid("answer.status", "Not a status from 200 to 299"));
    }
    if answer.body.as_ref().is_some_and(|body| body.len() > MAX_TEXT) {
        return Err(invalid("answer.body", &format!("Longer than {MAX_TEXT} bytes")));
    }
    let content_type = answer.content_type.as_deref().unwrap_or_default();
    if !content_type.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(invalid("answer.content_type", "Not a content type"));
    }
    if !matches!(source.disabled_status, 410 | 503) {
        return Err(invalid("disabled_status", "Neither 410 nor 503"));
    }
    Ok(())
}

pub(super) fn check_targets(targets: &[Target]) -> Result<()> {
    if cfg!(not(feature = "destinations")) && !targets.is_empty() {
        return Err(invalid("destinations", "This gateway was built without destinations"));
    }
    if targets.len() > MAX_DESTINATIONS {
        let sentence = format!("More than {MAX_DESTINATIONS} destinations");
        return Err(invalid("destinations", &sentence));
    }
    for (place, target) in targets.iter().enumerate() {
        if targets[..place].iter().any(|other| other.name == target.name) {
            return Err(invalid(format!("destinations[{place}]"), "It is named twice"));
        }
        if target.is_gateway() && target.optional {
            let sentence = "The gateway's own Kafka cannot be switched off, nor be optional";
            return Err(invalid(format!("destinations[{place}]"), sentence));
        }
    }
    Ok(())
}

fn check_topic(field: &str, topic: &str) -> Result<()> {
    names::check_topic(topic).map_err(|error| invalid(field, &error.to_string()))
}

/// Checks what depends on the host.
pub(super) fn check_host(source: &Source, rules: &Rules) -> Result<()> {
    if source.answer.ack == super::source::Ack::None && !rules.after_answer {
        let sentence = "This host ends all work with the answer, so nothing would be written";
        return Err(invalid("answer.ack", sentence));
    }
    let needs_host = !source.allow.addresses.is_empty() && source.allow.address_header.is_none();
    if needs_host && !rules.client_address {
        let sentence = "This host does not know the client's address: name a header and the \
                        number of proxies";
        return Err(invalid("allow.addresses", sentence));
    }
    Ok(())
}
