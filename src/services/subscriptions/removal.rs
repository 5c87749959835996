//! Ends the deliveries of a subscription that was removed.

use std::time::Duration;

use super::context::DeliveryContext;
use super::delivery_state::DeliveryState;
use super::subscription::Subscription;
use crate::concurrent::join_bounded;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;
use crate::sorted::SortedSet;
use crate::state::delete_all;
use crate::state::keys::Prefix;
use crate::state::lane::{Take, Written};
use crate::telemetry::{Level, Report};

/// How long a removal waits for an attempt of another instance.
const MAX_REMOVAL_WAIT: Duration = Duration::from_secs(3);

/// Takes every lane of the subscription, so that no other instance delivers, and
/// deletes what the store holds of it. An instance that starts a new lane reads
/// the list of subscriptions first, and this one is no longer in it.
pub(super) async fn stop<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
) {
    let partitions = partitions(context, subscription).await;
    let stops = partitions.into_iter().map(|partition| stop_one(context, subscription, partition));
    let stopped: Result<()> = join_bounded(stops).await.into_iter().collect();
    if let Err(error) = stopped.and(forget(context, &subscription.id).await) {
        // The list no longer has the subscription, so deliveries end anyway.
        let fields = [("webhook", (&*subscription.id).into()), ("why", error.kind().into())];
        context.host.event(Level::Warn, "webhook-not-tidied", &fields);
    }
}

async fn forget<H: Host, L: Log>(context: &DeliveryContext<H, L>, id: &str) -> Result<()> {
    delete_all(&context.host, &Prefix::subscription(id)?).await
}

async fn stop_one<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
    partition: i32,
) -> Result<()> {
    let host = &context.host;
    let lane = context.lane(&subscription.id, partition)?;
    if lane.is_untouched().await? {
        return Ok(());
    }
    let give_up = host.monotonic() + MAX_REMOVAL_WAIT;
    loop {
        let pause = match lane.try_take(async |_| Ok(DeliveryState::at(0))).await? {
            Take::Busy { retry_in } => retry_in,
            Take::Unworthy(_) => Duration::ZERO,
            Take::Held(held) => {
                let place = held.payload().place.clone();
                if held.delete().await? == Written::Kept {
                    if let Some(place) = place {
                        context.log.close(place).await;
                    }
                    return Ok(());
                }
                Duration::ZERO
            }
        };
        if host.monotonic() + pause >= give_up {
            return Ok(());
        }
        host.sleep(pause).await;
    }
}

/// All partitions of which the subscription may have delivered records.
pub(super) async fn partitions<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
) -> SortedSet<i32> {
    let mut partitions = subscription.first_partitions();
    if let Ok(topic) = context.log.topic(&subscription.topic).await {
        partitions.extend(0..topic.partitions);
    }
    partitions
}
