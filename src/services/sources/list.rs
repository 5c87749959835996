//! The list of all sources: one document that all instances share.

use std::rc::Rc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::source::Source;
use crate::error::{Error, Result};
use crate::host::Millis;
use crate::state::stored::stored;

/// The maximum number of sources of a deployment, and the size of one. Together they
/// stay below the smallest value that a store takes (1 MB, `reference/hosts.md`).
pub const MAX_SOURCES: usize = 50;
pub const MAX_SOURCE_BYTES: usize = 16 * 1024;

/// A source as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredSource {
    #[serde(rename = "s", deserialize_with = "read_source")]
    pub source: Rc<Source>,
    #[serde(rename = "c")]
    pub created: Millis,
}

fn read_source<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rc<Source>, D::Error> {
    let json = Value::deserialize(deserializer)?;
    Source::from_value(json).map(Rc::new).map_err(D::Error::custom)
}

impl StoredSource {
    /// Whether it is the same entry, perhaps in another copy of the list.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.source, &other.source) || self == other
    }

    /// The version of its representation, for `ETag`.
    pub fn tag(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        crate::random::hex(&Sha256::digest(text)[..8])
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(super) struct SourceList(Vec<StoredSource>);

stored!(SourceList, "the list of sources");

impl SourceList {
    pub(super) fn iter(&self) -> impl Iterator<Item = &StoredSource> {
        self.0.iter()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut StoredSource> {
        self.0.iter_mut()
    }

    pub(super) fn get(&self, name: &str) -> Result<&StoredSource> {
        let found = self.0.iter().find(|stored| stored.source.name.as_str() == name);
        found.ok_or_else(|| Error::UnknownSource(name.to_owned()))
    }

    /// Puts a source in place of the one with its name, or beside the others.
    pub(super) fn put(&mut self, new: &StoredSource) -> Result<()> {
        let size = serde_json::to_vec(new).map_or(usize::MAX, |text| text.len());
        if size > MAX_SOURCE_BYTES {
            let sentence = format!("The source is larger than {MAX_SOURCE_BYTES} bytes");
            return Err(Error::invalid("body", sentence));
        }
        let same = |stored: &StoredSource| stored.source.name == new.source.name;
        match self.0.iter().position(same) {
            Some(place) => self.0[place] = new.clone(),
            None if self.0.len() >= MAX_SOURCES => {
                return Err(Error::LimitReached(format!(
                    "There are {MAX_SOURCES} sources already"
                )));
            }
            None => self.0.push(new.clone()),
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<()> {
        self.get(name)?;
        self.0.retain(|stored| stored.source.name.as_str() != name);
        Ok(())
    }
}
