//! Subscriptions out: each new record of a topic is POSTed to a registered URL.

mod attempt;
mod background;
mod context;
mod deliver;
mod delivery_state;
mod due;
mod envelope;
mod job;
mod moving;
mod removal;
mod retry;
mod round;
pub mod settings;
mod signature;
mod stored_list;
mod subscription;

use std::rc::Rc;
use std::time::Duration;

use self::context::DeliveryContext;
use self::delivery_state::DeliveryState;
use self::moving::move_to;
use self::subscription::Subscription;
use crate::access::{AccessError, AllowedTopic, Grant};
use crate::callers_url;
use crate::concurrent::try_join_bounded;
use crate::config::DeliveriesConfig;
use crate::error::{Error, Result};
use crate::host::{AfterAnswer, Host, Millis};
use crate::kafka::Log;
use crate::secrets::SecretKeys;
use crate::services::consume::StartFrom;
use crate::services::seek::SeekTo;
use crate::sorted::SortedMap;
use crate::state::lane::Params;
use crate::telemetry::Change;

/// What events call a subscription, as callers do.
const KIND: &str = "webhook";

/// A subscription as callers see it: everything but its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionSummary {
    pub id: String,
    pub topic: String,
    pub callback_url: String,
    pub created: Millis,
}

/// The answer to a registration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registered {
    pub subscription: SubscriptionSummary,
    /// `whsec_…`, shown once: to the caller whose registration was the first.
    pub secret: Option<String>,
}

/// The state of a subscription's delivery in one partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    pub partition: i32,
    /// The offset of the next record to be delivered.
    pub position: i64,
    /// Failed attempts at the record at `position`.
    pub failures: u32,
    /// When the next attempt is due, if one has failed.
    pub next_attempt: Option<Millis>,
    /// Why the last attempt failed, if one has.
    pub last_error: Option<String>,
    /// Whether nothing is delivered until the webhook is moved: the topic was made
    /// anew, or has lost records.
    pub beyond_end: bool,
}

/// What one round of delivery did for one subscription.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundReport {
    pub webhook_id: String,
    pub topic: String,
    /// Records whose callback answered 2xx.
    pub delivered: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Whether another instance is delivering some of it right now.
    pub busy: bool,
    /// When the next attempt is due, if one has failed.
    pub next_attempt: Option<Millis>,
    /// Why nothing could be delivered to this subscription, if so.
    pub error: Option<String>,
}

/// The subscriptions, as one instance works on them.
#[derive(Debug)]
pub struct Subscriptions<H, L> {
    context: Rc<DeliveryContext<H, L>>,
}

impl<H: Host, L: Log> Subscriptions<H, L> {
    pub fn new(
        host: H,
        log: Rc<L>,
        config: DeliveriesConfig,
        keys: SecretKeys,
        params: Params,
    ) -> Self {
        Self { context: Rc::new(DeliveryContext::new(host, log, config, keys, params)) }
    }

    /// Registers a callback for a topic. A repeated registration of the same topic
    /// and URL returns the same subscription, without its secret.
    pub async fn register(
        &self,
        topic: &AllowedTopic,
        callback_url: &str,
        from: StartFrom,
    ) -> Result<Registered> {
        let DeliveryContext { host, log, config, keys, subscriptions, .. } = &*self.context;
        let callback =
            callers_url::check(callback_url, config.allow_private).map_err(|reason| {
                Error::InvalidCallback { detail: format!("callback_url {reason}") }
            })?;
        log.topic(topic).await?;
        let list = subscriptions.read().await?;
        if let Some(known) = list.of_callback(topic, &callback.url) {
            return Ok(Registered { subscription: known.describe(), secret: None });
        }
        // Records written from here on are delivered.
        let starts = starts(&**log, topic, from).await?;
        let (new, secret) = Subscription::new(topic, callback.url, starts, host, keys)?;
        let id = new.id.clone();
        let kept = subscriptions.add(new).await?;
        due::forget(host, topic).await;
        if kept.id == id {
            let fields = "callback_url,secret,topic";
            Change { kind: KIND, name: &id, what: "created", fields }.report(host);
        }
        let secret = (kept.id == id).then(|| secret.reveal());
        Ok(Registered { subscription: kept.describe(), secret })
    }

    /// The subscriptions to the caller's topics, oldest first.
    pub async fn list(&self, grant: &Grant) -> Result<Vec<SubscriptionSummary>> {
        let list = self.context.subscriptions.read().await?;
        let covered = list.iter().filter(|subscription| grant.covers(&subscription.topic));
        Ok(covered.map(|subscription| subscription.describe()).collect())
    }

    /// One subscription and where it stands. Kafka is not asked before the
    /// caller is known to be allowed its topic.
    pub async fn get(
        &self,
        id: &str,
        grant: &Grant,
    ) -> Result<(SubscriptionSummary, Vec<Progress>), AccessError> {
        let context = &*self.context;
        let list = context.subscriptions.read().await?;
        let subscription = list.by_id(id)?;
        grant.permits_topic(&subscription.topic)?;
        let partitions = removal::partitions(context, subscription).await;
        let progress = partitions.into_iter().map(async |partition| {
            let latest = context.lane(id, partition)?.peek().await?;
            let state = latest
                .and_then(|(_, document)| document.payload)
                .unwrap_or_else(|| DeliveryState::at(subscription.start(partition)));
            Ok::<_, Error>(state.describe(partition))
        });
        let mut progress = try_join_bounded(progress).await?;
        // Where the server does not report ends, only the positions are known.
        let ends = context.log.ends(&subscription.topic).await.unwrap_or_default();
        let ends: SortedMap<_, _> = ends.into_iter().collect();
        for one in &mut progress {
            one.beyond_end = ends.get(&one.partition).is_some_and(|end| one.position > *end);
        }
        Ok((subscription.describe(), progress))
    }

    /// Moves a subscription, and returns its new positions. What it failed to
    /// deliver is tried at once if it is still ahead.
    pub async fn seek(
        &self,
        id: &str,
        to: SeekTo,
        grant: &Grant,
    ) -> Result<SortedMap<i32, i64>, AccessError> {
        let context = &*self.context;
        let list = context.subscriptions.read().await?;
        let subscription = list.by_id(id)?;
        grant.permits_topic(&subscription.topic)?;
        let offsets = to.offsets(&*context.log, &subscription.topic).await?;
        let moves = offsets.iter().map(async |(partition, offset)| {
            move_to(context, subscription, *partition, *offset).await
        });
        let moved = try_join_bounded(moves).await;
        due::forget(&context.host, &subscription.topic).await;
        moved?;
        Change { kind: KIND, name: id, what: "moved", fields: "positions" }.report(&context.host);
        Ok(offsets)
    }

    /// Encrypts secrets under the first key that are not; returns how many were, and of
    /// how many the key is gone.
    pub async fn rewrap(&self) -> Result<(usize, usize)> {
        let (rewrapped, gone) = self.context.subscriptions.rewrap().await?;
        if rewrapped > 0 {
            Change { kind: KIND, name: "*", what: "rewrapped", fields: "secret" }
                .report(&self.context.host);
        }
        Ok((rewrapped, gone))
    }

    /// Removes a subscription. Normally no attempt begins once this has answered.
    /// But an attempt that takes more than three seconds longer may still finish,
    /// and an instance that was about to deliver the first record may still begin
    /// within a second.
    pub async fn delete(&self, id: &str, grant: &Grant) -> Result<(), AccessError> {
        let list = self.context.subscriptions.read().await?;
        grant.permits_topic(&list.by_id(id)?.topic)?;
        let removed = self.context.subscriptions.remove(id).await?;
        let change = Change { kind: KIND, name: id, what: "removed", fields: "" };
        change.report(&self.context.host);
        removal::stop(&self.context, &removed).await;
        Ok(())
    }

    /// Delivers what is due to all subscriptions, and reports what was done for
    /// those to the caller's topics. Attempts begin within `budget`; the last ones
    /// may take as long as a callback may. Any number of these calls may run at
    /// once, in any instances.
    pub async fn deliver(&self, budget: Duration, grant: &Grant) -> Result<Vec<RoundReport>> {
        let context = &*self.context;
        let deadline = context.host.monotonic() + budget;
        let list = context.subscriptions.read().await?;
        let subscriptions: Vec<_> = list.iter().cloned().collect();
        let mut reports = round::deliver(context, &subscriptions, deadline).await;
        reports.retain(|report| grant.covers(&report.topic));
        Ok(reports)
    }

    /// Delivers beyond the answer of the current request, if the topic has
    /// webhooks and the host goes on that long. If it does not, the next round
    /// of deliveries finds the record.
    pub fn deliver_in_background(&self, topic: &str) {
        if self.context.host.capabilities().after_answer == AfterAnswer::Ends {
            return;
        }
        background::start(&self.context, topic);
    }
}

/// Where a new subscription starts in the partitions that exist.
async fn starts<L: Log>(log: &L, topic: &str, from: StartFrom) -> Result<SortedMap<i32, i64>> {
    match (from, log.offsets(topic).await) {
        (StartFrom::Latest, offsets) => Ok(offsets?.into_iter().map(|(p, o)| (p, o.end)).collect()),
        (StartFrom::Earliest, Ok(offsets)) => {
            Ok(offsets.into_iter().map(|(p, o)| (p, o.first)).collect())
        }
        // A partition without a start is delivered from its beginning.
        (StartFrom::Earliest, Err(Error::Unsupported(_))) => Ok(SortedMap::new()),
        (StartFrom::Earliest, Err(error)) => Err(error),
    }
}
