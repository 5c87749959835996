//! The callers of one group that wait in this instance, and the records on
//! their way to them.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use super::{Handed, StartFrom};
use crate::error::{Error, Result};
use crate::record::Record;

/// How long a caller may queue for a record that is there, beyond its own
/// wait for one to appear: its group is then busy on another instance, or an
/// instance died with it.
pub(super) const QUEUE_TIME: Duration = Duration::from_secs(5);

/// Callers that come closer together than this are worth keeping a partition
/// for.
const CLOSE_TOGETHER: Duration = Duration::from_millis(200);

pub(super) type Answer = Result<Option<Handed>>;

/// One caller's wish for a record.
#[derive(Debug)]
pub(super) struct Order<W> {
    /// Until when it waits for a record to appear, by the monotonic clock.
    pub(super) wait_until: Duration,
    pub(super) from: StartFrom,
    answer: Rc<RefCell<Option<Answer>>>,
    /// Dropped with the order, which wakes the caller.
    _wake: W,
}

impl<W> Order<W> {
    fn answer(self, answer: Answer) {
        *self.answer.borrow_mut() = Some(answer);
    }
}

/// Where the caller finds its answer. Dropped unread, a record in it goes back.
#[derive(Debug)]
pub(super) struct Slot(Rc<RefCell<Option<Answer>>>);

impl Slot {
    pub(super) fn take(self) -> Option<Answer> {
        self.0.borrow_mut().take()
    }
}

/// The queue of one group and topic. `W` wakes a waiting task when dropped.
#[derive(Debug)]
pub(super) struct Desk<W> {
    orders: VecDeque<Order<W>>,
    /// Dropped when an order comes, so that whoever serves need not poll.
    bell: Option<W>,
    last_arrival: Option<Duration>,
    busy: bool,
}

impl<W> Default for Desk<W> {
    fn default() -> Self {
        Self { orders: VecDeque::new(), bell: None, last_arrival: None, busy: false }
    }
}

impl<W> Desk<W> {
    pub(super) fn place(
        &mut self,
        now: Duration,
        wait: Duration,
        from: StartFrom,
        wake: W,
    ) -> Slot {
        let answer = Rc::new(RefCell::new(None));
        self.orders.push_back(Order {
            wait_until: now + wait,
            from,
            answer: answer.clone(),
            _wake: wake,
        });
        self.busy = self.last_arrival.is_some_and(|last| now - last < CLOSE_TOGETHER);
        self.last_arrival = Some(now);
        self.bell = None;
        Slot(answer)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.orders.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.orders.len()
    }

    /// Whether the last callers came so close together that the next one can
    /// be expected.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    pub(super) fn ring_on_arrival(&mut self, bell: W) {
        self.bell = Some(bell);
    }

    /// Whether somebody wants a group without a position to start at the end.
    pub(super) fn wants_latest(&self) -> bool {
        self.orders.iter().any(|order| order.from == StartFrom::Latest)
    }

    /// Gives the record to whoever waits longest; back if nobody does.
    pub(super) fn serve(&mut self, record: Record, counter: &Counter<W>) -> Result<(), Record>
    where
        W: 'static,
    {
        // A caller that went away has dropped its slot; its order is void.
        while let Some(order) = self.orders.pop_front() {
            if Rc::strong_count(&order.answer) > 1 {
                let handed = counter.hand(record);
                order.answer(Ok(Some(handed)));
                return Ok(());
            }
        }
        Err(record)
    }

    /// Answers those whose wait is over while there is nothing to read.
    pub(super) fn answer_nothing(&mut self, now: Duration) {
        self.answer_where(|order| order.wait_until <= now, || Ok(None));
    }

    /// Answers those who have queued too long for a record that is there.
    pub(super) fn answer_busy(&mut self, now: Duration) {
        self.answer_where(
            |order| order.wait_until + QUEUE_TIME <= now,
            || Err(Error::Busy("The consumer group is busy on another instance".into())),
        );
    }

    pub(super) fn answer_all(&mut self, error: &Error) {
        self.answer_where(|_| true, || Err(error.clone()));
    }

    fn answer_where(&mut self, over: impl Fn(&Order<W>) -> bool, answer: impl Fn() -> Answer) {
        for order in std::mem::take(&mut self.orders) {
            if over(&order) {
                order.answer(answer());
            } else if Rc::strong_count(&order.answer) > 1 {
                self.orders.push_back(order);
            }
        }
    }
}

/// Counts the records that are on their way to callers.
#[derive(Debug)]
pub(super) struct Counter<W>(Rc<RefCell<Count<W>>>);

#[derive(Debug)]
struct Count<W> {
    on_the_way: usize,
    settled: Vec<(i64, bool)>,
    /// Dropped when the last one has settled.
    bell: Option<W>,
}

impl<W: 'static> Counter<W> {
    pub(super) fn new() -> Self {
        Self(Rc::new(RefCell::new(Count { on_the_way: 0, settled: Vec::new(), bell: None })))
    }

    fn hand(&self, record: Record) -> Handed {
        self.0.borrow_mut().on_the_way += 1;
        let count = self.0.clone();
        let offset = record.offset;
        Handed::new(record, move |delivered| {
            let mut count = count.borrow_mut();
            count.settled.push((offset, delivered));
            count.on_the_way -= 1;
            if count.on_the_way == 0 {
                count.bell = None;
            }
        })
    }

    pub(super) fn all_settled(&self) -> bool {
        self.0.borrow().on_the_way == 0
    }

    pub(super) fn ring_when_settled(&self, bell: W) {
        self.0.borrow_mut().bell = Some(bell);
    }

    /// The offsets that settled since the last time, each with whether it
    /// arrived.
    pub(super) fn take_settled(&self) -> Vec<(i64, bool)> {
        std::mem::take(&mut self.0.borrow_mut().settled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn record(offset: i64) -> Record {
        Record { partition: 0, offset, key: None, value: None, headers: None, timestamp: None }
    }

    fn offset(answer: Option<Answer>) -> Option<i64> {
        Some(answer?.unwrap()?.record.offset)
    }

    #[test]
    fn who_waits_longest_is_served_first_and_woken() {
        let (mut desk, counter) = (Desk::default(), Counter::new());
        let wake = Rc::new(());
        let first = desk.place(SECOND, SECOND, StartFrom::Earliest, wake.clone());
        let second = desk.place(SECOND, SECOND, StartFrom::Earliest, wake.clone());
        desk.serve(record(7), &counter).unwrap();
        assert_eq!(Rc::strong_count(&wake), 2);
        assert_eq!(offset(first.take()), Some(7));
        assert!(second.take().is_none());
    }

    #[test]
    fn a_caller_that_went_away_is_passed_over() {
        let (mut desk, counter) = (Desk::default(), Counter::new());
        drop(desk.place(SECOND, SECOND, StartFrom::Earliest, ()));
        let here = desk.place(SECOND, SECOND, StartFrom::Earliest, ());
        desk.serve(record(7), &counter).unwrap();
        assert_eq!(offset(here.take()), Some(7));
        assert_eq!(desk.serve(record(8), &counter).unwrap_err().offset, 8);
    }

    #[test]
    fn a_record_settles_as_delivered_or_as_returned_however_it_is_dropped() {
        let (mut desk, counter) = (Desk::default(), Counter::new());
        let bell = Rc::new(());
        let slots: Vec<_> =
            (0..3).map(|_| desk.place(SECOND, SECOND, StartFrom::Earliest, bell.clone())).collect();
        for offset in 0..3 {
            desk.serve(record(offset), &counter).unwrap();
        }
        counter.ring_when_settled(bell.clone());
        let mut slots = slots.into_iter();
        slots.next().unwrap().take().unwrap().unwrap().unwrap().delivered();
        drop(slots.next().unwrap().take());
        assert!(!counter.all_settled());
        assert_eq!(Rc::strong_count(&bell), 2);
        drop(slots);
        assert!(counter.all_settled());
        assert_eq!(Rc::strong_count(&bell), 1);
        assert_eq!(counter.take_settled(), [(0, true), (1, false), (2, false)]);
    }

    #[test]
    fn nothing_is_said_only_once_the_wait_is_over_and_busy_only_later() {
        let mut desk = Desk::default();
        let short = desk.place(SECOND, SECOND, StartFrom::Earliest, ());
        let long = desk.place(SECOND, 9 * SECOND, StartFrom::Latest, ());
        desk.answer_nothing(2 * SECOND);
        assert!(short.take().unwrap().unwrap().is_none());
        assert!(desk.wants_latest());
        desk.answer_busy(10 * SECOND);
        assert_eq!(desk.len(), 1);
        desk.answer_busy(10 * SECOND + QUEUE_TIME);
        assert!(matches!(long.take(), Some(Err(Error::Busy(_)))));
    }
}
