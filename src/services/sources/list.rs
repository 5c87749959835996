//! The list of all sources: one document that all instances share.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::source::Source;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Millis;
use crate::state::stored::stored;

/// The maximum number of sources of a deployment, and the size of one. Together they
/// stay below the smallest value that a store takes (1 MB, `reference/hosts.md`).
pub const MAX_SOURCES: usize = 50;
pub const MAX_SOURCE_BYTES: usize = 16 * 1024;

/// A source as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredSource {
    #[serde(rename = "s")]
    pub source: Rc<Source>,
    #[serde(rename = "c")]
    pub created: Millis,
    /// Drawn when the source is made, and kept when it is changed, so that a later one of
    /// the same name knows none of its ids. Sources of earlier gateways have none.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    pub(super) memory: Option<String>,
}

impl StoredSource {
    /// Whether it is the same entry, perhaps in another copy of the list.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.source, &other.source) || self == other
    }

    /// Whether it may be stored.
    pub(super) fn is_small(&self) -> Result<()> {
        let size = serde_json::to_vec(self).map_or(usize::MAX, |text| text.len());
        if size > MAX_SOURCE_BYTES {
            let sentence = format!("The source is larger than {MAX_SOURCE_BYTES} bytes");
            return Err(Error::invalid("body", sentence));
        }
        Ok(())
    }

    /// The name of its memory of ids.
    pub(super) fn memory_name(&self) -> String {
        let name = self.source.name.as_str();
        // No name holds a slash.
        self.memory.as_ref().map_or_else(|| name.to_owned(), |memory| format!("{name}/{memory}"))
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
        found.ok_or_else(|| ErrorKind::UnknownSource(name.to_owned()).into())
    }

    /// Puts a source in place of the one with its name, or beside the others.
    pub(super) fn put(&mut self, new: &StoredSource) -> Result<()> {
        new.is_small()?;
        let same = |stored: &StoredSource| stored.source.name == new.source.name;
        match self.0.iter().position(same) {
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
        match self.0.len() + more < MAX_SOURCES {
            true => Ok(()),
            false => {
                Err(ErrorKind::LimitReached(format!("There are {MAX_SOURCES} sources already"))
                    .into())
            }
        }
    }

    pub(super) fn remove(&mut self, name: &str) -> Result<()> {
        self.get(name)?;
        self.0.retain(|stored| stored.source.name.as_str() != name);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_of_an_earlier_gateway_keeps_its_memory() {
        let stored = r#"{"s":{"name":"s","topic":"t","verify":{"none":{}}},"c":1}"#;
        let source: StoredSource = serde_json::from_str(stored).unwrap();
        assert_eq!(source.memory_name(), "s");
        assert_eq!(serde_json::to_string(&source).unwrap(), stored);
        let source = StoredSource { memory: Some("0a1b".into()), ..source };
        assert_eq!(source.memory_name(), "s/0a1b");
        let text = serde_json::to_string(&source).unwrap();
        assert_eq!(serde_json::from_str::<StoredSource>(&text).unwrap(), source);
    }
}
