//! The task that serves the callers of one group and topic in this instance.

use std::cell::RefCell;
use std::ops::ControlFlow;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{join, join_all, select};

use super::desk::{Counter, Desk};
use super::page::{Page, Position};
use super::survey::Survey;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::log::{Fetch, Log};
use crate::state::keys::LaneName;
use crate::state::lane::{Held, Lane, Origin, Params, Take, Written};

/// Between two looks at the ends of the log while callers wait: short at
/// first, then longer, so that a long wait does not hammer the server.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// How often the positions are looked at again while nothing is there to be
/// read: somebody may have moved them back.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// How long a partition is kept for callers that come close together.
const LINGER: Duration = Duration::from_millis(100);

/// How long a caller may take to accept its record before it is handed to
/// the next one.
const SETTLE_TIME: Duration = Duration::from_secs(3);

/// Records fetched beyond those that callers wait for right now.
const MIN_PAGE: usize = 50;
const MAX_PAGE: usize = 500;
const PAGE_BYTES: usize = 4 * 1024 * 1024;

pub(super) struct Turn<H: Host, L> {
    host: H,
    log: Rc<L>,
    group: String,
    topic: String,
    params: Params,
    /// One for each partition. A lane remembers what its last poll has seen.
    lanes: Vec<Lane<H, Position>>,
    desk: Rc<RefCell<Desk<H::Wake>>>,
    survey: Survey,
    looked: Option<Duration>,
    /// A new group was asked to start at the end of the topic, and not every
    /// partition has a position yet.
    starting_at_end: bool,
}

/// What a round over the partitions came to.
enum Round {
    Served,
    /// Nothing is there to be read.
    Nothing,
    /// Records are there, and others hold their partitions.
    Busy {
        retry_in: Duration,
    },
}

impl<H: Host, L: Log> Turn<H, L> {
    pub(super) fn new(
        host: &H,
        log: &Rc<L>,
        group: &str,
        topic: &str,
        params: Params,
        desk: Rc<RefCell<Desk<H::Wake>>>,
    ) -> Self {
        let mut random = [0; 2];
        host.random(&mut random);
        Self {
            host: host.clone(),
            log: log.clone(),
            group: group.to_owned(),
            topic: topic.to_owned(),
            params,
            lanes: Vec::new(),
            desk,
            survey: Survey::starting_at(u16::from_le_bytes(random).into()),
            looked: None,
            starting_at_end: false,
        }
    }

    /// Serves until nobody waits, then calls `gone` (which takes the desk
    /// away, so that the next caller starts a new turn).
    pub(super) async fn run<R>(mut self, gone: impl FnOnce() -> R) {
        let mut pause = FIRST_PAUSE;
        while !self.desk.borrow().is_empty() {
            match self.round().await {
                Ok(Round::Served) => pause = FIRST_PAUSE,
                Ok(Round::Nothing) => {
                    self.desk.borrow_mut().answer_nothing(self.host.monotonic());
                    if !self.desk.borrow().is_empty() {
                        self.host.sleep(pause).await;
                    }
                    pause = (pause * 3 / 2).min(LONGEST_PAUSE);
                }
                Ok(Round::Busy { retry_in }) => {
                    self.desk.borrow_mut().answer_busy(self.host.monotonic());
                    if !self.desk.borrow().is_empty() {
                        self.host.sleep(retry_in).await;
                    }
                }
                Err(error) => self.desk.borrow_mut().answer_all(&error),
            }
        }
        gone();
    }

    async fn round(&mut self) -> Result<Round> {
        self.look().await?;
        if self.starting_at_end
            && let ControlFlow::Break(round) = self.start_at_end().await?
        {
            return Ok(round);
        }
        let mut busy: Option<Duration> = None;
        for partition in self.survey.worth_taking() {
            let lane = self.lanes[partition as usize].clone();
            match lane.try_take(async |_| Ok(Position::at(0))).await? {
                Take::Busy { retry_in } => {
                    busy = Some(busy.map_or(retry_in, |other| other.min(retry_in)));
                    // Its holder may have read it to the end by now.
                    self.survey.set_position(partition, position(&lane).await?);
                }
                Take::Held(held) => {
                    let served = self.serve(partition, held).await?;
                    self.survey.served(partition);
                    if served {
                        return Ok(Round::Served);
                    }
                }
            }
        }
        Ok(match busy {
            Some(retry_in) if !self.survey.worth_taking().is_empty() => Round::Busy { retry_in },
            _ => Round::Nothing,
        })
    }

    /// Looks at the ends of the log, and now and then at the positions.
    async fn look(&mut self) -> Result<()> {
        let now = self.host.monotonic();
        let partitions = self.log.topic(&self.topic).await?.partitions;
        self.survey.set_partitions(partitions);
        for partition in self.lanes.len() as i32..partitions {
            let name = LaneName::group(&self.group, &self.topic, partition)?;
            self.lanes.push(Lane::new(self.host.clone(), name, self.params));
        }
        let again = self.looked.is_none_or(|looked| now - looked >= LOOK_AGAIN);
        let (ends, positions) = join(self.log.ends(&self.topic), async {
            if !again {
                return None;
            }
            Some(join_all(self.lanes.iter().map(position)).await)
        })
        .await;
        match ends {
            Ok(ends) => self.survey.set_ends(&ends),
            // Then every partition is tried, which finds out as well.
            Err(Error::Unsupported(_)) => self.survey.set_ends(&Default::default()),
            Err(error) => return Err(error),
        }
        if let Some(positions) = positions {
            let first_look = self.looked.replace(now).is_none();
            for (partition, position) in (0..).zip(positions) {
                self.survey.set_position(partition, position?);
            }
            if first_look && self.survey.is_new_group() && self.desk.borrow().wants_latest() {
                self.starting_at_end = true;
            }
        }
        Ok(())
    }

    /// Gives a new group its position at the end of every partition. That has
    /// to be written down before anybody is told that there is nothing to
    /// read: the records that follow are the group's.
    async fn start_at_end(&mut self) -> Result<ControlFlow<Round>> {
        let ends = self.log.ends(&self.topic).await?;
        for (partition, lane) in (0..).zip(self.lanes.clone()) {
            let end = ends.get(&partition).copied().ok_or_else(|| {
                Error::Unsupported("The Kafka server does not tell where a topic ends".into())
            })?;
            let start = async |origin| match origin {
                Origin::New => Ok(Position::at(end)),
                Origin::Restart => Ok(Position::at(0)),
            };
            match lane.try_take(start).await? {
                Take::Busy { retry_in } => return Ok(ControlFlow::Break(Round::Busy { retry_in })),
                Take::Held(held) => {
                    let mut page = Page::resume(held.payload());
                    self.let_go(partition, held, &mut page).await?;
                }
            }
        }
        self.starting_at_end = false;
        Ok(ControlFlow::Continue(()))
    }

    /// Reads a partition and hands its records to the callers, for as long as
    /// there are both. Answers whether any record was handed out.
    async fn serve(&mut self, partition: i32, mut held: Held<H, Position>) -> Result<bool> {
        let mut page = Page::resume(held.payload());
        let mut served = false;
        loop {
            if !page.has_records() {
                let fetched = self.fetch(partition, &mut page).await;
                if let Err(error) = fetched {
                    self.let_go(partition, held, &mut page).await?;
                    return Err(error);
                }
            }
            if !page.has_records() {
                self.survey.set_drained(partition);
                self.let_go(partition, held, &mut page).await?;
                return Ok(served);
            }
            let counter = Counter::new();
            let handed = held.is_live() && self.hand_out(&mut page, &counter);
            served |= handed;
            if handed {
                self.settle(&mut page, &counter, held.remaining()).await;
            }
            let stay = held.is_live() && !held.knocked().await? && self.somebody_comes().await;
            if !stay {
                self.let_go(partition, held, &mut page).await?;
                return Ok(served);
            }
            if (handed || held.renew_due()) && held.write(page.position()).await? == Written::Lost {
                return Ok(served);
            }
        }
    }

    async fn fetch(&self, partition: i32, page: &mut Page) -> Result<()> {
        let max_records = self.desk.borrow().len().clamp(MIN_PAGE, MAX_PAGE);
        let fetched = self
            .log
            .fetch(Fetch {
                topic: &self.topic,
                partition,
                offset: page.next(),
                place: page.take_place(),
                max_records,
                max_bytes: PAGE_BYTES,
                wait: Duration::ZERO,
            })
            .await?;
        page.add(fetched);
        Ok(())
    }

    fn hand_out(&self, page: &mut Page, counter: &Counter<H::Wake>) -> bool {
        let mut desk = self.desk.borrow_mut();
        let mut any = false;
        while let Some(record) = page.hand_out() {
            match desk.serve(record, counter) {
                Ok(()) => any = true,
                Err(record) => {
                    page.returned(record.offset);
                    break;
                }
            }
        }
        any
    }

    /// Waits until every caller has its record or will not take it.
    async fn settle(&self, page: &mut Page, counter: &Counter<H::Wake>, lease: Duration) {
        if !counter.all_settled() {
            let (bell, rung) = self.host.signal();
            counter.ring_when_settled(bell);
            select(rung, Box::pin(self.host.sleep(SETTLE_TIME.min(lease)))).await;
        }
        for (offset, arrived) in counter.take_settled() {
            if arrived {
                page.arrived(offset);
            } else {
                page.returned(offset);
            }
        }
        page.give_up_waiting();
    }

    /// Whether somebody waits, or comes soon.
    async fn somebody_comes(&self) -> bool {
        if self.desk.borrow().is_empty() && self.desk.borrow().is_busy() {
            let (bell, rung) = self.host.signal();
            self.desk.borrow_mut().ring_on_arrival(bell);
            select(rung, Box::pin(self.host.sleep(LINGER))).await;
        }
        !self.desk.borrow().is_empty()
    }

    async fn let_go(
        &mut self,
        partition: i32,
        held: Held<H, Position>,
        page: &mut Page,
    ) -> Result<()> {
        let position = page.position();
        self.survey.set_position(partition, Some(position.offset));
        held.release(position).await?;
        Ok(())
    }
}

/// Where a group stands in a partition, by the last document that is there.
async fn position<H: Host>(lane: &Lane<H, Position>) -> Result<Option<i64>> {
    let latest = lane.peek().await?;
    Ok(latest.and_then(|(_, document)| document.payload).map(|position| position.offset))
}
