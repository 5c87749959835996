//! Subscriptions out: each new record of a topic is POSTed to a registered URL.

mod administration;
mod allowance;
mod attempt;
mod background;
mod body;
mod breaker;
mod callback;
mod changing;
mod check;
mod consent;
mod context;
mod dated;
mod deliver;
mod delivery_state;
mod disabling;
mod due;
mod envelope;
mod figures;
mod job;
mod keys;
mod making;
mod moving;
mod operations;
mod overdue;
mod pages;
#[cfg(feature = "configuration")]
mod portable;
mod prepared;
mod registry;
mod removal;
mod repeating;
mod reports;
mod retry;
mod round;
mod runs;
pub mod settings;
mod shaping;
mod signature;
mod subscription;
mod tasks;
mod token;
mod topics;
mod trial;
mod turn;
mod view;
mod window;

use std::rc::Rc;
use std::time::Duration;

pub use self::administration::{Put, Rotated, SubscriptionPage};
use self::allowance::{Allowance, Share};
use self::background::Wanted;
use self::context::DeliveryContext;
pub use self::figures::{AllSubscriptions, SubscriptionFigures, TopicFigures};
use self::keys::Keys;
use self::making::Made;
pub use self::repeating::{Run, RunPart};
pub use self::reports::{AttemptReport, Moved, Progress, Standing, TestReport};
use self::settings::Start;
use self::subscription::{Subscription, legacy_settings, new_id};
pub use self::view::{Status, SubscriptionView, add};
pub use super::condition::Condition;
use crate::access::{AllowedTopic, Denial, Grant, Missing};
use crate::config::DeliveriesConfig;
use crate::error::{ErrorKind, Result};
use crate::host::{AfterAnswer, Host, Millis};
use crate::kafka::Log;
use crate::secrets::SecretKeys;
use crate::services::consume::StartFrom;
use crate::sorted::SortedMap;
use crate::state::lane::Params;
use crate::telemetry::Change;

/// What events call a subscription, as callers do.
const KIND: &str = "webhook";

/// The topics of one round, at most.
const MAX_TOPICS_OF_ROUND: usize = 100;

/// A subscription as callers see it: everything but its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubscriptionSummary {
    pub id: String,
    /// The first of its topics.
    pub topic: String,
    /// Names of topics, and beginnings of names with a `*`.
    pub topics: Vec<String>,
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
pub struct Subscriptions<H: Host, L> {
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
        let context = &*self.context;
        let DeliveryContext { host, log, config, keys, .. } = context;
        let callback = callback::check(callback_url, config).map_err(|reason| {
            ErrorKind::InvalidCallback { detail: format!("callback_url {reason}") }
        })?;
        log.topic(topic).await?;
        if let Some(known) = making::twin(context, topic, &callback.url).await? {
            return Ok(Registered { subscription: known.describe(), secret: None });
        }
        // Records written from here on are delivered.
        let starts = starts(&**log, topic, from).await?;
        let from = match from {
            StartFrom::Earliest => Start::Earliest,
            StartFrom::Latest => Start::Latest,
        };
        let id = new_id(host);
        let (own, secret) = Keys::generate(&id, host, keys)?;
        let settings = legacy_settings(topic, callback.url, from);
        let mut new = Subscription::new(id, settings, own, host.now());
        new.legacy = true;
        new.starts = [((**topic).to_owned(), starts)].into();
        let Made { subscription, is_new } = making::make(context, new).await?;
        if is_new {
            let (name, fields) = (&*subscription.id, "callback_url,secret,topics");
            Change { kind: KIND, name, what: "created", fields }.report(host);
        }
        let secret = is_new.then(|| secret.reveal());
        Ok(Registered { subscription: subscription.describe(), secret })
    }

    /// Encrypts secrets under the first key that are not; returns of how many
    /// subscriptions there were any, and of how many the key is gone.
    pub async fn rewrap(&self) -> Result<(usize, usize)> {
        let DeliveryContext { host, keys, registry, .. } = &*self.context;
        let (mut changed, mut gone) = (0, 0);
        for page in 0..registry.pages(Duration::ZERO).await? {
            for subscription in making::page(&self.context, page).await? {
                let renew = |subscription: &mut Subscription| {
                    Ok(subscription.renew(host, keys).map(drop)?)
                };
                match Subscription::clone(&subscription).renew(host, keys) {
                    Ok(false) => {}
                    Ok(true) => {
                        registry.change(&subscription.id, &renew).await?;
                        changed += 1;
                    }
                    Err(_) => gone += 1,
                }
            }
        }
        if changed > 0 {
            Change { kind: KIND, name: "*", what: "rewrapped", fields: "secret" }.report(host);
        }
        Ok((changed, gone))
    }

    /// Delivers what is due to subscriptions, topics in turn, and reports what was done for
    /// those to the caller's topics. Attempts begin within `budget`; the last ones
    /// may take as long as a callback may. Any number of these calls may run at
    /// once, in any instances.
    pub async fn deliver(&self, budget: Duration, grant: &Grant) -> Result<Vec<RoundReport>> {
        let context = &self.context;
        let deadline = context.host.monotonic() + budget;
        let allowance = Allowance::until(context, deadline, Share::Most);
        let topics = round::topics_in_turn(context, MAX_TOPICS_OF_ROUND).await?;
        let mut reports = round::deliver(context, &topics, allowance).await;
        reports.retain(|report| grant.covers(&report.topic));
        Ok(reports)
    }

    /// Since when something has been overdue, as far as is noted; for those whose turn it
    /// is.
    pub fn overdue(&self) -> impl Future<Output = Result<Option<Millis>>> {
        overdue::since(&self.context)
    }

    /// Goes on with what is overdue, a bounded piece of it, beyond the answer of the
    /// current request: whatever that is.
    pub fn go_on(&self) {
        overdue::go_on(&self.context);
    }

    /// Delivers beyond the answer of the current request, if the topic has
    /// webhooks and the host goes on that long. If it does not, the next round
    /// of deliveries finds the record.
    pub fn deliver_in_background(&self, topic: &str) {
        self.deliver_wanted(topic, None);
    }

    /// The same where it is known what was written: in these partitions, up to before these
    /// offsets. Kafka is not asked for ends, and the other partitions have to wait for
    /// [`go_on`](Self::go_on) or a round.
    pub fn deliver_written(&self, topic: &str, ends: SortedMap<i32, i64>) {
        self.deliver_wanted(topic, Some(ends));
    }

    fn deliver_wanted(&self, topic: &str, wanted: Wanted) {
        if self.context.host.capabilities().after_answer == AfterAnswer::Ends {
            return;
        }
        background::start(&self.context, topic, wanted);
    }
}

/// Whether a caller may see and change a subscription: all its topics are the caller's.
fn may_see(subscription: &Subscription, grant: &Grant) -> Result<(), Denial> {
    for pattern in subscription.patterns() {
        if !grant.covers_pattern(&pattern) {
            return Err(Denial::Forbidden(Missing::Topic(pattern.to_string())));
        }
    }
    Ok(())
}

/// Where a new subscription starts in the partitions that exist.
async fn starts<L: Log>(log: &L, topic: &str, from: StartFrom) -> Result<Vec<i64>> {
    match (from, log.offsets(topic).await) {
        (StartFrom::Latest, offsets) => Ok(offsets?.into_iter().map(|(_, o)| o.end).collect()),
        (StartFrom::Earliest, Ok(offsets)) => {
            Ok(offsets.into_iter().map(|(_, o)| o.first).collect())
        }
        // A partition without a start is delivered from its beginning.
        (StartFrom::Earliest, Err(error)) if matches!(*error, ErrorKind::Unsupported(_)) => {
            Ok(Vec::new())
        }
        (StartFrom::Earliest, Err(error)) => Err(error),
    }
}
