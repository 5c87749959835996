//! Claims: records that callers have and have not acknowledged yet.
//!
//! A claim is a lease on records. No other caller gets them until the lease
//! ends; after that they are handed out again.

#[cfg(test)]
mod explorer;

use serde::{Deserialize, Serialize};

use super::owner::Owner;
use crate::host::Millis;

/// The maximum number of claims in a partition of a group. At that number,
/// callers have to acknowledge records before they get more, because all claims
/// are written with every page.
pub const MAX_CLAIMS: usize = 1_000;

/// A caller's claim to records that follow each other. A page has many records and one
/// end, so that it is one claim.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claim {
    /// The first record.
    #[serde(rename = "o")]
    pub(super) offset: i64,
    /// How many records there are.
    #[serde(rename = "n", default = "one", skip_serializing_if = "is_one")]
    records: i64,
    #[serde(rename = "k")]
    pub(super) nonce: String,
    /// The end of the lease, or the time when records that were given back are due.
    #[serde(rename = "u")]
    pub(super) until: Millis,
    /// How many times the records were handed out.
    #[serde(rename = "c")]
    pub(super) count: u32,
    #[serde(rename = "b", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) given_back: bool,
}

fn one() -> i64 {
    1
}

fn is_one(records: &i64) -> bool {
    *records == 1
}

impl Claim {
    /// Whether the records may be handed out again. `margin` allows for differing clocks
    /// and stale reads.
    fn is_free(&self, now: Millis, margin: Millis) -> bool {
        now > self.free_at(margin)
    }

    fn free_at(&self, margin: Millis) -> Millis {
        if self.given_back { self.until } else { self.until.saturating_add(margin) }
    }

    /// The offset behind the last record.
    fn end(&self) -> i64 {
        self.offset + self.records
    }

    pub(super) fn records(&self) -> usize {
        usize::try_from(self.records).unwrap_or(0)
    }

    /// Takes the records from this offset on out.
    fn split_off(&mut self, offset: i64) -> Self {
        let rest = Self { offset, records: self.end() - offset, ..self.clone() };
        self.records = offset - self.offset;
        rest
    }

    /// Whether the next one goes on where this one ends, with nothing else different.
    fn goes_on_in(&self, next: &Self) -> bool {
        self.end() == next.offset
            && (self.until, self.count, self.given_back)
                == (next.until, next.count, next.given_back)
            && self.nonce == next.nonce
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

/// All claims in one partition, in the order of their offsets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Claim>")]
pub(super) struct Claims(Vec<Claim>);

/// Of a damaged document nothing is counted that is not there.
impl TryFrom<Vec<Claim>> for Claims {
    type Error = &'static str;

    fn try_from(claims: Vec<Claim>) -> Result<Self, Self::Error> {
        let most = MAX_CLAIMS as i64;
        let mut end = 0;
        for claim in &claims {
            let is_sound = (1..=most).contains(&claim.records)
                && (end..i64::MAX - most).contains(&claim.offset);
            if !is_sound {
                return Err("the claims are not in order");
            }
            end = claim.end();
        }
        Ok(Self(claims))
    }
}

impl Claims {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many records are claimed.
    pub(super) fn len(&self) -> usize {
        self.0.iter().map(Claim::records).sum()
    }

    /// Whether each is to one record.
    pub(super) fn are_single(&self) -> bool {
        self.0.iter().all(|claim| claim.records == 1)
    }

    /// Whether no more records can be claimed, if so many can be at most.
    pub(super) fn is_full(&self, most: usize) -> bool {
        self.len() >= most
    }

    pub(super) fn first_offset(&self) -> Option<i64> {
        self.0.first().map(|claim| claim.offset)
    }

    /// The offset behind the last claimed record; 0 if there is none.
    pub(super) fn end(&self) -> i64 {
        self.0.last().map_or(0, Claim::end)
    }

    pub(super) fn contains(&self, offset: i64) -> bool {
        self.get(offset).is_some()
    }

    /// The claim that this record is in.
    pub(super) fn get(&self, offset: i64) -> Option<&Claim> {
        self.find(offset).ok().map(|index| &self.0[index])
    }

    /// Where that is, or would be.
    fn find(&self, offset: i64) -> Result<usize, usize> {
        let index = self.0.partition_point(|claim| claim.end() <= offset);
        let is_there = self.0.get(index).is_some_and(|claim| claim.offset <= offset);
        if is_there { Ok(index) } else { Err(index) }
    }

    /// Claims a record for a caller. Returns how many times it has been handed
    /// out.
    pub(super) fn put(&mut self, offset: i64, nonce: &str, until: Millis) -> u32 {
        let claim = |count| {
            let nonce = nonce.to_owned();
            Claim { offset, records: 1, nonce, until, count, given_back: false }
        };
        match self.find(offset) {
            Ok(index) => {
                let count = self.0[index].count + 1;
                self.change(offset, |of_record| *of_record = claim(count));
                count
            }
            // Most records are behind the last one, and of the same page.
            Err(index) => {
                if let Some(last) = self.0[..index].last_mut()
                    && last.end() == offset
                    && (last.until, last.count, last.given_back) == (until, 1, false)
                    && last.nonce == nonce
                {
                    last.records += 1;
                } else {
                    self.0.insert(index, claim(1));
                }
                1
            }
        }
    }

    /// Marks a record as done.
    pub(super) fn remove(&mut self, offset: i64) {
        let Ok(index) = self.find(offset) else { return };
        let claim = &mut self.0[index];
        if claim.records == 1 {
            self.0.remove(index);
        } else if claim.offset == offset {
            claim.offset += 1;
            claim.records -= 1;
        } else {
            let mut rest = claim.split_off(offset);
            rest.offset += 1;
            rest.records -= 1;
            if rest.records > 0 {
                self.0.insert(index + 1, rest);
            }
        }
    }

    /// Changes the claim to one record, if there is one.
    fn change(&mut self, offset: i64, change: impl FnOnce(&mut Claim)) {
        let Ok(mut index) = self.find(offset) else { return };
        if self.0[index].offset < offset {
            let rest = self.0[index].split_off(offset);
            index += 1;
            self.0.insert(index, rest);
        }
        if self.0[index].records > 1 {
            let rest = self.0[index].split_off(offset + 1);
            self.0.insert(index + 1, rest);
        }
        change(&mut self.0[index]);
        self.join(index + 1);
        self.join(index);
    }

    /// Makes one of a claim and the one before it, if they are alike.
    fn join(&mut self, index: usize) {
        let Some(before) = index.checked_sub(1) else { return };
        if let Some([before, claim]) = self.0.get_mut(before..=index)
            && before.goes_on_in(claim)
        {
            before.records += claim.records;
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
        self.0.retain(|claim| claim.end() > offset);
        if let Some(first) = self.0.first_mut().filter(|first| first.offset < offset) {
            *first = first.split_off(offset);
        }
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
        self.change(offset, |claim| (claim.given_back, claim.until) = (true, due));
    }

    /// Extends the lease of a record to the given time, and never shortens it.
    pub(super) fn renew(&mut self, offset: i64, until: Millis) {
        self.change(offset, |claim| claim.until = claim.until.max(until));
    }

    /// Those whose callers have their records at this time, by the lowest offset.
    pub(super) fn acquired(&self, now: Millis) -> impl Iterator<Item = &Claim> {
        self.0.iter().filter(move |claim| !claim.given_back && now <= claim.until)
    }

    /// The offsets whose records may be handed out again, with how many times they were.
    pub(super) fn free(&self, now: Millis, margin: Millis) -> Vec<(i64, u32)> {
        let free = self.0.iter().filter(|claim| claim.is_free(now, margin));
        free.flat_map(|claim| (claim.offset..claim.end()).map(move |offset| (offset, claim.count)))
            .collect()
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
            assert_eq!(claims.put(*offset, &format!("n{offset}"), until), 1);
        }
        claims
    }

    fn free(claims: &Claims, now: Millis) -> Vec<i64> {
        claims.free(now, 10).into_iter().map(|(offset, _)| offset).collect()
    }

    #[test]
    fn claims_that_no_gateway_writes_are_refused() {
        let read = |claims: &str| {
            let claims = claims.replace('}', r#","k":"n","u":1,"c":1}"#);
            serde_json::from_str::<Claims>(&claims).map(|claims| claims.len())
        };
        assert_eq!(read(r#"[{"o":0,"n":3},{"o":3},{"o":9,"n":1000}]"#).unwrap(), 1_004);
        for damaged in [
            r#"[{"o":0,"n":0}]"#,
            r#"[{"o":0,"n":-5}]"#,
            r#"[{"o":-1}]"#,
            r#"[{"o":0,"n":1001}]"#,
            r#"[{"o":0,"n":9000000000000000000}]"#,
            r#"[{"o":9223372036854775807}]"#,
            r#"[{"o":0,"n":3},{"o":2}]"#,
            r#"[{"o":7},{"o":2}]"#,
        ] {
            assert!(read(damaged).is_err(), "{damaged}");
        }
    }

    #[test]
    fn what_an_owner_has_is_told_apart() {
        let (mine, other) = (Owner::named("mine"), Owner::named("other"));
        let mut claims = Claims::default();
        for offset in 0..4 {
            claims.put(offset, mine.nonce(), 100);
        }
        assert!(!claims.held_by_others(&mine, 1, 10) && claims.held_by_others(&other, 110, 10));
        assert!(!claims.held_by_others(&other, 111, 10), "their lease is over");
        claims.remove_below(2);
        claims.extend_of(&mine, 200);
        assert!(claims.held_by_others(&other, 210, 10));
        claims.give_back_of(&mine, 50);
        assert_eq!(free(&claims, 51), [2, 3], "given back: no margin is needed");
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
        assert_eq!(free(&claims, 71), [3]);
        assert_eq!(free(&claims, 110), [3]);
        assert_eq!(free(&claims, 111), [1, 2, 3]);
        assert_eq!(claims.next_free(10), Some(70));
        assert_eq!(claims.judge(3, "n3", 1, 1), ReceiptVerdict::Expired);
        assert_eq!(claims.put(3, "third", 300), 2);
        assert!(free(&claims, 71).is_empty());
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
        assert_eq!(free(&claims, 111), [2, 3], "the first one is held for longer");
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

    #[test]
    fn a_page_is_one_claim_however_many_records_it_has() {
        let mut claims = Claims::default();
        for offset in 7..507 {
            claims.put(offset, "page", 100);
        }
        let text = serde_json::to_string(&claims).unwrap();
        assert_eq!(text, r#"[{"o":7,"n":500,"k":"page","u":100,"c":1}]"#);
        assert_eq!(serde_json::from_str::<Claims>(&text).unwrap(), claims);
        (7..507).for_each(|offset| claims.renew(offset, 200));
        assert_eq!(claims.0.len(), 1, "renewed one by one");
        (7..506).for_each(|offset| claims.remove(offset));
        assert_eq!(
            serde_json::to_string(&claims).unwrap(),
            text.replace("7,\"n\":500", "506").replace("100", "200")
        );
    }

    /// Whatever is done to them, claims to records that follow each other are as claims to
    /// each record alone.
    #[test]
    fn a_claim_to_many_records_is_as_many_claims() {
        let mut seed = 1_u64;
        let mut random = |below: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % below
        };
        let mut together = Claims::default();
        let mut alone = std::collections::BTreeMap::<i64, Claim>::new();
        for step in 0..20_000 {
            let (offset, until) = (random(12) as i64, random(3) as Millis);
            match random(9) {
                0..=3 => {
                    let nonce = ["a", "b"][random(2) as usize];
                    let count = alone.get(&offset).map_or(1, |claim| claim.count + 1);
                    assert_eq!(together.put(offset, nonce, until), count);
                    let nonce = nonce.to_owned();
                    let claim =
                        Claim { offset, records: 1, nonce, until, count, given_back: false };
                    alone.insert(offset, claim);
                }
                4 | 5 => {
                    together.remove(offset);
                    alone.remove(&offset);
                }
                6 => {
                    together.give_back(offset, until);
                    if let Some(claim) = alone.get_mut(&offset) {
                        (claim.given_back, claim.until) = (true, until);
                    }
                }
                7 => {
                    together.renew(offset, until);
                    if let Some(claim) = alone.get_mut(&offset) {
                        claim.until = claim.until.max(until);
                    }
                }
                _ if random(9) == 0 => {
                    together.remove_below(offset);
                    alone.retain(|of, _| *of >= offset);
                }
                _ => {}
            }
            let singly = |claim: &Claim| {
                let claim = claim.clone();
                (claim.offset..claim.end()).map(move |offset| Claim {
                    offset,
                    records: 1,
                    ..claim.clone()
                })
            };
            let seen: Vec<_> = together.0.iter().flat_map(singly).collect();
            assert!(seen.iter().eq(alone.values()), "step {step}: {together:?}, {alone:?}");
            assert!(together.0.iter().all(|claim| claim.records > 0));
            assert_eq!(together.len(), alone.len());
            assert_eq!(together.first_offset(), alone.keys().next().copied());
            let first = alone.get(&offset);
            assert_eq!(
                together.get(offset).map(|claim| claim.count),
                first.map(|claim| claim.count)
            );
        }
    }
}
