//! The desk: the callers of a group that wait in this instance, and the records
//! on their way to them.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use super::page::HandOut;
use super::{Ack, Confirmation, Consumed, Handed, Settle, StartFrom, claims};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Millis;
use crate::record::Record;
use crate::services::beyond_end::BeyondEnd;
use crate::telemetry::{Trace, current_trace};

/// How much longer than its wait a caller queues for a partition that another
/// instance reads: as long as a partition needs to change hands. A caller that comes
/// again at once, without a wait, is often faster than the last write of its own call.
pub(super) const QUEUE_TIME: Duration = Duration::from_millis(500);

/// The same for a new group: longer than it takes to follow somebody who died while it
/// began the group.
const BEGIN_TIME: Duration = Duration::from_secs(7);

/// How long after it has come a caller that has got a record waits for more of them: a
/// partition that is read for the first time takes half a second
/// (`reference/confluent-rest.md`, 5.4).
const FILL_TIME: Duration = Duration::from_millis(500);

/// Only if callers come at shorter intervals than this is a partition kept for the next
/// one, for [`PARTITION_LINGER`](super::PARTITION_LINGER).
const BUSY_ARRIVAL_GAP: Duration = Duration::from_millis(200);

pub(super) type DeskAnswer = Result<Handed>;

/// How much a caller takes at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Want {
    pub(super) records: usize,
    /// The maximum size of keys, values and headers. The first record is
    /// returned whatever its size.
    pub(super) bytes: usize,
    pub(super) ack: Ack,
}

/// A caller's order for records.
#[derive(Debug)]
struct Order<W> {
    want: Want,
    /// The end of its wait for a record to appear, by the monotonic clock.
    wait_until: Duration,
    /// Until when it waits for more once it has got a record.
    fill_until: Duration,
    from: StartFrom,
    /// The records that it has got so far.
    handed: Handed,
    bytes: usize,
    /// What its claims are known by, once it has any.
    page: Option<Rc<str>>,
    /// The earliest end of the leases on its records.
    claimed_until: Millis,
    slot: Rc<Waiting<W>>,
    trace: Option<Trace>,
}

/// Where a caller waits for its answer.
#[derive(Debug)]
struct Waiting<W> {
    answer: RefCell<Option<DeskAnswer>>,
    /// Wakes the caller when it is dropped, which it is with the order.
    wake: RefCell<Option<W>>,
}

impl<W> Order<W> {
    fn is_void(&self) -> bool {
        // A caller that went away has dropped its slot.
        Rc::strong_count(&self.slot) == 1
    }

    fn is_open(&self) -> bool {
        !self.handed.records.is_empty()
    }

    /// Whether it has got a later record of the same partition. That happens when a
    /// record comes back.
    fn is_beyond(&self, topic: &Rc<str>, record: &Record) -> bool {
        let is_same = |got: &&Consumed| {
            got.record.partition == record.partition && Rc::ptr_eq(&got.topic, topic)
        };
        let last = self.handed.records.iter().rev().find(is_same);
        last.is_some_and(|last| last.record.offset > record.offset)
    }

    fn answer(self, answer: DeskAnswer) {
        *self.slot.answer.borrow_mut() = Some(answer);
    }

    fn answer_with_records(mut self) {
        let handed = std::mem::take(&mut self.handed);
        self.answer(Ok(handed));
    }

    /// Takes its records back, and returns those that it had claimed.
    fn take_back(&mut self) -> Vec<Consumed> {
        let handed = std::mem::take(&mut self.handed);
        (self.bytes, self.page, self.claimed_until) = (0, None, Millis::MAX);
        match self.want.ack {
            Ack::Manual { .. } => handed.records,
            Ack::Auto => Vec::new(),
        }
    }
}

impl<W> Drop for Order<W> {
    fn drop(&mut self) {
        drop(self.slot.wake.take());
    }
}

/// The place of the caller's answer. If it is dropped unread, its records go
/// back.
#[derive(Debug)]
pub(super) struct Slot<W>(Rc<Waiting<W>>);

impl<W> Slot<W> {
    pub(super) fn take(&self) -> Option<DeskAnswer> {
        self.0.answer.borrow_mut().take()
    }

    /// Whoever waits for the answer is woken by this.
    pub(super) fn wake_with(&self, wake: W) {
        *self.0.wake.borrow_mut() = Some(wake);
    }
}

/// Wakes the task that serves a desk, if it waits.
#[derive(Debug)]
pub(super) struct Bell<W>(Rc<RefCell<Option<W>>>);

impl<W> Clone for Bell<W> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<W> Default for Bell<W> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<W> Bell<W> {
    pub(super) fn ring(&self) {
        drop(self.0.take());
    }

    pub(super) fn ring_with(&self, wake: W) {
        *self.0.borrow_mut() = Some(wake);
    }
}

/// The queue of one group. `W` wakes a waiting task when dropped.
#[derive(Debug)]
pub(super) struct Desk<W> {
    /// The orders. Only the first one can have got records and wait for more.
    orders: VecDeque<Order<W>>,
    /// Orders that are full of claimed records, whose claims are not written
    /// yet.
    claimed: Vec<Order<W>>,
    /// The same while that is being written.
    being_written: Vec<Order<W>>,
    /// Records that were claimed for callers who were not told of it.
    unclaimed: Vec<Consumed>,
    last_arrival: Option<Duration>,
    /// How many records the last caller wanted.
    last_wanted: usize,
    /// Where the group stands beyond the end of a partition.
    beyond: Vec<BeyondEnd>,
    /// Whether an order has come since the last look at the log.
    arrived: bool,
    busy: bool,
}

impl<W> Default for Desk<W> {
    fn default() -> Self {
        Self {
            orders: VecDeque::new(),
            claimed: Vec::new(),
            being_written: Vec::new(),
            unclaimed: Vec::new(),
            last_arrival: None,
            last_wanted: 1,
            beyond: Vec::new(),
            arrived: false,
            busy: false,
        }
    }
}

impl<W> Desk<W> {
    pub(super) fn place(
        &mut self,
        now: Duration,
        wait: Duration,
        from: StartFrom,
        want: Want,
    ) -> Slot<W> {
        let slot = Rc::new(Waiting { answer: RefCell::new(None), wake: RefCell::new(None) });
        self.orders.push_back(Order {
            want,
            wait_until: now + wait,
            fill_until: now + FILL_TIME,
            from,
            handed: Handed::default(),
            bytes: 0,
            page: None,
            claimed_until: Millis::MAX,
            slot: slot.clone(),
            trace: current_trace(),
        });
        self.busy = self.last_arrival.is_some_and(|last| now - last < BUSY_ARRIVAL_GAP);
        self.last_arrival = Some(now);
        self.last_wanted = want.records;
        self.arrived = true;
        Slot(slot)
    }

    /// The trace of the order that has waited for longest.
    pub(super) fn trace(&self) -> Option<Trace> {
        self.orders.front()?.trace
    }

    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    /// Whether orders have come since the last call: they need a fresh look at
    /// the log.
    pub(super) fn take_arrived(&mut self) -> bool {
        std::mem::take(&mut self.arrived)
    }

    /// Whether orders have come since then.
    pub(super) fn has_arrived(&self) -> bool {
        self.arrived
    }

    /// The time until the first wait ends; `None` if there is no order.
    pub(super) fn shortest_wait(&self, now: Duration) -> Option<Duration> {
        self.orders.iter().map(|order| order.wait_until.saturating_sub(now)).min()
    }

    /// The number of records that all callers together want.
    pub(super) fn wanted(&self) -> usize {
        self.orders.iter().map(|order| order.want.records - order.handed.records.len()).sum()
    }

    /// How many records the next caller is likely to want.
    pub(super) fn likely_wanted(&self) -> usize {
        self.last_wanted
    }

    /// Whether the last callers came at such short intervals that the next one
    /// can be expected.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    pub(super) fn last_arrival(&self) -> Option<Duration> {
        self.last_arrival
    }

    /// Whether a caller wants a group without a position to start at the end.
    pub(super) fn wants_latest(&self) -> bool {
        self.orders.iter().any(|order| order.from == StartFrom::Latest)
    }

    /// Whether a caller has got records and could take more.
    pub(super) fn has_open_order(&self) -> bool {
        self.orders.front().is_some_and(Order::is_open)
    }

    /// Until when the caller that has got records waits for more.
    pub(super) fn fill_until(&self) -> Option<Duration> {
        self.orders.front().filter(|order| order.is_open()).map(|order| order.fill_until)
    }

    /// Whether a caller takes this record of a topic now, and how. Orders that
    /// are full, would be overfull with it, or have a later record of its partition, are
    /// completed.
    pub(super) fn takes(&mut self, topic: &Rc<str>, record: &Record) -> Option<Ack> {
        while let Some(order) = self.orders.front() {
            let is_overfull = || order.bytes + record.size() > order.want.bytes;
            if order.is_void() {
                self.orders.pop_front();
            } else if order.is_open() && (is_overfull() || order.is_beyond(topic, record)) {
                self.complete_open();
            } else {
                return Some(order.want.ack);
            }
        }
        None
    }

    /// Gives a record to the caller that [takes](Desk::takes) it, who confirms it to
    /// the counter.
    pub(super) fn serve(
        &mut self,
        consumed: Consumed,
        bytes: usize,
        counter: &Counter<W>,
        hand_out: HandOut,
    ) where
        W: 'static,
    {
        if let Some(order) = self.orders.front_mut() {
            counter.confirmed_by(&mut order.handed.confirmations, hand_out);
        }
        self.put(consumed, bytes);
    }

    /// What the claims of the caller that [takes](Desk::takes) a record are known by: a
    /// text that cannot be guessed, another one after its records were taken back.
    pub(super) fn page(&mut self, random: impl FnOnce() -> String) -> Rc<str> {
        match self.orders.front_mut() {
            Some(order) => order.page.get_or_insert_with(|| random().into()).clone(),
            None => random().into(),
        }
    }

    /// Gives a record to the caller that [takes](Desk::takes) it, claimed until
    /// the given time.
    pub(super) fn serve_claimed(&mut self, consumed: Consumed, bytes: usize, until: Millis) {
        if let Some(order) = self.orders.front_mut() {
            order.claimed_until = order.claimed_until.min(until);
        }
        self.put(consumed, bytes);
    }

    fn put(&mut self, consumed: Consumed, bytes: usize) {
        let Some(order) = self.orders.front_mut() else { return };
        order.handed.records.push(consumed);
        order.bytes += bytes;
        if order.handed.records.len() == order.want.records {
            self.complete_open();
        }
    }

    /// No more records are available at once: the records that a caller has got
    /// are its answer.
    pub(super) fn complete_open(&mut self) {
        if !self.has_open_order() {
            return;
        }
        match self.orders.pop_front() {
            Some(order) if matches!(order.want.ack, Ack::Manual { .. }) => {
                self.claimed.push(order);
            }
            Some(order) => order.answer_with_records(),
            None => {}
        }
    }

    /// Takes back the records that a caller has got so far, because it is too
    /// late for them.
    pub(super) fn take_back_open(&mut self) {
        if let Some(order) = self.orders.front_mut() {
            let claimed = order.take_back();
            self.unclaimed.extend(claimed);
        }
    }

    /// Records that were claimed for callers who were not told of it, since the last call.
    pub(super) fn take_unclaimed(&mut self) -> Vec<Consumed> {
        std::mem::take(&mut self.unclaimed)
    }

    /// Whether claims have to be written before their callers can be answered.
    pub(super) fn has_claims(&self) -> bool {
        !self.claimed.is_empty()
    }

    /// The claims are being written. Claims of later orders are not among them.
    pub(super) fn write_claims(&mut self) {
        self.being_written.append(&mut self.claimed);
    }

    /// Whether callers have claims that they were not answered with yet.
    pub(super) fn has_unanswered_claims(&self) -> bool {
        let is_claiming =
            |order: &Order<W>| order.is_open() && matches!(order.want.ack, Ack::Manual { .. });
        self.has_claims()
            || !self.being_written.is_empty()
            || self.orders.front().is_some_and(is_claiming)
    }

    /// Answers the callers of the claims if those were written; otherwise they
    /// go on waiting. So does a caller whose lease ended before it could be
    /// answered.
    pub(super) fn settle_claims(&mut self, written: bool, now: Millis) {
        for mut order in std::mem::take(&mut self.being_written).into_iter().rev() {
            if claims::may_be_told(written, order.claimed_until, now) {
                order.answer_with_records();
            } else {
                let claimed = order.take_back();
                self.unclaimed.extend(claimed);
                if !order.is_void() {
                    // Behind the one that has got records and waits for more.
                    let place = usize::from(self.has_open_order());
                    self.orders.insert(place, order);
                }
            }
        }
    }

    pub(super) fn set_beyond(&mut self, beyond: Vec<BeyondEnd>) {
        self.beyond = beyond;
    }

    /// Answers the callers whose wait has ended while there is nothing to read.
    pub(super) fn answer_nothing(&mut self, now: Duration) {
        let beyond = self.beyond.clone();
        let nothing = || Ok(Handed { beyond: beyond.clone(), ..Handed::default() });
        self.answer_where(|order| order.wait_until <= now, nothing);
    }

    /// Answers the callers that have queued for long enough: nothing came.
    pub(super) fn answer_queued(&mut self, now: Duration) {
        let over = |order: &Order<W>| order.wait_until + QUEUE_TIME <= now;
        self.answer_where(over, || Ok(Handed::default()));
    }

    /// Answers the callers of a new group whose beginning could not be written for
    /// long. To say that nothing came would promise them all that follows.
    pub(super) fn answer_unbegun(&mut self, now: Duration) {
        let over = |order: &Order<W>| order.wait_until + BEGIN_TIME <= now;
        self.answer_where(over, || {
            Err(ErrorKind::Busy("The consumer group is being begun".into()).into())
        });
    }

    pub(super) fn answer_all(&mut self, error: &Error) {
        self.complete_open();
        self.write_claims();
        self.settle_claims(false, 0);
        self.answer_where(|_| true, || Err(error.clone()));
    }

    fn answer_where(&mut self, over: impl Fn(&Order<W>) -> bool, answer: impl Fn() -> DeskAnswer) {
        for order in std::mem::take(&mut self.orders) {
            if over(&order) {
                order.answer(answer());
            } else if !order.is_void() {
                self.orders.push_back(order);
            }
        }
    }
}

/// What has become of the records of one partition that are on their way to callers.
#[derive(Debug)]
pub(super) struct Counter<W>(Rc<Settled<W>>);

#[derive(Debug)]
struct Settled<W> {
    /// What has settled, each group with whether it arrived.
    settled: RefCell<Vec<(Vec<HandOut>, bool)>>,
    /// Whether somebody waits for them.
    is_awaited: Cell<bool>,
    bell: Bell<W>,
}

impl<W: 'static> Counter<W> {
    /// The bell rings for whoever waits for a record to settle.
    pub(super) fn new(bell: Bell<W>) -> Self {
        let (settled, is_awaited) = (RefCell::default(), Cell::default());
        Self(Rc::new(Settled { settled, is_awaited, bell }))
    }

    /// Adds a record to the confirmations of its caller.
    fn confirmed_by(&self, confirmations: &mut Vec<Confirmation>, hand_out: HandOut) {
        let this = Rc::as_ptr(&self.0);
        match confirmations.last_mut() {
            Some(last) if std::ptr::addr_eq(Rc::as_ptr(&last.counter), this) => {
                last.hand_outs.push(hand_out);
            }
            _ => {
                let (counter, hand_outs) = (self.0.clone(), vec![hand_out]);
                confirmations.push(Confirmation { counter, hand_outs });
            }
        }
    }

    pub(super) fn await_settled(&self) {
        self.0.is_awaited.set(true);
    }

    /// What has settled since the last call, each group with whether it arrived.
    pub(super) fn take_settled(&self) -> Vec<(Vec<HandOut>, bool)> {
        self.0.is_awaited.set(false);
        self.0.settled.take()
    }
}

impl<W> Settle for Settled<W> {
    fn settle(&self, hand_outs: Vec<HandOut>, arrived: bool) {
        self.settled.borrow_mut().push((hand_outs, arrived));
        if self.is_awaited.take() {
            self.bell.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const ONE: Want = Want { records: 1, bytes: 100, ack: Ack::Auto };

    fn place<W>(desk: &mut Desk<W>, want: Want, wait: Duration, wake: W) -> Slot<W> {
        let slot = desk.place(SECOND, wait, StartFrom::Earliest, want);
        slot.wake_with(wake);
        slot
    }

    /// Hands out a record of 10 bytes, as the serving task does.
    fn serve<W: 'static>(desk: &mut Desk<W>, offset: i64, counter: &Counter<W>) -> bool {
        let record =
            Record { partition: 0, offset, key: None, value: None, headers: None, timestamp: None };
        let topic = desk.orders.front().and_then(|order| order.handed.records.first());
        let topic = topic.map_or_else(|| "t".into(), |first| first.topic.clone());
        let value = Some(bytes::Bytes::from_static(b"0123456789"));
        let record = Record { value, ..record };
        let takes = desk.takes(&topic, &record);
        let consumed = Consumed { topic, record, acquired: None };
        match takes {
            None => return false,
            Some(Ack::Auto) => desk.serve(consumed, 10, counter, HandOut::of(offset)),
            Some(Ack::Manual { .. }) => desk.serve_claimed(consumed, 10, 100 + offset),
        }
        true
    }

    fn offsets<W>(slot: Slot<W>) -> Option<Vec<i64>> {
        let handed = slot.take()?.unwrap();
        Some(handed.records.iter().map(|consumed| consumed.record.offset).collect())
    }

    #[test]
    fn who_waits_longest_is_served_first_and_woken() {
        let (mut desk, counter) = (Desk::default(), Counter::new(Bell::default()));
        let wake = Rc::new(());
        let first = place(&mut desk, ONE, SECOND, wake.clone());
        let second = place(&mut desk, ONE, SECOND, wake.clone());
        assert!(serve(&mut desk, 7, &counter));
        assert_eq!(Rc::strong_count(&wake), 2);
        assert_eq!(offsets(first), Some(vec![7]));
        assert!(second.take().is_none());
    }

    #[test]
    fn a_caller_that_went_away_is_passed_over() {
        let (mut desk, counter) = (Desk::default(), Counter::new(Bell::default()));
        drop(place(&mut desk, ONE, SECOND, ()));
        let here = place(&mut desk, ONE, SECOND, ());
        assert!(serve(&mut desk, 7, &counter));
        assert_eq!(offsets(here), Some(vec![7]));
        assert!(!serve(&mut desk, 8, &counter));
    }

    #[test]
    fn a_page_is_full_by_records_or_by_bytes_or_when_there_is_no_more() {
        let (mut desk, counter) = (Desk::default(), Counter::new(Bell::default()));
        let by_records =
            place(&mut desk, Want { records: 2, bytes: 100, ack: Ack::Auto }, SECOND, ());
        let by_bytes = place(&mut desk, Want { records: 9, bytes: 25, ack: Ack::Auto }, SECOND, ());
        let tiny = place(&mut desk, Want { records: 9, bytes: 1, ack: Ack::Auto }, SECOND, ());
        let rest = place(&mut desk, Want { records: 9, bytes: 100, ack: Ack::Auto }, SECOND, ());
        assert_eq!(desk.wanted(), 29);
        for offset in 0..6 {
            assert!(serve(&mut desk, offset, &counter));
        }
        assert!(desk.has_open_order());
        desk.complete_open();
        assert!(!desk.has_open_order());
        assert_eq!(offsets(by_records), Some(vec![0, 1]));
        assert_eq!(offsets(by_bytes), Some(vec![2, 3]));
        assert_eq!(offsets(tiny), Some(vec![4]), "the first record comes however large");
        assert_eq!(offsets(rest), Some(vec![5]));
    }

    #[test]
    fn a_record_settles_as_delivered_or_as_returned_however_it_is_dropped() {
        let (mut desk, bell) = (Desk::default(), Bell::default());
        let (counter, rung) = (Counter::new(bell.clone()), Rc::new(()));
        bell.ring_with(rung.clone());
        let two = Want { records: 2, bytes: 100, ack: Ack::Auto };
        let mut slots =
            [two, ONE, ONE].map(|want| place(&mut desk, want, SECOND, rung.clone())).into_iter();
        for offset in 0..4 {
            serve(&mut desk, offset, &counter);
        }
        slots.next().unwrap().take().unwrap().unwrap().delivered();
        assert_eq!(Rc::strong_count(&rung), 2, "nobody waits for it");
        counter.await_settled();
        drop(slots.next().unwrap().take());
        assert_eq!(Rc::strong_count(&rung), 1);
        drop(slots);
        let of = |offsets: &[i64]| offsets.iter().copied().map(HandOut::of).collect::<Vec<_>>();
        let settled = [(of(&[0, 1]), true), (of(&[2]), false), (of(&[3]), false)];
        assert_eq!(counter.take_settled(), settled);
    }

    #[test]
    fn nothing_is_said_only_once_the_wait_is_over_and_of_a_queue_a_little_later() {
        let mut desk = Desk::default();
        let short = place(&mut desk, ONE, SECOND, ());
        let long = desk.place(SECOND, 9 * SECOND, StartFrom::Latest, ONE);
        desk.answer_nothing(2 * SECOND);
        assert!(short.take().unwrap().unwrap().is_empty());
        assert!(desk.wants_latest());
        desk.answer_queued(10 * SECOND);
        assert!(!desk.is_empty());
        desk.answer_queued(10 * SECOND + QUEUE_TIME);
        assert!(long.take().unwrap().unwrap().is_empty());
        let unbegun = place(&mut desk, ONE, SECOND, ());
        desk.answer_unbegun(2 * SECOND + QUEUE_TIME);
        assert!(!desk.is_empty());
        desk.answer_unbegun(SECOND + BEGIN_TIME + SECOND);
        assert!(matches!(unbegun.take(), Some(Err(error)) if matches!(*error, ErrorKind::Busy(_))));
    }

    #[test]
    fn a_page_never_goes_back_within_a_partition() {
        let (mut desk, counter) = (Desk::default(), Counter::new(Bell::default()));
        let want = Want { records: 9, bytes: 100, ack: Ack::Auto };
        let [first, second] = [0, 1].map(|_| place(&mut desk, want, SECOND, ()));
        for offset in [4, 5, 3] {
            assert!(serve(&mut desk, offset, &counter));
        }
        desk.complete_open();
        assert_eq!((offsets(first), offsets(second)), (Some(vec![4, 5]), Some(vec![3])));
    }

    #[test]
    fn an_error_takes_nothing_away_from_who_has_got_records() {
        let (mut desk, counter) = (Desk::default(), Counter::new(Bell::default()));
        let open = place(&mut desk, Want { records: 2, bytes: 100, ack: Ack::Auto }, SECOND, ());
        let other = place(&mut desk, ONE, SECOND, ());
        serve(&mut desk, 0, &counter);
        desk.answer_all(&ErrorKind::Timeout.into());
        assert_eq!(offsets(open), Some(vec![0]));
        assert!(matches!(other.take(), Some(Err(error)) if matches!(*error, ErrorKind::Timeout)));
    }

    #[test]
    fn claimed_records_are_given_only_once_that_is_written_down() {
        let (mut desk, counter) = (Desk::default(), Counter::new(Bell::default()));
        let manual = Want { records: 2, bytes: 100, ack: Ack::Manual { lease: SECOND } };
        let first = place(&mut desk, manual, SECOND, ());
        let second = place(&mut desk, manual, SECOND, ());
        for offset in 0..3 {
            assert!(serve(&mut desk, offset, &counter));
        }
        desk.complete_open();
        assert!(desk.has_claims() && desk.is_empty());
        desk.write_claims();
        desk.settle_claims(false, 0);
        assert!(!desk.has_claims(), "not written: both wait on, in their order");
        let unclaimed: Vec<_> =
            desk.take_unclaimed().iter().map(|consumed| consumed.record.offset).collect();
        assert_eq!(unclaimed, [2, 0, 1]);
        for offset in 10..14 {
            assert!(serve(&mut desk, offset, &counter));
        }
        desk.write_claims();
        let third = place(&mut desk, Want { records: 1, ..manual }, SECOND, ());
        assert!(serve(&mut desk, 14, &counter));
        desk.settle_claims(true, 111);
        assert!(first.take().is_none(), "its lease of offset 10 was over");
        assert_eq!(offsets(second), Some(vec![12, 13]));
        assert!(third.take().is_none(), "its claim came after that write began");
        assert!(desk.has_claims());
    }
}
