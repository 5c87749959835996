//! A turn at a lane: records are read, tried, and disposed of, as many beside each other as
//! the subscription's order lets.
//!
//! The position is written *after* a callback has answered, or a dead letter is confirmed.
//! If an instance dies in between, the next one sends the same records again, under the
//! same ids.

mod batch;
mod dead;
mod outcome;

use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Either;

use self::dead::Buried;
use self::outcome::Sent;
use super::allowance::Allowance;
use super::attempt::{Attempt, AttemptFailure, Attempted, trace_of};
use super::body::{self, From as Origin, Item};
use super::breaker::Stance;
use super::context::DeliveryContext;
use super::deliver::subscription_of;
use super::delivery_state::{DeliveryState, LastAttempt, Total};
use super::envelope;
use super::job::{Job, JobEnd, JobReport};
use super::pages::{Page, Spot};
use super::prepared::Prepared;
use super::retry::millis;
use super::settings::OnError;
use super::shaping::Shaped;
use super::window::{Candidate, Choice, Waiting, key_of};
use crate::concurrent::Running;
use crate::dead_letter::{self, GivenUp};
use crate::error::{Error, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::record::Record;
use crate::state::lane::params::KNOCK_CHECK;
use crate::state::lane::{Held, Written};
use crate::telemetry::{Field, Level, with_trace};

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
    /// The next offset to read.
    cursor: i64,
    is_reading: bool,
    is_at_end: bool,
    is_paused: bool,
    /// Nothing more begins.
    stop: Option<JobEnd>,
    /// When `state` was last written to the store, and the number of records
    /// disposed of since.
    written: Duration,
    unwritten: usize,
    /// Where the turn began.
    began_at: i64,
}

/// Why work on a lane ends.
pub(super) enum Stop {
    With(JobEnd),
    /// The lane is no longer held; its new holder's state counts.
    Lost,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::With(error.into())
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
            is_reading: false,
            is_at_end: false,
            is_paused: false,
            stop: None,
            written,
            unwritten: 0,
        }
    }

    pub(super) async fn work(&mut self) -> Result<JobEnd, Stop> {
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
        if !self.allowance.is_left(&self.context.host) {
            self.stop = Some(JobEnd::OutOfTime);
            return;
        }
        // Whoever moves the subscription waits for the lane.
        match self.held.knocked(KNOCK_CHECK).await {
            Ok(false) => {}
            Ok(true) => self.stop = Some(JobEnd::Busy),
            Err(error) => self.stop = Some(error.into()),
        }
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
        self.prepared.order == super::settings::Order::Partition
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

    fn begin_read(&mut self, running: &mut Running<'a, Event>) -> Begun {
        let bytes: usize = self.pool.iter().map(|pooled| pooled.item.size()).sum();
        if self.is_reading {
            return Begun::No;
        }
        if self.pool.len() >= MAX_POOL || bytes >= MAX_POOL_BYTES {
            // What is here waits for its time, or for others of its key.
            if self.under_way.is_empty() {
                let until = self.state.window.next_attempt();
                let until = until.unwrap_or_else(|| self.context.host.now() + 1_000);
                self.stop = Some(JobEnd::Waiting { until, to: i64::MAX });
            }
            return Begun::No;
        }
        if self.job.to().is_some_and(|to| self.cursor >= to) {
            self.is_at_end = true;
            return Begun::Passed;
        }
        self.is_reading = true;
        let Self { context, job, cursor, .. } = *self;
        let (topic, partition) = (job.topic.clone(), job.partition);
        let spot = Spot { topic, partition, offset: cursor, end: job.end };
        running.add(async move {
            let page = context.pages.read(&context.host, &*context.log, spot).await;
            Event::Read(cursor, page)
        });
        Begun::Yes
    }

    fn has_read(&mut self, from: i64, page: &Page) {
        self.is_reading = false;
        let to = self.job.part().map_or(i64::MAX, |part| part.to);
        let now = self.context.host.now();
        let mut next = from;
        for record in page.records.iter().filter(|record| (from..to).contains(&record.offset)) {
            // There is no record in between.
            self.state.window.skip_gap(next, record.offset);
            next = record.offset + 1;
            self.pool_record(record, now);
        }
        if page.next > next {
            self.state.window.skip_gap(next, page.next.min(to));
        }
        self.is_at_end = page.next <= from || page.silent_to.is_some();
        self.cursor = self.state.window.next_wanted(page.next.max(from), now);
        self.unwritten += usize::from(self.state.position() > self.began_at);
    }

    fn pool_record(&mut self, record: &Record, now: Millis) {
        let offset = record.offset;
        let waits = super::retry::is_to_come(self.state.waiting(offset).due, now);
        if self.state.window.is_done(offset) || waits {
            return;
        }
        let (topic, record) = match self.job.part() {
            Some(part) if part.is_redrive => match dead_letter::Origin::of(record) {
                Some(origin) if origin.group == *self.job.id => {
                    (Rc::from(origin.topic), origin.record)
                }
                // It is somebody else's.
                _ => return self.state.window.skip_gap(offset, offset + 1),
            },
            _ => (self.job.topic.clone(), record.clone()),
        };
        let key = key_of(record.key.as_deref());
        let item = Item { record, transformed: None };
        self.put_back(Pooled { offset, key, topic, item, is_shaped: false });
    }

    fn put_back(&mut self, pooled: Pooled) {
        let place = self.pool.partition_point(|other| other.offset < pooled.offset);
        self.pool.insert(place, pooled);
    }

    /// Begins with one record: an attempt, a dead letter, or it is disposed of at once.
    async fn begin_one(
        &mut self,
        place: usize,
        running: &mut Running<'a, Event>,
    ) -> Result<Begun, Stop> {
        if !self.shape(place, running).await? {
            return Ok(Begun::Passed);
        }
        let may = self.may_attempt(running).await?;
        if matches!(may, Begun::Yes) {
            let pooled = self.pool.remove(place);
            self.attempt(vec![pooled], running);
        }
        Ok(may)
    }

    /// Whether the record at this place of the pool is to be delivered. Otherwise it was
    /// disposed of, or is on its way to the dead letters.
    async fn shape(
        &mut self,
        place: usize,
        running: &mut Running<'a, Event>,
    ) -> Result<bool, Stop> {
        let pooled = &mut self.pool[place];
        let waiting = self.state.window.waiting().get(&pooled.offset).copied().unwrap_or_default();
        if waiting.exhausted {
            return self.give_up_at(place, GivenUp::Undelivered, running).await;
        }
        if !pooled.is_shaped {
            let shaped = match &self.prepared.shaping {
                Some(shaping) => shaping.shape(&pooled.topic, &pooled.item.record),
                None => Shaped::Failed("The expressions are not taken any more".into()),
            };
            match shaped {
                Shaped::Delivered(transformed) => pooled.item.transformed = transformed,
                Shaped::Filtered => {
                    let offset = pooled.offset;
                    self.drop_at(place);
                    self.dispose(offset, Total::Filtered);
                    return Ok(false);
                }
                Shaped::Failed(sentence) => match self.prepared.settings().on_error.clone() {
                    OnError::Pass => {}
                    OnError::Skip => {
                        let offset = pooled.offset;
                        self.drop_at(place);
                        self.dispose(offset, Total::Skipped);
                        return Ok(false);
                    }
                    OnError::DeadLetter(topic) => {
                        self.bury_at(place, topic, GivenUp::Expression, running).await?;
                        return Ok(false);
                    }
                    OnError::Exhaust => {
                        let (at, offset) = (self.context.host.now(), pooled.offset);
                        let error = Some(sentence);
                        self.state.note(LastAttempt { at, offset, error, ..Default::default() });
                        return self.give_up_at(place, GivenUp::Expression, running).await;
                    }
                },
            }
            self.pool[place].is_shaped = true;
        }
        if self.is_too_old(&self.pool[place], waiting) {
            return self.give_up_at(place, GivenUp::TooOld, running).await;
        }
        Ok(true)
    }

    /// By its time, or, where the log tells none, by its first attempt's.
    fn is_too_old(&self, pooled: &Pooled, waiting: Waiting) -> bool {
        let Some(max_age) = self.prepared.settings().max_age else { return false };
        let since = pooled.item.record.timestamp;
        let since = since.or((waiting.failures > 0).then_some(waiting.since));
        let most = millis(Duration::from_secs(max_age));
        since.is_some_and(|since| self.context.host.now().saturating_sub(since) > most)
    }

    fn drop_at(&mut self, place: usize) {
        drop(self.pool.remove(place));
    }

    fn dispose(&mut self, offset: i64, as_what: Total) {
        self.state.dispose(offset, as_what);
        self.unwritten += 1;
    }

    /// Whether an attempt may begin at this very moment, and all is written that has to be
    /// before it does.
    async fn may_attempt(&mut self, running: &mut Running<'a, Event>) -> Result<Begun, Stop> {
        let context = self.context;
        let host = &context.host;
        if !self.allowance.is_left(host) {
            return Ok(self.stop_with(JobEnd::OutOfTime));
        }
        match self.stance() {
            Stance::Free => {}
            Stance::Held(until) => {
                return Ok(self.stop_with(JobEnd::Waiting { until, to: i64::MAX }));
            }
            Stance::Probe if self.under_way.is_empty() => {}
            Stance::Probe => return Ok(Begun::No),
        }
        let now = match subscription_of(context, self.job).await {
            Ok(now) => now,
            // What is under way comes to its end.
            Err(error) => return Ok(self.stop_with(error.into())),
        };
        if now.version != self.prepared.subscription.version {
            self.prepared = Rc::new(Prepared::of(context, now));
            // What was shaped was for the one before.
            self.pool.iter_mut().for_each(|pooled| pooled.is_shaped = false);
            return Ok(Begun::Passed);
        }
        if let Err(wait) = context.take_of_rate(&self.prepared.subscription) {
            if wait > MAX_RATE_WAIT && self.under_way.is_empty() {
                let until = host.now().saturating_add(millis(wait));
                return Ok(self.stop_with(JobEnd::Waiting { until, to: i64::MAX }));
            }
            self.is_paused = true;
            running.add(async move {
                host.sleep(wait.min(MAX_RATE_WAIT)).await;
                Event::Ready
            });
            return Ok(Begun::No);
        }
        self.reach(self.prepared.timeout).await?;
        Ok(Begun::Yes)
    }

    fn stop_with(&mut self, end: JobEnd) -> Begun {
        self.stop = Some(end);
        Begun::No
    }

    /// Sees to it that the lane is held for something that takes so long.
    async fn reach(&mut self, time: Duration) -> Result<(), Stop> {
        if self.held.remaining() < time + POSITION_WRITE_TIME {
            self.write().await?;
        }
        Ok(())
    }

    fn attempt(&mut self, pooled: Vec<Pooled>, running: &mut Running<'a, Event>) {
        let (context, prepared, cluster) =
            (self.context, self.prepared.clone(), self.cluster.clone());
        let Some(first) = pooled.first() else { return };
        self.under_way.push(first.candidate());
        if self.state.waiting(first.offset).failures > 0 {
            self.state.totals.count(Total::Retried, 1);
        }
        self.allowance.spend();
        let is_probe = self.stance() == Stance::Probe;
        let trace = trace_of(&first.item.record);
        let attempt = async move {
            let at = context.host.now();
            let begun = context.host.monotonic();
            let attempted = send(context, &prepared, &cluster, &pooled).await;
            let took = context.host.monotonic().saturating_sub(begun);
            Event::Attempted(Sent { pooled, attempted, at, took, is_probe })
        };
        running.add(with_trace(trace, attempt));
    }

    /// Writes the state, which renews the lease.
    async fn write(&mut self) -> Result<(), Stop> {
        self.note_oldest();
        match self.held.write(self.state.clone()).await? {
            Written::Lost => Err(Stop::Lost),
            Written::Kept => {
                self.written = self.context.host.monotonic();
                self.unwritten = 0;
                Ok(())
            }
        }
    }

    /// Since when the oldest record has waited.
    fn note_oldest(&mut self) {
        let position = self.state.position();
        let is_all_done = self.pool.is_empty()
            && self.under_way.is_empty()
            && self.state.window.waiting().is_empty()
            && (self.is_at_end || self.job.to().is_some_and(|to| position >= to));
        if is_all_done {
            return self.state.waits_since(None);
        }
        if position == self.began_at && self.state.oldest.is_some() {
            return;
        }
        let first = self.pool.first().filter(|_| self.under_way.is_empty());
        let time = first.and_then(|first| first.item.record.timestamp);
        self.state.waits_since(Some(time.unwrap_or_else(|| self.context.host.now())));
    }

    /// Releases the lane, and reports what was done.
    pub(super) async fn finish(mut self, ended: Result<JobEnd, Stop>) -> JobReport {
        let Self { context, job, .. } = self;
        self.note_oldest();
        let position = self.state.position();
        let place = context.pages.leave(&job.topic, job.partition, position);
        let (outcome, is_lost) = match ended {
            Err(Stop::Lost) => (JobEnd::Busy, true),
            Ok(outcome) | Err(Stop::With(outcome)) => {
                self.state.place.clone_from(&place);
                self.state.rest = match outcome {
                    JobEnd::Waiting { until, to } => Some((to, until)),
                    _ => None,
                };
                match (outcome, self.held.release(self.state).await) {
                    (error @ JobEnd::Error(_), _) => (error, false),
                    (_, Err(error)) => (error.into(), false),
                    (_, Ok(Written::Lost)) => (JobEnd::Busy, true),
                    (outcome, Ok(Written::Kept)) => (outcome, false),
                }
            }
        };
        if is_lost {
            job.tell(&context.host, Level::Warn, "lane-lost", &[]);
            if let Some(place) = place {
                context.log.close(place).await;
            }
        }
        JobReport { outcome, ..self.report }
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

async fn send<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    prepared: &Prepared,
    cluster: &str,
    pooled: &[Pooled],
) -> Attempted {
    let to = match &prepared.to {
        Ok(to) => to,
        Err(refused) => return refused.clone().into(),
    };
    let (Some(first), Some(last)) = (pooled.first(), pooled.last()) else {
        return AttemptFailure::new("There is nothing to deliver").into();
    };
    let subscription_id = &*prepared.subscription.id;
    let topic = &*first.topic;
    let from = Origin { subscription_id, cluster, topic };
    let items: Vec<Item> = pooled.iter().map(|pooled| pooled.item.clone()).collect();
    let message = match body::make(prepared.settings().body, from, &items) {
        Ok(message) => message,
        Err(sentence) => return AttemptFailure::new(sentence).into(),
    };
    let offsets = (first.item.record.offset, last.item.record.offset);
    let partition = first.item.record.partition;
    let attempt = Attempt {
        to,
        message_id: &envelope::message_id(subscription_id, cluster, topic, partition, offsets),
        message: &message,
        tokens: &context.tokens,
        connect_timeout: context.config.connect_timeout,
        timeout: prepared.timeout,
        allow_private: context.config.allow_private,
    };
    attempt.make(&context.host).await
}
