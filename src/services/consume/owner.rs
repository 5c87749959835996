//! Owners: readers that claim records under a name and acknowledge them by
//! offset.
//!
//! A receipt stands for one record, and any caller may present it. An owner is
//! a name within a group that keeps its records between calls: by committing an
//! offset it acknowledges all records below. Such a commit must not include
//! records of others, so an owner gets no records of a partition while others
//! have valid claims there. Its claims carry its name in place of a random
//! nonce; they have no receipts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::sorted::SortedMap;

/// An owner's name, as it is stored with its claims.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Owner(String);

/// The first character of an owner's name; no nonce of a receipt begins with
/// it.
const OWNER_SIGN: char = '.';

impl Owner {
    /// A name of any length: only its hash is stored.
    pub fn named(name: &str) -> Self {
        let hash = Sha256::digest(name.as_bytes());
        Self(format!("{OWNER_SIGN}{}", URL_SAFE_NO_PAD.encode(&hash[..16])))
    }

    pub(super) fn nonce(&self) -> &str {
        &self.0
    }
}

/// A share of a topic's partitions, if several readers divide them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Share {
    /// The number of the share, from 0 on.
    pub place: usize,
    /// The number of shares; at least 1.
    pub of: usize,
}

impl Share {
    pub fn covers(&self, partition: i32) -> bool {
        usize::try_from(partition).is_ok_and(|partition| partition % self.of == self.place)
    }
}

/// A named reader of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamedReader {
    /// The owner for which records are claimed.
    pub owner: Option<Owner>,
    /// The share of each topic; all partitions of other topics are read.
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
        assert!(Owner::named(&"a".repeat(1000)).nonce().starts_with(OWNER_SIGN));
    }
}
