//! Which records of a partition are done with, and which may be tried now: by the order
//! that the subscription wants, by failures and times. Decided without I/O.
//!
//! Everything below the position is done with. With the order of keys, or none, records
//! beyond it may be, too. A record is *done with* when the callback has accepted it, or it
//! was filtered, skipped, or is among the dead letters, or the log has no record there.

use serde::{Deserialize, Serialize};

use super::retry::is_to_come;
use super::settings::Order;
use crate::host::Millis;
use crate::sorted::{SortedMap, SortedSet};

/// The most records beyond the position that may be done with.
const MAX_BEYOND: u32 = 1_000;

/// The most records that may wait for another attempt at once: while there are so many, no
/// other record is tried for the first time.
const MAX_WAITING: usize = 100;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Window {
    #[serde(rename = "p")]
    position: i64,
    /// Beyond the position and apart from it and from each other, in their order: from an
    /// offset to another, and how many records.
    #[serde(rename = "d", default, skip_serializing_if = "Vec::is_empty")]
    done: Vec<(i64, i64, u32)>,
    #[serde(rename = "w", default, skip_serializing_if = "SortedMap::is_empty")]
    waiting: SortedMap<i64, Waiting>,
}

/// A record that was tried in vain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    #[serde(rename = "f")]
    pub(super) failures: u32,
    /// When the next attempt is due.
    #[serde(rename = "n")]
    pub(super) due: Millis,
    /// When the first attempt was made.
    #[serde(rename = "s")]
    pub(super) since: Millis,
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<u32>,
    /// Of a batch, its last record: it is tried again as it was.
    #[serde(rename = "l", default, skip_serializing_if = "Option::is_none")]
    pub(super) last: Option<i64>,
    /// No attempt is made any more; it is only to be put among the dead letters.
    #[serde(rename = "x", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) exhausted: bool,
    /// What the callback answered to the last attempt, if it did.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
    /// Operators were told that it is given up, or that its schedule is used up.
    #[serde(rename = "t", default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) told: bool,
}

/// A record as the window sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) offset: i64,
    /// `None`: it has no key, and waits for no other.
    pub(super) key: Option<u32>,
}

/// What stands in the way of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// This one, by its place among the candidates.
    Try(usize),
    /// None of these, but later ones may.
    More,
    /// Nothing before this time, or before an attempt that is under way has ended.
    Wait(Option<Millis>),
}

impl Window {
    pub(super) fn at(position: i64) -> Self {
        Self { position, ..Self::default() }
    }

    /// Everything below is done with.
    pub(super) fn position(&self) -> i64 {
        self.position
    }

    /// How many records beyond the position are done with.
    pub(super) fn beyond(&self) -> u32 {
        self.done.iter().map(|(.., records)| records).sum()
    }

    pub(super) fn waiting(&self) -> &SortedMap<i64, Waiting> {
        &self.waiting
    }

    pub(super) fn is_done(&self, offset: i64) -> bool {
        offset < self.position
            || self.done.iter().any(|(from, to, _)| (*from..*to).contains(&offset))
    }

    /// The record at this offset is done with.
    pub(super) fn dispose(&mut self, offset: i64) {
        self.pass(offset, offset.saturating_add(1), 1);
    }

    /// The log has no records from one offset up to another.
    pub(super) fn skip_gap(&mut self, from: i64, to: i64) {
        self.pass(from, to, 0);
    }

    fn pass(&mut self, from: i64, to: i64, records: u32) {
        let from = from.max(self.position);
        if to <= from {
            return;
        }
        self.waiting.retain(|offset, _| !(from..to).contains(offset));
        let (mut merged, mut apart) = ((from, to, records), Vec::new());
        for span in self.done.drain(..) {
            match span.0 <= merged.1 && merged.0 <= span.1 {
                true => {
                    // A record that is done with twice counts once.
                    let counted = if span.0 <= from && to <= span.1 { 0 } else { records };
                    merged = (
                        span.0.min(merged.0),
                        span.1.max(merged.1),
                        span.2 + merged.2 - records + counted,
                    );
                }
                false => apart.push(span),
            }
        }
        let place = apart.iter().position(|span| span.0 > merged.0).unwrap_or(apart.len());
        apart.insert(place, merged);
        if apart[0].0 <= self.position {
            self.position = apart.remove(0).1;
        }
        self.done = apart;
    }

    /// An attempt at a record failed.
    pub(super) fn failed(&mut self, offset: i64, waiting: Waiting) {
        if !self.is_done(offset) {
            self.waiting.insert(offset, waiting);
        }
    }

    /// The next offset, from one on, that is worth reading: it is neither done with nor
    /// waiting for a time.
    pub(super) fn next_wanted(&self, from: i64, now: Millis) -> i64 {
        let mut offset = from.max(self.position);
        loop {
            let span = self.done.iter().find(|(from, to, _)| (*from..*to).contains(&offset));
            let waits = self.waiting.get(&offset).is_some_and(|it| is_to_come(it.due, now));
            match span {
                Some((_, to, _)) => offset = *to,
                None if waits => offset += 1,
                None => return offset,
            }
        }
    }

    /// Chooses the record to try next, of candidates in the order of their offsets: those
    /// that have been read and are neither done with nor under way.
    pub(super) fn choose(
        &self,
        candidates: &[Candidate],
        under_way: &[Candidate],
        order: Order,
        now: Millis,
    ) -> Choice {
        let soonest = self.waiting.values().map(|it| it.due).filter(|due| is_to_come(*due, now));
        let soonest = soonest.min();
        if order == Order::Partition {
            let Some(first) = candidates.first() else {
                return if under_way.is_empty() { Choice::More } else { Choice::Wait(None) };
            };
            // It may not be among the candidates: nobody reads what is to wait.
            let waits = self.waiting.iter().next().filter(|(offset, waiting)| {
                **offset <= first.offset && is_to_come(waiting.due, now)
            });
            return match waits {
                _ if !under_way.is_empty() => Choice::Wait(None),
                Some((_, waiting)) => Choice::Wait(Some(waiting.due)),
                None => Choice::Try(0),
            };
        }
        if candidates.is_empty() {
            return Choice::More;
        }
        let is_keyed = order == Order::Key;
        let mut busy: SortedSet<u32> = SortedSet::new();
        let block = |busy: &mut SortedSet<u32>, key: Option<u32>| {
            if let (true, Some(key)) = (is_keyed, key) {
                busy.insert(key);
            }
        };
        under_way.iter().for_each(|one| block(&mut busy, one.key));
        let is_full = self.waiting.len() + under_way.len() >= MAX_WAITING
            || self.beyond() + under_way.len() as u32 >= MAX_BEYOND;
        let lowest = under_way.iter().map(|one| one.offset).min();
        let mut earlier = self.waiting.iter().peekable();
        for (place, one) in candidates.iter().enumerate() {
            // Those that failed and come before it, whether they are among the candidates
            // or not.
            while let Some((_, waiting)) = earlier.next_if(|(offset, _)| **offset < one.offset) {
                block(&mut busy, waiting.key);
            }
            let known = self.waiting.get(&one.offset);
            let waits = known.is_some_and(|it| is_to_come(it.due, now));
            let blocked = one.key.is_some_and(|key| busy.contains(&key));
            // Whoever stands at the position may always be tried: only so it moves on.
            let is_first = place == 0
                && lowest.is_none_or(|lowest| one.offset < lowest)
                && self.waiting.keys().next().is_none_or(|first| one.offset <= *first);
            let may_begin = known.is_some() || !is_full || is_first;
            if !waits && !blocked && may_begin {
                return Choice::Try(place);
            }
            block(&mut busy, one.key);
        }
        match is_full {
            true => Choice::Wait(soonest),
            false => Choice::More,
        }
    }

    /// When the next attempt is due, if one has failed.
    pub(super) fn next_attempt(&self) -> Option<Millis> {
        self.waiting.values().map(|it| it.due).min()
    }
}

/// What stands for a key: two that are taken for one make a record wait in vain, at worst.
pub(super) fn key_of(key: Option<&[u8]>) -> Option<u32> {
    // FNV-1a.
    let hash = |hash: u32, byte: &u8| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
    key.map(|key| key.iter().fold(0x811c_9dc5, hash))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn waiting(due: Millis) -> Waiting {
        Waiting { failures: 1, due, ..Waiting::default() }
    }

    fn candidates(keys: &[(i64, Option<u32>)]) -> Vec<Candidate> {
        keys.iter().map(|(offset, key)| Candidate { offset: *offset, key: *key }).collect()
    }

    #[test]
    fn the_position_moves_over_what_is_done_with_however_that_came() {
        let mut window = Window::at(5);
        window.dispose(7);
        window.skip_gap(9, 12);
        window.dispose(12);
        assert_eq!((window.position(), window.beyond()), (5, 2));
        assert_eq!(window.done, [(7, 8, 1), (9, 13, 1)]);
        window.dispose(5);
        window.dispose(6);
        assert_eq!((window.position(), window.beyond()), (8, 1));
        window.dispose(8);
        assert_eq!((window.position(), window.beyond()), (13, 0));
        window.dispose(3);
        assert_eq!(window, Window::at(13));
    }

    /// Compared with a set of offsets.
    #[test]
    fn any_order_of_outcomes_gives_the_same_position() {
        let mut random = fastrand::Rng::with_seed(3);
        for _ in 0..500 {
            let (mut window, mut done) = (Window::at(10), BTreeSet::new());
            for _ in 0..random.usize(..30) {
                let from = random.i64(8..40);
                let to = if random.bool() { from + 1 } else { from + random.i64(1..6) };
                match to - from {
                    1 => window.dispose(from),
                    _ => window.skip_gap(from, to),
                }
                done.extend(from..to);
                let position = (10..).find(|offset| !done.contains(offset)).unwrap();
                assert_eq!(window.position(), position);
                for offset in 10..50 {
                    let is_done = offset < position || done.contains(&offset);
                    assert_eq!(window.is_done(offset), is_done, "{offset} of {window:?}");
                }
                assert!(window.done.is_sorted() && window.done.iter().all(|(a, b, _)| a < b));
                assert!(window.done.first().is_none_or(|(from, ..)| *from > position));
            }
        }
    }

    #[test]
    fn a_record_that_is_done_with_twice_counts_once() {
        let mut window = Window::at(0);
        (0..3).for_each(|_| window.dispose(4));
        window.dispose(5);
        window.dispose(4);
        assert_eq!(window.beyond(), 2);
        window.skip_gap(2, 9);
        assert_eq!(window.beyond(), 2);
    }

    #[test]
    fn in_the_order_of_the_partition_one_waits_for_all_before_it() {
        let mut window = Window::at(5);
        let two = candidates(&[(5, None), (6, None)]);
        let choose = |window: &Window, under_way: &[Candidate], now| {
            window.choose(&two, under_way, Order::Partition, now)
        };
        assert_eq!(choose(&window, &[], 0), Choice::Try(0));
        assert_eq!(choose(&window, &candidates(&[(4, None)]), 0), Choice::Wait(None));
        window.failed(5, waiting(100));
        assert_eq!(choose(&window, &[], 99), Choice::Wait(Some(100)));
        assert_eq!(choose(&window, &[], 100), Choice::Try(0));
        assert_eq!(window.choose(&[], &[], Order::Partition, 0), Choice::More);
        // One that waits keeps others waiting, though nobody has read it.
        let later = &two[1..];
        assert_eq!(window.choose(later, &[], Order::Partition, 99), Choice::Wait(Some(100)));
    }

    #[test]
    fn in_the_order_of_keys_one_waits_for_those_of_its_key() {
        let mut window = Window::at(0);
        let (a, b) = (Some(1), Some(2));
        let all = candidates(&[(0, a), (1, a), (2, b), (3, None), (4, a)]);
        let choose = |window: &Window, of: &[Candidate], busy: &[Candidate]| {
            window.choose(of, busy, Order::Key, 0)
        };
        assert_eq!(choose(&window, &all, &[]), Choice::Try(0));
        assert_eq!(choose(&window, &all[1..], &all[..1]), Choice::Try(1), "of another key");
        assert_eq!(choose(&window, &all[3..], &all[..3]), Choice::Try(0), "of none");
        assert_eq!(choose(&window, &all[4..], &all[..1]), Choice::More);
        window.failed(0, Waiting { key: a, ..waiting(100) });
        assert_eq!(choose(&window, &all[1..], &[]), Choice::Try(1), "its key waits");
        assert_eq!(choose(&window, &all[1..2], &[]), Choice::More);
        // One that waits blocks nobody before it.
        let mut window = Window::at(0);
        window.failed(4, Waiting { key: a, ..waiting(100) });
        assert_eq!(choose(&window, &all[..4], &[]), Choice::Try(0));
    }

    #[test]
    fn in_no_order_whatever_is_due_is_tried_and_wanted() {
        let mut window = Window::at(0);
        window.failed(0, waiting(100));
        window.dispose(1);
        window.failed(2, waiting(50));
        assert_eq!([0, 50, 100].map(|now| window.next_wanted(0, now)), [3, 2, 0]);
        let all = candidates(&[(0, None), (2, None), (3, None)]);
        let choose = |now| window.choose(&all, &[], Order::None, now);
        assert_eq!([choose(0), choose(50), choose(100)], [2, 1, 0].map(Choice::Try));
    }

    #[test]
    fn too_many_failures_let_nothing_new_begin() {
        let mut window = Window::at(0);
        for offset in 0..MAX_WAITING as i64 {
            window.failed(offset, waiting(100 + offset));
        }
        let new = candidates(&[(500, None)]);
        let at_work = candidates(&[(5, None)]);
        assert_eq!(window.choose(&new, &at_work, Order::None, 0), Choice::Wait(Some(100)));
        // One that has waited is tried all the same.
        let old = candidates(&[(3, None)]);
        assert_eq!(window.choose(&old, &at_work, Order::None, 103), Choice::Try(0));
    }

    #[test]
    fn so_much_beyond_the_position_lets_only_the_first_begin() {
        let mut window = Window::at(0);
        (1..=1_000).for_each(|offset| window.dispose(offset));
        assert_eq!(window.beyond(), MAX_BEYOND);
        let first = candidates(&[(0, None), (2_000, None)]);
        assert_eq!(window.choose(&first, &[], Order::None, 0), Choice::Try(0));
        assert_eq!(window.choose(&first[1..], &first[..1], Order::None, 0), Choice::Wait(None));
        window.failed(0, waiting(9));
        assert_eq!(window.choose(&first[1..], &[], Order::None, 0), Choice::Wait(Some(9)));
        window.dispose(0);
        assert_eq!((window.position(), window.beyond()), (1_001, 0));
    }

    #[test]
    fn a_time_of_a_wrong_clock_is_not_waited_for() {
        let mut window = Window::at(0);
        window.failed(0, waiting(i64::MAX));
        assert_eq!(window.next_wanted(0, 0), 0);
        let first = candidates(&[(0, None)]);
        assert_eq!(window.choose(&first, &[], Order::Partition, 0), Choice::Try(0));
    }

    #[test]
    fn what_is_kept_is_small() {
        let mut window = Window::at(5);
        assert_eq!(serde_json::to_string(&window).unwrap(), r#"{"p":5}"#);
        window.failed(6, Waiting { key: Some(7), ..waiting(9) });
        window.dispose(8);
        let text = serde_json::to_string(&window).unwrap();
        assert_eq!(text, r#"{"p":5,"d":[[8,9,1]],"w":{"6":{"f":1,"n":9,"s":0,"k":7}}}"#);
        assert_eq!(serde_json::from_str::<Window>(&text).unwrap(), window);
    }

    #[test]
    fn keys_differ_and_none_is_no_key() {
        assert_eq!(key_of(None), None);
        assert_ne!(key_of(Some(b"")), key_of(Some(b"a")));
        assert_ne!(key_of(Some(b"ab")), key_of(Some(b"ba")));
    }
}
