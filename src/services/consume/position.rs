//! A group's position in a partition, as it is stored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::claims::{Claim, Claims, MAX_CLAIMS, ReceiptVerdict};
use super::owner::Owner;
use crate::host::Millis;
use crate::kafka::Place;
use crate::record::Record;
use crate::state::stored::{Stored as _, is_default, nothing_older, stored};

/// The maximum size of the keys and values that are stored with a position.
pub(super) const MAX_AHEAD_BYTES: usize = 32 * 1024;

/// Every record below `next` is done or in `claims`. So are those in
/// `delivered`, which are above a record that its caller did not take.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(in crate::services) struct Position {
    #[serde(rename = "o")]
    pub(super) next: i64,
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) delivered: Vec<i64>,
    #[serde(rename = "c", default, skip_serializing_if = "Claims::is_empty")]
    pub(super) claims: Claims,
    #[serde(rename = "a", default, skip_serializing_if = "Option::is_none")]
    pub(super) ahead: Option<Ahead>,
    /// Up to this offset a read has shown no record.
    #[serde(rename = "s", default, skip_serializing_if = "Option::is_none")]
    pub(super) silent_to: Option<i64>,
    #[serde(rename = "r", default, skip_serializing_if = "is_default")]
    pub(super) rejected: u64,
    #[serde(rename = "g", default, skip_serializing_if = "is_default")]
    pub(super) given_up: u64,
}

stored!(often Position, "a group's position", 2, upgrade, version_of);

/// In version 1 each claim is to one record. A gateway that knows only that one would take the
/// others of a claim for done.
fn version_of(position: &Position) -> u32 {
    if position.claims.are_single() { 1 } else { 2 }
}

fn upgrade(version: u32, layout: &str) -> serde_json::Result<Position> {
    match version {
        1 => Position::read(layout),
        other => nothing_older(other, layout),
    }
}

impl Position {
    pub(in crate::services) fn at(next: i64) -> Self {
        Self { next, ..Self::default() }
    }

    /// The same group, moved there. What it has counted stays.
    pub(in crate::services) fn moved_to(&self, next: i64) -> Self {
        Self { rejected: self.rejected, given_up: self.given_up, ..Self::at(next) }
    }

    /// The server's place from which the next records would be read.
    pub(in crate::services) fn into_place(self) -> Option<Place> {
        self.ahead.map(|ahead| ahead.place)
    }

    /// The offset of the next record that nobody has taken.
    pub(in crate::services) fn next(&self) -> i64 {
        self.next
    }

    /// How many offsets lie between what is done and the end that are, or may be,
    /// records.
    pub(in crate::services) fn lag(&self, first: i64, end: i64) -> i64 {
        (self.next - self.committed().max(first)).max(0) + self.untaken(first, end)
    }

    /// The offset below which all records are done.
    pub(in crate::services) fn committed(&self) -> i64 {
        self.claims.first_offset().map_or(self.next, |claimed| claimed.min(self.next))
    }

    /// Commits `offset`: all records below it are done, and the records between
    /// it and the next one to be read are claimed by the owner until the given
    /// time. Returns `false` if these are too many to be claimed.
    pub(super) fn commit(&mut self, owner: &Owner, offset: i64, until: Millis) -> bool {
        self.claims.remove_below(offset);
        self.claims.extend_of(owner, until);
        if offset > self.next {
            // Claims above a record that came back stay.
            (self.next, self.ahead, self.silent_to) = (offset, None, None);
            self.delivered.retain(|delivered| *delivered >= offset);
            return true;
        }
        let taken_back = offset..self.committed();
        let room = MAX_CLAIMS - self.claims.len().min(MAX_CLAIMS);
        if taken_back.end.saturating_sub(taken_back.start) > room as i64 {
            return false;
        }
        for offset in taken_back {
            self.claims.put(offset, owner.nonce(), until);
        }
        true
    }

    /// Judges an acknowledgement of a claimed record.
    pub(super) fn judge(&self, offset: i64, nonce: &str, now: Millis) -> ReceiptVerdict {
        match self.claims.judge(offset, nonce, self.next, now) {
            ReceiptVerdict::Unknown if self.delivered.contains(&offset) => ReceiptVerdict::Acked,
            verdict => verdict,
        }
    }

    /// A claimed record is done.
    pub(super) fn done(&mut self, offset: i64) {
        self.claims.remove(offset);
        if offset >= self.next {
            // They are in order.
            if let Err(place) = self.delivered.binary_search(&offset) {
                self.delivered.insert(place, offset);
            }
        }
    }

    /// A claimed record is given up by its caller.
    pub(super) fn reject(&mut self, offset: i64) {
        self.done(offset);
        self.rejected += 1;
    }

    /// What callers have of the partition now, and what was given up.
    pub(in crate::services) fn tally(&self, now: Millis) -> Tally {
        let mut acquired = self.claims.acquired(now).peekable();
        let oldest = acquired.peek().map(|claim| OldestClaim {
            offset: claim.offset,
            until: claim.until,
            delivery_count: claim.count,
        });
        let acquired = acquired.map(Claim::records).sum();
        Tally {
            acquired,
            returned: self.claims.len() - acquired,
            rejected: self.rejected,
            given_up: self.given_up,
            oldest,
        }
    }

    /// How many records nobody has taken yet, if this is the end.
    pub(in crate::services) fn untaken(&self, first: i64, end: i64) -> i64 {
        (end - self.next.max(self.silent_to.unwrap_or(0)).max(first)).max(0)
    }

    /// The number of records that callers have claimed and not yet
    /// acknowledged.
    pub(in crate::services) fn claimed(&self) -> usize {
        self.claims.len()
    }
}

/// What callers have of a partition, and what was given up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that callers have and have neither acknowledged nor given back.
    pub acquired: usize,
    /// Records that came back and wait to be handed out again.
    pub returned: usize,
    /// Records that callers have rejected.
    pub rejected: u64,
    /// Records that were handed out as often as they may be.
    pub given_up: u64,
    /// The acquired record that the committed offset waits for.
    pub oldest: Option<OldestClaim>,
}

/// The claim on a record with the lowest offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OldestClaim {
    pub offset: i64,
    /// The end of its lease.
    pub until: Millis,
    pub delivery_count: u32,
}

/// Records that were read beyond the position, and that could be read again
/// only by giving up the server's place. The REST Proxy 7.9.9 returns pages of
/// up to 30 records (`reference/confluent-rest.md`, 5.4), and its consumer does
/// not go back. So an instance that hands out only one record of a page has to
/// leave the others to the next holder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Ahead {
    #[serde(rename = "p")]
    pub(super) place: Place,
    #[serde(rename = "n")]
    pub(super) next: i64,
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    records: Vec<Kept>,
}

/// A record in the store. Logs that have places report neither headers nor
/// timestamps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    #[serde(rename = "o")]
    offset: i64,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    key: Option<Base64>,
    #[serde(rename = "v", default, skip_serializing_if = "Option::is_none")]
    value: Option<Base64>,
}

impl Ahead {
    /// `None` if there is too much to be stored; then the place cannot be used
    /// again.
    pub(super) fn new<'a>(
        place: Place,
        next: i64,
        records: impl Iterator<Item = &'a Record>,
    ) -> Option<Self> {
        let mut bytes = 0;
        let mut kept = Vec::new();
        for record in records {
            let size = |part: &Option<Bytes>| part.as_ref().map_or(0, Bytes::len);
            bytes += size(&record.key) + size(&record.value);
            if bytes > MAX_AHEAD_BYTES || record.headers.is_some() || record.timestamp.is_some() {
                return None;
            }
            kept.push(Kept {
                offset: record.offset,
                key: record.key.clone().map(Base64),
                value: record.value.clone().map(Base64),
            });
        }
        Some(Self { place, next, records: kept })
    }

    pub(super) fn records(&self, partition: i32) -> Vec<Record> {
        let record = |kept: &Kept| Record {
            partition,
            offset: kept.offset,
            key: kept.key.clone().map(|key| key.0),
            value: kept.value.clone().map(|value| value.0),
            headers: None,
            timestamp: None,
        };
        self.records.iter().map(record).collect()
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Base64(Bytes);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        Ok(Self(bytes.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_keeps_its_form_in_the_store() {
        let record = Record {
            partition: 0,
            offset: 8,
            key: None,
            value: Some(Bytes::from_static(b"\xff")),
            headers: None,
            timestamp: None,
        };
        let position = Position {
            next: 7,
            delivered: vec![9],
            claims: Claims::default(),
            ahead: Ahead::new(Place("here".into()), 10, [&record].into_iter()),
            ..Position::default()
        };
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(text, r#"{"o":7,"d":[9],"a":{"p":"here","n":10,"r":[{"o":8,"v":"/w=="}]}}"#);
        let read: Position = serde_json::from_str(&text).unwrap();
        assert_eq!(read, position);
        assert_eq!(read.ahead.unwrap().records(0), [record]);
        assert_eq!(serde_json::to_string(&Position::at(7)).unwrap(), r#"{"o":7}"#);
        let counted = Position { rejected: 2, given_up: 1, ..Position::at(7) };
        assert_eq!(serde_json::to_string(&counted).unwrap(), r#"{"o":7,"r":2,"g":1}"#);
        assert_eq!(counted.moved_to(3), Position { next: 3, ..counted.clone() });
    }

    #[test]
    fn a_claim_from_before_is_to_one_record() {
        let text = r#"{"o":7,"c":[{"o":4,"k":"n4","u":100,"c":1},{"o":5,"k":"n5","u":100,"c":2}]}"#;
        let mut before = Position::at(7);
        before.claims.put(4, "n4", 100);
        before.claims.put(5, "n5", 90);
        before.claims.put(5, "n5", 100);
        assert_eq!(serde_json::from_str::<Position>(text).unwrap(), before);
        assert_eq!(serde_json::to_string(&before).unwrap(), text, "and is written so");
        before.claims.put(6, "n5", 90);
        before.claims.put(6, "n5", 100);
        let claims = r#"[{"o":4,"k":"n4","u":100,"c":1},{"o":5,"n":2,"k":"n5","u":100,"c":2}]"#;
        let text = format!(r#"{{"v":2,"d":{{"o":7,"c":{claims}}}}}"#);
        assert_eq!(serde_json::to_string(&before).unwrap(), text);
        assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), before);
    }

    #[test]
    fn what_callers_have_is_told_from_what_came_back() {
        let mut position = Position::at(9);
        for offset in 4..8 {
            position.claims.put(offset, "nonce", 100);
        }
        position.claims.give_back(4, 50);
        position.claims.renew(6, 200);
        position.reject(7);
        let tally = position.tally(100);
        assert_eq!((tally.acquired, tally.returned, tally.rejected), (2, 1, 1));
        let oldest = OldestClaim { offset: 5, until: 100, delivery_count: 1 };
        assert_eq!(tally.oldest, Some(oldest));
        let later = position.tally(101);
        assert_eq!((later.acquired, later.returned), (1, 2), "one lease is over");
        assert_eq!((position.committed(), position.untaken(0, 12)), (4, 3));
    }

    #[test]
    fn a_commit_is_read_back_as_it_was_given() {
        let owner = Owner::named("instance");
        let mut position = Position::at(10);
        for offset in 4..10 {
            position.claims.put(offset, owner.nonce(), 100);
        }
        // Within the claimed records, back among the records that are done, and
        // beyond all.
        for (offset, next, claimed) in
            [(7, 10, 3), (2, 10, 8), (10, 10, 0), (8, 10, 2), (20, 20, 0)]
        {
            assert!(position.commit(&owner, offset, 100));
            assert_eq!((position.committed(), position.next), (offset, next));
            assert_eq!(position.claimed(), claimed);
        }
        let mut gap = Position::at(5);
        for offset in [6, 7, 9] {
            gap.claims.put(offset, owner.nonce(), 100);
        }
        assert!(gap.commit(&owner, 8, 200));
        assert_eq!((gap.committed(), gap.next, gap.claimed()), (8, 8, 1));
        assert_eq!(gap.claims.get(9).map(|claim| claim.until), Some(200));
        let mut far = Position::at(10_000);
        assert!(!far.commit(&owner, 0, 100));
    }

    #[test]
    fn what_is_no_record_is_no_lag() {
        let mut position = Position::at(7);
        assert_eq!((position.lag(0, 9), position.lag(8, 9), position.lag(0, 7)), (2, 1, 0));
        position.silent_to = Some(9);
        assert_eq!((position.lag(0, 9), position.lag(0, 10)), (0, 1));
        position.claims.put(5, "nonce", 100);
        assert_eq!((position.lag(0, 10), position.lag(6, 10)), (3, 2));
    }

    #[test]
    fn a_claimed_record_is_not_committed() {
        let mut position = Position::at(7);
        assert_eq!(position.committed(), 7);
        position.claims.put(3, "nonce", 100);
        assert_eq!(position.committed(), 3);
    }
}
