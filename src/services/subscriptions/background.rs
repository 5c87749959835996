//! Deliveries that go on after the answer to the request that caused them.
//!
//! Every produce starts this, so it must cost almost nothing: nothing is done
//! while the instance knows of no subscription to the topic, and no second
//! worker is started for a partition that has one. The tasks of an instance
//! communicate by plain flags, because no waker may pass from one to another.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::context::DeliveryContext;
use super::deliver;
use super::job::{Job, JobEnd};
use super::round;
use crate::concurrent::join_groups;
use crate::error::Result;
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::sorted::{SortedMap, SortedSet};
use crate::telemetry::{Level, Report, level_of};

/// How old an instance's copy of a topic's index may be. A subscription
/// that another instance has registered is served after this time.
const MAX_INDEX_AGE: Duration = Duration::from_secs(2);

/// How long one worker goes on while there are records. After that, the next
/// produce or the next regular call of `deliver` continues.
const MAX_WORKER_TIME: Duration = Duration::from_secs(5 * 60);

/// The longest wait of a worker for the next attempt at a failed record, or for
/// another instance to let go of the partition.
const MAX_WORKER_PAUSE: Duration = Duration::from_secs(10);
const FIRST_WORKER_PAUSE: Duration = Duration::from_millis(100);

/// The background work of this instance.
#[derive(Debug, Default)]
pub(super) struct Background {
    /// Topics whose work is being planned, and whether to plan once more.
    planned: RefCell<SortedMap<String, bool>>,
    /// Partitions being delivered, and whether to
    /// look for records once more.
    at_work: RefCell<SortedMap<JobName, bool>>,
    /// Topics whose index is to be read again.
    later: RefCell<SortedSet<String>>,
    waiting: Cell<bool>,
}

/// Delivers to the subscriptions of a topic, in the background.
pub(super) fn start<H: Host, L: Log>(context: &Rc<DeliveryContext<H, L>>, topic: &str) {
    if let Some(ids) = context.registry.known_of_topic(topic, MAX_INDEX_AGE) {
        look_again(context, topic);
        if ids.is_empty() {
            return;
        }
    }
    start_now(context, topic);
}

fn start_now<H: Host, L: Log>(context: &Rc<DeliveryContext<H, L>>, topic: &str) {
    if let Some(again) = context.background.planned.borrow_mut().get_mut(topic) {
        *again = true;
        return;
    }
    context.background.planned.borrow_mut().insert(topic.into(), false);
    let (context, topic) = (context.clone(), topic.to_owned());
    context.clone().host.spawn(async move {
        let planned = plan(&context, &topic).await;
        let again = context.background.planned.borrow_mut().remove(&topic);
        if again == Some(true) {
            start_now(&context, &topic);
        }
        match planned {
            Ok(groups) => {
                let work = |job| work(&context, job);
                let groups = groups.into_iter().map(|jobs| jobs.into_iter().map(work).collect());
                join_groups(groups.collect()).await;
            }
            Err(error) => {
                let fields = [("topic", (&*topic).into()), ("why", error.kind().into())];
                context.host.event(
                    level_of(&error).min(Level::Warn),
                    "deliveries-delayed",
                    &fields,
                );
            }
        }
    });
}

/// Looks for subscriptions of the topic once more, in an index read later than now.
fn look_again<H: Host, L: Log>(context: &Rc<DeliveryContext<H, L>>, topic: &str) {
    if !context.background.later.borrow().contains(topic) {
        context.background.later.borrow_mut().insert(topic.into());
    }
    if context.background.waiting.replace(true) {
        return;
    }
    let context = context.clone();
    context.clone().host.spawn(async move {
        context.host.sleep(MAX_INDEX_AGE).await;
        context.background.waiting.set(false);
        let topics = context.background.later.take();
        // The next task that needs them will see the same error and report it.
        if context.registry.refresh().await.is_err() {
            return;
        }
        for topic in &topics {
            let ids = context.registry.of_listed(topic).await;
            if ids.is_ok_and(|ids| !ids.is_empty()) {
                start_now(&context, topic);
            }
        }
    });
}

/// The jobs of a topic without a worker in this instance, by subscription. The
/// workers of the other jobs are told to look for records once more.
async fn plan<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    topic: &str,
) -> Result<Vec<Vec<Job>>> {
    let ids = context.registry.of_topic(topic, MAX_INDEX_AGE).await?;
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let ends = round::ends(&*context.log, topic).await?;
    let mut at_work = context.background.at_work.borrow_mut();
    let mut is_idle = |job: &Job| match at_work.get_mut(&name(job)) {
        Some(again) => {
            *again = true;
            false
        }
        None => {
            at_work.insert(name(job), false);
            true
        }
    };
    let topic = Rc::<str>::from(topic);
    let idle = |id: &String| round::jobs(id, &topic, &ends).filter(&mut is_idle).collect();
    Ok(ids.iter().map(idle).collect())
}

/// Delivers a partition until there is nothing left to do for now.
async fn work<H: Host, L: Log>(context: &DeliveryContext<H, L>, mut job: Job) {
    let host = &context.host;
    let name = name(&job);
    let deadline = host.monotonic() + MAX_WORKER_TIME;
    let mut looks = 0;
    loop {
        if context.background.at_work.borrow_mut().insert(name.clone(), false) == Some(true) {
            // There may be records beyond the end that was known at the start.
            job.end = None;
        }
        let outcome = deliver::run(context, &job, deadline).await.outcome;
        let again = context.background.at_work.borrow().get(&name) == Some(&true);
        let pause = match outcome {
            JobEnd::CaughtUp if again => Duration::ZERO,
            JobEnd::Failing(due) => until(due, host.now()),
            // The other instance may have looked for the last time before our
            // record was written, or it may have died.
            JobEnd::Busy => {
                looks += 1;
                FIRST_WORKER_PAUSE * 2_u32.pow(looks - 1)
            }
            JobEnd::Error(_) => break,
            JobEnd::CaughtUp | JobEnd::OutOfTime | JobEnd::Removed | JobEnd::BeyondEnd(_) => break,
        };
        if pause > MAX_WORKER_PAUSE {
            break;
        }
        host.sleep(pause).await;
    }
    context.background.at_work.borrow_mut().remove(&name);
}

fn until(due: Millis, now: Millis) -> Duration {
    Duration::from_millis(u64::try_from(due.saturating_sub(now)).unwrap_or(0))
}

/// Subscription, topic and partition.
type JobName = (Rc<str>, Rc<str>, i32);

fn name(job: &Job) -> JobName {
    (job.id.clone(), job.topic.clone(), job.partition)
}
