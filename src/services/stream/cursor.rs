//! A reader's position on all partitions of its topics, as a short text that
//! the reader presents to go on.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::access::AllowedTopic;
use crate::sorted::SortedMap;

/// The first byte of a cursor.
const CURSOR_VERSION: u8 = 1;

/// More partitions than a topic has in any working cluster.
const MAX_CURSOR_PARTITIONS: usize = 200_000;

/// The next offset of each partition, by topic; `None` if the reader has had no
/// record of the partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// By the topic's name.
    topics: SortedMap<String, Vec<Option<i64>>>,
}

impl Cursor {
    pub(super) fn new(topics: &[AllowedTopic]) -> Self {
        Self { topics: topics.iter().map(|topic| (topic.to_string(), Vec::new())).collect() }
    }

    pub(super) fn set(&mut self, topic: &str, partition: i32, next: i64) {
        let Some(offsets) = self.topics.get_mut(topic) else { return };
        let Ok(partition) = usize::try_from(partition) else { return };
        if offsets.len() <= partition {
            offsets.resize(partition + 1, None);
        }
        offsets[partition] = Some(next);
    }

    pub(super) fn get(&self, topic: &str, partition: i32) -> Option<i64> {
        let partition = usize::try_from(partition).ok()?;
        *self.topics.get(topic)?.get(partition)?
    }

    /// Whether it holds a position.
    pub(super) fn is_set(&self) -> bool {
        self.topics.values().any(|offsets| offsets.iter().any(Option::is_some))
    }

    /// The cursor as text: a few bytes for each partition, in base64.
    pub(super) fn to_text(&self) -> String {
        let mut bytes = vec![CURSOR_VERSION];
        bytes.extend(self.check().to_le_bytes());
        for offsets in self.topics.values() {
            put(&mut bytes, offsets.len() as u64);
            for next in offsets {
                put(&mut bytes, next.map_or(0, |next| next as u64 + 1));
            }
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Reads a cursor that was made for exactly these topics; `None` if it is
    /// damaged, or was made for others.
    pub fn parse(text: &str, topics: &[AllowedTopic]) -> Option<Self> {
        let mut cursor = Self::new(topics);
        cursor.read(text)?;
        Some(cursor)
    }

    fn read(&mut self, text: &str) -> Option<()> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let rest = bytes.strip_prefix(&[CURSOR_VERSION])?;
        let mut rest = rest.strip_prefix(&self.check().to_le_bytes())?;
        for offsets in self.topics.values_mut() {
            let count = usize::try_from(take(&mut rest)?).ok()?;
            // Each partition takes at least one byte.
            if count > rest.len().min(MAX_CURSOR_PARTITIONS) {
                return None;
            }
            for _ in 0..count {
                let next = take(&mut rest)?.checked_sub(1).map(i64::try_from).transpose().ok()?;
                offsets.push(next);
            }
        }
        rest.is_empty().then_some(())
    }

    /// A hash of the topics (FNV-1a), by which a cursor of other topics is
    /// recognised as a mistake.
    fn check(&self) -> u32 {
        let bytes = self.topics.keys().flat_map(|topic| topic.bytes().chain([b',']));
        bytes.fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
    }
}

/// Seven bits in each byte, the lowest first; the eighth bit means that more
/// follow.
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topics(names: &[&str]) -> Vec<AllowedTopic> {
        names.iter().map(|name| AllowedTopic::trusted(*name)).collect()
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_and_for_its_own_topics_alone() {
        let both = topics(&["orders", "refunds"]);
        let mut cursor = Cursor::new(&both);
        cursor.set("orders", 2, 1_000_000);
        cursor.set("orders", 0, 0);
        cursor.set("refunds", 1, 127);
        cursor.set("elsewhere", 0, 1);
        let text = cursor.to_text();
        assert!(text.len() < 24, "{text}");
        let read = Cursor::parse(&text, &both).unwrap();
        assert_eq!(read, cursor);
        assert_eq!((read.get("orders", 0), read.get("orders", 1)), (Some(0), None));
        assert_eq!((read.get("orders", 2), read.get("orders", 3)), (Some(1_000_000), None));
        assert!(read.is_set() && !Cursor::new(&both).is_set());

        assert!(Cursor::parse(&text, &topics(&["orders"])).is_none());
        assert!(Cursor::parse(&text, &topics(&["orders", "refund"])).is_none());
        for broken in ["", "x", "AQ", &text[..text.len() - 2], &(text.clone() + "AA")] {
            assert!(Cursor::parse(broken, &both).is_none(), "{broken}");
        }
    }

    #[test]
    fn a_huge_count_is_refused_before_anything_is_made_of_it() {
        let names = topics(&["t"]);
        let mut bytes = vec![CURSOR_VERSION];
        bytes.extend(Cursor::new(&names).check().to_le_bytes());
        put(&mut bytes, u64::MAX >> 1);
        assert!(Cursor::parse(&URL_SAFE_NO_PAD.encode(bytes), &names).is_none());
    }
}
