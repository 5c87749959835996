//! The document of the credentials that were created at run time.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{CredentialError, MAX_STORED};
use crate::access::Credential;
use crate::calendar::Day;
use crate::host::Millis;
use crate::state::stored::{nothing_older, stored};

/// An entry: as in the variable `credentials`, but with hashes in place of the
/// secrets, and with the time of its creation and the day of its last use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(flatten)]
    credential: Rc<Credential>,
    created: Millis,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last_used: Option<Day>,
}

impl Stored {
    pub(super) fn new(credential: Credential, created: Millis) -> Self {
        Self { credential: Rc::new(credential), created, last_used: None }
    }

    pub(super) fn credential(&self) -> &Credential {
        &self.credential
    }

    pub(super) fn created(&self) -> Millis {
        self.created
    }

    pub(super) fn last_used(&self) -> Option<Day> {
        self.last_used
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(super) struct CredentialList(Vec<Stored>);

stored!(CredentialList, "the list of credentials", 2, upgrade);

/// Version 1 had no `expires`, no `previous_secret` and no `last_used`, and all else
/// as it is now. The version is another one because an older gateway would ignore
/// an end that it does not know.
fn upgrade(version: u32, layout: &str) -> serde_json::Result<CredentialList> {
    match version {
        1 => {
            kafka_edge_json::from_str(layout).map(CredentialList).map_err(serde::de::Error::custom)
        }
        other => nothing_older(other, layout),
    }
}

impl CredentialList {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Stored> {
        self.0.iter()
    }

    pub(super) fn credentials(&self) -> impl Iterator<Item = &Rc<Credential>> + Clone {
        self.0.iter().map(|stored| &stored.credential)
    }

    /// Adds a credential, unless it is there already because an earlier try was
    /// stored.
    pub(super) fn add(&mut self, new: &Stored) -> Result<(), CredentialError> {
        match self.0.iter().find(|known| known.credential.name() == new.credential.name()) {
            Some(known) if known == new => Ok(()),
            Some(_) => Err(CredentialError::NameTaken),
            None => {
                self.has_room(0)?;
                self.0.push(new.clone());
                Ok(())
            }
        }
    }

    /// Whether one more fits beside those that are there and `more` others.
    pub(super) fn has_room(&self, more: usize) -> Result<(), CredentialError> {
        match self.0.len() + more < MAX_STORED {
            true => Ok(()),
            false => Err(CredentialError::TooMany),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Stored> {
        self.0.iter().find(|known| known.credential.name().as_str() == name)
    }

    /// Changes a credential, if it is there.
    pub(super) fn update(
        &mut self,
        name: &str,
        change: impl Fn(Credential) -> Credential,
    ) -> Option<&Stored> {
        let known = self.0.iter_mut().find(|known| known.credential.name().as_str() == name)?;
        known.credential = Rc::new(change(Credential::clone(&known.credential)));
        Some(known)
    }

    pub(super) fn last_used(&self, name: &str) -> Option<Day> {
        let known = self.0.iter().find(|known| known.credential.name().as_str() == name);
        known.and_then(Stored::last_used)
    }

    /// Notes that a credential was used, unless a later day is noted already.
    pub(super) fn used(&mut self, name: &str, day: Day) {
        let known = self.0.iter_mut().find(|known| known.credential.name().as_str() == name);
        if let Some(known) = known {
            known.last_used = known.last_used.max(Some(day));
        }
    }

    /// Removes a credential; returns whether it was there.
    pub(super) fn remove(&mut self, name: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|known| known.credential.name().as_str() != name);
        self.0.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Name, Permissions, SecretHash, TopicPatterns};

    fn stored(name: &str, secret: &str) -> Stored {
        let credential = Credential::new(
            Name::parse(name).unwrap(),
            SecretHash::of(secret),
            Permissions::parse(&["produce"]).unwrap(),
            TopicPatterns::parse(&["*"]).unwrap(),
        );
        Stored::new(credential.unwrap(), 7)
    }

    #[test]
    fn a_name_is_there_once() {
        let mut list = CredentialList::default();
        assert_eq!(list.add(&stored("a", "1")), Ok(()));
        assert_eq!(list.add(&stored("a", "1")), Ok(()), "the same one again");
        assert_eq!(list.add(&stored("a", "2")), Err(CredentialError::NameTaken));
        assert_eq!(list.iter().count(), 1);
        assert!(list.remove("a"));
        assert!(!list.remove("a"));
        assert!(list.is_empty());
    }

    #[test]
    fn there_is_an_end_to_it() {
        let mut list = CredentialList::default();
        for n in 0..MAX_STORED {
            assert_eq!(list.add(&stored(&format!("c{n}"), "1")), Ok(()));
        }
        assert_eq!(list.add(&stored("more", "1")), Err(CredentialError::TooMany));
        assert_eq!(list.add(&stored("c7", "1")), Ok(()));
    }

    #[test]
    fn the_document_has_the_form_of_the_variable() {
        let mut list = CredentialList::default();
        list.add(&stored("a", "abc")).unwrap();
        let json = serde_json::to_string(&list).unwrap();
        assert_eq!(json, format!(r#"{{"v":2,"d":{VERSION_1}}}"#));
        assert_eq!(serde_json::from_str::<CredentialList>(&json).unwrap(), list);

        list.update("a", |credential| {
            credential.expiring(Some(90_000_000)).rotated(SecretHash::of("b"), 80_000_000)
        });
        list.used("a", Day::of(86_400_000));
        let json = serde_json::to_string(&list).unwrap();
        for part in [
            r#""previous_secret":"sha256:ba7816bf"#,
            r#""previous_secret_expires":80000000"#,
            r#""expires":90000000"#,
            r#""last_used":1"#,
        ] {
            assert!(json.contains(part), "{json}");
        }
        assert_eq!(serde_json::from_str::<CredentialList>(&json).unwrap(), list);
    }

    /// As a gateway wrote it that knew neither ends nor second secrets.
    const VERSION_1: &str = r#"[{"name":"a","secret":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","allow":["produce"],"topics":["*"],"created":7}]"#;

    #[test]
    fn a_document_of_version_1_is_upgraded() {
        let mut list = CredentialList::default();
        list.add(&stored("a", "abc")).unwrap();
        for text in ["[]", r#"{"v":1,"d":[]}"#] {
            let empty: CredentialList = serde_json::from_str(text).unwrap();
            assert!(empty.is_empty());
        }
        assert_eq!(serde_json::from_str::<CredentialList>(VERSION_1).unwrap(), list);
        let newer = serde_json::from_str::<CredentialList>(r#"{"v":3,"d":[]}"#).unwrap_err();
        assert!(newer.to_string().contains("version 3 of the list of credentials"), "{newer}");
    }

    #[test]
    fn a_day_of_use_never_goes_back() {
        let mut list = CredentialList::default();
        list.add(&stored("a", "abc")).unwrap();
        assert_eq!(list.last_used("a"), None);
        let day = |number: i64| Day::of(number * 86_400_000);
        for (noted, kept) in [(3, 3), (2, 3), (4, 4)] {
            list.used("a", day(noted));
            assert_eq!(list.last_used("a"), Some(day(kept)));
        }
        list.used("nobody", day(9));
        assert_eq!(list.iter().count(), 1);
    }
}
