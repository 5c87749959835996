//! An action as it is configured.

use kafka_edge_bounded_json::{Budget, Limits, Object, Value, parse};
use kafka_edge_templates::Payload;

use super::list::MAX_ACTION_BYTES;
use crate::access::Name;
use crate::error::{Error, ErrorKind, Result};
use crate::names;

/// What stands for the organisation in the name of a topic.
const ORG: &str = "{orgId}";
/// The topic of an action that names none.
const TOPIC: &str = "{orgId}.runs";

/// The maximum number of records of a run.
pub const MAX_RECORDS: usize = 100;
const MAX_TITLE_CHARS: usize = 200;

/// What reading and changing an action may cost.
const LIMITS: Limits = Limits { steps: 200_000, bytes: 2 << 20, depth: 192 };

#[derive(Debug)]
pub(super) struct Action {
    pub(super) identifier: Name,
    pub(super) title: Option<String>,
    org_id: Option<String>,
    topic: String,
    pub(super) payload: Payload,
    /// Whether each element of the payload is a record of its own.
    pub(super) is_list: bool,
    /// As callers see it.
    pub(super) settings: String,
}

impl Action {
    /// Reads an action. One that is put under an identifier may leave it out.
    pub(super) fn read(json: &[u8], identifier: Option<&str>) -> Result<Self> {
        let mut budget = Budget::new(LIMITS);
        Self::of(read(json, &mut budget)?, identifier, &mut budget)
    }

    /// The same with the changes of a JSON Merge Patch (RFC 7396).
    pub(super) fn patched(settings: &str, patch: &[u8], identifier: &str) -> Result<Self> {
        let mut budget = Budget::new(LIMITS);
        let before = read(settings.as_bytes(), &mut budget)?;
        let patch = read(patch, &mut budget)?;
        Self::of(merged(Some(&before), &patch), Some(identifier), &mut budget)
    }

    fn of(settings: Value, identifier: Option<&str>, budget: &mut Budget) -> Result<Self> {
        let Value::Object(given) = &settings else {
            return Err(invalid("body", "An action is a JSON object"));
        };
        only(given, "", &["identifier", "title", "org_id", "config", "created"])?;
        let named = text(given, "", "identifier")?;
        if let (Some(named), Some(expected)) = (&named, identifier)
            && named != expected
        {
            return Err(invalid("identifier", "The identifier is not that in the path"));
        }
        let name = named.or_else(|| identifier.map(str::to_owned));
        let name = name.ok_or_else(|| invalid("identifier", "An identifier is needed"))?;
        let identifier = Name::parse(&name)
            .map_err(|flaw| invalid("identifier", &format!("The identifier {}", flaw.problem)))?;
        let title = text(given, "", "title")?;
        if title.as_ref().is_some_and(|title| title.chars().count() > MAX_TITLE_CHARS) {
            let sentence = format!("The title is longer than {MAX_TITLE_CHARS} characters");
            return Err(invalid("title", &sentence));
        }
        let org_id = text(given, "", "org_id")?;
        if org_id.as_deref().is_some_and(|org_id| names::check_topic(org_id).is_err()) {
            let sentence = "Not letters, digits, dots, underscores and hyphens alone";
            return Err(invalid("org_id", sentence));
        }
        let Some(Value::Object(config)) = given.get("config") else {
            return Err(invalid("config", "A config is needed, an object"));
        };
        only(config, "config.", &["type", "payload", "topic"])?;
        if text(config, "config.", "type")?.as_deref() != Some("KAFKA") {
            return Err(invalid("config.type", "The type is \"KAFKA\", there is no other one"));
        }
        let topic = text(config, "config.", "topic")?.unwrap_or_else(|| TOPIC.into());
        if names::check_topic(&topic.replace(ORG, "o")).is_err() {
            let sentence = "Not the name of a topic, with or without {orgId} in it";
            return Err(invalid("config.topic", sentence));
        }
        let payload = config.get("payload").unwrap_or(&Value::Null);
        let is_list = match payload {
            Value::Object(_) => false,
            Value::Array(items) if (1..=MAX_RECORDS).contains(&items.len()) => true,
            Value::Array(_) => {
                let sentence = format!("A list has 1 to {MAX_RECORDS} elements");
                return Err(invalid("config.payload", &sentence));
            }
            _ => return Err(invalid("config.payload", "A payload is an object or a list")),
        };
        let compiled = Payload::compile(payload).map_err(|refused| {
            invalid(&format!("config.payload{}", refused.at), &sentence(&refused.problem))
        })?;
        let mut settings = Object::new();
        settings.insert("identifier".into(), identifier.as_str().into());
        for (name, value) in given.iter().filter(|(name, _)| &***name != "created") {
            settings.insert(name.clone(), value.clone());
        }
        let settings = Value::from(settings).to_vec(budget).map_err(|error| too_large(&error))?;
        if settings.len() > MAX_ACTION_BYTES {
            let sentence = format!("The action is larger than {MAX_ACTION_BYTES} bytes");
            return Err(invalid("body", &sentence));
        }
        let settings = String::from_utf8(settings).unwrap_or_default();
        Ok(Self { identifier, title, org_id, topic, payload: compiled, is_list, settings })
    }

    /// The organisation, and the topic in its name.
    pub(super) fn topic(&self, org_id: Option<&str>) -> Result<(Option<String>, String)> {
        let org_id = self.org_id.as_deref().or(org_id);
        let topic = match org_id {
            Some(org_id) => self.topic.replace(ORG, org_id),
            None if self.topic.contains(ORG) => {
                let sentence = "The topic has {orgId} in it, and neither the action nor the \
                                variable org_id says what that is";
                return Err(ErrorKind::Unprocessable {
                    field: "org_id".into(),
                    sentence: sentence.into(),
                }
                .into());
            }
            None => self.topic.clone(),
        };
        if names::check_topic(&topic).is_err() {
            let sentence = "The topic's name is too long with this organisation in it";
            return Err(ErrorKind::Unprocessable {
                field: "org_id".into(),
                sentence: sentence.into(),
            }
            .into());
        }
        Ok((org_id.map(str::to_owned), topic))
    }
}

fn read(json: &[u8], budget: &mut Budget) -> Result<Value> {
    parse(json, budget).map_err(|error| invalid("body", &format!("Not an action: {error}")))
}

fn only(object: &Object, within: &str, known: &[&str]) -> Result<()> {
    match object.keys().find(|name| !known.contains(&&***name)) {
        Some(name) => Err(Error::no_such_field(within, name)),
        None => Ok(()),
    }
}

/// A field that is a text, if it is there. `null` is as if it were not.
fn text(object: &Object, within: &str, name: &str) -> Result<Option<String>> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.to_string())),
        Some(_) => Err(invalid(&format!("{within}{name}"), "Not a text")),
    }
}

fn too_large(error: &dyn std::fmt::Display) -> Error {
    invalid("body", &sentence(error))
}

/// A message as a sentence of its own.
pub(super) fn sentence(message: &dyn std::fmt::Display) -> String {
    let message = message.to_string();
    let mut chars = message.chars();
    match chars.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + chars.as_str(),
        None => message,
    }
}

pub(super) fn invalid(field: &str, sentence: &str) -> Error {
    ErrorKind::InvalidField { field: field.into(), sentence: sentence.into() }.into()
}

/// JSON Merge Patch (RFC 7396), on values that keep their numbers and the order of their
/// members.
fn merged(target: Option<&Value>, patch: &Value) -> Value {
    let Value::Object(changes) = patch else { return patch.clone() };
    let mut made = match target {
        Some(Value::Object(target)) => (**target).clone(),
        _ => Object::new(),
    };
    for (name, change) in changes.iter() {
        match change {
            Value::Null => {
                made.remove(name);
            }
            change => {
                let value = merged(made.get(name), change);
                made.insert(name.clone(), value);
            }
        }
    }
    made.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> Value {
        parse(text.as_bytes(), &mut Budget::default()).unwrap()
    }

    /// Rows of the table of RFC 7396, appendix A.
    #[test]
    fn the_examples_of_the_specification_hold() {
        for (target, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
            (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
            ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let made = merged(Some(&json(target)), &json(patch));
            let made = String::from_utf8(made.to_vec(&mut Budget::default()).unwrap()).unwrap();
            assert_eq!(made, result, "{target} {patch}");
        }
    }

    fn refused(settings: &str) -> (String, String) {
        match Action::read(settings.as_bytes(), None).map_err(Error::into_kind) {
            Err(ErrorKind::InvalidField { field, sentence }) => (field, sentence),
            other => panic!("{settings}: {other:?}"),
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (settings, field) in [
            ("{", "body"),
            ("[]", "body"),
            ("{}", "identifier"),
            (r#"{"identifier":"a b"}"#, "identifier"),
            (r#"{"identifier":7}"#, "identifier"),
            (r#"{"identifier":"a"}"#, "config"),
            (r#"{"identifier":"a","config":{},"more":1}"#, "more"),
            (r#"{"identifier":"a","config":{"payload":{}}}"#, "config.type"),
            (r#"{"identifier":"a","config":{"type":"WEBHOOK","payload":{}}}"#, "config.type"),
            (r#"{"identifier":"a","config":{"type":"KAFKA"}}"#, "config.payload"),
            (r#"{"identifier":"a","config":{"type":"KAFKA","payload":"x"}}"#, "config.payload"),
            (r#"{"identifier":"a","config":{"type":"KAFKA","payload":[]}}"#, "config.payload"),
            (
                r#"{"identifier":"a","config":{"type":"KAFKA","payload":{},"url":"x"}}"#,
                "config.url",
            ),
            (
                r#"{"identifier":"a","config":{"type":"KAFKA","payload":{},"topic":"{org}"}}"#,
                "config.topic",
            ),
            (
                r#"{"identifier":"a","config":{"type":"KAFKA","payload":{"a":["{{ env }}"]}}}"#,
                "config.payload/a/0",
            ),
            (r#"{"identifier":"a","org_id":"a/b","config":{}}"#, "org_id"),
            (r#"{"identifier":"a","title":["x"],"config":{}}"#, "title"),
        ] {
            assert_eq!(refused(settings).0, field, "{settings}");
        }
        let in_payload =
            r#"{"identifier":"a","config":{"type":"KAFKA","payload":{"a":"{{ env }}"}}}"#;
        assert_eq!(refused(in_payload).1, "`env` is not in the subset");
    }

    #[test]
    fn settings_keep_their_numbers_and_their_order() {
        let fragment =
            r#"{"config":{"type":"KAFKA","payload":{"z":1.50,"a":12345678901234567890}}}"#;
        let action = Action::read(fragment.as_bytes(), Some("a")).unwrap();
        let expected = format!(r#"{{"identifier":"a",{}"#, &fragment[1..]);
        assert_eq!(action.settings, expected);
        let patch = br#"{"title":"T","config":{"payload":{"z":null,"b":{}}}}"#;
        let action = Action::patched(&action.settings, patch, "a").unwrap();
        let expected = r#"{"identifier":"a","config":{"type":"KAFKA","payload":{"a":12345678901234567890,"b":{}}},"title":"T"}"#;
        assert_eq!(action.settings, expected);
    }

    #[test]
    fn the_organisation_is_the_actions_own_or_the_gateways() {
        let action = |org: &str, topic: &str| {
            let text = format!(
                r#"{{"identifier":"a",{org}"config":{{"type":"KAFKA","payload":{{}}{topic}}}}}"#
            );
            Action::read(text.as_bytes(), None).unwrap()
        };
        let own = action(r#""org_id":"acme","#, "");
        assert_eq!(own.topic(Some("other")).unwrap().1, "acme.runs");
        let none = action("", "");
        assert_eq!(none.topic(Some("other")).unwrap().1, "other.runs");
        let missing = none.topic(None).unwrap_err();
        assert!(
            matches!(*missing, ErrorKind::Unprocessable { ref field, .. } if field == "org_id")
        );
        assert_eq!(action("", r#","topic":"plain""#).topic(None).unwrap().1, "plain");
        let long = "o".repeat(248);
        assert!(none.topic(Some(&long)).is_err(), "the topic's name would be too long");
    }
}
