//! A turn at a lane: records are read, tried, and disposed of, as many beside each other as
//! the subscription's order lets.
//!
//! The position is written *after* a callback has answered, or a dead letter is confirmed.
//! If an instance dies in between, the next one sends the same records again, under the
//! same ids.

mod batch;
mod dead;
mod outcome;
mod reading;
mod trying;
mod writing;

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Either;

use self::dead::Buried;
use self::outcome::Sent;
use super::allowance::{Allowance, Reserved};
use super::body::Item;
use super::breaker::Stance;
use super::context::DeliveryContext;
use super::delivery_state::DeliveryState;
use super::job::{Job, JobEnd, JobReport};
use super::pages::Page;
use super::prepared::Prepared;
use super::settings::Order;
use super::window::{Candidate, Choice};
use crate::concurrent::Running;
use crate::deadline::Timer;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::state::lane::Held;
use crate::state::lane::params::KNOCK_CHECK;
use crate::telemetry::{Field, Level};

/// The position is written after this time or this number of records. So this
/// much may have to be sent again after an instance has died.
const POSITION_WRITE_INTERVAL: Duration = Duration::from_secs(1);
const POSITION_WRITE_RECORDS: usize = 100;

/// The part of the lease that is reserved for writing the position after the
/// longest attempt.
const POSITION_WRITE_TIME: Duration = Duration::from_secs(1);

/// The most records that were read and are not done with, and their bytes.
const MAX_POOL: usize = 1_000;
const MAX_POOL_BYTES: usize = 4 * 1024 * 1024;

/// For each 20 turns of an instance, the time between two looks for a knock grows by
/// [`KNOCK_CHECK`], up to ten times that. Whoever seeks waits for several times as long.
const TURNS_PER_KNOCK_CHECK: usize = 20;
const MAX_KNOCK_CHECKS: usize = 10;

/// A rate is waited for in the turn if it does not take longer.
const MAX_RATE_WAIT: Duration = Duration::from_secs(1);

/// A record that was read and is not done with.
pub(super) struct Pooled {
    offset: i64,
    key: Option<u32>,
    /// Where the record comes from: of a dead letter, its first topic.
    topic: Rc<str>,
    item: Item,
    is_shaped: bool,
}

/// What a turn waits for.
enum Event {
    Attempted(Sent),
    Buried(Buried),
    Read(i64, Result<Rc<Page>>),
    /// Something else may begin now.
    Ready,
    /// The lane has to be held on.
    Renew,
}

/// A lane while it is held.
pub(super) struct Turn<'a, H: Host, L> {
    pub(super) context: &'a DeliveryContext<H, L>,
    pub(super) job: &'a Job,
    pub(super) allowance: &'a Allowance,
    pub(super) prepared: Rc<Prepared>,
    pub(super) cluster: Rc<str>,
    pub(super) held: Held<H, DeliveryState>,
    pub(super) state: DeliveryState,
    pub(super) report: JobReport,
    pool: Vec<Pooled>,
    /// What is under way: attempts and dead letters, each by its first record.
    under_way: Vec<Candidate>,
    /// Of attempts that have ended, for those to come.
    timers: Rc<RefCell<Vec<Timer<'a>>>>,
    /// The next offset to read.
    cursor: i64,
    is_reading: bool,
    is_at_end: bool,
    is_paused: bool,
    /// For the next attempt.
    reserved: Option<Reserved>,
    /// Nothing more begins.
    stop: Option<JobEnd>,
    /// When `state` was last written to the store, and the number of records
    /// disposed of since.
    written: Duration,
    unwritten: usize,
    /// Where the turn began.
    began_at: i64,
    /// Of all turns of this instance.
    turns: Rc<()>,
}

/// How much time is between two looks of a turn for a knock: an instance with many turns looks
/// less often at each, or the looks would take the time of the deliveries.
fn knock_check(turns: usize) -> Duration {
    KNOCK_CHECK * (turns / TURNS_PER_KNOCK_CHECK).clamp(1, MAX_KNOCK_CHECKS) as u32
}

/// Why work on a lane ends.
pub(super) enum Stop {
    Failed(Error),
    /// The lane is no longer held; its new holder's state counts.
    Lost,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ErrorKind> for Stop {
    fn from(kind: ErrorKind) -> Self {
        Error::from(kind).into()
    }
}

/// What became of beginning something.
enum Begun {
    Yes,
    /// Something was disposed of; there may be more to begin.
    Passed,
    /// Nothing more can begin before something has ended.
    No,
}

impl<'a, H: Host, L: Log> Turn<'a, H, L> {
    pub(super) fn new(
        context: &'a DeliveryContext<H, L>,
        job: &'a Job,
        allowance: &'a Allowance,
        prepared: Rc<Prepared>,
        cluster: Rc<str>,
        held: Held<H, DeliveryState>,
    ) -> Self {
        let state = held.payload().clone();
        let (written, now) = (context.host.monotonic(), context.host.now());
        Self {
            cursor: state.window.next_wanted(state.position(), now),
            began_at: state.position(),
            turns: context.turns.clone(),
            context,
            job,
            allowance,
            prepared,
            cluster,
            held,
            state,
            report: JobReport::default(),
            pool: Vec::new(),
            under_way: Vec::new(),
            timers: Rc::default(),
            is_reading: false,
            is_at_end: false,
            is_paused: false,
            reserved: None,
            stop: None,
            written,
            unwritten: 0,
        }
    }

    pub(super) async fn work(&mut self) -> Result<JobEnd, Stop> {
        let (to, now) = (self.job.to(), self.context.host.now());
        // The turn of a ticket that was lost begins whatever there is to do.
        if let Some(idle) = self.state.idle(to, self.prepared.order, now) {
            return Ok(idle.into());
        }
        let mut running = Running::default();
        loop {
            self.look_around().await;
            while self.stop.is_none() {
                match self.begin(&mut running).await? {
                    Begun::Yes | Begun::Passed => {}
                    Begun::No => break,
                }
            }
            if running.is_empty() {
                return Ok(self.stop.take().unwrap_or_default());
            }
            match self.next(&mut running).await {
                Event::Attempted(sent) => self.attempted(sent, &mut running).await?,
                Event::Buried(buried) => self.buried(buried),
                Event::Read(offset, Ok(page)) => self.has_read(offset, &page),
                Event::Read(_, Err(error)) => {
                    self.is_reading = false;
                    self.stop = Some(error.into());
                }
                Event::Ready => self.is_paused = false,
                Event::Renew => self.write().await?,
            }
            if self.unwritten > 0 {
                let age = self.context.host.monotonic().saturating_sub(self.written);
                if age >= POSITION_WRITE_INTERVAL || self.unwritten >= POSITION_WRITE_RECORDS {
                    self.write().await?;
                }
            }
        }
    }

    /// What ends next. Attempts begin only while the lane is held for as long as they may
    /// take; a read has no such end, so the lane is held on meanwhile.
    async fn next(&self, running: &mut Running<'a, Event>) -> Event {
        let mut renewal = match self.is_reading && self.stop.is_none() {
            true => Either::Left(Box::pin(self.context.host.sleep(self.held.until_renewal()))),
            false => Either::Right(pending()),
        };
        poll_fn(|cx| {
            if let Poll::Ready(event) = running.poll_next(cx) {
                return Poll::Ready(event);
            }
            renewal.poll_unpin(cx).map(|()| Event::Renew)
        })
        .await
    }

    /// Whether the turn is to end for others' sake, or because its time is over.
    async fn look_around(&mut self) {
        if self.stop.is_some() {
            return;
        }
        if !self.may_go_on() {
            self.stop = Some(JobEnd::OutOfTime);
            return;
        }
        // Whoever moves the subscription waits for the lane.
        // The context holds one, too.
        let turns = Rc::strong_count(&self.turns) - 1;
        match self.held.knocked(knock_check(turns)).await {
            Ok(false) => {}
            Ok(true) => self.stop = Some(JobEnd::Busy),
            Err(error) => self.stop = Some(error.into()),
        }
    }

    /// Whether another attempt may begin.
    fn may_go_on(&self) -> bool {
        let host = &self.context.host;
        match self.reserved {
            Some(_) => self.allowance.lasts(host, Duration::ZERO),
            None => self.allowance.is_left(host),
        }
    }

    /// Whether the requests of the next attempt are reserved.
    fn reserve(&mut self) -> bool {
        let (host, calls) = (&self.context.host, self.prepared.calls());
        self.allowance.take(host, calls, &mut self.reserved)
    }

    /// Begins one thing more, if anything can.
    async fn begin(&mut self, running: &mut Running<'a, Event>) -> Result<Begun, Stop> {
        if self.is_paused || self.under_way.len() >= self.prepared.at_once {
            return Ok(Begun::No);
        }
        let order = self.prepared.order;
        // In the order of the partition only the first one matters.
        let most = if self.prepared.at_once == 1 && self.is_partition() { 1 } else { usize::MAX };
        let candidates: Vec<_> = self.pool.iter().take(most).map(Pooled::candidate).collect();
        let now = self.context.host.now();
        match self.state.window.choose(&candidates, &self.under_way, order, now) {
            Choice::Try(place) if self.prepared.settings().body.is_batch() => {
                debug_assert_eq!(place, 0);
                self.begin_batch(running).await
            }
            Choice::Try(place) => self.begin_one(place, running).await,
            Choice::More if self.is_at_end => self.rest(self.state.window.next_attempt()),
            Choice::More => Ok(self.begin_read(running)),
            Choice::Wait(until) => self.rest(until),
        }
    }

    fn is_partition(&self) -> bool {
        self.prepared.order == Order::Partition
    }

    /// Nothing can begin: the turn ends once nothing is under way any more.
    fn rest(&mut self, until: Option<Millis>) -> Result<Begun, Stop> {
        if self.under_way.is_empty() && !self.is_reading {
            self.stop = Some(match until {
                None => JobEnd::CaughtUp,
                Some(until) => JobEnd::Waiting { until, to: self.looked_to() },
            });
        }
        Ok(Begun::No)
    }

    /// Up to where everything was looked at; records beyond may be tried before others.
    fn looked_to(&self) -> i64 {
        let is_full = !self.is_at_end || (self.is_partition() && !self.pool.is_empty());
        if is_full { i64::MAX } else { self.cursor }
    }

    fn tell(&self, level: Level, name: &'static str, more: &[Field<'_>]) {
        self.job.tell(&self.context.host, level, name, more);
    }

    /// What is known of the callback, here and by others.
    fn stance(&self) -> Stance {
        let known = [self.state.hold, self.context.hold(&self.job.id)];
        let known = known.into_iter().flatten().reduce(|one, other| one.and(other));
        known.map_or(Stance::Free, |hold| hold.stance(self.context.host.now()))
    }
}

impl Pooled {
    fn candidate(&self) -> Candidate {
        Candidate { offset: self.offset, key: self.key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_with_many_turns_looks_less_often_at_each() {
        let millis = [0, 1, 39, 40, 100, 200, 1_000].map(|turns| knock_check(turns).as_millis());
        assert_eq!(millis, [200, 200, 200, 400, 1_000, 2_000, 2_000]);
    }
}
