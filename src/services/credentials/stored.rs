//! The document of the credentials that were created at run time.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::{CredentialError, MAX_STORED};
use crate::access::Credential;
use crate::host::Millis;
use crate::state::stored::stored;

/// An entry: as in the variable `credentials`, but with a hash in place of the
/// secret, and with the time of its creation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stored {
    #[serde(flatten)]
    credential: Rc<Credential>,
    created: Millis,
}

impl Stored {
    pub(super) fn new(credential: Credential, created: Millis) -> Self {
        Self { credential: Rc::new(credential), created }
    }

    pub(super) fn credential(&self) -> &Credential {
        &self.credential
    }

    pub(super) fn created(&self) -> Millis {
        self.created
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(super) struct CredentialList(Vec<Stored>);

stored!(CredentialList, "the list of credentials");

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
            None if self.0.len() >= MAX_STORED => Err(CredentialError::TooMany),
            None => {
                self.0.push(new.clone());
                Ok(())
            }
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
        assert_eq!(
            json,
            r#"[{"name":"a","secret":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad","allow":["produce"],"topics":["*"],"created":7}]"#
        );
        assert_eq!(serde_json::from_str::<CredentialList>(&json).unwrap(), list);
    }
}
