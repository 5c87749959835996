//! The list of all destinations: one document that all instances share.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::destination::Destination;
use crate::error::{ErrorKind, Result};
use crate::host::Millis;
use crate::secrets::StoredSecret;
use crate::state::stored::stored;

/// The maximum number of destinations of a deployment. Each is below 4 KiB, so that the
/// list stays below the smallest value that a store takes (1 MB, `reference/hosts.md`).
pub const MAX_DESTINATIONS: usize = 50;

/// A destination as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredDestination {
    #[serde(rename = "i")]
    pub(super) id: Rc<str>,
    #[serde(rename = "n")]
    pub(super) name: Rc<str>,
    /// The JSON text without the secret.
    #[serde(rename = "s")]
    pub(super) settings: Rc<str>,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) secret: Option<StoredSecret>,
    #[serde(rename = "c")]
    pub(super) created: Millis,
}

impl StoredDestination {
    /// The version of its representation, for `ETag`.
    pub(super) fn tag(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.created.to_be_bytes());
        for part in [&*self.id, &*self.settings] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        if let Some(secret) = &self.secret {
            hash.update(secret.to_text());
        }
        crate::random::hex(&hash.finalize()[..8])
    }

    /// Whether a path, or a source, means it.
    pub(super) fn is(&self, reference: &str) -> bool {
        *self.id == *reference || *self.name == *reference
    }

    pub(super) fn read(&self) -> Result<Destination> {
        Destination::stored(&self.settings)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(super) struct DestinationList(Vec<StoredDestination>);

stored!(DestinationList, "the list of destinations");

impl DestinationList {
    pub(super) fn iter(&self) -> impl Iterator<Item = &StoredDestination> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut StoredDestination> {
        self.0.iter_mut()
    }

    /// The one of this id or name.
    pub(super) fn get(&self, reference: &str) -> Option<&StoredDestination> {
        self.0.iter().find(|stored| stored.is(reference))
    }

    /// Puts a destination in place of the one with its id, or beside the others.
    pub(super) fn put(&mut self, new: &StoredDestination) -> Result<()> {
        match self.0.iter().position(|stored| stored.id == new.id) {
            Some(place) => self.0[place] = new.clone(),
            None => {
                self.has_room(0)?;
                self.0.push(new.clone());
            }
        }
        Ok(())
    }

    /// Whether one more fits beside those that are there and `more` others.
    pub(super) fn has_room(&self, more: usize) -> Result<()> {
        match self.0.len() + more < MAX_DESTINATIONS {
            true => Ok(()),
            false => Err(ErrorKind::LimitReached(format!(
                "There are {MAX_DESTINATIONS} destinations already"
            ))
            .into()),
        }
    }

    pub(super) fn remove(&mut self, id: &str) {
        self.0.retain(|stored| *stored.id != *id);
    }
}
