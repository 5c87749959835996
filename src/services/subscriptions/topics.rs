//! The topics that the log has, for subscriptions that give beginnings of names.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::context::DeliveryContext;
use super::subscription::Subscription;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;

/// How long the list is used. A new topic is found after this time, and a produce to it
/// through this gateway finds it at once.
const MAX_AGE: Duration = Duration::from_secs(30);

/// The topics of one subscription, at most: each costs a look in every round.
pub(super) const MAX_MATCHING: usize = 1_000;

/// This instance's copy of the list.
#[derive(Debug, Default)]
pub(super) struct LogTopics(RefCell<Option<(Duration, Rc<[String]>)>>);

/// The names of all topics, in order.
pub(super) async fn all<H: Host, L: Log>(context: &DeliveryContext<H, L>) -> Result<Rc<[String]>> {
    let now = context.host.monotonic();
    if let Some((at, names)) = &*context.topics.0.borrow()
        && now.saturating_sub(*at) < MAX_AGE
    {
        return Ok(names.clone());
    }
    let topics = context.log.topics().await?;
    let names: Rc<[String]> = topics.into_iter().map(|topic| topic.name).collect();
    *context.topics.0.borrow_mut() = Some((now, names.clone()));
    Ok(names)
}

/// The topics whose records are a subscription's: those that it names, and those that its
/// prefixes match, as far as the log tells them.
pub(super) async fn of<H: Host, L: Log>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
) -> Vec<String> {
    let mut topics: Vec<String> = subscription.named().map(str::to_owned).collect();
    if subscription.prefixes().next().is_some() {
        let all = all(context).await.unwrap_or_default();
        let more = all.iter().filter(|topic| subscription.covers(topic));
        for topic in more.take(MAX_MATCHING) {
            if !topics.contains(topic) {
                topics.push(topic.clone());
            }
        }
    }
    topics
}
