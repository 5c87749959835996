//! What is overdue: since when, and a bounded piece of it beside any other call.
//!
//! On a host without a timer nothing else delivers what other clients have written, what is
//! to be tried again after the instance was idle, and what was left by one that has ended.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::context::DeliveryContext;
use super::{due, round};
use crate::concurrent::try_join_bounded;
use crate::error::{Error, Result};
use crate::host::{AfterAnswer, Host, Millis};
use crate::kafka::Log;

/// How many topics a piece is of: each has its turn.
const TOPICS: usize = 4;

/// Attempts of a piece begin within this time.
const TIME: Duration = Duration::from_secs(5);

/// Between two pieces of one instance; the longer pause is behind one in which nothing was
/// to be done.
const PAUSE: Duration = Duration::from_secs(1);
const LONG_PAUSE: Duration = Duration::from_secs(10);

/// The pieces of an instance.
#[derive(Debug, Default)]
pub(super) struct Pieces {
    /// When the next one may begin, by the monotonic clock.
    next: Cell<Option<Duration>>,
    is_under_way: Cell<bool>,
}

/// Takes on a piece, if it is time for one.
pub(super) fn go_on<H: Host, L: Log>(context: &Rc<DeliveryContext<H, L>>) {
    let (host, pieces) = (&context.host, &context.pieces);
    let capabilities = host.capabilities();
    if capabilities.after_answer == AfterAnswer::Ends || pieces.is_under_way.get() {
        return;
    }
    let now = host.monotonic();
    // The first call to an instance that serves others is not to wait for the store.
    let first = if capabilities.instances_reused { now + PAUSE } else { now };
    let next = pieces.next.get().unwrap_or(first);
    if now < next {
        pieces.next.set(Some(next));
        return;
    }
    pieces.is_under_way.set(true);
    let context = context.clone();
    context.clone().host.spawn(async move {
        let is_busy = piece(&context).await.unwrap_or(false);
        let pause = if is_busy { PAUSE } else { LONG_PAUSE };
        context.pieces.next.set(Some(context.host.monotonic() + pause));
        context.pieces.is_under_way.set(false);
    });
}

/// Whether something was to be done.
async fn piece<H: Host, L: Log>(context: &Rc<DeliveryContext<H, L>>) -> Result<bool> {
    let topics = round::topics_in_turn(context, TOPICS).await?;
    if topics.is_empty() {
        return Ok(false);
    }
    let deadline = context.host.monotonic() + TIME;
    let reports = round::deliver(context, &topics, deadline).await;
    Ok(reports.iter().any(|report| report.delivered + report.failed > 0))
}

/// Since when something has been due to topics that have their turn now, as far as is
/// noted.
pub(super) async fn since<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
) -> Result<Option<Millis>> {
    let topics = round::topics_in_turn(context, TOPICS).await?;
    let now = context.host.now();
    let looks = topics.iter().map(async |(topic, ids)| {
        let ends = round::ends(&*context.log, topic).await?;
        let jobs = ids.iter().flat_map(|id| round::jobs(id, topic, &ends)).collect();
        Ok::<_, Error>(due::plan(&context.host, topic, jobs).await.overdue(now))
    });
    Ok(try_join_bounded(looks).await?.into_iter().flatten().min())
}
