//! A credential: its name, its secret, and what it allows.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::permission::{Permission, Permissions};
use super::secret::SecretHash;
use super::topics::TopicPatterns;

pub const MAX_NAME_BYTES: usize = 64;

/// A mistake in a credential. It never quotes the faulty text, which may be a
/// secret in the wrong place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    pub field: &'static str,
    /// The place in the list, if the field is one.
    pub place: Option<usize>,
    pub problem: &'static str,
}

impl Flaw {
    pub(super) fn new(field: &'static str, problem: &'static str) -> Self {
        Self { field, place: None, problem }
    }

    pub(super) fn at(place: usize, field: &'static str, problem: &'static str) -> Self {
        Self { field, place: Some(place), problem }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, place, problem } = self;
        match place {
            Some(place) => write!(f, "{field}[{place}] {problem}"),
            None => write!(f, "{field} {problem}"),
        }
    }
}

impl std::error::Error for Flaw {}

/// The name of a credential, which is also the user name of Basic
/// authentication. It needs no encoding in paths and headers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Name(String);

impl Name {
    pub fn parse(text: &str) -> Result<Self, Flaw> {
        let flaw = |problem: &'static str| Err(Flaw::new("name", problem));
        if text.is_empty() {
            return flaw("is empty");
        }
        if text.len() > MAX_NAME_BYTES {
            return flaw("is longer than 64 characters");
        }
        let lawful = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
        if !text.bytes().all(lawful) {
            return flaw("holds something other than letters, digits, dots, underscores, hyphens");
        }
        // Clients and proxies resolve the segments "." and ".." in a path.
        if !text.starts_with(|first: char| first.is_ascii_alphanumeric()) {
            return flaw("does not begin with a letter or a digit");
        }
        Ok(Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl TryFrom<String> for Name {
    type Error = Flaw;

    fn try_from(text: String) -> Result<Self, Flaw> {
        Self::parse(&text)
    }
}

/// The JSON form is that of an entry in the [document](super::document), with the
/// hash in place of the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    name: Name,
    secret: SecretHash,
    allow: Permissions,
    #[serde(default, skip_serializing_if = "TopicPatterns::is_empty")]
    topics: TopicPatterns,
}

impl Credential {
    pub fn new(
        name: Name,
        secret: SecretHash,
        allow: Permissions,
        topics: TopicPatterns,
    ) -> Result<Self, Flaw> {
        let only_admin = allow.iter().all(|permission| permission == Permission::Admin);
        if topics.is_empty() && !only_admin {
            return Err(Flaw::new("topics", "is empty, so that nothing would be allowed"));
        }
        Ok(Self { name, secret, allow, topics })
    }

    pub fn name(&self) -> &Name {
        &self.name
    }

    pub fn allow(&self) -> &Permissions {
        &self.allow
    }

    pub fn topics(&self) -> &TopicPatterns {
        &self.topics
    }

    pub(super) fn secret(&self) -> &SecretHash {
        &self.secret
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_into_paths_and_headers() {
        for good in ["a", "orders-writer", "Team_1.eu", "9", &"x".repeat(64)] {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", "-a", "a b", "a:b", "a/b", "a%41", "grün", &"x".repeat(65)] {
            assert_eq!(Name::parse(bad).unwrap_err().field, "name", "{bad}");
        }
    }

    #[test]
    fn only_an_administrator_needs_no_topics() {
        let make = |allow: &[&str]| {
            let allow = Permissions::parse(allow).unwrap();
            Credential::new(
                Name::parse("a").unwrap(),
                SecretHash::of("secret"),
                allow,
                TopicPatterns::default(),
            )
        };
        assert!(make(&["admin"]).is_ok());
        assert_eq!(make(&["produce"]).unwrap_err().field, "topics");
        assert_eq!(make(&["admin", "consume"]).unwrap_err().field, "topics");
    }

    #[test]
    fn a_credential_survives_its_way_through_json_and_shows_no_hash() {
        let credential = Credential::new(
            Name::parse("a").unwrap(),
            SecretHash::of("secret"),
            Permissions::parse(&["consume", "produce"]).unwrap(),
            TopicPatterns::parse(&["orders", "logs.*"]).unwrap(),
        )
        .unwrap();
        let json = serde_json::to_string(&credential).unwrap();
        assert!(json.starts_with(r#"{"name":"a","secret":"sha256:"#), "{json}");
        assert!(
            json.ends_with(r#","allow":["produce","consume"],"topics":["orders","logs.*"]}"#),
            "{json}"
        );
        assert_eq!(serde_json::from_str::<Credential>(&json).unwrap(), credential);

        let hash = json.split('"').find(|part| part.starts_with("sha256:")).unwrap();
        let debug = format!("{credential:?}");
        assert!(debug.contains("\"a\"") && !debug.contains(&hash[7..]), "{debug}");
    }
}
