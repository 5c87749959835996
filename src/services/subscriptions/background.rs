//! Deliveries that go on after the answer to the request that caused them.
//!
//! Every produce starts this, so it must cost almost nothing: nothing is done
//! while the instance knows of no subscription to the topic, and no second
//! worker is started for a partition that has one. The tasks of an instance
//! communicate by plain flags, because no waker may pass from one to another.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use super::allowance::{Allowance, Share};
use super::context::DeliveryContext;
use super::due::{Ended, Planned};
use super::job::{Job, JobEnd, JobReport};
use super::tasks::{self, Task};
use super::{deliver, due, round, runs};
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
    /// Topics whose work is being planned, and what is to be planned after that.
    planned: RefCell<SortedMap<String, Option<Wanted>>>,
    /// Partitions being delivered, and whether to look for records once more: up to this
    /// end, if it is known.
    at_work: RefCell<SortedMap<JobName, Option<Option<i64>>>>,
    /// Topics whose index is to be read again.
    later: RefCell<SortedSet<String>>,
    waiting: Cell<bool>,
}

/// Which partitions of a topic have records: those that were just written, up to before
/// these offsets. `None`: any, so that Kafka is asked for their ends.
pub(super) type Wanted = Option<SortedMap<i32, i64>>;

/// Delivers to the subscriptions of a topic, in the background.
pub(super) fn start<H: Host, L: Log>(
    context: &Rc<DeliveryContext<H, L>>,
    topic: &str,
    wanted: Wanted,
) {
    if let Some(ids) = context.registry.known_of_topic(topic, MAX_INDEX_AGE) {
        look_again(context, topic);
        if ids.is_empty() {
            return;
        }
    }
    start_now(context, topic, wanted);
}

fn start_now<H: Host, L: Log>(context: &Rc<DeliveryContext<H, L>>, topic: &str, wanted: Wanted) {
    if let Some(again) = context.background.planned.borrow_mut().get_mut(topic) {
        *again = Some(match again.take() {
            None => wanted,
            Some(known) => both(known, wanted),
        });
        return;
    }
    context.background.planned.borrow_mut().insert(topic.into(), None);
    let (context, topic) = (context.clone(), topic.to_owned());
    context.clone().host.spawn(async move {
        // One for all: they are the work of one execution.
        let deadline = context.host.monotonic() + MAX_WORKER_TIME;
        let allowance = Allowance::until(&context, deadline, Share::Most);
        let planned = plan(&context, &topic, wanted).await;
        let again = context.background.planned.borrow_mut().remove(&topic);
        if let Some(wanted) = again.flatten() {
            start_now(&context, &topic, wanted);
        }
        match planned {
            Ok(mut planned) => {
                let mut groups = SortedMap::<_, Vec<_>>::new();
                for job in std::mem::take(&mut planned.due) {
                    groups.get_or_default(job.id.clone()).push(job);
                }
                let task = |job: Job| -> Task {
                    let (context, allowance) = (context.clone(), allowance.clone());
                    Box::pin(async move { work(&context, job, &allowance).await })
                };
                let groups =
                    groups.into_iter().map(|(_, jobs)| jobs.into_iter().map(task).collect());
                let ended = tasks::run(&context.host, groups.collect()).await;
                let ended: Vec<_> =
                    ended.into_iter().map(|(job, report)| Ended::of(job, &report)).collect();
                let with_runs = planned.with_runs(&ended);
                let left = runs::deliver(&context, &with_runs, &allowance).await;
                planned.note(&context.host, &topic, &ended, left).await;
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

fn both(one: Wanted, other: Wanted) -> Wanted {
    let mut all = one?;
    for (partition, end) in other? {
        let end = all.get(&partition).map_or(end, |known| end.max(*known));
        all.insert(partition, end);
    }
    Some(all)
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
                start_now(&context, topic, None);
            }
        }
    });
}

/// The jobs of a topic that are due and have no worker in this instance. The
/// workers of the others are told to look for records once more.
async fn plan<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    topic: &str,
    wanted: Wanted,
) -> Result<Planned> {
    let ids = context.registry.of_topic(topic, MAX_INDEX_AGE).await?;
    let ends = match (ids.is_empty(), wanted) {
        (true, _) => round::PartitionEnds::new(),
        (false, Some(written)) => written.into_iter().map(|(at, end)| (at, Some(end))).collect(),
        (false, None) => round::ends(&*context.log, topic).await?,
    };
    let name_of_topic = Rc::<str>::from(topic);
    let jobs = ids.iter().flat_map(|id| round::jobs(id, &name_of_topic, &ends)).collect();
    let mut planned = due::plan(&context.host, topic, jobs).await;
    let mut at_work = context.background.at_work.borrow_mut();
    planned.due.retain(|job| match at_work.get_mut(&name(job)) {
        Some(again) => {
            *again = Some(match again {
                None => job.end,
                Some(known) => known.zip(job.end).map(|(known, end)| end.max(known)),
            });
            false
        }
        None => {
            at_work.insert(name(job), None);
            true
        }
    });
    Ok(planned)
}

/// Delivers a partition until there is nothing left to do for now.
async fn work<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    mut job: Job,
    allowance: &Allowance,
) -> (Job, JobReport) {
    let host = &context.host;
    let name = name(&job);
    let mut looks = 0;
    let mut all = JobReport::default();
    loop {
        if let Some(Some(end)) = context.background.at_work.borrow_mut().insert(name.clone(), None)
        {
            // There may be records beyond the end that was known at the start.
            job.end = end;
        }
        let report = deliver::run(context, &job, allowance).await;
        let again = matches!(context.background.at_work.borrow().get(&name), Some(Some(_)));
        let pause = match &report.outcome {
            JobEnd::CaughtUp if again => Some(Duration::ZERO),
            JobEnd::Waiting { to, .. } if again && *to != i64::MAX => Some(Duration::ZERO),
            JobEnd::Waiting { until: due, .. } => {
                // Whoever did nothing is not to look again at once.
                let is_idle = report.delivered + report.failed == 0;
                let least = if is_idle { FIRST_WORKER_PAUSE } else { Duration::ZERO };
                Some(until(*due, host.now()).max(least))
            }
            // The other instance may have looked for the last time before our
            // record was written, or it may have died.
            JobEnd::Busy => {
                looks += 1;
                Some(FIRST_WORKER_PAUSE * 2_u32.pow(looks - 1))
            }
            JobEnd::Error(_) => None,
            JobEnd::CaughtUp | JobEnd::OutOfTime | JobEnd::Removed | JobEnd::BeyondEnd(_) => None,
        };
        all.delivered += report.delivered;
        all.failed += report.failed;
        all.hold = report.hold.or(all.hold);
        all.has_runs = report.has_runs.or(all.has_runs);
        all.outcome = report.outcome;
        match pause {
            Some(pause) if pause <= MAX_WORKER_PAUSE && allowance.lasts(host, pause) => {
                host.sleep(pause).await;
            }
            _ => break,
        }
    }
    context.background.at_work.borrow_mut().remove(&name);
    (job, all)
}

fn until(due: Millis, now: Millis) -> Duration {
    Duration::from_millis(u64::try_from(due.saturating_sub(now)).unwrap_or(0))
}

/// Subscription, topic and partition.
type JobName = (Rc<str>, Rc<str>, i32);

fn name(job: &Job) -> JobName {
    (job.id.clone(), job.topic.clone(), job.partition)
}
