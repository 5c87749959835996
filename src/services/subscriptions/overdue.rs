//! What is overdue: since when, and a bounded piece of it beside any other call.
//!
//! On a host without a timer nothing else delivers what other clients have written, what is
//! to be tried again after the instance was idle, and what was left by one that has ended.
//! An instance may live for one call only, so that its first one looks, too. One value of the
//! store says when the next look is, for all instances: a call in a fresh instance costs one
//! read of it and no more. It is advice: whoever misses it looks once more than needed.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::allowance::{Allowance, Share};
use super::context::DeliveryContext;
use super::dated::date;
use super::delivery_state::DeliveryState;
use super::job::Job;
use super::{deliver, due, retry, round};
use crate::concurrent::join_bounded;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{AfterAnswer, Host, Millis};
use crate::kafka::Log;
use crate::random;
use crate::state::keys::next_look;
use crate::state::{get, set};

/// How many topics a piece is of: each has its turn.
const TOPICS: usize = 4;

/// Attempts of a piece begin within this time.
const TIME: Duration = Duration::from_secs(5);

/// Between two pieces, of all instances together; the longer pause is behind one in which
/// nothing was to be done.
const PAUSE: Duration = Duration::from_secs(1);
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// Where an instance serves others, their answers go out first: a call of the store may
/// block the whole instance (`reference/hosts.md`, "Spin").
const BEHIND_ANSWERS: Duration = Duration::from_millis(100);

/// How far apart those look that wait for the same time.
const MAX_APART: Duration = Duration::from_millis(200);

/// How many partitions of subscriptions a look at a topic takes in, of those that seem due.
const LOOKS: usize = 4;

/// The pieces of an instance.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// When this instance looks again whether it is time for one, by the monotonic clock.
    next: Cell<Duration>,
    is_under_way: Cell<bool>,
}

/// Takes on a piece, if it is time for one.
pub(super) fn go_on<H: Host, L: Log>(context: &Rc<DeliveryContext<H, L>>) {
    let (host, pieces) = (&context.host, &context.pieces);
    let capabilities = host.capabilities();
    let is_early = host.monotonic() < pieces.next.get();
    if capabilities.after_answer == AfterAnswer::Ends || pieces.is_under_way.get() || is_early {
        return;
    }
    pieces.is_under_way.set(true);
    let context = context.clone();
    context.clone().host.spawn(async move {
        if capabilities.instances_reused {
            context.host.sleep(BEHIND_ANSWERS).await;
        }
        let pause = in_turn(&context).await.unwrap_or(LONG_PAUSE);
        // All instances wait for the same time, and one of them is enough.
        let random = random::number(&context.host);
        let pause = random::between(pause, pause + MAX_APART, random);
        context.pieces.next.set(context.host.monotonic() + pause);
        context.pieces.is_under_way.set(false);
    });
}

/// Takes on a piece, if no instance did a moment ago. Returns when to look again.
async fn in_turn<H: Host, L: Log>(context: &Rc<DeliveryContext<H, L>>) -> Result<Duration> {
    let host = &context.host;
    if context.registry.is_known_empty() {
        return Ok(LONG_PAUSE);
    }
    let key = next_look();
    let next: Option<Millis> = get(host, &key).await?;
    let pause = next.map_or(0, |next| next.saturating_sub(host.now()));
    // A time that is further away is of another clock.
    if (1..=retry::millis(LONG_PAUSE)).contains(&pause) {
        return Ok(Duration::from_millis(pause.unsigned_abs()));
    }
    // Whoever dies in the piece leaves it to those that come after this.
    set(host, &key, &(host.now() + retry::millis(LONG_PAUSE))).await?;
    let pause = piece(context).await?;
    if pause < LONG_PAUSE {
        set(host, &key, &(host.now() + retry::millis(pause))).await?;
    }
    Ok(pause)
}

/// Returns when there may be something to do.
async fn piece<H: Host, L: Log>(context: &Rc<DeliveryContext<H, L>>) -> Result<Duration> {
    let topics = round::topics_in_turn(context, TOPICS).await?;
    if topics.is_empty() {
        return Ok(LONG_PAUSE);
    }
    let deadline = context.host.monotonic() + TIME;
    let allowance = Allowance::until(context, deadline, Share::Half);
    let reports = round::deliver(context, &topics, allowance).await;
    if reports.iter().any(|report| report.delivered + report.failed > 0) {
        return Ok(PAUSE);
    }
    let next = reports.iter().filter_map(|report| report.next_attempt).min();
    let pause = next.map(|next| next.saturating_sub(context.host.now()).max(0).unsigned_abs());
    Ok(pause.map_or(LONG_PAUSE, Duration::from_millis).clamp(PAUSE, LONG_PAUSE))
}

/// Since when something has been due to topics that have their turn now, as far as a look
/// shows it.
pub(super) async fn since<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
) -> Result<Option<Millis>> {
    let topics = round::topics_in_turn(context, TOPICS).await?;
    let random = random::number(&context.host) as usize;
    let looks = topics.iter().map(async |(topic, ids)| {
        let ends = round::ends(&*context.log, topic).await?;
        let jobs = ids.iter().flat_map(|id| round::jobs(id, topic, &ends)).collect();
        let due = due::plan(&context.host, topic, jobs).await.due;
        let first = random.checked_rem(due.len()).unwrap_or(0);
        let mut earliest = None;
        for job in due.iter().cycle().skip(first).take(due.len().min(LOOKS)) {
            // A state that cannot be read keeps the others from nothing.
            let since = since_of(context, job).await.unwrap_or_default();
            earliest = earliest.into_iter().chain(since).min();
        }
        Ok::<_, Error>(earliest)
    });
    // Nor does a topic that is gone.
    Ok(join_bounded(looks).await.into_iter().flatten().flatten().min())
}

async fn since_of<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    job: &Job,
) -> Result<Option<Millis>> {
    let latest = context.lane_of(job)?.peek().await?;
    let state = latest.and_then(|(_, document)| document.payload);
    if state.as_ref().is_some_and(|state: &DeliveryState| state.is_at(job.end)) {
        return Ok(None);
    }
    let subscription = match deliver::subscription_of(context, job).await {
        Err(error) if matches!(*error, ErrorKind::UnknownSubscription(_)) => return Ok(None),
        other => other?,
    };
    let start = || subscription.start(&job.topic, job.partition).unwrap_or(0);
    let mut state = state.unwrap_or_else(|| DeliveryState::at(start()));
    let mut end = job.end;
    date(context, vec![(&*job.topic, job.partition, &mut end, &mut state)]).await;
    Ok(state.overdue(end, subscription.settings.order, context.host.now()))
}
