//! A document with some of the ids of a scope.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::host::Millis;
use crate::state::stored::stored;

/// For how long an id may be pending before its first try counts as dead.
pub const PENDING_TIME: Duration = Duration::from_secs(10);

/// How many ids a slot holds, and how many places all of them together: some 20 bytes
/// each.
const MAX_ENTRIES: usize = 64;
const MAX_PLACES: usize = 1_000;

/// Where a record was written. The topic is empty if it is the scope's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    #[serde(rename = "t", default, skip_serializing_if = "String::is_empty")]
    pub topic: String,
    #[serde(rename = "p")]
    pub partition: i32,
    #[serde(rename = "o")]
    pub offset: i64,
}

/// An id, oldest first in its slot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "i")]
    pub(super) id: String,
    #[serde(rename = "a")]
    at: Millis,
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) content: Option<String>,
    #[serde(rename = "s")]
    state: State,
    #[serde(rename = "r", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) places: Vec<Option<Place>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum State {
    #[serde(rename = "p")]
    Pending,
    #[serde(rename = "d")]
    Done,
    /// Nothing was written: for the writes of the same instance only.
    #[serde(rename = "f")]
    Forgotten,
}

impl Entry {
    pub(super) fn pending(
        id: String,
        content: Option<String>,
        at: Millis,
        places: Vec<Option<Place>>,
    ) -> Self {
        Self { id, at, content, state: State::Pending, places }
    }

    pub(super) fn done(&self, places: Vec<Option<Place>>, at: Millis) -> Self {
        // What is not there yet is for the next repeat.
        if places.iter().any(Option::is_none) {
            return Self { state: State::Forgotten, places, ..self.clone() };
        }
        Self { state: State::Done, places, at, ..self.clone() }
    }

    pub(super) fn forgotten(&self) -> Self {
        Self { state: State::Forgotten, ..self.clone() }
    }

    pub(super) fn is_done(&self) -> bool {
        self.state == State::Done
    }

    pub(super) fn is_pending(&self) -> bool {
        self.state == State::Pending
    }

    pub(super) fn is_forgotten(&self) -> bool {
        self.state == State::Forgotten
    }

    /// Whether this one, from the store, counts in place of what an instance has noted
    /// of the same id. An instance that failed knows nothing of those that came after it;
    /// but what was read may also be older than what it noted.
    pub(super) fn outlasts(&self, own: &Self) -> bool {
        match own.state {
            State::Done => false,
            State::Pending => self.is_done(),
            State::Forgotten => {
                let written = |entry: &Self| entry.places.iter().flatten().count();
                let has_more = self.is_forgotten() && written(self) > written(own);
                self.is_done() || has_more || self.at > own.at
            }
        }
    }

    /// Whether it is not to be remembered any more. A short window does not end while the
    /// id may be on its way.
    pub(super) fn is_over(&self, now: Millis, window: Duration) -> bool {
        let window = if self.is_pending() { window.max(PENDING_TIME) } else { window };
        let window = Millis::try_from(window.as_millis()).unwrap_or(Millis::MAX);
        now.saturating_sub(self.at) >= window
    }

    /// For how long it may still be on its way; `None` if a repeat is to be produced.
    pub(super) fn pending_for(&self, now: Millis) -> Option<Duration> {
        if self.state != State::Pending {
            return None;
        }
        let age = now.saturating_sub(self.at);
        // A time that is far ahead is of a wrong clock, and cannot hold anything up.
        let age = u64::try_from(age).unwrap_or(0);
        let limit = u64::try_from(PENDING_TIME.as_millis()).unwrap_or(u64::MAX);
        if self.at.saturating_sub(now) > Millis::try_from(limit).unwrap_or(Millis::MAX) {
            return None;
        }
        limit.checked_sub(age).filter(|left| *left > 0).map(Duration::from_millis)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(crate) struct Slot(Vec<Entry>);

stored!(Slot, "a part of the memory of repeats");

impl Slot {
    pub(super) fn find(&self, id: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.id == id)
    }

    /// Puts an entry in place of the one with the same id, unless that one outlasts it.
    /// The oldest ones make room.
    pub(super) fn put(&mut self, entry: Entry) {
        if self.find(&entry.id).is_some_and(|known| known.outlasts(&entry)) {
            return;
        }
        self.0.retain(|known| known.id != entry.id);
        if entry.state != State::Forgotten || entry.places.iter().any(Option::is_some) {
            self.0.push(entry);
        }
        let mut first = self.0.len().saturating_sub(MAX_ENTRIES);
        let mut places = self.0[first..].iter().map(|entry| entry.places.len()).sum::<usize>();
        while places > MAX_PLACES && first + 1 < self.0.len() {
            places -= self.0[first].places.len();
            first += 1;
        }
        self.0.drain(..first);
    }

    pub(super) fn forget_old(&mut self, now: Millis, window: Duration) {
        self.0.retain(|entry| !entry.is_over(now, window));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(offset: i64) -> Option<Place> {
        Some(Place { topic: String::new(), partition: 0, offset })
    }

    fn entry(id: &str, at: Millis) -> Entry {
        Entry::pending(id.into(), None, at, Vec::new())
    }

    #[test]
    fn an_id_is_pending_for_ten_seconds() {
        let entry = entry("a", 1_000);
        assert_eq!(entry.pending_for(1_000), Some(PENDING_TIME));
        assert_eq!(entry.pending_for(10_999), Some(Duration::from_millis(1)));
        assert_eq!(entry.pending_for(11_000), None);
        assert_eq!(entry.pending_for(0), Some(PENDING_TIME), "another clock is a bit behind");
        assert_eq!(entry.pending_for(-20_000), None, "a clock was wrong");
        let done = entry.done(vec![place(7)], 2_000);
        assert!(done.is_done() && done.pending_for(2_000).is_none());
    }

    #[test]
    fn what_was_written_in_part_is_no_repeat_and_not_forgotten() {
        let part = entry("a", 0).done(vec![place(7), None], 1);
        assert!(!part.is_done());
        assert_eq!(part.pending_for(1), None);
        let mut slot = Slot::default();
        slot.put(part.clone());
        assert_eq!(slot.find("a"), Some(&part));
        slot.put(entry("a", 2).forgotten());
        assert_eq!(slot.find("a"), Some(&part), "a later try did not know of it");
        slot.put(entry("b", 2));
        slot.put(entry("b", 2).forgotten());
        assert_eq!(slot.find("b"), None);
        slot.put(entry("c", 3));
        slot.put(entry("c", 2).forgotten());
        assert!(slot.find("c").is_some(), "the mark of another try");
    }

    #[test]
    fn the_oldest_make_room() {
        let mut slot = Slot::default();
        for n in 0..=64 {
            slot.put(entry(&format!("{n}"), n));
        }
        assert_eq!((slot.find("0"), slot.0.len()), (None, 64));
        slot.put(entry("1", 99));
        assert_eq!((slot.0.len(), slot.0.last().unwrap().id.as_str()), (64, "1"));
        let many = entry("many", 100).done(vec![place(1); 990], 100);
        slot.put(many.clone());
        slot.put(entry("more", 101).done(vec![place(1); 20], 101));
        assert_eq!((slot.0.len(), slot.find("many")), (1, None));
        slot.put(many);
        assert_eq!(slot.0.len(), 1, "one entry is kept whatever its size");
    }

    #[test]
    fn old_ids_are_forgotten() {
        let mut slot = Slot::default();
        slot.put(entry("a", 0));
        slot.put(entry("b", 5_000));
        slot.forget_old(10_000, Duration::from_secs(6));
        assert_eq!((slot.find("a"), slot.0.len()), (None, 1));
        slot.put(entry("c", 5_000).done(vec![place(1)], 5_000));
        slot.forget_old(11_000, Duration::from_secs(6));
        assert!(slot.find("b").is_some(), "it may be on its way for ten seconds");
        assert_eq!(slot.find("c"), None);
    }

    #[test]
    fn a_slot_is_kept_whole() {
        let mut slot = Slot::default();
        let content = Some("0011".to_owned());
        let entry = Entry::pending("a".into(), content, 1, Vec::new());
        let places = vec![Some(Place { topic: "t".into(), partition: 1, offset: 2 }), place(3)];
        slot.put(entry.done(places, 2));
        let text = serde_json::to_string(&slot).unwrap();
        let expected =
            r#"[{"i":"a","a":2,"c":"0011","s":"d","r":[{"t":"t","p":1,"o":2},{"p":0,"o":3}]}]"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Slot>(&text).unwrap(), slot);
    }
}
