//! Delivery beyond the answer of the request that caused it.
//!
//! Each produce asks for it, so that asking must cost next to nothing: nothing
//! at all while the instance knows of no webhook for the topic, and no second
//! worker where one is at work. Tasks of an instance tell each other with
//! plain flags, since no waker may go from one to another.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::context::Context;
use super::deliver;
use super::job::{Job, JobEnd};
use super::round;
use crate::concurrent::join_groups;
use crate::error::Result;
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::sorted::{SortedMap, SortedSet};
use crate::telemetry::{Level, Report, level_of};

/// How long an instance goes by the list of webhooks that it has read. One
/// that another instance registered meanwhile is served after this time.
const KNOWN: Duration = Duration::from_secs(2);

/// How long one worker goes on while there are records. The next produce, or
/// whatever calls for deliveries regularly, takes it from there.
const WORK: Duration = Duration::from_secs(5 * 60);

/// The longest wait of a worker for a failed record's next attempt, or for
/// somebody else who has the partition.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_LOOK: Duration = Duration::from_millis(100);

/// What is under way in this instance.
#[derive(Debug, Default)]
pub(super) struct Background {
    /// Topics that are being planned, and whether once more is needed.
    planned: RefCell<SortedMap<String, bool>>,
    /// The same for what is being delivered: by webhook and partition.
    at_work: RefCell<SortedMap<(String, i32), bool>>,
    /// Topics to be looked at once the list of webhooks is read anew.
    later: RefCell<SortedSet<String>>,
    waiting: Cell<bool>,
}

/// Delivers to the webhooks of a topic, in the background.
pub(super) fn start<H: Host, L: Log>(context: &Rc<Context<H, L>>, topic: &str) {
    if let Some(list) = context.subscriptions.known(KNOWN) {
        look_again(context, topic);
        if list.of_topic(topic).next().is_none() {
            return;
        }
    }
    start_now(context, topic);
}

fn start_now<H: Host, L: Log>(context: &Rc<Context<H, L>>, topic: &str) {
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

/// Looks for webhooks of the topic once more, in a list read later than now.
fn look_again<H: Host, L: Log>(context: &Rc<Context<H, L>>, topic: &str) {
    if !context.background.later.borrow().contains(topic) {
        context.background.later.borrow_mut().insert(topic.into());
    }
    if context.background.waiting.replace(true) {
        return;
    }
    let context = context.clone();
    context.clone().host.spawn(async move {
        context.host.sleep(KNOWN).await;
        context.background.waiting.set(false);
        let topics = context.background.later.take();
        // Who needs the list meets the error again, and tells it.
        let Ok(list) = context.subscriptions.read().await else { return };
        for topic in topics.iter().filter(|topic| list.of_topic(topic).next().is_some()) {
            start_now(&context, topic);
        }
    });
}

/// The jobs of a topic that nobody in this instance is at, webhook by webhook;
/// who is at one is told to look once more.
async fn plan<H: Host, L: Log>(context: &Context<H, L>, topic: &str) -> Result<Vec<Vec<Job>>> {
    let list = context.subscriptions.recent(KNOWN).await?;
    if list.of_topic(topic).next().is_none() {
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
    let idle = |webhook| round::jobs(webhook, &ends).filter(&mut is_idle).collect();
    Ok(list.of_topic(topic).map(idle).collect())
}

/// Delivers a partition until nothing is left to do there for now.
async fn work<H: Host, L: Log>(context: &Context<H, L>, mut job: Job) {
    let host = &context.host;
    let name = name(&job);
    let deadline = host.monotonic() + WORK;
    let mut looks = 0;
    loop {
        if context.background.at_work.borrow_mut().insert(name.clone(), false) == Some(true) {
            // There is more than what was known at the start.
            job.end = None;
        }
        let outcome = deliver::run(context, &job, deadline).await.outcome;
        let again = context.background.at_work.borrow().get(&name) == Some(&true);
        let pause = match outcome {
            JobEnd::CaughtUp if again => Duration::ZERO,
            JobEnd::Failing(due) => until(due, host.now()),
            // They may have looked for the last time before our record came,
            // or have died.
            JobEnd::Busy => {
                looks += 1;
                FIRST_LOOK * 2_u32.pow(looks - 1)
            }
            JobEnd::Error(_) => break,
            JobEnd::CaughtUp | JobEnd::OutOfTime | JobEnd::Removed => break,
        };
        if pause > PATIENCE {
            break;
        }
        host.sleep(pause).await;
    }
    context.background.at_work.borrow_mut().remove(&name);
}

fn until(due: Millis, now: Millis) -> Duration {
    Duration::from_millis(u64::try_from(due.saturating_sub(now)).unwrap_or(0))
}

fn name(job: &Job) -> (String, i32) {
    (job.subscription.id.clone(), job.partition)
}
