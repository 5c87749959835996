//! One round of delivery over several subscriptions, side by side.

use std::rc::Rc;
use std::time::Duration;

use super::RoundReport;
use super::context::DeliveryContext;
use super::deliver;
use super::job::{Job, JobEnd, JobReport};
use super::subscription::Subscription;
use crate::concurrent::{join_bounded, join_groups};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::sorted::SortedMap;

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
    let mut topics: Vec<&str> = subscriptions.iter().map(|one| one.topic.as_str()).collect();
    topics.sort_unstable();
    topics.dedup();
    let ends = topics.into_iter().map(async |topic| (topic, ends(&*context.log, topic).await));
    let ends: SortedMap<_, _> = join_bounded(ends).await.into_iter().collect();

    let mut deliveries: Vec<_> = subscriptions.iter().map(|one| RoundReport::new(one)).collect();
    let mut groups = Vec::new();
    for (index, subscription) in subscriptions.iter().enumerate() {
        match ends.get(subscription.topic.as_str()) {
            Some(Ok(ends)) => {
                groups.push(jobs(subscription, ends).map(|job| (index, job)).collect());
            }
            Some(Err(error)) => deliveries[index].add(failed(error.clone())),
            None => {}
        }
    }
    let run = async |(index, job): (_, Job)| (index, deliver::run(context, &job, deadline).await);
    // A callback that never answers occupies its places for the length of the
    // timeout, and is tried less and less often.
    let groups = groups.into_iter().map(|group: Vec<_>| group.into_iter().map(run).collect());
    for (index, report) in join_groups(groups.collect()).await {
        deliveries[index].add(report);
    }
    deliveries
}

fn failed(error: Error) -> JobReport {
    JobReport { outcome: JobEnd::Error(error), ..JobReport::default() }
}
