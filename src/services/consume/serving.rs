//! The task that serves the callers of one group in this instance.

mod alarm;
mod begin;
mod look;
mod serve;

use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use super::Consume;
use super::advice::Advice;
use super::attended::SharedDesk;
use super::giving_up::GivingUp;
use super::owner::NamedReader;
use super::position::Position;
use super::start::Start;
use super::survey::{Known, Survey};
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;
use crate::services::beyond_end::Reported;
use crate::services::ends::EndPoller;
use crate::services::group_list::GroupList;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::lane::{Document, Lane, Params, Ticket};
use crate::telemetry::{Report, level_of, with_trace};

/// How much later than its wait a caller may get an empty answer, so that
/// callers whose waits end soon after each other share a look.
const EMPTY_ANSWER_DELAY: Duration = Duration::from_millis(200);

pub(super) struct Serving<H: Host, L> {
    host: H,
    log: Rc<L>,
    groups: Rc<GroupList<H>>,
    reported: Rc<Reported>,
    giving_up: Rc<GivingUp<H, L>>,
    group: Rc<str>,
    topics: Vec<Rc<str>>,
    reader: NamedReader,
    params: Params,
    poller: EndPoller<H, L>,
    /// The partitions of all topics, numbered as in the survey, in the order in
    /// which they were found.
    partitions: Vec<ServedPartition<H>>,
    survey: Survey,
    looked: Option<Duration>,
    /// Nobody was served, and the advice was not read, since the desk was left.
    was_idle: bool,
    /// What was known from before then promised records, and there were none.
    is_misled: bool,
    /// When to look at the ends of the log again while callers queue.
    ends_due: Duration,
    /// When they were asked for, and how many reads there were since.
    ends_asked: Duration,
    reads_since: usize,
    /// A caller has come since.
    needs_new_ends: bool,
    /// The last round served nobody.
    found_nothing: bool,
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
    desk: SharedDesk<H>,
    /// How many partitions are read at once.
    open_partitions: usize,
    /// Whether the log reads at any offset.
    random_access: bool,
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
        desk: SharedDesk<H>,
    ) -> Self {
        let Consume { host, log, ends, groups, params, open_partitions, reported, .. } = consume;
        let giving_up = consume.giving_up.clone();
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
            giving_up,
            group: group.as_str().into(),
            topics: topics.clone(),
            reader: reader.clone(),
            params: *params,
            poller: EndPoller::new(ends.clone(), topics),
            partitions: Vec::new(),
            survey: Survey::starting_at(u16::from_le_bytes(random).into()),
            looked: None,
            was_idle: false,
            is_misled: false,
            ends_due: Duration::ZERO,
            ends_asked: Duration::ZERO,
            reads_since: 0,
            needs_new_ends: false,
            found_nothing: false,
            starts: SortedMap::new(),
            start_lanes: SortedMap::new(),
            advised: SortedMap::new(),
            misjudged: SortedSet::new(),
            next_look: usize::from(u16::from_le_bytes(random)),
            has_looked_at_one: false,
            desk,
            open_partitions: *open_partitions,
            random_access: false,
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

    async fn round(&mut self) -> Result<Round> {
        self.look().await?;
        match self.begin().await? {
            ControlFlow::Break(round) => Ok(round),
            ControlFlow::Continue(()) => self.serve().await,
        }
    }

    /// Serves until no caller waits.
    pub(super) async fn run(&mut self) {
        self.was_idle = self.looked.is_some();
        while self.has_callers() {
            // A round begins in the trace of whoever waits for longest. Fetches carry the
            // trace of whoever does so when they begin.
            let trace = self.desk.borrow().desk.trace();
            let round = with_trace(trace, self.reported_round()).await;
            if !matches!(round, Ok(Round::Busy { .. } | Round::Unbegun { .. })) {
                self.ends_due = Duration::ZERO;
            }
            match round {
                Ok(Round::Served) => self.poller.quicken(),
                Ok(Round::Again) => {}
                Ok(Round::Nothing) => self.rest().await,
                Ok(Round::Busy { retry_in }) => {
                    self.desk.borrow_mut().desk.answer_queued(self.host.monotonic());
                    self.pause(retry_in).await;
                }
                Ok(Round::Unbegun { retry_in }) => {
                    self.desk.borrow_mut().desk.answer_unbegun(self.host.monotonic());
                    self.pause(retry_in).await;
                }
                Err(error) => self.desk.borrow_mut().desk.answer_all(&error),
            }
        }
        // Nobody waits for these tickets any more, and others have to.
        self.settle_lost();
    }

    fn has_callers(&self) -> bool {
        !self.desk.borrow().desk.is_empty()
    }

    /// Waits until a lane is worth another try, if a caller does.
    async fn pause(&self, time: Duration) {
        if self.has_callers() {
            self.host.sleep(time).await;
        }
    }

    /// Waits for records to appear, if a caller does.
    async fn rest(&mut self) {
        if self.desk.borrow().desk.has_arrived() {
            // Nobody has looked for them.
            return;
        }
        let now = self.host.monotonic();
        self.desk.borrow_mut().desk.answer_nothing(now);
        self.settle_lost();
        let shortest_wait = self.desk.borrow().desk.shortest_wait(now);
        if let Some(wait) = shortest_wait {
            self.poller.rest(wait.max(EMPTY_ANSWER_DELAY)).await;
        }
    }

    /// Sees lost tickets through in the background: others have to wait for them.
    fn settle_lost(&self) {
        for partition in self.partitions.iter().filter(|partition| partition.lane.has_lost()) {
            let lane = partition.lane.clone();
            self.host.spawn(async move {
                _ = lane.settle().await;
            });
        }
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
        let (owner, max_claimed) = (self.reader.owner.as_ref(), self.desk.borrow().max_claimed);
        Known::of(position, owner, max_claimed, self.params.margin(), self.host.now())
    }

    fn of_topic(&self, topic: &Rc<str>) -> impl Iterator<Item = (usize, &ServedPartition<H>)> {
        self.partitions.iter().enumerate().filter(move |(_, partition)| partition.topic == *topic)
    }
}
