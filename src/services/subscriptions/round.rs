//! One round of delivery over several subscriptions, side by side.

use std::rc::Rc;
use std::time::Duration;

use super::RoundReport;
use super::context::DeliveryContext;
use super::deliver;
use super::due::{self, Ended};
use super::job::{Job, JobEnd, JobReport};
use super::subscription::Subscription;
use crate::concurrent::{join_bounded, join_groups};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::sorted::{SortedMap, in_order};

/// The partitions of a topic, with their ends if the log knows them.
pub(super) type PartitionEnds = SortedMap<i32, Option<i64>>;

pub(super) async fn ends<L: Log>(log: &L, topic: &str) -> Result<PartitionEnds> {
    match log.ends(topic).await {
        Ok(ends) => Ok(ends.into_iter().map(|(partition, end)| (partition, Some(end))).collect()),
        Err(Error::Unsupported(_)) => {
            let topic = log.topic(topic).await?;
            Ok((0..topic.partitions).map(|partition| (partition, None)).collect())
        }
        Err(error) => Err(error),
    }
}

/// The jobs of a subscription.
pub(super) fn jobs<'a>(
    subscription: &'a Rc<Subscription>,
    ends: &'a PartitionEnds,
) -> impl Iterator<Item = Job> + 'a {
    ends.iter().map(|(partition, end)| Job {
        subscription: subscription.clone(),
        partition: *partition,
        end: *end,
    })
}

/// Delivers what is due to all of these subscriptions; attempts begin before
/// `deadline`.
pub(super) async fn deliver<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscriptions: &[Rc<Subscription>],
    deadline: Duration,
) -> Vec<RoundReport> {
    let mut topics = in_order(subscriptions.iter().map(|one| one.topic.as_str()).collect());
    topics.dedup();
    let ends = topics.into_iter().map(async |topic| (topic, ends(&*context.log, topic).await));
    let ends: SortedMap<_, _> = join_bounded(ends).await.into_iter().collect();

    let mut reports: SortedMap<_, _> =
        subscriptions.iter().map(|one| (one.id.as_str(), RoundReport::new(one))).collect();
    let mut add = |job: &Subscription, report| {
        if let Some(reports) = reports.get_mut(job.id.as_str()) {
            reports.add(report);
        }
    };
    let mut all = Vec::new();
    for (topic, ends) in &ends {
        let of_topic = || subscriptions.iter().filter(|one| one.topic == **topic);
        match ends {
            Ok(ends) => {
                let jobs = of_topic().flat_map(|subscription| jobs(subscription, ends)).collect();
                all.push((*topic, jobs));
            }
            Err(error) => of_topic().for_each(|one| add(one, failed(error.clone()))),
        }
    }
    let plans = all
        .into_iter()
        .map(async |(topic, jobs)| (topic, due::plan(&context.host, topic, jobs).await));
    let mut plans = join_bounded(plans).await;
    // A callback that never answers occupies its places for the length of the
    // timeout, and is tried less and less often.
    let run = async |job: Job| {
        let report = deliver::run(context, &job, deadline).await;
        (job, report)
    };
    let mut groups = SortedMap::<_, Vec<_>>::new();
    for (_, planned) in &mut plans {
        for (job, due) in &planned.waiting {
            add(
                &job.subscription,
                JobReport { outcome: JobEnd::Failing(*due), ..JobReport::default() },
            );
        }
        for job in std::mem::take(&mut planned.due) {
            groups.get_or_default(job.subscription.id.clone()).push(job);
        }
    }
    let groups = groups.into_iter().map(|(_, jobs)| jobs.into_iter().map(run).collect());
    let mut ended = SortedMap::<_, Vec<_>>::new();
    for (job, report) in join_groups(groups.collect()).await {
        let (outcome, attempted) = (report.outcome.clone(), report.delivered + report.failed > 0);
        add(&job.subscription, report);
        let topic = job.subscription.topic.clone();
        ended.get_or_default(topic).push(Ended { job, outcome, attempted });
    }
    let notes = plans.into_iter().map(|(topic, planned)| {
        let ended = ended.get(topic).map_or(&[][..], Vec::as_slice);
        planned.note(&context.host, topic, ended)
    });
    join_bounded(notes).await;
    let report = |one: &Rc<Subscription>| reports.remove(one.id.as_str());
    subscriptions.iter().filter_map(report).collect()
}

fn failed(error: Error) -> JobReport {
    JobReport { outcome: JobEnd::Error(error), ..JobReport::default() }
}
