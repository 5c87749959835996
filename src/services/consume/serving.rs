//! The task that serves the callers of one group in this instance.

mod begin;
mod look;

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::Consume;
use super::advice::Advice;
use super::desk::Desk;
use super::owner::NamedReader;
use super::position::Position;
use super::start::Start;
use super::survey::{Known, Survey};
use super::tend::Tended;
use crate::concurrent::join_bounded;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;
use crate::services::beyond_end::Reported;
use crate::services::ends::EndPoller;
use crate::services::group_list::GroupList;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::lane::params::{KNOCK_CHECK, KNOCK_CHECK_IDLE};
use crate::state::lane::{Document, Lane, Params, Take, Ticket};
use crate::telemetry::{Report, level_of, with_trace};

/// How much later than its wait a caller may get an empty answer, so that
/// callers whose waits end soon after each other share a look.
const EMPTY_ANSWER_DELAY: Duration = Duration::from_millis(200);

/// How long a partition is kept for the next caller if callers come at short
/// intervals.
const PARTITION_LINGER: Duration = Duration::from_millis(100);

/// How many records a fetch asks for, if callers come at short intervals: at
/// least the first number. It never asks for more than the second one.
const READ_AHEAD_RECORDS: usize = 50;
const MAX_FETCH_RECORDS: usize = 500;

pub(super) struct Serving<H: Host, L> {
    host: H,
    log: Rc<L>,
    groups: Rc<GroupList<H>>,
    reported: Rc<Reported>,
    group: String,
    topics: Vec<Rc<str>>,
    reader: NamedReader,
    params: Params,
    poller: EndPoller<H, L>,
    /// The partitions of all topics, numbered as in the survey, in the order in
    /// which they were found.
    partitions: Vec<ServedPartition<H>>,
    survey: Survey,
    looked: Option<Duration>,
    /// When to look at the ends of the log again while callers queue.
    ends_due: Duration,
    /// Where the group begins on each topic, as far as that is known.
    starts: SortedMap<Rc<str>, Start>,
    /// The lanes where that is written; each remembers its last look.
    start_lanes: SortedMap<Rc<str>, Lane<H, Start>>,
    /// The advice as it was last read or written.
    advised: SortedMap<Rc<str>, Advice>,
    /// Partitions where the advice promised something and there was nothing, or where
    /// it hides something.
    misjudged: SortedSet<usize>,
    /// The partition to look at next without being advised to.
    next_look: usize,
    /// Whether that was done since the advice was read.
    has_looked_at_one: bool,
    desk: Rc<RefCell<Desk<H::Wake>>>,
}

struct ServedPartition<H> {
    topic: Rc<str>,
    number: i32,
    /// A lane remembers the result of its last poll, so it is kept.
    lane: Lane<H, Position>,
}

/// The result of a round over the partitions.
enum Round {
    Served,
    /// There is something to read after all.
    Again,
    /// There is nothing to read.
    Nothing,
    /// There are records, but other instances hold their partitions.
    Busy {
        retry_in: Duration,
    },
    /// Another instance is about to write where the group begins.
    Unbegun {
        retry_in: Duration,
    },
}

impl<H: Host, L: Log> Serving<H, L> {
    pub(super) fn new(
        consume: &Consume<H, L>,
        (group, topics, reader): &(String, Vec<String>, NamedReader),
        desk: Rc<RefCell<Desk<H::Wake>>>,
    ) -> Self {
        let Consume { host, log, ends, groups, params, reported, .. } = consume;
        // Instances that start at the same time begin with different
        // partitions.
        let mut random = [0; 2];
        host.random(&mut random);
        let topics: Vec<Rc<str>> = topics.iter().map(|topic| topic.as_str().into()).collect();
        Self {
            host: host.clone(),
            log: log.clone(),
            groups: groups.clone(),
            reported: reported.clone(),
            group: group.clone(),
            topics: topics.clone(),
            reader: reader.clone(),
            params: *params,
            poller: EndPoller::new(ends.clone(), topics),
            partitions: Vec::new(),
            survey: Survey::starting_at(u16::from_le_bytes(random).into()),
            looked: None,
            ends_due: Duration::ZERO,
            starts: SortedMap::new(),
            start_lanes: SortedMap::new(),
            advised: SortedMap::new(),
            misjudged: SortedSet::new(),
            next_look: usize::from(u16::from_le_bytes(random)),
            has_looked_at_one: false,
            desk,
        }
    }

    async fn reported_round(&mut self) -> Result<Round> {
        let round = self.round().await;
        if let Err(error) = &round {
            let fields = [("group", (&*self.group).into()), ("why", error.kind().into())];
            self.host.event(level_of(error), "consume-failed", &fields);
        }
        round
    }

    /// Serves until no caller waits, then calls `gone`, which removes the desk,
    /// so that the next caller starts a new task.
    pub(super) async fn run<R>(mut self, gone: impl FnOnce() -> R) {
        while !self.desk.borrow().is_empty() {
            // The lines and calls of a round belong to whoever waits for longest.
            let trace = self.desk.borrow().trace();
            let round = with_trace(trace, self.reported_round()).await;
            if !matches!(round, Ok(Round::Busy { .. } | Round::Unbegun { .. })) {
                self.ends_due = Duration::ZERO;
            }
            match round {
                Ok(Round::Served) => self.poller.quicken(),
                Ok(Round::Again) => {}
                Ok(Round::Nothing) => self.rest().await,
                Ok(Round::Busy { retry_in }) => {
                    self.desk.borrow_mut().answer_queued(self.host.monotonic());
                    self.pause(retry_in).await;
                }
                Ok(Round::Unbegun { retry_in }) => {
                    self.desk.borrow_mut().answer_unbegun(self.host.monotonic());
                    self.pause(retry_in).await;
                }
                Err(error) => self.desk.borrow_mut().answer_all(&error),
            }
        }
        gone();
        // Nobody waits for these tickets any more, and others have to.
        let lanes = self.partitions.iter().map(|partition| partition.lane.settle());
        join_bounded(lanes).await;
    }

    /// Waits until a lane is worth another try, if a caller does.
    async fn pause(&self, time: Duration) {
        let is_empty = self.desk.borrow().is_empty();
        if !is_empty {
            self.host.sleep(time).await;
        }
    }

    /// Waits for records to appear, if a caller does.
    async fn rest(&mut self) {
        let now = self.host.monotonic();
        self.desk.borrow_mut().answer_nothing(now);
        for partition in self.partitions.iter().filter(|partition| partition.lane.has_lost()) {
            let lane = partition.lane.clone();
            self.host.spawn(async move {
                // Others have to wait for it.
                _ = lane.settle().await;
            });
        }
        let shortest_wait = self.desk.borrow().shortest_wait(now);
        if let Some(wait) = shortest_wait {
            self.poller.rest(wait.max(EMPTY_ANSWER_DELAY)).await;
        }
    }

    async fn round(&mut self) -> Result<Round> {
        self.look().await?;
        if let ControlFlow::Break(round) = self.begin().await? {
            return Ok(round);
        }
        // Partitions with records in an order that is not full yet are kept
        // until that order is answered.
        let mut open = Vec::new();
        let round = self.serve_all(&mut open).await;
        self.take_back_what_is_late(&open);
        self.desk.borrow_mut().complete_open();
        join_bounded(open.iter_mut().map(|tended: &mut Tended<H>| tended.settle(&self.host))).await;
        let (mut written, mut failure) = (true, None);
        for tended in open {
            match self.let_go(tended).await {
                Ok(kept) => written &= kept,
                Err(error) => (written, failure) = (false, Some(error)),
            }
        }
        self.settle_claims(written);
        failure.map_or(round, Err)
    }

    /// Another instance may hold a partition while its records wait for the
    /// rest of their order.
    fn take_back_what_is_late(&self, open: &[Tended<H>]) {
        if !open.iter().all(Tended::is_live) {
            self.desk.borrow_mut().take_back_open();
        }
    }

    /// Visits each partition once, as long as a caller wants records.
    async fn serve_all(&mut self, open: &mut Vec<Tended<H>>) -> Result<Round> {
        let mut busy: Option<Duration> = None;
        let mut served = false;
        for index in self.worth_taking() {
            // The positions of several partitions are written before another
            // caller is served.
            let order_is_full = !open.is_empty() && !self.desk.borrow().has_open_order();
            if order_is_full || self.desk.borrow().is_empty() {
                break;
            }
            let partition = &self.partitions[index];
            let asked = self.host.now();
            let worth = |document: Option<&Document<Position>>| {
                let position = document.and_then(|document| document.payload.as_ref());
                position.is_none_or(|position| {
                    let known = self.known_of(position);
                    self.survey.would_be_worth(index, known, self.host.now())
                })
            };
            match partition
                .lane
                .hold_at_once(worth, async |_| self.start_of(partition).await)
                .await?
            {
                Take::Unworthy(document) => {
                    let position = document.and_then(|document| document.payload);
                    let known = position.map(|position| self.known_of(&position));
                    self.survey.set_known(index, known);
                    self.misjudged.insert(index);
                }
                Take::Busy { retry_in } => {
                    busy = Some(busy.map_or(retry_in, |other| other.min(retry_in)));
                    // Its holder may have reached the end by now.
                    let known = self.known(partition.lane.peek().await?);
                    self.survey.set_known(index, known);
                }
                Take::Held(held) => {
                    let topic = partition.topic.clone();
                    let tended = Tended::new(index, topic, partition.number, held, asked);
                    served |= self.serve(tended, open).await?;
                    self.survey.served(index);
                }
            }
        }
        if !served && busy.is_none() {
            // Whoever finds nothing looks at a partition itself, because the advice may
            // be wrong.
            if !std::mem::replace(&mut self.has_looked_at_one, true) {
                self.look_at_one().await?;
                if self.is_anything_worth_taking() {
                    return Ok(Round::Again);
                }
            }
            self.correct_advice().await;
        }
        Ok(match busy {
            _ if served => Round::Served,
            Some(retry_in) if self.is_anything_worth_taking() => Round::Busy { retry_in },
            _ => Round::Nothing,
        })
    }

    /// Hands out the records of a partition, as long as there are records and
    /// callers. Returns whether there were any.
    async fn serve(&mut self, mut tended: Tended<H>, open: &mut Vec<Tended<H>>) -> Result<bool> {
        let mut served = false;
        match self.take_up_claims(&mut tended).await {
            Ok(true) => {}
            ended => {
                self.let_go(tended).await?;
                return ended;
            }
        }
        loop {
            if !tended.has_records() {
                let max_records = self.fetch_size();
                if let Err(error) = tended.fetch(&self.host, &*self.log, max_records).await {
                    self.let_go(tended).await?;
                    return Err(error);
                }
            }
            if !tended.has_records() {
                self.survey.set_drained(tended.index, tended.next());
                self.let_go(tended).await?;
                return Ok(served);
            }
            self.take_back_what_is_late(open);
            let handed = {
                let owner = self.reader.owner.as_ref();
                tended.hand_out(&mut self.desk.borrow_mut(), &self.host, owner)
            };
            served |= handed;
            let waits_for_others = {
                let desk = self.desk.borrow();
                desk.has_open_order() || (desk.has_claims() && !open.is_empty())
            };
            if waits_for_others {
                open.push(tended);
                return Ok(served);
            }
            tended.settle(&self.host).await;
            // Callers with claims are answered only after the write, so they
            // are not kept waiting for later callers.
            let claims = self.desk.borrow().has_claims();
            let stay = handed
                && open.is_empty()
                && tended.may_stay(KNOCK_CHECK).await
                && self.caller_is_expected(&mut tended, !claims).await;
            if !stay {
                let written = self.let_go(tended).await;
                self.settle_claims(matches!(written, Ok(true)));
                return written.map(|_| served);
            }
            let written = tended.keep(&self.host).await;
            self.settle_claims(matches!(written, Ok(true)));
            if !written? {
                return Ok(served);
            }
        }
    }

    /// Finds the claimed records that may be handed out again. Returns whether
    /// this reader may get records of the partition.
    async fn take_up_claims(&self, tended: &mut Tended<H>) -> Result<bool> {
        let margin = self.params.margin();
        if let Some(owner) = &self.reader.owner
            && tended.held_by_others(owner, &self.host, margin)
        {
            return Ok(false);
        }
        tended.fetch_again(&*self.log, margin, self.fetch_size()).await?;
        Ok(true)
    }

    fn fetch_size(&self) -> usize {
        let desk = self.desk.borrow();
        let stock = if desk.is_busy() { READ_AHEAD_RECORDS } else { 1 };
        desk.wanted().clamp(stock, MAX_FETCH_RECORDS)
    }

    fn settle_claims(&self, written: bool) {
        self.desk.borrow_mut().settle_claims(written, self.host.now());
    }

    /// Whether a caller waits or is expected soon. A partition that other
    /// instances wait for is not kept for expected callers.
    async fn caller_is_expected(&self, tended: &mut Tended<H>, linger: bool) -> bool {
        let expected = {
            let desk = self.desk.borrow();
            linger && desk.is_empty() && desk.is_busy()
        };
        if expected {
            let until = self.host.monotonic() + PARTITION_LINGER;
            let (bell, mut rung) = self.host.signal();
            self.desk.borrow_mut().ring_on_arrival(bell);
            while self.host.monotonic() < until {
                let pause = Box::pin(self.host.sleep(KNOCK_CHECK_IDLE));
                let arrived = matches!(select(&mut rung, pause).await, Either::Left(_));
                if arrived || !tended.may_stay(KNOCK_CHECK_IDLE).await {
                    break;
                }
            }
        }
        !self.desk.borrow().is_empty()
    }

    /// Returns whether the position of what was handed out was written.
    async fn let_go(&mut self, tended: Tended<H>) -> Result<bool> {
        let (index, begins) = (tended.index, tended.begins());
        let position = tended.let_go(&self.host).await?;
        // Whoever deletes the group looks for the position after the list.
        if begins && position.is_some() {
            self.groups.begun(&self.group, &self.partitions[index].topic);
        }
        let known = position.as_ref().map(|position| self.known_of(position));
        if known.is_some() {
            self.survey.set_known(index, known);
        }
        Ok(known.is_some())
    }

    fn is_anything_worth_taking(&self) -> bool {
        !self.worth_taking().is_empty()
    }

    /// The partitions that have, or may have, records for this reader.
    fn worth_taking(&self) -> Vec<usize> {
        let mut worth_taking = self.survey.worth_taking(self.host.now());
        worth_taking.retain(|index| {
            let ServedPartition { topic, number, .. } = &self.partitions[*index];
            self.reader.reads(topic, *number)
        });
        worth_taking
    }

    fn known(&self, latest: Option<(Ticket, Document<Position>)>) -> Option<Known> {
        latest.and_then(|(_, document)| document.payload).map(|position| self.known_of(&position))
    }

    fn known_of(&self, position: &Position) -> Known {
        let margin = i64::try_from(self.params.margin().as_millis()).unwrap_or(i64::MAX);
        let claims = &position.claims;
        let taken = |owner| claims.held_by_others(owner, self.host.now(), margin);
        Known {
            next: position.next,
            free_at: claims.next_free(margin),
            full: claims.is_full() || self.reader.owner.as_ref().is_some_and(taken),
        }
    }

    fn of_topic(&self, topic: &Rc<str>) -> impl Iterator<Item = (usize, &ServedPartition<H>)> {
        self.partitions.iter().enumerate().filter(move |(_, partition)| partition.topic == *topic)
    }
}
