//! Delivers one partition to one callback. Everything that starts deliveries
//! uses this step; it may run in any instance at any time.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;

use super::allowance::{Allowance, is_spent};
use super::breaker::Stance;
use super::context::DeliveryContext;
use super::delivery_state::DeliveryState;
use super::job::{Job, JobEnd, JobReport};
use super::prepared::Prepared;
use super::subscription::Subscription;
use super::turn::{Stop, Turn};
use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::services::beyond_end::BeyondEnd;
use crate::state::lane::{Document, Held, Take};
use crate::telemetry::{Level, level_of};

/// How old a copy of the subscription may be when an attempt begins; a removal
/// that is newer may be missed.
const MAX_SUBSCRIPTION_AGE: Duration = Duration::from_secs(1);

/// Runs a job, within an allowance.
pub(super) async fn run<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
    allowance: &Allowance,
) -> JobReport {
    let report = with_lane(context, job, allowance).await;
    let mut report = report.unwrap_or_else(|error| JobReport::ended(error.into()));
    if matches!(report.outcome, JobEnd::Error(_)) && is_spent(&context.host) {
        report.outcome = JobEnd::OutOfTime;
    }
    if let JobEnd::Error(error) = &report.outcome {
        let level = level_of(error).min(Level::Warn);
        job.tell(&context.host, level, "delivery-stopped", &[("why", error.kind().into())]);
    }
    report
}

async fn with_lane<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
    allowance: &Allowance,
) -> Result<JobReport> {
    if !allowance.is_left(&context.host) {
        return Ok(JobReport::ended(JobEnd::OutOfTime));
    }
    if let Some(hold) = job.hold {
        context.hold_back(&job.id, hold);
    }
    let known = context.hold(&job.id);
    if let Some(Stance::Held(until)) = known.map(|hold| hold.stance(context.host.now())) {
        return Ok(JobReport::ended(JobEnd::Waiting { until, to: i64::MAX }));
    }
    let coming = context.pages.come(job);
    let (held, prepared) = match take(context, job).await? {
        Taken::Lane(held, prepared) => (*held, prepared),
        Taken::Nothing(report) => return Ok(report),
    };
    let has_runs = Some(!prepared.subscription.runs.is_empty());
    let kept = held.payload().place.clone().map(|place| (held.payload().position(), place));
    if let Some(useless) = context.pages.enter(&job.topic, job.partition, kept) {
        context.log.close(useless).await;
    }
    drop(coming);
    let cluster = context.log.cluster_id().await;
    let name = cluster.as_deref().unwrap_or_default().into();
    let mut turn = Turn::new(context, job, allowance, prepared, name, held);
    let ended = match cluster {
        Ok(_) => turn.work().await,
        Err(error) => Err(Stop::from(error)),
    };
    Ok(JobReport { has_runs, ..turn.finish(ended).await })
}

/// The subscription, if records of the topic are delivered to it now.
pub(super) async fn subscription_of<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
) -> Result<Rc<Subscription>> {
    let subscription = context.registry.get(&job.id, MAX_SUBSCRIPTION_AGE).await?;
    match subscription.is_active() && is_of(job, &subscription) {
        true => Ok(subscription),
        false => Err(ErrorKind::UnknownSubscription(job.id.as_ref().into()).into()),
    }
}

/// Whether a job is one of a subscription's.
fn is_of(job: &Job, subscription: &Subscription) -> bool {
    match job.part() {
        None => subscription.covers(&job.topic),
        Some(part) => subscription.runs.iter().any(|run| *run.id == *part.run),
    }
}

/// Where a job begins that nobody has begun.
fn start(job: &Job, subscription: &Subscription) -> i64 {
    match job.part() {
        None => subscription.start(&job.topic, job.partition).unwrap_or(0),
        Some(part) => part.from,
    }
}

/// The result of trying to take the lane.
enum Taken<H> {
    Lane(Box<Held<H, DeliveryState>>, Rc<Prepared>),
    /// There is nothing to do, or another instance does it.
    Nothing(JobReport),
}

/// What is found out of a job before its lane is drawn.
struct Look<'a, H: Host, L> {
    context: &'a DeliveryContext<H, L>,
    job: &'a Job,
    /// The latest state; `None` if the lane has none.
    state: RefCell<Option<DeliveryState>>,
    prepared: RefCell<Option<Rc<Prepared>>>,
    why: RefCell<JobEnd>,
}

impl<H: Host, L: Log> Look<'_, H, L> {
    /// The subscription as it is now, read if it was not.
    async fn prepared(&self) -> Result<Rc<Prepared>> {
        let known = self.prepared.borrow().clone();
        if let Some(known) = known {
            return Ok(known);
        }
        let subscription = subscription_of(self.context, self.job).await?;
        let prepared = Rc::new(Prepared::of(self.context, subscription));
        *self.prepared.borrow_mut() = Some(prepared.clone());
        Ok(prepared)
    }

    /// Whether the state alone shows that there may be something to do. Whoever is at the
    /// end of the partition has nothing to do, whatever its subscription says.
    fn is_worth(&self, document: Option<&Document<DeliveryState>>) -> bool {
        let state = document.and_then(|document| document.payload.clone());
        let is_at_end = state.as_ref().is_some_and(|state| state.is_at(self.job.to()));
        *self.state.borrow_mut() = state;
        *self.why.borrow_mut() = JobEnd::CaughtUp;
        !is_at_end
    }

    /// Whether there is something to do by what the subscription says.
    async fn has_work(&self) -> Result<bool> {
        let prepared = self.prepared().await?;
        let begin = || DeliveryState::at(start(self.job, &prepared.subscription));
        let state = self.state.borrow_mut().get_or_insert_with(begin).clone();
        let idle = state.idle(self.job.to(), prepared.order, self.context.host.now());
        *self.why.borrow_mut() = idle.map_or(JobEnd::CaughtUp, JobEnd::from);
        Ok(idle.is_none())
    }
}

/// Takes the lane if there seems to be something to do. The subscription is read once its
/// lane shows that there may be.
async fn take<H: Host, L: Log>(context: &DeliveryContext<H, L>, job: &Job) -> Result<Taken<H>> {
    let lane = context.lane_of(job)?;
    let (state, prepared, why) = Default::default();
    let look = Look { context, job, state, prepared, why };
    if job.is_thorough {
        look.prepared().await?;
    }
    let ask = || look.has_work().boxed_local();
    let taken = lane.hold_if(
        |document| look.is_worth(document),
        &ask,
        async |_| {
            // A lane without a state is new, unless its subscription was removed or has left
            // the topic.
            let now = context.registry.get(&job.id, Duration::ZERO).await?;
            match is_of(job, &now) {
                true => Ok(DeliveryState::at(start(job, &now))),
                false => Err(ErrorKind::UnknownSubscription(job.id.as_ref().into()).into()),
            }
        },
    );
    let outcome = match taken.await? {
        Take::Busy { .. } => JobEnd::Busy,
        Take::Held(held) => {
            let prepared = look.prepared().await?;
            // The lease is long enough for an attempt between two writes.
            held.lengthen_lease(prepared.timeout);
            return Ok(Taken::Lane(held.into(), prepared));
        }
        Take::Unworthy(_) => {
            let position = look.state.borrow().as_ref().map(DeliveryState::position);
            let beyond = beyond_end(context, job, position).await?;
            beyond.map_or_else(|| look.why.take(), JobEnd::BeyondEnd)
        }
    };
    let prepared = look.prepared.borrow();
    let has_runs = prepared.as_ref().map(|known| !known.subscription.runs.is_empty());
    Ok(Taken::Nothing(JobReport { has_runs, ..JobReport::ended(outcome) }))
}

/// Whether the position lies beyond the end. The end of the job may be older than
/// the position, so that it alone does not tell.
async fn beyond_end<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
    position: Option<i64>,
) -> Result<Option<BeyondEnd>> {
    let Job { id, topic, partition, end, .. } = job;
    let (Some(position), Some(end)) = (position, end) else {
        return Ok(None);
    };
    if position <= *end || job.part().is_some() {
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
