//! The lists of the registry: names in the order in which they came, each with a note.

use serde::{Deserialize, Serialize};

use crate::state::stored::stored;

/// A page of ids (with the time of each), the index of a topic (ids, with what stands for
/// their callbacks), or a part of the topics that have an index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(in crate::services::subscriptions) struct Entries(Vec<(String, String)>);

stored!(Entries, "a list of webhooks");

impl Entries {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::services::subscriptions) fn names(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(name, _)| name)
    }

    pub(in crate::services::subscriptions) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, note)| (&**name, &**note))
    }

    pub(super) fn note(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(known, note)| (known == name).then_some(note))
    }

    /// Adds a name, or gives one that is there another note.
    pub(super) fn put(&mut self, name: &str, note: &str) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some(known) => note.clone_into(&mut known.1),
            None => self.0.push((name.to_owned(), note.to_owned())),
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.0.retain(|(known, _)| known != name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_there_once_and_keeps_its_place() {
        let mut entries = Entries::default();
        for (name, note) in [("a", "1"), ("b", ""), ("a", "2")] {
            entries.put(name, note);
        }
        assert!(entries.iter().eq([("a", "2"), ("b", "")]));
        assert_eq!((entries.note("a"), entries.note("c")), (Some("2"), None));
        entries.remove("a");
        assert_eq!(serde_json::to_string(&entries).unwrap(), r#"[["b",""]]"#);
    }
}
