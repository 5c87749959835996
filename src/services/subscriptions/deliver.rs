//! Delivers one partition to one callback. Everything that starts deliveries
//! uses this step; it may run in any instance at any time.
//!
//! Under the lane's lease the records are sent in order, each one until the
//! callback accepts it. The position is written *after* a callback has answered.
//! If an instance dies in between, the next one sends the same records again,
//! under the same ids.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use super::attempt::{Attempt, AttemptFailure, Destination, trace_of};
use super::context::DeliveryContext;
use super::delivery_state::DeliveryState;
use super::job::{Job, JobEnd, JobReport};
use super::subscription::Subscription;
use crate::callers_url;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::{Fetch, Fetched, Log};
use crate::random;
use crate::record::Record;
use crate::services::beyond_end::BeyondEnd;
use crate::state::lane::params::KNOCK_CHECK;
use crate::state::lane::{Document, Held, Take, Written};
use crate::telemetry::{Field, Level, Value, level_of, with_trace};

/// The limits of one read.
const MAX_PAGE_RECORDS: usize = 50;
const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// The position is written after this time or this number of records. So this
/// much may have to be sent again after an instance has died.
const POSITION_WRITE_INTERVAL: Duration = Duration::from_secs(1);
const POSITION_WRITE_RECORDS: usize = 100;

/// How old a copy of the subscription may be when an attempt begins; a removal
/// that is newer may be missed.
const MAX_SUBSCRIPTION_AGE: Duration = Duration::from_secs(1);

/// The part of the lease that is reserved for writing the position after the
/// longest attempt.
const POSITION_WRITE_TIME: Duration = Duration::from_secs(1);

/// A callback that takes longer than this to accept a record is slow.
const SLOW: Duration = Duration::from_secs(5);

/// Runs a job; its attempts begin before `deadline`, by the monotonic clock.
pub(super) async fn run<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
    deadline: Duration,
) -> JobReport {
    let report = with_lane(context, job, deadline).await;
    if let JobEnd::Error(error) = &report.outcome {
        let level = level_of(error).min(Level::Warn);
        job.tell(&context.host, level, "delivery-stopped", &[("why", error.kind().into())]);
    }
    report
}

async fn with_lane<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
    deadline: Duration,
) -> JobReport {
    let subscription = match subscription(context, job).await {
        Ok(subscription) => subscription,
        Err(error) => return JobReport { outcome: error.into(), ..JobReport::default() },
    };
    let taken = take(context, job, &subscription).await;
    match taken.unwrap_or_else(|error| Taken::Nothing(error.into())) {
        Taken::Nothing(outcome) => JobReport { outcome, ..JobReport::default() },
        Taken::Lane(held) => {
            let mut delivering = Delivering {
                context,
                job,
                subscription,
                deadline,
                state: held.payload().clone(),
                held,
                written: context.host.monotonic(),
                unwritten: 0,
                report: JobReport::default(),
            };
            let Err(stop) = delivering.work().await;
            delivering.finish(stop).await
        }
    }
}

/// The subscription, if records of the topic are delivered to it now.
async fn subscription<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
) -> Result<Rc<Subscription>> {
    let subscription = context.registry.get(&job.id, MAX_SUBSCRIPTION_AGE).await?;
    match subscription.is_active() && subscription.covers(&job.topic) {
        true => Ok(subscription),
        false => Err(Error::UnknownSubscription(job.id.as_ref().into())),
    }
}

/// The result of trying to take the lane.
enum Taken<H> {
    Lane(Held<H, DeliveryState>),
    /// There is nothing to do, or another instance does it.
    Nothing(JobEnd),
}

/// Takes the lane if there seems to be something to do.
async fn take<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
    subscription: &Subscription,
) -> Result<Taken<H>> {
    let Job { id, topic, partition, end } = job;
    let lane = context.lane_to_deliver(id, topic, *partition)?;
    let start = DeliveryState::at(subscription.start(topic, *partition));

    let now = context.host.now();
    let idle = |document: Option<&Document<DeliveryState>>| match document {
        Some(document) => document.payload.as_ref()?.idle(*end, now),
        None => start.idle(*end, now),
    };
    let taken = lane.hold_when(
        |document| idle(document).is_none(),
        async |_| {
            // A lane without a state is new, unless its subscription was removed or has left
            // the topic.
            let now = context.registry.get(id, Duration::ZERO).await?;
            match now.covers(topic) {
                true => Ok(DeliveryState::at(now.start(topic, *partition))),
                false => Err(Error::UnknownSubscription(id.as_ref().into())),
            }
        },
    );
    match taken.await? {
        Take::Busy { .. } => Ok(Taken::Nothing(JobEnd::Busy)),
        Take::Held(held) => Ok(Taken::Lane(held)),
        Take::Unworthy(document) => {
            let why = idle(document.as_ref()).map_or(JobEnd::CaughtUp, JobEnd::from);
            let state = match &document {
                Some(document) => document.payload.as_ref(),
                None => Some(&start),
            };
            let beyond = beyond_end(context, job, state).await?;
            Ok(Taken::Nothing(beyond.map_or(why, JobEnd::BeyondEnd)))
        }
    }
}

/// Whether the position lies beyond the end. The end of the job may be older than
/// the position, so that it alone does not tell.
async fn beyond_end<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
    state: Option<&DeliveryState>,
) -> Result<Option<BeyondEnd>> {
    let Job { id, topic, partition, end } = job;
    let (Some(position), Some(end)) = (state.map(|state| state.position), end) else {
        return Ok(None);
    };
    if position <= *end {
        return Ok(None);
    }
    let ends = context.log.ends(topic).await?;
    let end = ends.into_iter().find_map(|(at, end)| (at == *partition).then_some(end));
    let beyond = end.and_then(|end| BeyondEnd::check(topic, *partition, position, end));
    if let Some(beyond) = &beyond {
        context.beyond.tell(&context.host, "webhook", id, beyond);
    }
    Ok(beyond)
}

/// A lane while it is held.
struct Delivering<'a, H, L> {
    context: &'a DeliveryContext<H, L>,
    job: &'a Job,
    subscription: Rc<Subscription>,
    deadline: Duration,
    held: Held<H, DeliveryState>,
    state: DeliveryState,
    /// When `state` was last written to the store, and the number of records
    /// delivered since.
    written: Duration,
    unwritten: usize,
    report: JobReport,
}

/// Why work on a lane ends.
enum Stop {
    With(JobEnd),
    /// The lane is no longer held; its new holder's state counts.
    Lost,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::With(error.into())
    }
}

impl<H: Host, L: Log> Delivering<'_, H, L> {
    async fn work(&mut self) -> Result<Infallible, Stop> {
        let cluster = self.context.log.cluster_id().await?;
        let to = self.destination();
        loop {
            if let Some(idle) = self.state.idle(self.job.end, self.context.host.now()) {
                return Err(Stop::With(idle.into()));
            }
            self.go_on().await?;
            let Fetched { records, next, place, .. } = self.fetch().await?;
            let mut sent = Ok(());
            for record in &records {
                sent = self.send(record, &cluster, &to).await;
                if sent.is_err() {
                    break;
                }
            }
            match (&sent, place) {
                (Ok(()), place) => {
                    self.state.moved(next);
                    self.state.place = place;
                }
                // The place is behind records that are still to be delivered.
                (Err(_), Some(place)) => self.context.log.close(place).await,
                (Err(_), None) => {}
            }
            sent?;
            if records.is_empty() {
                return Err(Stop::With(JobEnd::CaughtUp));
            }
        }
    }

    /// Releases the lane, and reports what was done.
    async fn finish(mut self, stop: Stop) -> JobReport {
        let (outcome, lost) = match stop {
            Stop::Lost => (JobEnd::Busy, true),
            Stop::With(outcome) => match (outcome, self.held.release(self.state).await) {
                (error @ JobEnd::Error(_), _) => (error, false),
                (_, Err(error)) => (error.into(), false),
                (_, Ok(Written::Lost)) => (JobEnd::Busy, true),
                (outcome, Ok(Written::Kept)) => (outcome, false),
            },
        };
        if lost {
            self.job.tell(&self.context.host, Level::Warn, "lane-lost", &[]);
        }
        self.report.outcome = outcome;
        self.report
    }

    /// Whether another attempt may begin.
    async fn go_on(&self) -> Result<(), Stop> {
        if self.context.host.monotonic() >= self.deadline {
            return Err(Stop::With(JobEnd::OutOfTime));
        }
        subscription(self.context, self.job).await?;
        Ok(())
    }

    /// Reads a page at the position; a single record if an attempt at it has
    /// failed, since the next one is likely to fail, too.
    async fn fetch(&mut self) -> Result<Fetched> {
        let failing = self.state.trouble.is_some();
        let fetch = Fetch {
            topic: &self.job.topic,
            partition: self.job.partition,
            offset: self.state.position,
            place: self.state.place.take(),
            max_records: if failing { 1 } else { MAX_PAGE_RECORDS },
            max_bytes: MAX_PAGE_BYTES,
            end: self.job.end,
            wait: Duration::ZERO,
        };
        self.context.log.fetch(fetch).await
    }

    async fn send(
        &mut self,
        record: &Record,
        cluster: &str,
        to: &Result<Destination, AttemptFailure>,
    ) -> Result<(), Stop> {
        self.go_on().await?;
        // Whoever moves the subscription waits for the lane.
        if self.held.knocked(KNOCK_CHECK).await? {
            return Err(Stop::With(JobEnd::Busy));
        }
        with_trace(trace_of(record), self.attempt(record, cluster, to)).await
    }

    /// Everything that is reported here belongs to the record's trace.
    async fn attempt(
        &mut self,
        record: &Record,
        cluster: &str,
        to: &Result<Destination, AttemptFailure>,
    ) -> Result<(), Stop> {
        let host = &self.context.host;
        let config = &self.context.config;
        if self.held.remaining() < config.timeout + POSITION_WRITE_TIME {
            self.write().await?;
        }
        let begun = host.monotonic();
        let sent = match to {
            Err(refused) => Err(refused.clone()),
            Ok(to) => {
                let attempt = Attempt {
                    id: &self.job.id,
                    topic: &self.job.topic,
                    to,
                    cluster,
                    record,
                    connect_timeout: config.connect_timeout,
                    timeout: config.timeout,
                };
                attempt.make(host).await
            }
        };
        let took = host.monotonic().saturating_sub(begun);
        let fields = [("offset", record.offset.into()), ("millis", Value::millis(took))];
        match sent {
            Ok(()) => {
                match took > SLOW {
                    true => self.tell(Level::Info, "delivery-slow", &fields),
                    false => self.tell(Level::Debug, "delivery-made", &fields),
                }
                self.report.delivered += 1;
                self.unwritten += 1;
                self.state.delivered(record.offset);
                let age = host.monotonic().saturating_sub(self.written);
                if age >= POSITION_WRITE_INTERVAL || self.unwritten >= POSITION_WRITE_RECORDS {
                    self.write().await?;
                }
                Ok(())
            }
            Err(failure) => {
                self.report.failed += 1;
                let random = random::number(host);
                let now = host.now();
                let why = failure.reason.clone();
                let due = self.state.failed(record.offset, failure, now, random);
                let more = [("why", (&*why).into()), ("retry_millis", (due - now).into())];
                self.tell(Level::Warn, "delivery-failed", &[fields, more].concat());
                Err(Stop::With(JobEnd::Failing(due)))
            }
        }
    }

    fn tell(&self, level: Level, name: &'static str, more: &[Field<'_>]) {
        self.job.tell(&self.context.host, level, name, more);
    }

    /// Writes the state, which renews the lease.
    async fn write(&mut self) -> Result<(), Stop> {
        match self.held.write(self.state.clone()).await? {
            Written::Lost => Err(Stop::Lost),
            Written::Kept => {
                self.written = self.context.host.monotonic();
                self.unwritten = 0;
                Ok(())
            }
        }
    }

    /// The callback's address, checked again: the configuration may have become
    /// stricter since the registration.
    fn destination(&self) -> Result<Destination, AttemptFailure> {
        let DeliveryContext { config, keys, .. } = self.context;
        let Subscription { id, settings, keys: own, .. } = &*self.subscription;
        let callback = callers_url::check(&settings.callback_url, config.allow_private)
            .map_err(|_| AttemptFailure::new("The callback's URL is no longer allowed"))?;
        let secrets = own.v1(id, keys, self.context.host.now());
        let secrets = secrets.map_err(|error| AttemptFailure::new(error.to_string()))?;
        Ok(Destination { uri: callback.uri, secrets })
    }
}
