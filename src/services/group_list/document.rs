//! All groups with their topics: one document in the store.

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};
use crate::sorted::{SortedMap, SortedSet};
use crate::state::stored::stored;

/// The maximum number of groups in a store. Each group keeps a few documents
/// for ever, so callers must not be able to create any number of them.
const MAX_GROUPS: usize = 1_000;

/// The maximum number of topics of a group.
const MAX_TOPICS_PER_GROUP: usize = 100;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(super) struct ListedGroups(SortedMap<String, SortedSet<String>>);

stored!(ListedGroups, "the list of consumer groups");

impl ListedGroups {
    /// By name, each with its topics.
    pub(super) fn all(&self) -> &SortedMap<String, SortedSet<String>> {
        &self.0
    }

    /// Whether a group is listed with all of these topics.
    pub(super) fn has(&self, group: &str, topics: &[impl AsRef<str>]) -> bool {
        let known = self.0.get(group);
        known.is_some_and(|known| topics.iter().all(|topic| known.contains(topic.as_ref())))
    }

    /// Adds a group with all of these topics, or fails and adds nothing.
    pub(super) fn enlist(&mut self, group: &str, topics: &[impl AsRef<str>]) -> Result<()> {
        let known = self.0.get(group);
        if known.is_none() && self.0.len() >= MAX_GROUPS {
            return Err(ErrorKind::LimitReached(format!(
                "There are {MAX_GROUPS} consumer groups already; delete one first"
            ))
            .into());
        }
        let mut all = known.cloned().unwrap_or_default();
        all.extend(topics.iter().map(|topic| topic.as_ref().to_owned()));
        if all.len() > MAX_TOPICS_PER_GROUP {
            return Err(ErrorKind::LimitReached(format!(
                "A consumer group reads {MAX_TOPICS_PER_GROUP} topics at most"
            ))
            .into());
        }
        self.0.insert(group.to_owned(), all);
        Ok(())
    }

    pub(super) fn remove(&mut self, group: &str) {
        self.0.remove(group);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has_all(&self, other: &Self) -> bool {
        let topics = |topics: &SortedSet<String>| topics.iter().cloned().collect::<Vec<_>>();
        other.0.iter().all(|(group, of_group)| self.has(group, &topics(of_group)))
    }

    /// Adds as much as fits.
    pub(super) fn enlist_all(&mut self, other: &Self) {
        for (group, topics) in &other.0 {
            // No event: whoever enlists a single one is told.
            let _ = self.enlist(group, &topics.iter().collect::<Vec<_>>());
        }
    }

    pub(super) fn remove_all(&mut self, other: &Self) {
        for (group, topics) in &other.0 {
            if let Some(known) = self.0.get_mut(group) {
                known.retain(|topic| !topics.contains(topic));
            }
        }
        self.0.retain(|_, topics| !topics.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_beyond_a_limit_leaves_the_list_as_it_was() {
        let mut list = ListedGroups::default();
        for topic in 0..MAX_TOPICS_PER_GROUP {
            list.enlist("g", &[topic.to_string()]).unwrap();
        }
        let full = list.clone();
        assert!(
            matches!(list.enlist("g", &["more"]), Err(error) if matches!(*error, ErrorKind::LimitReached(_)))
        );
        assert_eq!(list, full);
        assert!(!list.has("g", &["more"]));
        list.enlist("g", &["0", "1"]).unwrap();

        for group in 1..MAX_GROUPS {
            list.enlist(&group.to_string(), &["t"]).unwrap();
        }
        let full = list.clone();
        assert!(
            matches!(list.enlist("more", &["t"]), Err(error) if matches!(*error, ErrorKind::LimitReached(_)))
        );
        assert_eq!(list, full);
        list.enlist("1", &["t2"]).unwrap();
        assert!(list.has("1", &["t", "t2"]));
    }

    #[test]
    fn what_is_missing_is_listed_together_and_what_came_since_stays_missing() {
        let (mut list, mut missing) = (ListedGroups::default(), ListedGroups::default());
        missing.enlist("g", &["a", "b"]).unwrap();
        missing.enlist("h", &["a"]).unwrap();
        list.enlist("g", &["a"]).unwrap();
        assert!(!list.has_all(&missing));
        list.enlist_all(&missing);
        assert!(list.has_all(&missing));
        let mut left = missing.clone();
        left.enlist("g", &["c"]).unwrap();
        left.remove_all(&missing);
        assert!(left.has("g", &["c"]) && !left.has("g", &["a"]) && !left.has("h", &["a"]));
        left.remove_all(&left.clone());
        assert!(left.is_empty());
    }
}
