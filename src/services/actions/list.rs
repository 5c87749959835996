//! The list of all actions: one document that all instances share.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{ErrorKind, Result};
use crate::host::Millis;
use crate::state::stored::stored;

/// The maximum number of actions of a deployment, and the size of one. Together they
/// stay below the smallest value that a store takes (1 MB, `reference/hosts.md`), quotation
/// marks with their backslashes included.
pub const MAX_ACTIONS: usize = 50;
pub const MAX_ACTION_BYTES: usize = 8 * 1024;

/// An action as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StoredAction {
    #[serde(rename = "i")]
    pub(super) identifier: String,
    /// The JSON text that callers see.
    #[serde(rename = "s")]
    pub(super) settings: Rc<str>,
    #[serde(rename = "c")]
    pub(super) created: Millis,
}

impl StoredAction {
    /// The version of its representation, for `ETag`.
    pub(super) fn tag(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.created.to_be_bytes());
        hash.update(&*self.settings);
        crate::random::hex(&hash.finalize()[..8])
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(super) struct ActionList(Vec<StoredAction>);

stored!(ActionList, "the list of actions");

impl ActionList {
    pub(super) fn iter(&self) -> impl Iterator<Item = &StoredAction> {
        self.0.iter()
    }

    pub(super) fn get(&self, identifier: &str) -> Option<&StoredAction> {
        self.0.iter().find(|stored| stored.identifier == identifier)
    }

    /// Puts an action in place of the one with its identifier, or beside the others.
    pub(super) fn put(&mut self, new: &StoredAction) -> Result<()> {
        match self.0.iter().position(|stored| stored.identifier == new.identifier) {
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
        match self.0.len() + more < MAX_ACTIONS {
            true => Ok(()),
            false => {
                Err(ErrorKind::LimitReached(format!("There are {MAX_ACTIONS} actions already"))
                    .into())
            }
        }
    }

    pub(super) fn remove(&mut self, identifier: &str) {
        self.0.retain(|stored| stored.identifier != identifier);
    }
}
