//! Ends the deliveries of a subscription that was removed.

use std::time::Duration;

use super::context::DeliveryContext;
use super::delivery_state::DeliveryState;
use super::subscription::Subscription;
use super::topics;
use crate::concurrent::join_bounded;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;
use crate::sorted::SortedSet;
use crate::state::lane::{Take, Written};

/// How long a removal waits for an attempt of another instance.
const MAX_REMOVAL_WAIT: Duration = Duration::from_secs(3);

/// Takes every lane of the subscription, so that no other instance delivers. An instance
/// that starts a new lane reads the subscription's document first, and by that it is
/// nobody's any more.
pub(super) async fn stop<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
) -> Result<()> {
    let topics = topics::of(context, subscription).await;
    let stops = topics.iter().map(|topic| stop_topic(context, subscription, topic));
    join_bounded(stops).await.into_iter().collect()
}

/// The same for one topic, which the subscription has left.
pub(super) async fn stop_topic<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
    topic: &str,
) -> Result<()> {
    let partitions = partitions(context, subscription, topic).await;
    let stops = partitions.into_iter().map(|one| stop_one(context, subscription, topic, one));
    join_bounded(stops).await.into_iter().collect()
}

async fn stop_one<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
    topic: &str,
    partition: i32,
) -> Result<()> {
    let host = &context.host;
    let lane = context.lane(&subscription.id, topic, partition)?;
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

/// All partitions of a topic of which the subscription may have delivered records.
pub(super) async fn partitions<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
    topic: &str,
) -> SortedSet<i32> {
    let mut partitions: SortedSet<i32> = subscription.first_partitions(topic).collect();
    if let Ok(topic) = context.log.topic(topic).await {
        partitions.extend(0..topic.partitions);
    }
    partitions
}
