//! What leads to everything else: how many pages of ids there are, the first topics that have
//! an index, which parts of the list of the others hold any, and all prefixes. A produce to a
//! topic without subscriptions needs nothing else.

use serde::{Deserialize, Serialize};

use super::entries::Entries;
use crate::state::stored::stored;

/// How many topics the directory names itself: where there are no more, nobody reads a part
/// of the list. Names have up to 249 characters, and each instance reads the directory.
pub(super) const MAX_TOPICS: usize = 32;

/// Into how many parts the topics with an index are divided, by a hash.
pub(super) const PARTS: u8 = 16;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct Directory {
    /// Pages of ids.
    #[serde(rename = "g")]
    pub(super) pages: u32,
    /// A bit for each part of the topics' list that has held one.
    #[serde(rename = "t")]
    parts: u16,
    /// The first topics with an index; others are in the parts.
    #[serde(rename = "n", default, skip_serializing_if = "Entries::is_empty")]
    pub(super) topics: Entries,
    /// Prefixes, each with the id of a subscription.
    #[serde(rename = "x", default, skip_serializing_if = "Vec::is_empty")]
    prefixes: Vec<(String, String)>,
}

stored!(Directory, "the directory of webhooks");

impl Directory {
    /// Whether a topic may have an index.
    pub(super) fn may_have(&self, topic: &str) -> bool {
        self.topics.note(topic).is_some() || self.has_part(part(topic))
    }

    pub(super) fn has_part(&self, part: u8) -> bool {
        self.parts & (1 << part) != 0
    }

    pub(super) fn add_part(&mut self, part: u8) {
        self.parts |= 1 << part;
    }

    /// The subscriptions with a prefix that matches.
    pub(super) fn matching(&self, topic: &str) -> impl Iterator<Item = &String> {
        let matching = move |(prefix, _): &&(String, String)| topic.starts_with(prefix.as_str());
        self.prefixes.iter().filter(matching).map(|(_, id)| id)
    }

    pub(super) fn has_prefixes(&self) -> bool {
        !self.prefixes.is_empty()
    }

    pub(super) fn prefix_count(&self) -> usize {
        self.prefixes.len()
    }

    /// Whether these are the prefixes of a subscription.
    pub(super) fn are_prefixes<'a>(&self, id: &str, of: impl Iterator<Item = &'a str>) -> bool {
        let known = self.prefixes.iter().filter(|(_, known)| known == id);
        known.map(|(prefix, _)| prefix.as_str()).eq(of)
    }

    pub(super) fn set_prefixes<'a>(&mut self, id: &str, of: impl Iterator<Item = &'a str>) {
        self.prefixes.retain(|(_, known)| known != id);
        self.prefixes.extend(of.map(|prefix| (prefix.to_owned(), id.to_owned())));
    }
}

/// The part of the list that a topic belongs to (FNV-1a, 32 bits, folded).
pub(super) fn part(topic: &str) -> u8 {
    let mix = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    let hash = topic.bytes().fold(2_166_136_261, mix);
    let folded = hash ^ (hash >> 16);
    (folded ^ (folded >> 8)) as u8 % PARTS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_are_spread_over_all_parts() {
        let mut counts = [0; PARTS as usize];
        for number in 0..1600 {
            counts[usize::from(part(&format!("orders.{number}")))] += 1;
        }
        assert!(counts.iter().all(|count| (60..160).contains(count)), "{counts:?}");
    }

    #[test]
    fn a_topic_has_an_index_if_it_is_named_or_its_part_is_in_use() {
        let mut directory = Directory::default();
        directory.topics.put("orders", "");
        assert!(directory.may_have("orders") && !directory.may_have("audit"));
        directory.add_part(part("audit"));
        assert!(directory.may_have("audit"));
        let text = serde_json::to_string(&Directory::default()).unwrap();
        assert_eq!(text, r#"{"g":0,"t":0}"#, "as it was before topics were named");
    }

    #[test]
    fn prefixes_are_found_by_what_they_match() {
        let mut directory = Directory::default();
        directory.set_prefixes("1", ["audit.", "logs."].into_iter());
        directory.set_prefixes("2", [""].into_iter());
        assert!(directory.matching("audit.eu").eq(["1", "2"]));
        assert!(directory.matching("orders").eq(["2"]));
        assert!(directory.are_prefixes("1", ["audit.", "logs."].into_iter()));
        directory.set_prefixes("1", std::iter::empty());
        assert!(directory.are_prefixes("1", std::iter::empty()));
        assert!(!directory.are_prefixes("2", std::iter::empty()));
    }
}
