//! A subscription as it is stored.

use std::rc::Rc;

use serde::{Deserialize, Serialize};

use super::SubscriptionSummary;
use super::signature::SigningSecret;
use crate::error::{Error, Result};
use crate::host::{Clock, Millis};
use crate::random;
use crate::secrets::{SecretGone, SecretKeys, StoredSecret};
use crate::sorted::{SortedMap, SortedSet};
use crate::state::stored::stored;

/// The maximum number of subscriptions of a deployment. Each round of delivery
/// looks at all of them.
const MAX_SUBSCRIPTIONS: usize = 200;
/// The maximum number of subscriptions of one topic: each of its records is sent
/// to all of them.
const MAX_PER_TOPIC: usize = 50;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Subscription {
    pub(super) id: String,
    pub(super) topic: String,
    /// In the normal form that [`callers_url::check`](crate::callers_url::check) returns.
    pub(super) callback_url: String,
    pub(super) created: Millis,
    /// A [`SigningSecret`].
    secret: StoredSecret,
    /// Where delivery starts in each partition that existed at the registration.
    starts: SortedMap<i32, i64>,
}

impl Subscription {
    pub(super) fn new(
        topic: &str,
        callback_url: String,
        starts: SortedMap<i32, i64>,
        clock: &impl Clock,
        keys: &SecretKeys,
    ) -> Result<(Self, SigningSecret)> {
        let (id, secret) = (id(clock), SigningSecret::generate(clock));
        let sealed = keys.seal(clock, &owner(&id), &secret.reveal())?;
        let (topic, created) = (topic.into(), clock.now());
        Ok((Self { id, topic, callback_url, created, secret: sealed, starts }, secret))
    }

    pub(super) fn secret(&self, keys: &SecretKeys) -> Result<SigningSecret> {
        let secret = keys.open(&owner(&self.id), &self.secret)?;
        let malformed = || Error::Store { detail: "the secret of a webhook is malformed".into() };
        SigningSecret::parse(&secret).ok_or_else(malformed)
    }

    /// The subscription with its secret encrypted under the first key; `None` if it is
    /// already.
    pub(super) fn renewed(
        &self,
        clock: &impl Clock,
        keys: &SecretKeys,
    ) -> Result<Option<Self>, SecretGone> {
        let secret = keys.renewed(clock, &owner(&self.id), &self.secret)?;
        Ok(secret.map(|secret| Self { secret, ..self.clone() }))
    }

    /// Where delivery starts in a partition. One that was added to the topic later
    /// is delivered from its first record on.
    pub(super) fn start(&self, partition: i32) -> i64 {
        self.starts.get(&partition).copied().unwrap_or(0)
    }

    /// The partitions that the topic had at the registration.
    pub(super) fn first_partitions(&self) -> SortedSet<i32> {
        self.starts.keys().copied().collect()
    }

    pub(super) fn describe(&self) -> SubscriptionSummary {
        SubscriptionSummary {
            id: self.id.clone(),
            topic: self.topic.clone(),
            callback_url: self.callback_url.clone(),
            created: self.created,
        }
    }
}

/// To whom a sealed secret belongs.
fn owner(id: &str) -> String {
    format!("webhook/{id}")
}

/// `webhook_` and 96 random bits.
fn id(clock: &impl Clock) -> String {
    format!("webhook_{}", random::hex_id::<12>(clock))
}

/// All subscriptions, oldest first: one document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent, remote = "Self")]
pub(super) struct SubscriptionList(Vec<Rc<Subscription>>);

stored!(SubscriptionList, "the list of webhooks");

impl SubscriptionList {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Rc<Subscription>> {
        self.0.iter()
    }

    pub(super) fn by_id(&self, id: &str) -> Result<&Rc<Subscription>> {
        let found = self.0.iter().find(|subscription| subscription.id == id);
        found.ok_or_else(|| Error::UnknownSubscription(id.into()))
    }

    pub(super) fn of_topic(&self, topic: &str) -> impl Iterator<Item = &Rc<Subscription>> {
        self.0.iter().filter(move |subscription| subscription.topic == topic)
    }

    pub(super) fn of_callback(&self, topic: &str, url: &str) -> Option<&Rc<Subscription>> {
        self.of_topic(topic).find(|subscription| subscription.callback_url == url)
    }

    /// Adds a subscription, unless its topic and callback have one already.
    /// Returns the one that the list then has.
    pub(super) fn add(&mut self, new: &Rc<Subscription>) -> Result<Rc<Subscription>> {
        if let Some(known) = self.of_callback(&new.topic, &new.callback_url) {
            return Ok(known.clone());
        }
        if self.0.len() >= MAX_SUBSCRIPTIONS {
            return Err(Error::LimitReached(format!(
                "There are {MAX_SUBSCRIPTIONS} webhooks already"
            )));
        }
        if self.of_topic(&new.topic).count() >= MAX_PER_TOPIC {
            return Err(Error::LimitReached(format!(
                "The topic has {MAX_PER_TOPIC} webhooks already"
            )));
        }
        self.0.push(new.clone());
        Ok(new.clone())
    }

    /// Encrypts secrets anew that are not under the first key. Those whose key is gone
    /// stay as they are; returns how many were changed and how many stayed.
    pub(super) fn rewrap(&mut self, clock: &impl Clock, keys: &SecretKeys) -> (usize, usize) {
        let (mut changed, mut gone) = (0, 0);
        for subscription in &mut self.0 {
            match subscription.renewed(clock, keys) {
                Ok(Some(renewed)) => {
                    *subscription = Rc::new(renewed);
                    changed += 1;
                }
                Ok(None) => {}
                Err(_) => gone += 1,
            }
        }
        (changed, gone)
    }

    pub(super) fn remove(&mut self, id: &str) -> Result<Rc<Subscription>> {
        let removed = self.by_id(id)?.clone();
        self.0.retain(|subscription| subscription.id != id);
        Ok(removed)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::services::subscriptions) fn subscription(
        topic: &str,
        url: &str,
        id: u32,
    ) -> Rc<Subscription> {
        let secret = serde_json::from_str(r#""whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw""#).unwrap();
        Rc::new(Subscription {
            id: format!("webhook_{id}"),
            topic: topic.into(),
            callback_url: url.into(),
            created: 7,
            secret,
            starts: SortedMap::from([(0, 42)]),
        })
    }

    #[test]
    fn one_callback_has_one_subscription_of_a_topic() {
        let mut all = SubscriptionList::default();
        let first = subscription("a", "https://x/", 1);
        assert_eq!(all.add(&first), Ok(first.clone()));
        assert_eq!(all.add(&subscription("a", "https://x/", 2)), Ok(first));
        assert!(all.add(&subscription("b", "https://x/", 3)).is_ok());
        assert!(all.add(&subscription("a", "https://y/", 4)).is_ok());
        assert_eq!(all.iter().count(), 3);
        assert_eq!(all.of_topic("a").count(), 2);
    }

    #[test]
    fn numbers_are_capped_in_all_and_for_each_topic() {
        let mut all = SubscriptionList::default();
        let mut id = 0;
        let mut add = |all: &mut SubscriptionList, topic: &str| {
            id += 1;
            all.add(&subscription(topic, &format!("https://x/{id}"), id)).map(drop)
        };
        for _ in 0..MAX_PER_TOPIC {
            add(&mut all, "a").unwrap();
        }
        assert!(matches!(add(&mut all, "a"), Err(Error::LimitReached(_))));
        for topic in ["b", "c", "d"] {
            for _ in 0..MAX_PER_TOPIC {
                add(&mut all, topic).unwrap();
            }
        }
        assert!(matches!(add(&mut all, "e"), Err(Error::LimitReached(_))));
        all.remove("webhook_1").unwrap();
        assert_eq!(add(&mut all, "e"), Ok(()));
    }

    #[test]
    fn what_is_not_there_cannot_be_removed() {
        let mut all = SubscriptionList::default();
        all.add(&subscription("a", "https://x/", 1)).unwrap();
        assert_eq!(all.remove("webhook_2"), Err(Error::UnknownSubscription("webhook_2".into())));
        assert_eq!(all.remove("webhook_1").unwrap().topic, "a");
        assert_eq!(all.iter().count(), 0);
    }

    #[test]
    fn a_partition_added_later_begins_at_its_beginning() {
        let subscription = subscription("a", "https://x/", 1);
        assert_eq!((subscription.start(0), subscription.start(1)), (42, 0));
    }

    #[test]
    fn a_subscription_is_kept_whole_and_its_debug_is_harmless() {
        let mut all = SubscriptionList::default();
        all.add(&subscription("a", "https://x/", 1)).unwrap();
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<SubscriptionList>(&text).unwrap(), all);
        assert!(!format!("{all:?}").contains("MfKQ9r8"));
    }
}
