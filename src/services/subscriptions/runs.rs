//! Records that are sent once more, beside the live position: replays, and dead letters.

use std::rc::Rc;
use std::time::Duration;

use super::allowance::Allowance;
use super::context::DeliveryContext;
use super::deliver;
use super::delivery_state::{DeliveryState, Total, Totals};
use super::job::{Job, JobEnd, Kind, Part};
use super::subscription::{SideRun, Subscription};
use crate::concurrent::{join_groups, try_join_bounded};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::sorted::SortedSet;
use crate::state::delete_all;
use crate::state::keys::Prefix;

/// How old a copy of a subscription may be whose runs are looked for.
const MAX_AGE: Duration = Duration::from_secs(1);

/// How far a run is in a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RunProgress {
    pub(super) partition: i32,
    pub(super) position: i64,
    pub(super) delivered: u64,
    pub(super) failed: u64,
}

/// Goes on with the runs of these subscriptions. Returns those that still have some.
pub(super) async fn deliver<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    ids: &SortedSet<Rc<str>>,
    allowance: &Allowance,
) -> SortedSet<Rc<str>> {
    let of_each = ids.iter().map(|id| vec![of_one(context, id, allowance)]).collect();
    let left = join_groups(of_each).await;
    left.into_iter().flatten().collect()
}

/// The subscription, if it has runs left.
async fn of_one<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    id: &Rc<str>,
    allowance: &Allowance,
) -> Option<Rc<str>> {
    let subscription = match context.registry.get(id, MAX_AGE).await {
        Ok(subscription) => subscription,
        Err(error) if matches!(*error, ErrorKind::UnknownSubscription(_)) => return None,
        Err(_) => return Some(id.clone()),
    };
    let run = async |job: Job| deliver::run(context, &job, allowance).await.outcome;
    let mut is_left = false;
    for side in &subscription.runs {
        let ends = join_groups(vec![jobs(id, side).map(run).collect()]).await;
        let is_over = ends.iter().all(|end| *end == JobEnd::CaughtUp);
        is_left |= !is_over || end(context, id, &side.id).await.is_err();
    }
    is_left.then(|| id.clone())
}

fn jobs(id: &Rc<str>, run: &SideRun) -> impl Iterator<Item = Job> {
    let (name, topic) = (Rc::<str>::from(&*run.id), Rc::<str>::from(&*run.topic));
    run.parts.iter().map(move |(partition, (from, to))| {
        let part = Part { run: name.clone(), from: *from, to: *to, is_redrive: run.redrive };
        let live = Job::live(id.clone(), topic.clone(), *partition, None);
        Job { kind: Kind::Run(part), ..live }
    })
}

/// Nothing of the run is left.
async fn end<H: Host, L: Log>(context: &DeliveryContext<H, L>, id: &str, run: &str) -> Result<()> {
    let end = |subscription: &mut Subscription| {
        let before = subscription.runs.len();
        subscription.runs.retain(|known| known.id != run);
        if subscription.runs.len() < before {
            subscription.version += 1;
        }
        Ok(())
    };
    context.registry.change(id, &end).await?;
    // Whoever comes late finds no document, and then no such run.
    delete_all(&context.host, &Prefix::run(id, run)?).await
}

/// How far a run is, in each of its partitions.
pub(super) async fn progress<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    id: &str,
    run: &SideRun,
) -> Result<Vec<RunProgress>> {
    let id = Rc::from(id);
    let looks = jobs(&id, run).map(async |job| {
        let latest = context.lane_of(&job)?.peek().await?;
        let state = latest.and_then(|(_, document)| document.payload);
        let from = job.part().map_or(0, |part| part.from);
        let state = state.unwrap_or_else(|| DeliveryState::at(from));
        let totals: Totals = state.totals;
        Ok::<_, Error>(RunProgress {
            partition: job.partition,
            position: state.position(),
            delivered: totals.of(Total::Delivered),
            failed: totals.of(Total::Failed),
        })
    });
    try_join_bounded(looks).await
}
