//! Claims: records that callers have and have not acknowledged yet.
//!
//! A claim is a lease on a record. No other caller gets the record until the
//! lease ends; after that it is handed out again.

#[cfg(test)]
mod explorer;

use serde::{Deserialize, Serialize};

use super::owner::Owner;
use crate::host::Millis;

/// The maximum number of claims in a partition of a group. At that number,
/// callers have to acknowledge records before they get more, because all claims
/// are written with every page.
pub const MAX_CLAIMS: usize = 1_000;

/// A caller's claim to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RecordClaim {
    #[serde(rename = "o")]
    pub(super) offset: i64,
    #[serde(rename = "k")]
    pub(super) nonce: String,
    /// The end of the lease, or the time when a record that was given back is
    /// due.
    #[serde(rename = "u")]
    pub(super) until: Millis,
    /// How many times the record was handed out.
    #[serde(rename = "c")]
    pub(super) count: u32,
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) given_back: bool,
}

impl RecordClaim {
    /// Whether the record may be handed out again. `margin` allows for
    /// differing clocks and stale reads.
    fn is_free(&self, now: Millis, margin: Millis) -> bool {
        now > self.free_at(margin)
    }

    fn free_at(&self, margin: Millis) -> Millis {
        if self.given_back { self.until } else { self.until.saturating_add(margin) }
    }
}

/// How an acknowledgement is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReceiptVerdict {
    /// The claim is valid until this time.
    Live { until: Millis },
    /// It was acknowledged before.
    Acked,
    /// Its lease has ended; another caller has the record or will get it.
    Expired,
    /// There is no such claim.
    Unknown,
}

/// All claims in one partition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Claims(Vec<RecordClaim>);

impl Claims {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether no more records can be claimed, if so many can be at most.
    pub(super) fn is_full(&self, most: usize) -> bool {
        self.0.len() >= most
    }

    pub(super) fn first_offset(&self) -> Option<i64> {
        self.0.first().map(|claim| claim.offset)
    }

    pub(super) fn contains(&self, offset: i64) -> bool {
        self.get(offset).is_some()
    }

    pub(super) fn get(&self, offset: i64) -> Option<&RecordClaim> {
        self.find(offset).ok().map(|index| &self.0[index])
    }

    fn find(&self, offset: i64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&offset, |claim| claim.offset)
    }

    /// Claims a record for a caller. Returns how many times it has been handed
    /// out.
    pub(super) fn put(&mut self, offset: i64, nonce: String, until: Millis) -> u32 {
        let mut claim = RecordClaim { offset, nonce, until, count: 1, given_back: false };
        match self.find(offset) {
            Ok(index) => {
                claim.count += self.0[index].count;
                self.0[index] = claim;
                self.0[index].count
            }
            Err(index) => {
                self.0.insert(index, claim);
                1
            }
        }
    }

    /// Marks a record as done.
    pub(super) fn remove(&mut self, offset: i64) {
        if let Ok(index) = self.find(offset) {
            self.0.remove(index);
        }
    }

    /// Whether there are valid claims of others than this owner.
    pub(super) fn held_by_others(&self, owner: &Owner, now: Millis, margin: Millis) -> bool {
        self.0.iter().any(|claim| claim.nonce != owner.nonce() && !claim.is_free(now, margin))
    }

    pub(super) fn has_of(&self, owner: &Owner) -> bool {
        self.0.iter().any(|claim| claim.nonce == owner.nonce())
    }

    /// Marks all records below an offset as done.
    pub(super) fn remove_below(&mut self, offset: i64) {
        self.0.retain(|claim| claim.offset >= offset);
    }

    /// Marks all records of an owner as done.
    pub(super) fn remove_of(&mut self, owner: &Owner) {
        self.0.retain(|claim| claim.nonce != owner.nonce());
    }

    /// Extends the leases of an owner's records to the given time.
    pub(super) fn extend_of(&mut self, owner: &Owner, until: Millis) {
        for claim in self.0.iter_mut().filter(|claim| claim.nonce == owner.nonce()) {
            claim.until = claim.until.max(until);
        }
    }

    /// Gives back an owner's records.
    pub(super) fn give_back_of(&mut self, owner: &Owner, now: Millis) {
        for claim in self.0.iter_mut().filter(|claim| claim.nonce == owner.nonce()) {
            claim.given_back = true;
            claim.until = now;
        }
    }

    /// Gives a record back, to be handed out again at this time or later.
    pub(super) fn give_back(&mut self, offset: i64, due: Millis) {
        if let Ok(index) = self.find(offset) {
            self.0[index].given_back = true;
            self.0[index].until = due;
        }
    }

    /// Extends the lease of a record to the given time, and never shortens it.
    pub(super) fn renew(&mut self, offset: i64, until: Millis) {
        if let Ok(index) = self.find(offset) {
            self.0[index].until = self.0[index].until.max(until);
        }
    }

    /// Those whose callers have their records at this time, by the lowest offset.
    pub(super) fn acquired(&self, now: Millis) -> impl Iterator<Item = &RecordClaim> {
        self.0.iter().filter(move |claim| !claim.given_back && now <= claim.until)
    }

    /// The offsets whose records may be handed out again.
    pub(super) fn free(&self, now: Millis, margin: Millis) -> Vec<i64> {
        let free = self.0.iter().filter(|claim| claim.is_free(now, margin));
        free.map(|claim| claim.offset).collect()
    }

    /// When the next record may be handed out again.
    pub(super) fn next_free(&self, margin: Millis) -> Option<Millis> {
        self.0.iter().map(|claim| claim.free_at(margin)).min()
    }

    /// Judges an acknowledgement against the claims of a document. All records
    /// below `position` are done.
    pub(super) fn judge(
        &self,
        offset: i64,
        nonce: &str,
        position: i64,
        now: Millis,
    ) -> ReceiptVerdict {
        match self.get(offset) {
            Some(claim) if claim.nonce == nonce && !claim.given_back && now <= claim.until => {
                ReceiptVerdict::Live { until: claim.until }
            }
            Some(_) => ReceiptVerdict::Expired,
            None if offset < position => ReceiptVerdict::Acked,
            None => ReceiptVerdict::Unknown,
        }
    }
}

/// Whether a caller may be told of its claims at this time, once they were written or not:
/// after their end, others may have the records.
pub(super) fn may_be_told(written: bool, until: Millis, now: Millis) -> bool {
    written && now < until
}

/// Adjacent offsets as ranges: each range is read with one fetch.
pub(super) fn ranges(offsets: &[i64]) -> Vec<(i64, usize)> {
    let mut ranges: Vec<(i64, usize)> = Vec::new();
    for &offset in offsets {
        match ranges.last_mut() {
            Some((first, count)) if *first + *count as i64 == offset => *count += 1,
            _ => ranges.push((offset, 1)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(offsets: &[i64], until: Millis) -> Claims {
        let mut claims = Claims::default();
        for offset in offsets {
            assert_eq!(claims.put(*offset, format!("n{offset}"), until), 1);
        }
        claims
    }

    #[test]
    fn what_an_owner_has_is_told_apart() {
        let (mine, other) = (Owner::named("mine"), Owner::named("other"));
        let mut claims = Claims::default();
        for offset in 0..4 {
            claims.put(offset, mine.nonce().into(), 100);
        }
        assert!(!claims.held_by_others(&mine, 1, 10) && claims.held_by_others(&other, 110, 10));
        assert!(!claims.held_by_others(&other, 111, 10), "their lease is over");
        claims.remove_below(2);
        claims.extend_of(&mine, 200);
        assert!(claims.held_by_others(&other, 210, 10));
        claims.give_back_of(&mine, 50);
        assert_eq!(claims.free(51, 10), [2, 3], "given back: no margin is needed");
        assert!(claims.has_of(&mine) && !claims.has_of(&other));
        claims.remove_of(&mine);
        assert!(claims.is_empty());
    }

    #[test]
    fn an_acknowledgement_counts_while_the_claim_lives() {
        let claims = claims(&[5, 7], 100);
        let judge = |offset, nonce, now| claims.judge(offset, nonce, 5, now);
        assert_eq!(judge(5, "n5", 100), ReceiptVerdict::Live { until: 100 });
        assert_eq!(judge(5, "n5", 101), ReceiptVerdict::Expired);
        assert_eq!(judge(5, "other", 1), ReceiptVerdict::Expired, "another caller has it now");
        assert_eq!(judge(4, "n4", 1), ReceiptVerdict::Acked, "everything below 5 is done");
        assert_eq!(judge(6, "n6", 1), ReceiptVerdict::Unknown);
    }

    #[test]
    fn what_is_over_is_free_after_the_margin_and_what_was_given_back_without() {
        let mut claims = claims(&[1, 2, 3], 100);
        claims.give_back(3, 70);
        assert_eq!(claims.free(71, 10), [3]);
        assert_eq!(claims.free(110, 10), [3]);
        assert_eq!(claims.free(111, 10), [1, 2, 3]);
        assert_eq!(claims.next_free(10), Some(70));
        assert_eq!(claims.judge(3, "n3", 1, 1), ReceiptVerdict::Expired);
        assert_eq!(claims.put(3, "third".into(), 300), 2);
        assert_eq!(claims.free(71, 10), Vec::<i64>::new());
    }

    #[test]
    fn a_lease_that_is_renewed_is_never_shorter_than_before() {
        let mut claims = claims(&[1, 2, 3], 100);
        claims.renew(1, 300);
        claims.renew(2, 50);
        claims.give_back(3, 70);
        assert_eq!(claims.judge(1, "n1", 1, 300), ReceiptVerdict::Live { until: 300 });
        assert_eq!(claims.judge(2, "n2", 1, 100), ReceiptVerdict::Live { until: 100 });
        let acquired = |now| claims.acquired(now).map(|claim| claim.offset).collect::<Vec<_>>();
        assert_eq!((acquired(100), acquired(101), acquired(301)), (vec![1, 2], vec![1], vec![]));
        assert_eq!(claims.free(111, 10), [2, 3], "the first one is held for longer");
    }

    #[test]
    fn neighbours_are_read_together() {
        assert_eq!(ranges(&[1, 2, 3, 7, 9, 10]), [(1, 3), (7, 1), (9, 2)]);
        assert!(ranges(&[]).is_empty());
    }

    #[test]
    fn a_claim_is_short_in_the_store() {
        let mut claims = claims(&[1], 100);
        assert_eq!(serde_json::to_string(&claims).unwrap(), r#"[{"o":1,"k":"n1","u":100,"c":1}]"#);
        claims.give_back(1, 7);
        let text = serde_json::to_string(&claims).unwrap();
        assert_eq!(text, r#"[{"o":1,"k":"n1","u":7,"c":1,"b":true}]"#);
        assert_eq!(serde_json::from_str::<Claims>(&text).unwrap(), claims);
    }
}
