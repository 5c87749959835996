//! Moves a subscription in one partition.

use std::time::Duration;

use super::context::DeliveryContext;
use super::delivery_state::DeliveryState;
use super::subscription::Subscription;
use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::state::lane::{Take, Written};

/// How long a move waits for the instance that delivers the partition. That one
/// lets go after the attempt in progress.
const MAX_MOVE_WAIT: Duration = Duration::from_secs(15);

pub(super) async fn move_to<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
    topic: &str,
    partition: i32,
    offset: i64,
) -> Result<()> {
    let host = &context.host;
    let lane = context.lane(&subscription.id, topic, partition)?;
    let give_up = host.monotonic() + MAX_MOVE_WAIT;
    loop {
        let start = DeliveryState::at(subscription.start(topic, partition).unwrap_or(0));
        let pause = match lane.try_take(async |_| Ok(start)).await? {
            Take::Busy { retry_in } => retry_in,
            Take::Unworthy(_) => Duration::ZERO,
            Take::Held(held) => {
                let place = held.payload().place.clone();
                let moved = held.payload().moved_to(offset);
                if held.seek(moved).await? == Written::Kept {
                    if let Some(place) = place {
                        context.log.close(place).await;
                    }
                    return Ok(());
                }
                Duration::ZERO
            }
        };
        if host.monotonic() + pause >= give_up {
            return Err(ErrorKind::Busy("The webhook is being delivered; try again".into()).into());
        }
        host.sleep(pause).await;
    }
}
