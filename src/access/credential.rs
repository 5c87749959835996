//! A credential: its name, its secret, and what it allows.

use std::fmt;
use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::permission::{Permission, Permissions};
use super::secret::SecretHash;
use super::topics::TopicPatterns;
use crate::host::Millis;

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
    pub(crate) fn new(field: &'static str, problem: &'static str) -> Self {
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

/// The JSON form is that of an entry in the [document](super::document), with
/// hashes in place of the secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    name: Name,
    secret: SecretHash,
    /// The secret before the last rotation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_secret: Option<SecretHash>,
    /// Until when the previous secret is accepted; without it, for as long as it is
    /// there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous_secret_expires: Option<Millis>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires: Option<Millis>,
    /// How many calls in a second its caller may make.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<NonZeroU32>,
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
        Ok(Self {
            name,
            secret,
            previous_secret: None,
            previous_secret_expires: None,
            expires: None,
            rate: None,
            allow,
            topics,
        })
    }

    /// The credential with the time at which it ends.
    #[must_use]
    pub fn expiring(self, expires: Option<Millis>) -> Self {
        Self { expires, ..self }
    }

    /// The credential with a number of calls in a second.
    #[must_use]
    pub fn limited(self, rate: Option<NonZeroU32>) -> Self {
        Self { rate, ..self }
    }

    /// The credential with a secret that is accepted beside the current one.
    #[must_use]
    pub fn with_previous(self, secret: SecretHash, expires: Option<Millis>) -> Self {
        Self { previous_secret: Some(secret), previous_secret_expires: expires, ..self }
    }

    /// The credential with a new secret. The current one becomes the previous one,
    /// and the one before that ends.
    #[must_use]
    pub fn rotated(self, secret: SecretHash, previous_expires: Millis) -> Self {
        let former = self.secret.clone();
        Self { secret, ..self.with_previous(former, Some(previous_expires)) }
    }

    /// The credential with everything that another one allows.
    #[must_use]
    #[cfg(feature = "configuration")]
    pub(crate) fn allowing_as(self, other: &Self) -> Self {
        let (allow, topics) = (other.allow.clone(), other.topics.clone());
        Self { allow, topics, expires: other.expires, rate: other.rate, ..self }
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

    pub fn expires(&self) -> Option<Millis> {
        self.expires
    }

    pub fn rate(&self) -> Option<NonZeroU32> {
        self.rate
    }

    pub fn is_expired(&self, now: Millis) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }

    /// Whether the previous secret is still accepted.
    pub fn has_previous(&self, now: Millis) -> bool {
        let until = self.previous_secret_expires;
        self.previous_secret.is_some() && until.is_none_or(|until| now < until)
    }

    /// When the previous secret ends.
    pub fn previous_expires(&self, now: Millis) -> Option<Millis> {
        self.previous_secret_expires.filter(|_| self.has_previous(now))
    }

    pub fn secret(&self) -> &SecretHash {
        &self.secret
    }

    /// The previous secret, even if it is no longer accepted.
    pub(super) fn previous(&self) -> Option<&SecretHash> {
        self.previous_secret.as_ref()
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

        let rotated = credential.expiring(Some(9)).rotated(SecretHash::of("new"), 7);
        let json = serde_json::to_string(&rotated).unwrap();
        assert_eq!(serde_json::from_str::<Credential>(&json).unwrap(), rotated);
        for (part, count) in [("sha256:", 2), (r#""expires":9"#, 1), (r#"_expires":7"#, 1)] {
            assert_eq!(json.matches(part).count(), count, "{json}");
        }

        let credential = rotated;
        let hash = json.split('"').find(|part| part.starts_with("sha256:")).unwrap();
        let debug = format!("{credential:?}");
        assert!(debug.contains("\"a\"") && !debug.contains(&hash[7..]), "{debug}");
        assert_eq!(debug.matches("SecretHash(…)").count(), 2, "{debug}");
    }

    #[test]
    fn times_end_what_they_are_for() {
        let credential = Credential::new(
            Name::parse("a").unwrap(),
            SecretHash::of("one"),
            Permissions::parse(&["admin"]).unwrap(),
            TopicPatterns::default(),
        )
        .unwrap();
        assert!(!credential.is_expired(i64::MAX) && !credential.has_previous(0));
        let ending = credential.clone().expiring(Some(10));
        assert!(!ending.is_expired(9) && ending.is_expired(10));
        assert_eq!(ending.clone().expiring(None), credential);

        let two = credential.clone().rotated(SecretHash::of("two"), 10);
        assert!(two.has_previous(9) && !two.has_previous(10));
        assert_eq!((two.previous_expires(9), two.previous_expires(10)), (Some(10), None));
        let three = two.rotated(SecretHash::of("three"), 20);
        assert_eq!(three.secret(), &SecretHash::of("three"));
        assert_eq!(three.previous(), Some(&SecretHash::of("two")), "the oldest is gone");

        let unlimited = credential.with_previous(SecretHash::of("zero"), None);
        assert!(unlimited.has_previous(i64::MAX));
        assert_eq!(unlimited.previous_expires(0), None);
    }
}
