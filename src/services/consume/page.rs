//! The records of one partition between the fetch and the position: which are
//! still here, which are on their way to a caller, which have arrived.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::log::{Fetched, Place};
use crate::record::Record;

/// A group's position in a partition, as it is kept in the store.
///
/// Every record below `offset` has been delivered. So have those in
/// `delivered`, which lie above one that its caller did not take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Position {
    #[serde(rename = "o")]
    pub(super) offset: i64,
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) delivered: Vec<i64>,
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub(super) place: Option<Place>,
}

impl Position {
    pub(super) fn at(offset: i64) -> Self {
        Self { offset, delivered: Vec::new(), place: None }
    }
}

/// Records that were fetched, by where they are.
#[derive(Debug)]
pub(super) struct Page {
    here: BTreeMap<i64, Record>,
    on_the_way: BTreeMap<i64, Record>,
    delivered: BTreeSet<i64>,
    next: i64,
    place: Option<Place>,
}

impl Page {
    pub(super) fn resume(position: &Position) -> Self {
        Self {
            here: BTreeMap::new(),
            on_the_way: BTreeMap::new(),
            delivered: position.delivered.iter().copied().collect(),
            next: position.offset,
            place: position.place.clone(),
        }
    }

    /// Where the next fetch goes on.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// Takes the server's place out for a fetch. Should the fetch fail, the
    /// place is gone with it: what was read there may be lost.
    pub(super) fn take_place(&mut self) -> Option<Place> {
        self.place.take()
    }

    pub(super) fn add(&mut self, fetched: Fetched) {
        self.next = self.next.max(fetched.next);
        self.place = fetched.place;
        for record in fetched.records {
            if !self.delivered.contains(&record.offset) {
                self.here.insert(record.offset, record);
            }
        }
    }

    /// Whether there is a record to hand out.
    pub(super) fn has_records(&self) -> bool {
        !self.here.is_empty()
    }

    pub(super) fn hand_out(&mut self) -> Option<Record> {
        let (offset, record) = self.here.pop_first()?;
        self.on_the_way.insert(offset, record.clone());
        Some(record)
    }

    pub(super) fn arrived(&mut self, offset: i64) {
        if self.on_the_way.remove(&offset).is_some() {
            self.delivered.insert(offset);
        }
    }

    /// The caller did not take it: the next one gets it.
    pub(super) fn returned(&mut self, offset: i64) {
        if let Some(record) = self.on_the_way.remove(&offset) {
            self.here.insert(offset, record);
        }
    }

    /// Whoever still has a record has had it for too long to be waited for.
    pub(super) fn give_up_waiting(&mut self) {
        self.here.append(&mut self.on_the_way);
    }

    /// What may be written down: nothing but what has arrived is behind it.
    pub(super) fn position(&mut self) -> Position {
        let waiting = [self.here.first_key_value(), self.on_the_way.first_key_value()];
        let offset =
            waiting.into_iter().flatten().map(|(offset, _)| *offset).min().unwrap_or(self.next);
        self.delivered = self.delivered.split_off(&offset);
        Position {
            offset,
            delivered: self.delivered.iter().copied().collect(),
            place: self.place.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(offset: i64) -> Record {
        Record { partition: 0, offset, key: None, value: None, headers: None, timestamp: None }
    }

    fn page(offsets: &[i64], next: i64) -> Page {
        let mut page = Page::resume(&Position::at(0));
        page.add(Fetched {
            records: offsets.iter().copied().map(record).collect(),
            next,
            place: None,
        });
        page
    }

    #[test]
    fn the_position_is_the_end_of_what_has_arrived_without_a_break() {
        let mut page = page(&[0, 1, 2, 5], 9);
        assert_eq!(page.position().offset, 0);
        for expected in [0, 1, 2] {
            assert_eq!(page.hand_out().unwrap().offset, expected);
        }
        assert_eq!(page.position().offset, 0, "on the way is not arrived");
        page.arrived(1);
        assert_eq!(page.position(), Position { offset: 0, delivered: vec![1], place: None });
        page.arrived(0);
        assert_eq!(page.position(), Position { offset: 2, delivered: vec![], place: None });
        page.arrived(2);
        assert_eq!(page.position().offset, 5, "the gap up to 5 is the log's own");
        page.hand_out();
        page.arrived(5);
        assert_eq!(page.position().offset, 9);
    }

    #[test]
    fn a_record_that_came_back_is_the_next_one_handed_out() {
        let mut page = page(&[0, 1, 2], 3);
        page.hand_out();
        page.hand_out();
        page.arrived(1);
        page.returned(0);
        assert_eq!(page.hand_out().unwrap().offset, 0);
        page.give_up_waiting();
        page.arrived(0);
        assert_eq!(page.position().offset, 0, "too late: it will be handed out again");
        assert_eq!(page.hand_out().unwrap().offset, 0);
        assert_eq!(page.hand_out().unwrap().offset, 2);
        assert!(page.hand_out().is_none());
    }

    #[test]
    fn what_arrived_out_of_order_is_remembered_and_not_handed_out_again() {
        let mut first = page(&[0, 1, 2], 3);
        for _ in 0..3 {
            first.hand_out();
        }
        first.arrived(2);
        first.arrived(1);
        let position = first.position();
        assert_eq!(position, Position { offset: 0, delivered: vec![1, 2], place: None });

        let mut second = Page::resume(&position);
        second.add(Fetched {
            records: vec![record(0), record(1), record(2), record(3)],
            next: 4,
            place: None,
        });
        assert_eq!(second.hand_out().unwrap().offset, 0);
        assert_eq!(second.hand_out().unwrap().offset, 3);
        second.arrived(0);
        assert_eq!(second.position().offset, 3);
    }

    #[test]
    fn a_position_keeps_its_form_in_the_store() {
        let position =
            Position { offset: 7, delivered: vec![9], place: Some(Place("here".into())) };
        let text = serde_json::to_string(&position).unwrap();
        assert_eq!(text, r#"{"o":7,"d":[9],"p":"here"}"#);
        assert_eq!(serde_json::from_str::<Position>(&text).unwrap(), position);
        assert_eq!(serde_json::to_string(&Position::at(7)).unwrap(), r#"{"o":7}"#);
    }
}
