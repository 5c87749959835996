//! The records of a partition after their fetch: those that are still here,
//! those on their way to a caller, and those that have arrived.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use super::claims::Claims;
use super::position::{Ahead, Position};
use crate::host::Millis;
use crate::kafka::{Fetched, Place};
use crate::record::Record;
use crate::sorted::SortedSet;

/// Fetched records, by where they are.
#[derive(Debug)]
pub(super) struct RecordsInHand {
    here: Records<Record>,
    on_the_way: Records<OnTheWay>,
    /// When records went on their way, the first ones first.
    left: VecDeque<(Duration, HandOut)>,
    hand_outs: u64,
    delivered: SortedSet<i64>,
    claims: Claims,
    next: i64,
    place: Option<Place>,
    silent_to: Option<i64>,
    rejected: u64,
    given_up: u64,
    /// Whether a fetch had records that are not in hand, because callers have or had them.
    left_out: bool,
}

impl RecordsInHand {
    pub(super) fn resume(position: &Position, partition: i32) -> Self {
        let (here, next, place) = match &position.ahead {
            Some(ahead) => (ahead.records(partition), ahead.next, Some(ahead.place.clone())),
            None => (Vec::new(), position.next, None),
        };
        let mut page = Self {
            here: Records::default(),
            on_the_way: Records::default(),
            left: VecDeque::new(),
            hand_outs: 0,
            delivered: position.delivered.iter().copied().collect(),
            claims: position.claims.clone(),
            next,
            place: None,
            silent_to: None,
            rejected: position.rejected,
            given_up: position.given_up,
            left_out: false,
        };
        page.add(Fetched { records: here, next, place, silent_to: position.silent_to });
        page
    }

    /// The offset of the next fetch.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// Takes out the server's place for a fetch. If the fetch fails, the place
    /// is lost, because records may have been read from it.
    pub(super) fn take_place(&mut self) -> Option<Place> {
        self.place.take()
    }

    pub(super) fn add(&mut self, fetched: Fetched) {
        self.next = self.next.max(fetched.next);
        (self.place, self.silent_to) = (fetched.place, fetched.silent_to);
        for record in fetched.records {
            // There may be claims and deliveries above a record that came back.
            let offset = record.offset;
            if self.delivered.contains(&offset) || self.claims.contains(offset) {
                self.left_out = true;
            } else {
                self.here.put(record);
            }
        }
    }

    pub(super) fn claims(&mut self) -> &mut Claims {
        &mut self.claims
    }

    /// Adds records whose claims have ended and that were read again. A server
    /// that reads in pages may have returned more than was asked for, including
    /// records of others.
    pub(super) fn add_again(&mut self, records: Vec<Record>, asked: Range<i64>) {
        for record in records {
            if asked.contains(&record.offset) && self.claims.contains(record.offset) {
                self.here.put(record);
            }
        }
    }

    /// A claimed record is done, or the log no longer has it.
    pub(super) fn done(&mut self, offset: i64) {
        self.claims.remove(offset);
        self.here.take(offset);
        self.delivered.insert(offset);
    }

    /// A record that was handed out as often as it may be goes to nobody any more.
    pub(super) fn give_up(&mut self, offset: i64) {
        if self.claims.contains(offset) {
            self.done(offset);
            self.given_up += 1;
        }
    }

    /// Whether there is a record to hand out.
    pub(super) fn has_records(&self) -> bool {
        !self.here.0.is_empty()
    }

    pub(super) fn records(&self) -> usize {
        self.here.0.len()
    }

    /// The records that nobody has claimed, and the offset of the first, as they would be read
    /// again from there. `None` if they would perhaps be others: some between them are with
    /// callers, or were, and would be missing after a seek.
    pub(super) fn untaken(&self) -> Option<(i64, Fetched)> {
        let untaken = || self.here.0.iter().filter(|record| !self.claims.contains(record.offset));
        let first = untaken().next().map(|record| record.offset);
        let from = first.unwrap_or(self.next);
        let has_holes = self.left_out
            || !self.on_the_way.0.is_empty()
            || self.delivered.iter().any(|offset| *offset >= from)
            || self.claims.end() > from;
        if first.is_some() && has_holes {
            return None;
        }
        let (records, silent_to) = (untaken().cloned().collect(), self.silent_to);
        Some((from, Fetched { records, next: self.next, place: None, silent_to }))
    }

    /// The next record to be handed out.
    pub(super) fn first(&self) -> Option<&Record> {
        self.here.0.front()
    }

    /// Notes that the first record is on its way from now on.
    pub(super) fn hand_out(&mut self, now: Duration) -> Option<(Record, HandOut)> {
        let record = self.here.0.pop_front()?;
        self.hand_outs += 1;
        let hand_out = HandOut { offset: record.offset, number: self.hand_outs };
        self.on_the_way.put(OnTheWay { record: record.clone(), number: self.hand_outs });
        self.left.push_back((now, hand_out));
        Some((record, hand_out))
    }

    /// Claims the first record for a caller. Returns how many times it has been
    /// handed out.
    pub(super) fn claim(&mut self, page: &str, until: Millis) -> Option<(Record, u32)> {
        let record = self.here.0.pop_front()?;
        let count = self.claims.put(record.offset, page, until);
        Some((record, count))
    }

    pub(super) fn arrived(&mut self, hand_out: HandOut) {
        if let Some(record) = self.take_on_the_way(hand_out) {
            self.claims.remove(record.offset);
            self.delivered.insert(record.offset);
        }
    }

    /// The caller did not take the record: the next one gets it.
    pub(super) fn returned(&mut self, hand_out: HandOut) {
        if let Some(record) = self.take_on_the_way(hand_out) {
            self.here.put(record);
        }
    }

    /// A record that came back may be on its way to another caller by now.
    fn take_on_the_way(&mut self, HandOut { offset, number }: HandOut) -> Option<Record> {
        let index = self.on_the_way.find(offset).ok()?;
        let is_this = self.on_the_way.0[index].number == number;
        is_this.then(|| self.on_the_way.0.remove(index))?.map(|on_the_way| on_the_way.record)
    }

    /// A caller that claimed the record was never told of it: the next one gets it.
    pub(super) fn unclaimed(&mut self, record: Record) {
        self.claims.give_back(record.offset, Millis::MIN);
        if self.claims.contains(record.offset) {
            self.here.put(record);
        }
    }

    /// Whether every caller has its records, or will not take them.
    pub(super) fn is_settled(&self) -> bool {
        self.on_the_way.0.is_empty()
    }

    /// When the record left that has been on its way for longest.
    pub(super) fn on_the_way_since(&mut self) -> Option<Duration> {
        while let Some((since, HandOut { offset, number })) = self.left.front() {
            let found = self.on_the_way.find(*offset);
            if found.is_ok_and(|index| self.on_the_way.0[index].number == *number) {
                return Some(*since);
            }
            self.left.pop_front();
        }
        None
    }

    /// Gives up waiting for callers that were given a record at this time or earlier: the
    /// next ones get these records.
    pub(super) fn give_up_waiting(&mut self, since: Duration) {
        while self.on_the_way_since().is_some_and(|left| left <= since)
            && let Some((_, hand_out)) = self.left.pop_front()
        {
            self.returned(hand_out);
        }
    }

    /// The position to write: all records below it have arrived or are claimed.
    pub(super) fn position(&mut self) -> Position {
        let on_the_way = || self.on_the_way.0.iter().map(|on_the_way| &on_the_way.record);
        let waiting = || self.here.0.iter().chain(on_the_way());
        let unclaimed = || waiting().filter(|record| !self.claims.contains(record.offset));
        let next = unclaimed().map(|record| record.offset).min().unwrap_or(self.next);
        let place = self.place.clone();
        let ahead = place.and_then(|place| Ahead::new(place, self.next, unclaimed()));
        self.delivered.retain(|offset| *offset >= next);
        Position {
            next,
            delivered: self.delivered.iter().copied().collect(),
            claims: self.claims.clone(),
            ahead,
            silent_to: self.silent_to.filter(|silent_to| next == self.next && *silent_to > next),
            rejected: self.rejected,
            given_up: self.given_up,
        }
    }
}

/// One time that a record was handed out. The same record may be handed out again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HandOut {
    offset: i64,
    number: u64,
}

#[cfg(test)]
impl HandOut {
    pub(super) fn of(offset: i64) -> Self {
        Self { offset, number: 0 }
    }
}

#[derive(Debug)]
struct OnTheWay {
    record: Record,
    number: u64,
}

trait HasOffset {
    fn offset(&self) -> i64;
}

impl HasOffset for Record {
    fn offset(&self) -> i64 {
        self.offset
    }
}

impl HasOffset for OnTheWay {
    fn offset(&self) -> i64 {
        self.record.offset
    }
}

/// Records in the order of their offsets, each one once. Most are added at the
/// end and removed at the front.
#[derive(Debug)]
struct Records<T>(VecDeque<T>);

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: HasOffset> Records<T> {
    fn put(&mut self, record: T) {
        match self.find(record.offset()) {
            Ok(index) => self.0[index] = record,
            Err(index) => self.0.insert(index, record),
        }
    }

    fn take(&mut self, offset: i64) -> Option<T> {
        let index = self.find(offset).ok()?;
        self.0.remove(index)
    }

    fn find(&self, offset: i64) -> Result<usize, usize> {
        self.0.binary_search_by_key(&offset, HasOffset::offset)
    }
}

#[cfg(test)]
mod tests {
    use super::super::position::MAX_AHEAD_BYTES;
    use super::*;
    use bytes::Bytes;

    const NOW: Duration = Duration::from_secs(9);

    fn record(offset: i64) -> Record {
        let value = Some(Bytes::from(offset.to_string()));
        Record { partition: 3, offset, key: None, value, headers: None, timestamp: None }
    }

    fn fetched(offsets: &[i64], next: i64, place: Option<&str>) -> Fetched {
        Fetched {
            records: offsets.iter().copied().map(record).collect(),
            next,
            place: place.map(|place| Place(place.into())),
            silent_to: None,
        }
    }

    /// A page whose hand-outs are found by offset.
    impl RecordsInHand {
        fn hand(&mut self) -> Option<Record> {
            self.hand_out(NOW).map(|(record, _)| record)
        }

        fn last(&self, offset: i64) -> HandOut {
            let last = self.left.iter().rev().find(|(_, left)| left.offset == offset);
            last.expect("it was handed out").1
        }

        fn arrives(&mut self, offset: i64) {
            self.arrived(self.last(offset));
        }

        fn returns(&mut self, offset: i64) {
            self.returned(self.last(offset));
        }
    }

    fn page(offsets: &[i64], next: i64) -> RecordsInHand {
        let mut page = RecordsInHand::resume(&Position::at(0), 3);
        page.add(fetched(offsets, next, None));
        page
    }

    #[test]
    fn what_is_untaken_is_kept_only_if_it_would_be_read_again_as_it_is() {
        let untaken = |page: &RecordsInHand| {
            let untaken = page.untaken();
            untaken.map(|(from, fetched)| {
                let offsets = fetched.records.iter().map(|record| record.offset);
                (from, offsets.collect::<Vec<_>>(), fetched.next)
            })
        };
        let claimed = |page: &mut RecordsInHand| page.claim("page", 100).unwrap().0.offset;
        let mut page = page(&[0, 1, 2, 5], 9);
        assert_eq!((claimed(&mut page), claimed(&mut page)), (0, 1));
        assert_eq!(untaken(&page), Some((2, vec![2, 5], 9)), "the log has no 3 and 4");
        page.hand();
        assert_eq!(untaken(&page), None, "2 is on its way");
        page.returns(2);
        assert_eq!(untaken(&page), Some((2, vec![2, 5], 9)));
        page.claims().put(4, "other", 100);
        assert_eq!(untaken(&page), None, "somebody has 4");
        page.claims().remove(4);
        page.done(5);
        assert_eq!(untaken(&page), None, "5 is done");
        assert_eq!(claimed(&mut page), 2);
        assert_eq!(untaken(&page), Some((9, vec![], 9)), "what is read from 9 on is whole");

        let position = Position { delivered: vec![6], ..Position::at(5) };
        let mut page = RecordsInHand::resume(&position, 3);
        page.add(fetched(&[5, 6, 7], 8, None));
        page.delivered.retain(|_| false);
        assert_eq!(untaken(&page), None, "6 was left out");
    }

    #[test]
    fn the_position_is_the_end_of_what_has_arrived_without_a_break() {
        let mut page = page(&[0, 1, 2, 5], 9);
        assert_eq!(page.position().next, 0);
        for expected in [0, 1, 2] {
            assert_eq!(page.hand().unwrap().offset, expected);
        }
        assert_eq!(page.position().next, 0, "on the way is not arrived");
        page.arrives(1);
        assert_eq!(page.position(), Position { delivered: vec![1], ..Position::at(0) });
        page.arrives(0);
        assert_eq!(page.position(), Position::at(2));
        page.arrives(2);
        assert_eq!(page.position().next, 5, "the gap up to 5 is the log's own");
        page.hand();
        page.arrives(5);
        assert_eq!(page.position().next, 9);
    }

    #[test]
    fn what_a_read_has_shown_to_be_no_record_is_remembered_until_there_is_one() {
        let mut first = page(&[0], 1);
        first.add(Fetched { silent_to: Some(2), ..fetched(&[], 1, None) });
        assert_eq!(first.position().silent_to, None, "0 is still here");
        first.hand();
        first.arrives(0);
        let position = first.position();
        assert_eq!((position.next, position.silent_to), (1, Some(2)));
        let mut second = RecordsInHand::resume(&position, 3);
        assert_eq!(second.position(), position);
        second.add(fetched(&[2], 3, None));
        assert_eq!(second.position().silent_to, None);
    }

    #[test]
    fn a_record_that_came_back_is_the_next_one_handed_out() {
        let mut page = page(&[0, 1, 2], 3);
        page.hand();
        page.hand();
        page.arrives(1);
        page.returns(0);
        assert_eq!(page.hand().unwrap().offset, 0);
        let slow = page.last(0);
        page.give_up_waiting(NOW);
        page.arrived(slow);
        assert_eq!(page.position().next, 0, "too late: it will be handed out again");
        assert_eq!(page.hand().unwrap().offset, 0);
        page.returned(slow);
        assert!(!page.is_settled(), "it is on its way to somebody else");
        assert_eq!(page.hand().unwrap().offset, 2);
        assert!(page.hand().is_none());
    }

    #[test]
    fn a_claim_that_nobody_was_told_of_is_free_at_once() {
        let mut page = page(&[0, 1], 2);
        let (record, _) = page.claim("owner", 100).unwrap();
        page.claim("owner", 100);
        page.unclaimed(record);
        assert_eq!(page.first().map(|record| record.offset), Some(0));
        let free = page.claims().free(0, 50);
        assert_eq!((free, page.position().claimed()), (vec![(0, 1)], 2));
    }

    #[test]
    fn what_is_given_up_is_counted_once_and_lets_the_position_move() {
        let mut first = page(&[0, 1], 2);
        first.claim("n0", 100);
        first.claim("n1", 100);
        let position = first.position();
        let mut second = RecordsInHand::resume(&position, 3);
        second.give_up(0);
        second.give_up(0);
        let position = second.position();
        assert_eq!((position.committed(), position.given_up, position.rejected), (1, 1, 0));
        assert_eq!(RecordsInHand::resume(&position, 3).position(), position);
    }

    #[test]
    fn what_arrived_out_of_order_is_remembered_and_not_handed_out_again() {
        let mut first = page(&[0, 1, 2], 3);
        for _ in 0..3 {
            first.hand();
        }
        first.arrives(2);
        first.arrives(1);
        let position = first.position();
        assert_eq!(position, Position { delivered: vec![1, 2], ..Position::at(0) });

        let mut second = RecordsInHand::resume(&position, 3);
        second.add(fetched(&[0, 1, 2, 3], 4, None));
        assert_eq!(second.hand().unwrap().offset, 0);
        assert_eq!(second.hand().unwrap().offset, 3);
        second.arrives(0);
        assert_eq!(second.position().next, 3);
    }

    #[test]
    fn claimed_records_hold_the_committed_offset_and_come_again_when_free() {
        let mut first = page(&[0, 1, 2], 3);
        let (record, count) = first.claim("n0", 100).unwrap();
        assert_eq!((record.offset, count), (0, 1));
        first.hand();
        first.arrives(1);
        let position = first.position();
        assert_eq!((position.committed(), position.next), (0, 2));

        let mut second = RecordsInHand::resume(&position, 3);
        second.add_again(vec![self::record(0), self::record(1)], 0..2);
        second.add(fetched(&[2], 3, None));
        assert_eq!(second.position(), Position { next: 2, ..position.clone() });
        let (record, count) = second.claim("again", 200).unwrap();
        assert_eq!((record.offset, count), (0, 2), "1 is done");
        assert_eq!(second.hand().unwrap().offset, 2);
        second.arrives(2);
        second.done(0);
        assert_eq!(second.position(), Position::at(3));
    }

    #[test]
    fn a_free_claim_can_go_to_a_caller_that_does_not_claim() {
        let mut first = page(&[0], 1);
        first.claim("n0", 100);
        let mut second = RecordsInHand::resume(&first.position(), 3);
        second.add_again(vec![record(0)], 0..1);
        assert_eq!(second.hand().unwrap().offset, 0);
        assert_eq!(second.position().committed(), 0, "on the way is not arrived");
        second.arrives(0);
        assert_eq!(second.position(), Position::at(1));
    }

    #[test]
    fn a_claim_above_a_record_that_came_back_stays_a_claim() {
        let mut first = page(&[0, 1, 2], 3);
        first.hand();
        first.claim("n1", 100);
        first.claim("n2", 100);
        first.returns(0);
        let position = first.position();
        assert_eq!((position.next, position.claimed()), (0, 2));

        let mut second = RecordsInHand::resume(&position, 3);
        second.done(1);
        second.add(fetched(&[0, 1, 2, 3], 4, None));
        assert_eq!(second.hand().unwrap().offset, 0);
        assert_eq!(second.hand().unwrap().offset, 3, "1 is done, 2 is out");
    }

    #[test]
    fn of_a_page_only_the_record_that_was_asked_for_comes_again() {
        let mut page = page(&[0, 1], 2);
        page.claim("n0", 100);
        page.claim("n1", 900);
        page.add_again(vec![record(0), record(1)], 0..1);
        assert_eq!(page.hand().unwrap().offset, 0);
        assert!(page.hand().is_none(), "the lease on 1 lives");
    }

    #[test]
    fn where_a_place_cannot_go_back_what_was_read_ahead_stays_with_it() {
        let mut first = RecordsInHand::resume(&Position::at(0), 3);
        first.add(fetched(&[0, 1, 2], 3, Some("here")));
        first.hand();
        first.arrives(0);
        let position = first.position();
        assert_eq!(position.next, 1);

        let mut second = RecordsInHand::resume(&position, 3);
        assert_eq!(second.next(), 3);
        assert_eq!(second.hand(), Some(record(1)));
        assert_eq!(second.hand(), Some(record(2)));
        assert_eq!(second.take_place(), Some(Place("here".into())));

        let mut large = RecordsInHand::resume(&Position::at(0), 3);
        let value = Some(Bytes::from(vec![b'x'; MAX_AHEAD_BYTES + 1]));
        let mut much = fetched(&[0, 1], 2, Some("here"));
        much.records[1].value = value;
        large.add(much);
        large.hand();
        large.arrives(0);
        assert_eq!(large.position(), Position::at(1), "too much to keep: the place goes too");
    }
}
