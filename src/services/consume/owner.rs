//! Who has claimed records under a name, and acknowledges them by offset.
//!
//! A receipt is for one record and whoever holds it. An owner is a name within
//! a group, and may come back for its records: it commits an offset and means
//! all below. So that such a commit speaks of nobody else's records, an owner
//! is handed none of a partition while somebody else has live claims there.
//! Its claims carry its name in place of a random nonce; there is no receipt
//! for them and no mark.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::sorted::SortedMap;

/// An owner's name, as it is kept with its claims.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner(String);

/// No receipt's nonce begins with it.
const OWNER_SIGN: char = '.';

impl Owner {
    /// Of any length: only its hash is kept.
    pub fn named(name: &str) -> Self {
        let hash = Sha256::digest(name.as_bytes());
        Self(format!("{OWNER_SIGN}{}", URL_SAFE_NO_PAD.encode(&hash[..16])))
    }

    pub(super) fn nonce(&self) -> &str {
        &self.0
    }

    pub(super) fn is_nonce(nonce: &str) -> bool {
        nonce.starts_with(OWNER_SIGN)
    }
}

/// Which of a topic's partitions somebody reads, where several share them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// Counted from 0.
    pub place: usize,
    /// How many there are to share; not 0.
    pub of: usize,
}

impl Share {
    pub fn covers(&self, partition: i32) -> bool {
        usize::try_from(partition).is_ok_and(|partition| partition % self.of == self.place)
    }
}

/// Who asks for records, where that makes a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedReader {
    /// In whose name records are claimed.
    pub owner: Option<Owner>,
    /// By topic; of a topic that is not in here all partitions are read.
    pub shares: SortedMap<String, Share>,
}

impl NamedReader {
    pub(super) fn reads(&self, topic: &str, partition: i32) -> bool {
        self.shares.get(topic).is_none_or(|share| share.covers(partition))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_partition_is_in_one_share() {
        for of in 1..4 {
            for partition in 0..7 {
                let shares = (0..of).map(|place| Share { place, of });
                assert_eq!(shares.filter(|share| share.covers(partition)).count(), 1);
            }
        }
    }

    #[test]
    fn names_differ_and_are_no_receipts() {
        assert_ne!(Owner::named("a").nonce(), Owner::named("b").nonce());
        assert!(Owner::is_nonce(Owner::named(&"a".repeat(1000)).nonce()));
        assert!(!Owner::is_nonce("abcdefghijklmnopqrst-_"));
    }
}
