//! One round of delivery over several subscriptions, side by side.

use std::rc::Rc;

use super::RoundReport;
use super::allowance::{ANY_NUMBER, Allowance};
use super::context::DeliveryContext;
use super::deliver;
use super::due::{self, Ended};
use super::job::{Job, JobEnd, JobReport};
use super::registry::Turn;
use super::tasks::{self, Task};
use super::{runs, topics};
use crate::concurrent::{join_bounded, try_join_bounded};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::random;
use crate::sorted::{SortedMap, SortedSet};

/// The partitions of a topic, with their ends if the log knows them.
pub(super) type PartitionEnds = SortedMap<i32, Option<i64>>;

pub(super) async fn ends<L: Log>(log: &L, topic: &str) -> Result<PartitionEnds> {
    match log.ends(topic).await {
        Ok(ends) => Ok(ends.into_iter().map(|(partition, end)| (partition, Some(end))).collect()),
        Err(error) if matches!(*error, ErrorKind::Unsupported(_)) => {
            let topic = log.topic(topic).await?;
            Ok((0..topic.partitions).map(|partition| (partition, None)).collect())
        }
        Err(error) => Err(error),
    }
}

/// The jobs of a subscription of this id.
pub(super) fn jobs<'a>(
    id: &str,
    topic: &Rc<str>,
    ends: &'a PartitionEnds,
) -> impl Iterator<Item = Job> + 'a {
    let (id, topic) = (Rc::<str>::from(id), topic.clone());
    ends.iter().map(move |(partition, end)| Job::live(id.clone(), topic.clone(), *partition, *end))
}

/// The topics of a round, with the ids of their subscriptions.
pub(super) type Topics = Vec<(Rc<str>, Vec<String>)>;

/// The topics of the next round, with their subscriptions: so many at most, in turn.
pub(super) async fn topics_in_turn<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    most: usize,
) -> Result<Topics> {
    let registry = &context.registry;
    registry.refresh().await?;
    let others = match registry.has_prefixes().await? {
        true => topics::all(context).await?,
        false => Rc::default(),
    };
    // Instances that live for one round each must not all serve the same topics.
    let turn = context.turn.borrow().clone();
    let turn = turn.unwrap_or_else(|| Turn::random(random::number(&context.host)));
    let (topics, next) = registry.topics(&turn, most, &others).await?;
    *context.turn.borrow_mut() = Some(next);
    let of_topic = topics.into_iter().map(async |topic| {
        let ids = registry.of_listed(&topic).await?;
        Ok::<_, Error>((Rc::from(topic), ids))
    });
    try_join_bounded(of_topic).await
}

/// Delivers what is due to all of these subscriptions. Where the allowance is too small for all
/// topics, the first ones are served, and the next round goes on behind them. There is a report
/// for each topic and subscription.
pub(super) async fn deliver<H: Host, L: Log>(
    context: &Rc<DeliveryContext<H, L>>,
    topics: &Topics,
    allowance: Allowance,
) -> Vec<RoundReport> {
    // Half of the requests is left for deliveries. How many a topic takes is not known before.
    let calls = allowance.calls(&context.host);
    let at_once = if calls == ANY_NUMBER { topics.len().max(1) } else { 1 };
    let mut ends = Vec::new();
    for some in topics.chunks(at_once) {
        if allowance.calls(&context.host) <= calls / 2 {
            break;
        }
        let of_some = some.iter().map(async |(topic, _)| self::ends(&*context.log, topic).await);
        ends.extend(join_bounded(of_some).await);
    }
    let (topics, left) = topics.split_at(ends.len());
    if !left.is_empty() {
        *context.turn.borrow_mut() = topics.last().map(|(topic, _)| Turn::behind(topic));
    }

    let mut reports = SortedMap::new();
    let mut order = Vec::new();
    for (topic, ids) in topics {
        for id in ids {
            let key = (Rc::<str>::from(id.as_str()), topic.clone());
            reports.insert(key.clone(), RoundReport::new(id, topic));
            order.push(key);
        }
    }
    let mut add = |key: &(Rc<str>, Rc<str>), report| {
        if let Some(reports) = reports.get_mut(key) {
            reports.add(report);
        }
    };
    let mut all = Vec::new();
    for ((topic, ids), ends) in topics.iter().zip(&ends) {
        match ends {
            Ok(ends) => {
                let jobs = ids.iter().flat_map(|id| jobs(id, topic, ends)).collect();
                all.push((topic, jobs));
            }
            Err(error) => ids.iter().for_each(|id| {
                add(&(id.as_str().into(), topic.clone()), failed(error.clone()));
            }),
        }
    }
    let plans = all
        .into_iter()
        .map(async |(topic, jobs)| (topic, due::plan(&context.host, topic, jobs).await));
    let mut plans = join_bounded(plans).await;
    // A callback that never answers occupies its places for the length of the
    // timeout, and is tried less and less often.
    let task = |job: Job| -> Task {
        let (context, allowance) = (context.clone(), allowance.clone());
        Box::pin(async move {
            let report = deliver::run(&context, &job, &allowance).await;
            (job, report)
        })
    };
    let mut groups = SortedMap::<_, Vec<_>>::new();
    for (_, planned) in &mut plans {
        for (job, due) in &planned.waiting {
            add(
                &(job.id.clone(), job.topic.clone()),
                JobReport::ended(JobEnd::Waiting { until: *due, to: i64::MAX }),
            );
        }
        for job in std::mem::take(&mut planned.due) {
            groups.get_or_default(job.id.clone()).push(job);
        }
    }
    let groups = groups.into_iter().map(|(_, jobs)| jobs.into_iter().map(task).collect());
    let mut ended = SortedMap::<_, Vec<_>>::new();
    for (job, report) in tasks::run(&context.host, groups.collect()).await {
        let one = Ended::of(job.clone(), &report);
        add(&(job.id.clone(), job.topic.clone()), report);
        ended.get_or_default(job.topic).push(one);
    }
    let of_topic = |topic: &Rc<str>| ended.get(topic).map_or(&[][..], Vec::as_slice);
    let with_runs: Vec<_> =
        plans.iter().map(|(topic, planned)| planned.with_runs(of_topic(topic))).collect();
    let all: SortedSet<Rc<str>> = with_runs.iter().flat_map(SortedSet::iter).cloned().collect();
    let left = runs::deliver(context, &all, &allowance).await;
    let notes = plans.into_iter().zip(with_runs).map(|((topic, planned), mut of_this)| {
        of_this.retain(|id| left.contains(id));
        planned.note(&context.host, topic, of_topic(topic), of_this)
    });
    join_bounded(notes).await;
    order.into_iter().filter_map(|key| reports.remove(&key)).collect()
}

fn failed(error: Error) -> JobReport {
    JobReport::ended(JobEnd::Error(error))
}
