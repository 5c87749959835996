//! Delivers one partition to one callback. Everything that starts deliveries
//! uses this step; it may run in any instance at any time.

use std::rc::Rc;
use std::time::Duration;

use super::allowance::Allowance;
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
    let report = report.unwrap_or_else(|error| JobReport::ended(error.into()));
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
    let subscription = subscription_of(context, job).await?;
    let has_runs = !subscription.runs.is_empty();
    let prepared = Rc::new(Prepared::of(context, subscription));
    let held = match take(context, job, &prepared).await? {
        Taken::Lane(held) => *held,
        Taken::Nothing(outcome) => return Ok(JobReport { has_runs, ..JobReport::ended(outcome) }),
    };
    let kept = held.payload().place.clone().map(|place| (held.payload().position(), place));
    if let Some(useless) = context.pages.enter(&job.topic, job.partition, kept) {
        context.log.close(useless).await;
    }
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
    Lane(Box<Held<H, DeliveryState>>),
    /// There is nothing to do, or another instance does it.
    Nothing(JobEnd),
}

/// Takes the lane if there seems to be something to do.
async fn take<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
    prepared: &Prepared,
) -> Result<Taken<H>> {
    let lane = context.lane_of(job, prepared.timeout)?;
    let begin = DeliveryState::at(start(job, &prepared.subscription));

    let (now, order, to) = (context.host.now(), prepared.order, job.to());
    let idle = |document: Option<&Document<DeliveryState>>| match document {
        Some(document) => document.payload.as_ref()?.idle(to, order, now),
        None => begin.idle(to, order, now),
    };
    let taken = lane.hold_when(
        |document| idle(document).is_none(),
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
    match taken.await? {
        Take::Busy { .. } => Ok(Taken::Nothing(JobEnd::Busy)),
        Take::Held(held) => Ok(Taken::Lane(held.into())),
        Take::Unworthy(document) => {
            let why = idle(document.as_ref()).map_or(JobEnd::CaughtUp, JobEnd::from);
            let state = match &document {
                Some(document) => document.payload.as_ref(),
                None => Some(&begin),
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
    let Job { id, topic, partition, end, .. } = job;
    let (Some(position), Some(end)) = (state.map(DeliveryState::position), end) else {
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
