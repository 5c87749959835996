//! The document of credentials, as the variable `credentials` holds it:
//!
//! ```json
//! [{"name":"orders-writer","secret":"…","allow":["produce"],"topics":["orders","logs.*"]}]
//! ```
//!
//! An entry may also have `expires`, a time, `rate`, a number of calls in a second, and
//! for a rotation `previous_secret`,
//! which is accepted as well: until `previous_secret_expires`, or for as long as it
//! is there.
//!
//! It is parsed by hand, because the errors of a derived parser quote the value
//! that they found, which may be a secret.

use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::credential::{Credential, Flaw, Name};
use super::permission::Permissions;
use super::secret::SecretHash;
use super::topics::TopicPatterns;
use crate::calendar;
use crate::host::Millis;

/// The maximum number of credentials in a document. Each call compares its
/// credential with all of them.
pub const MAX_CREDENTIALS: usize = 100;

const FIELDS: [&str; 8] = [
    "name",
    "secret",
    "allow",
    "topics",
    "expires",
    "rate",
    "previous_secret",
    "previous_secret_expires",
];

/// A mistake in a document, and its place. It never quotes a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DocumentError {
    /// The text is not JSON: the place where parsing stopped.
    Syntax {
        line: usize,
        column: usize,
    },
    NotAList,
    TooMany,
    Entry {
        place: usize,
        name: Option<Name>,
        problem: Problem,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    NotAnObject,
    UnknownField,
    Flaw(Flaw),
    SameName { earlier: usize },
    SameSecret { earlier: usize },
}

impl fmt::Display for DocumentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax { line, column } => {
                write!(f, "credentials is not JSON from line {line}, column {column} on")
            }
            Self::NotAList => f.write_str("credentials is not a JSON list"),
            Self::TooMany => {
                write!(f, "credentials has more than {MAX_CREDENTIALS} entries")
            }
            Self::Entry { place, name, problem } => {
                write!(f, "credentials[{place}]")?;
                if let Some(name) = name {
                    write!(f, " ({name})")?;
                }
                match problem {
                    Problem::NotAnObject => f.write_str(": not a JSON object"),
                    Problem::UnknownField => {
                        write!(f, ": has a field other than {}", FIELDS.join(", "))
                    }
                    Problem::Flaw(flaw) => write!(f, ": {flaw}"),
                    Problem::SameName { earlier } => {
                        write!(f, ": name is that of credentials[{earlier}], too")
                    }
                    Problem::SameSecret { earlier } => {
                        write!(f, ": secret is that of credentials[{earlier}], too")
                    }
                }
            }
        }
    }
}

impl std::error::Error for DocumentError {}

/// Reads a document. A single mistake makes the whole document invalid.
pub fn parse(text: &str) -> Result<Vec<Rc<Credential>>, DocumentError> {
    let document: Value = kafka_edge_json::from_str(text)
        .map_err(|error| error.line_and_column())
        .map_err(|(line, column)| DocumentError::Syntax { line, column })?;
    let Value::Array(entries) = document else { return Err(DocumentError::NotAList) };
    if entries.len() > MAX_CREDENTIALS {
        return Err(DocumentError::TooMany);
    }
    let mut known: Vec<Rc<Credential>> = Vec::with_capacity(entries.len());
    for (place, entry) in entries.iter().enumerate() {
        let name = entry.get("name").and_then(Value::as_str);
        let name = name.and_then(|name| Name::parse(name).ok());
        let wrong = |problem| DocumentError::Entry { place, name: name.clone(), problem };
        let credential = read(entry).map_err(wrong)?;
        let same = |is_same: &dyn Fn(&Credential) -> bool| {
            known.iter().position(|earlier| is_same(earlier))
        };
        if let Some(earlier) = same(&|earlier| earlier.name() == credential.name()) {
            return Err(wrong(Problem::SameName { earlier }));
        }
        // A bearer token has to identify one credential.
        let of_both = |earlier: &Credential| {
            secrets(earlier).any(|secret| secrets(&credential).any(|other| other == secret))
        };
        if let Some(earlier) = same(&of_both) {
            return Err(wrong(Problem::SameSecret { earlier }));
        }
        known.push(Rc::new(credential));
    }
    Ok(known)
}

fn secrets(credential: &Credential) -> impl Iterator<Item = &SecretHash> {
    std::iter::once(credential.secret()).chain(credential.previous())
}

fn read(entry: &Value) -> Result<Credential, Problem> {
    let Value::Object(entry) = entry else { return Err(Problem::NotAnObject) };
    if entry.keys().any(|field| !FIELDS.contains(&field.as_str())) {
        return Err(Problem::UnknownField);
    }
    let credential = || {
        let name = Name::parse(text(entry, "name")?)?;
        let secret = SecretHash::parse(text(entry, "secret")?)?;
        let allow = list(entry, "allow")?.ok_or(Flaw::new("allow", "is missing"))?;
        let topics = list(entry, "topics")?.unwrap_or_default();
        let expires = time(entry, "expires")?;
        let previous = previous(entry, &secret)?;
        let (allow, topics) = (Permissions::parse(&allow)?, TopicPatterns::parse(&topics)?);
        let credential = Credential::new(name, secret, allow, topics)?;
        let credential = credential.expiring(expires).limited(rate(entry)?);
        Ok(match previous {
            Some((secret, expires)) => credential.with_previous(secret, expires),
            None => credential,
        })
    };
    credential().map_err(Problem::Flaw)
}

/// Reads an entry that stands alone.
#[cfg(feature = "configuration")]
pub(crate) fn read_entry(entry: &Value) -> Result<Credential, Flaw> {
    read(entry).map_err(|problem| match problem {
        Problem::Flaw(flaw) => flaw,
        _ => Flaw::new("settings", "has a field other than allow, topics, expires and rate"),
    })
}

/// The previous secret, and when it ends.
fn previous(
    entry: &Map<String, Value>,
    secret: &SecretHash,
) -> Result<Option<(SecretHash, Option<Millis>)>, Flaw> {
    const FIELD: &str = "previous_secret";
    let expires = time(entry, "previous_secret_expires")?;
    if !entry.contains_key(FIELD) {
        return match expires {
            Some(_) => Err(Flaw::new("previous_secret_expires", "is there without the secret")),
            None => Ok(None),
        };
    }
    let hash = SecretHash::parse(text(entry, FIELD)?);
    let hash = hash.map_err(|flaw| Flaw { field: FIELD, ..flaw })?;
    if hash == *secret {
        return Err(Flaw::new(FIELD, "is that of secret, too"));
    }
    Ok(Some((hash, expires)))
}

fn time(entry: &Map<String, Value>, field: &'static str) -> Result<Option<Millis>, Flaw> {
    let time = match entry.get(field) {
        None => return Ok(None),
        Some(Value::String(text)) => calendar::parse(text),
        Some(value) => value.as_i64(),
    };
    let problem = "is neither a time in RFC 3339 nor milliseconds since 1970";
    time.map(Some).ok_or(Flaw::new(field, problem))
}

fn rate(entry: &Map<String, Value>) -> Result<Option<NonZeroU32>, Flaw> {
    let Some(value) = entry.get("rate") else { return Ok(None) };
    let rate = value.as_u64().and_then(|rate| NonZeroU32::new(u32::try_from(rate).ok()?));
    rate.map(Some).ok_or(Flaw::new("rate", "is not a number of calls in a second, from 1 on"))
}

fn text<'e>(entry: &'e Map<String, Value>, field: &'static str) -> Result<&'e str, Flaw> {
    match entry.get(field) {
        Some(Value::String(text)) => Ok(text),
        Some(_) => Err(Flaw::new(field, "is not a string")),
        None => Err(Flaw::new(field, "is missing")),
    }
}

fn list<'e>(
    entry: &'e Map<String, Value>,
    field: &'static str,
) -> Result<Option<Vec<&'e str>>, Flaw> {
    let wrong = || Flaw::new(field, "is not a list of strings");
    match entry.get(field) {
        None => Ok(None),
        Some(Value::Array(items)) => {
            let texts = items.iter().map(|item| item.as_str().ok_or_else(wrong));
            texts.collect::<Result<_, _>>().map(Some)
        }
        Some(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::permission::Permission;
    use super::*;

    fn entry(name: &str, secret: &str) -> Value {
        json!({"name": name, "secret": secret, "allow": ["produce"], "topics": ["*"]})
    }

    /// A valid entry with one field replaced.
    fn with(field: &str, value: Value) -> String {
        let mut entry = entry("writer", "hush-hush-hush-hush");
        entry[field] = value;
        json!([entry]).to_string()
    }

    fn sentence(document: &str) -> String {
        let sentence = parse(document).unwrap_err().to_string();
        assert!(!sentence.contains("hush"), "a secret is repeated: {sentence}");
        sentence
    }

    #[test]
    fn a_document_is_read() {
        let known = parse(
            r#"[{"name":"orders-writer","secret":"hush-hush-hush-hush",
                 "allow":["produce","consume","webhooks","admin","metrics"],"topics":["orders","logs.*"]},
                {"name":"root","allow":["admin"],
                 "secret":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]"#,
        )
        .unwrap();
        assert_eq!(known[0].name().as_str(), "orders-writer");
        assert_eq!(known[0].secret(), &SecretHash::of("hush-hush-hush-hush"));
        assert!(Permission::ALL.into_iter().all(|each| known[0].allow().contains(each)));
        assert!(known[0].topics().contains("logs.eu"));
        assert_eq!(known[1].secret(), &SecretHash::of("abc"));
        assert!(known[1].topics().is_empty());
        assert_eq!(parse(" [] "), Ok(vec![]));
    }

    #[test]
    fn what_is_wrong_is_named_by_entry_and_field() {
        for (field, value, said) in [
            ("name", json!("a b"), "credentials[0]: name holds something other"),
            ("name", json!(null), "credentials[0]: name is not a string"),
            ("secret", json!("hush"), "credentials[0] (writer): secret is shorter"),
            ("secret", json!(["hush-hush-hush-hush"]), "credentials[0] (writer): secret is not"),
            ("secret", json!("sha256:hush"), "credentials[0] (writer): secret is not sha256:"),
            ("allow", json!("produce"), "credentials[0] (writer): allow is not a list"),
            ("allow", json!(["produce", "hush"]), "credentials[0] (writer): allow[1] is none"),
            ("allow", json!([]), "credentials[0] (writer): allow is empty"),
            ("topics", json!([1]), "credentials[0] (writer): topics is not a list"),
            ("topics", json!(["hush?"]), "credentials[0] (writer): topics[0] is neither"),
            ("topics", json!([]), "credentials[0] (writer): topics is empty"),
            ("expires", json!("hush"), "credentials[0] (writer): expires is neither a time"),
            ("expires", json!(null), "credentials[0] (writer): expires is neither a time"),
            ("previous_secret", json!("hush"), "credentials[0] (writer): previous_secret is short"),
            (
                "previous_secret",
                json!("hush-hush-hush-hush"),
                "credentials[0] (writer): previous_secret is that of secret, too",
            ),
            (
                "previous_secret_expires",
                json!(1),
                "credentials[0] (writer): previous_secret_expires is there without the secret",
            ),
            ("hush", json!(1), "credentials[0] (writer): has a field other than name, secret"),
        ] {
            let sentence = sentence(&with(field, value));
            assert!(sentence.starts_with(said), "{sentence}");
        }
        for field in ["name", "secret", "allow"] {
            let mut entry = entry("writer", "hush-hush-hush-hush");
            entry.as_object_mut().unwrap().remove(field);
            let sentence = sentence(&json!([entry]).to_string());
            assert!(sentence.ends_with(&format!(": {field} is missing")), "{sentence}");
        }
    }

    #[test]
    fn an_end_and_two_secrets_are_read() {
        let read = |fields: Value| {
            let mut entry = entry("writer", "hush-hush-hush-hush");
            entry.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            parse(&json!([entry]).to_string()).unwrap().remove(0)
        };
        let ending = read(json!({"expires": "1970-01-01T00:00:01Z"}));
        assert_eq!(ending.expires(), Some(1000), "one whose time is over is no mistake");
        assert_eq!(read(json!({"expires": 1000})), ending);
        let two = read(json!({"previous_secret": "hush-hush-hush-old"}));
        assert_eq!(two.previous(), Some(&SecretHash::of("hush-hush-hush-old")));
        assert!(two.has_previous(i64::MAX));
        let two = read(json!({"previous_secret": String::from(SecretHash::of("abc")),
            "previous_secret_expires": "1970-01-01T00:00:01Z"}));
        assert_eq!(two.previous(), Some(&SecretHash::of("abc")));
        assert_eq!(two.previous_expires(0), Some(1000));
    }

    #[test]
    fn what_is_no_document_is_refused() {
        assert_eq!(sentence("[{\"hush\"}]"), "credentials is not JSON from line 1, column 9 on");
        assert_eq!(sentence("{\"name\":\"hush\"}"), "credentials is not a JSON list");
        assert_eq!(sentence("[\"hush\"]"), "credentials[0]: not a JSON object");
        let many: Vec<_> = (0..=MAX_CREDENTIALS)
            .map(|n| entry(&format!("c{n}"), &format!("hush-hush-hush-hush-{n}")))
            .collect();
        assert!(parse(&json!(many[..MAX_CREDENTIALS]).to_string()).is_ok());
        assert_eq!(sentence(&json!(many).to_string()), "credentials has more than 100 entries");
    }

    #[test]
    fn names_and_secrets_are_there_once() {
        let (one, two) = (entry("a", "hush-hush-hush-1"), entry("b", "hush-hush-hush-2"));
        let same_name = json!([one, two, entry("a", "hush-hush-hush-3")]).to_string();
        assert_eq!(sentence(&same_name), "credentials[2] (a): name is that of credentials[0], too");
        let same_secret = json!([one, two, entry("c", "hush-hush-hush-2")]).to_string();
        assert_eq!(
            sentence(&same_secret),
            "credentials[2] (c): secret is that of credentials[1], too"
        );
        let mut other = entry("c", "hush-hush-hush-3");
        other["previous_secret"] = json!("hush-hush-hush-1");
        assert_eq!(
            sentence(&json!([one, other]).to_string()),
            "credentials[1] (c): secret is that of credentials[0], too"
        );
    }
}
