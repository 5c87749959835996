//! Makes, shows and changes subscriptions for callers.

use std::rc::Rc;
use std::time::Duration;

use serde_json::Value;

use super::changing::{Admitted, admit, replace, woken};
use super::check::{parse, refused};
use super::keys::{Keys, new_seed, owner};
use super::making::{self, Made};
use super::settings::Scheme;
use super::signature::SigningSecret;
use super::subscription::{State, Subscription, new_id};
use super::view::SubscriptionView;
use super::{KIND, SubscriptionSummary, Subscriptions, due, may_see, topics, view};
use crate::access::{AccessError, Grant};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::merge_patch;
use crate::secrets::{MASK, StoredSecret};
use crate::services::condition::Condition;
use crate::telemetry::Change;

/// For how long the secret before signs, too, where the caller does not say: a day.
const OVERLAP: u64 = 86_400;
const MAX_OVERLAP: u64 = 30 * 86_400;

/// The answer to a creation or a replacement.
#[derive(Debug, Clone, PartialEq)]
pub struct Put {
    pub view: SubscriptionView,
    /// The secret of `v1`, told once: to who has it made by the gateway.
    pub secret: Option<String>,
    pub is_new: bool,
}

/// The answer to a rotation.
#[derive(Debug, Clone, PartialEq)]
pub struct Rotated {
    pub view: SubscriptionView,
    /// The new secret of `v1`, unless the caller has chosen it.
    pub secret: Option<String>,
}

/// Some of the subscriptions.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionPage {
    pub subscriptions: Vec<SubscriptionView>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

impl<H: Host, L: Log> Subscriptions<H, L> {
    /// Makes a subscription.
    pub async fn create(&self, json: &[u8], grant: &Grant) -> Result<Put, AccessError> {
        self.make(new_id(&self.context.host), json_of(json)?, grant).await
    }

    /// Makes a subscription of this id, or replaces what one is set to.
    pub async fn put(
        &self,
        id: &str,
        json: &[u8],
        condition: Condition<'_>,
        grant: &Grant,
    ) -> Result<Put, AccessError> {
        let json = json_of(json)?;
        if self.context.registry.find(id, Duration::ZERO).await?.is_some() {
            let json = |_: &Subscription| Ok(json.clone());
            let changed = replace(&self.context, id, condition, grant, &json).await?;
            return Ok(Put { view: self.view(&changed), secret: None, is_new: false });
        }
        if !condition.holds(None) {
            return Err(changed().into());
        }
        check_id(id)?;
        self.make(id.to_owned(), json, grant).await
    }

    async fn make(&self, id: String, json: Value, grant: &Grant) -> Result<Put, AccessError> {
        let context = &*self.context;
        let settings = parse(json)?;
        let Admitted { mut settings, starts, granted } =
            admit(context, settings, None, grant).await?;
        let (host, keys) = (&context.host, &context.keys);
        let (mut own, secret) = Keys::generate(&id, host, keys)?;
        let chosen = settings.secret.take();
        if let Some(StoredSecret::Plain(chosen)) = &chosen {
            if chosen == MASK {
                return Err(
                    refused("secret", "There is none yet that a mask could stand for").into()
                );
            }
            own.replace(keys.seal(host, &owner(&id), chosen)?, None);
        }
        if settings.sign.contains(&Scheme::V1a) {
            own.set_seed(Some(new_seed(&id, host, keys)?));
        }
        let settings = view::sealed(settings, None, &id, host, keys)?;
        let mut new = Subscription::new(id, settings, own, host.now());
        new.starts = starts;
        new.granted = granted;
        let Made { subscription, is_new } = making::make(context, new).await?;
        subscription.report(None, host);
        let secret = chosen.is_none().then(|| secret.reveal());
        Ok(Put { view: self.view(&subscription), secret, is_new })
    }

    /// Changes what a subscription is set to by JSON Merge Patch (RFC 7396).
    pub async fn patch(
        &self,
        id: &str,
        patch: &[u8],
        condition: Condition<'_>,
        grant: &Grant,
    ) -> Result<SubscriptionView, AccessError> {
        let patch = json_of(patch)?;
        let patched = |before: &Subscription| {
            let mut json = view::masked(&before.settings).to_value();
            merge_patch::apply(&mut json, patch.clone());
            Ok(json)
        };
        let changed = replace(&self.context, id, condition, grant, &patched).await?;
        Ok(self.view(&changed))
    }

    /// What a subscription is set to.
    pub async fn settings_of(
        &self,
        id: &str,
        grant: &Grant,
    ) -> Result<SubscriptionView, AccessError> {
        let subscription = self.context.registry.get(id, Duration::ZERO).await?;
        may_see(&subscription, grant)?;
        Ok(self.view(&subscription))
    }

    /// The subscriptions of the caller on one page of the list of all: at most 500, and
    /// perhaps none though others follow.
    pub async fn page(&self, cursor: Option<&str>, grant: &Grant) -> Result<SubscriptionPage> {
        let (mine, next) = self.page_of(cursor, grant).await?;
        Ok(SubscriptionPage {
            subscriptions: mine.iter().map(|one| self.view(one)).collect(),
            next,
        })
    }

    /// The same in short, and where the next page begins.
    pub async fn list(
        &self,
        cursor: Option<&str>,
        grant: &Grant,
    ) -> Result<(Vec<SubscriptionSummary>, Option<String>)> {
        let (mine, next) = self.page_of(cursor, grant).await?;
        Ok((mine.iter().map(|one| one.describe()).collect(), next))
    }

    async fn page_of(
        &self,
        cursor: Option<&str>,
        grant: &Grant,
    ) -> Result<(Vec<Rc<Subscription>>, Option<String>)> {
        let context = &*self.context;
        let malformed = || Error::invalid("cursor", "Not a cursor that this gateway gave");
        let page = cursor.map_or(Ok(0), |cursor| cursor.parse().map_err(|_| malformed()))?;
        let pages = context.registry.pages(Duration::ZERO).await?;
        if page >= pages && cursor.is_some() {
            return Err(malformed());
        }
        let mut all = match pages {
            0 => Vec::new(),
            _ => making::page(context, page).await?,
        };
        all.retain(|one| may_see(one, grant).is_ok());
        Ok((all, (page + 1 < pages).then(|| (page + 1).to_string())))
    }

    /// Delivers nothing until it is resumed. What is under way may still arrive.
    pub async fn pause(&self, id: &str, grant: &Grant) -> Result<SubscriptionView, AccessError> {
        let since = self.context.host.now();
        let pause = move |state: &mut State| {
            if state.is_active() {
                *state = State::Paused { since };
            }
        };
        self.set_state(id, grant, &pause).await
    }

    /// Delivers again, from where it stands, also to one that was disabled.
    pub async fn resume(&self, id: &str, grant: &Grant) -> Result<SubscriptionView, AccessError> {
        self.set_state(id, grant, &|state: &mut State| *state = State::Active).await
    }

    async fn set_state(
        &self,
        id: &str,
        grant: &Grant,
        set: &dyn Fn(&mut State),
    ) -> Result<SubscriptionView, AccessError> {
        let context = &*self.context;
        let before = context.registry.get(id, Duration::ZERO).await?;
        may_see(&before, grant)?;
        let set = |subscription: &mut Subscription| {
            live(subscription)?;
            set(&mut subscription.state);
            Ok(())
        };
        let changed = context.registry.change(id, &set).await?;
        changed.report(Some(&before), &context.host);
        // Whoever was not delivered to stands behind what is known of the topics.
        for topic in topics::of(context, &changed).await {
            due::forget(&context.host, &topic).await;
        }
        Ok(self.view(&changed))
    }

    /// Gives a subscription new keys; those before sign, too, for `overlap` seconds.
    pub async fn rotate(
        &self,
        id: &str,
        overlap: Option<u64>,
        chosen: Option<&str>,
        grant: &Grant,
    ) -> Result<Rotated, AccessError> {
        let context = &*self.context;
        let (host, keys) = (&context.host, &context.keys);
        let before = context.registry.get(id, Duration::ZERO).await?;
        may_see(&before, grant)?;
        let overlap = overlap.unwrap_or(OVERLAP);
        if overlap > MAX_OVERLAP {
            let sentence = format!("Longer than {MAX_OVERLAP} seconds");
            return Err(refused("overlap", sentence).into());
        }
        let secret = match chosen {
            None => SigningSecret::generate(host),
            Some(text) => SigningSecret::parse(text)
                .ok_or_else(|| refused("secret", "Not whsec_ and 24 to 64 bytes in base64"))?,
        };
        let sealed = keys.seal(host, &owner(id), &secret.reveal())?;
        let seed = match cfg!(feature = "sources") {
            true => Some(new_seed(id, host, keys)?),
            false => None,
        };
        let now = host.now();
        let until = now.saturating_add(Millis::try_from(overlap * 1000).unwrap_or(Millis::MAX));
        let rotate = |subscription: &mut Subscription| {
            live(subscription)?;
            // An earlier write of the same change may have been stored.
            if subscription.keys.has_secret(&sealed) {
                return Ok(());
            }
            subscription.keys.replace(sealed.clone(), (overlap > 0).then_some(until));
            if let (true, Some(seed)) = (subscription.keys.has_seed(), &seed) {
                subscription.keys.replace_seed(seed.clone(), until);
            }
            Ok(())
        };
        let changed = context.registry.change(id, &rotate).await?;
        changed.report(Some(&before), host);
        woken(context, &before, &changed).await;
        let secret = chosen.is_none().then(|| secret.reveal());
        Ok(Rotated { view: self.view(&changed), secret })
    }

    /// Removes a subscription. Normally no attempt begins once this has answered.
    /// But an attempt that takes more than three seconds longer may still finish,
    /// and an instance that was about to deliver the first record may still begin
    /// within a second.
    pub async fn delete(
        &self,
        id: &str,
        condition: Condition<'_>,
        grant: &Grant,
    ) -> Result<(), AccessError> {
        let subscription = self.context.registry.get(id, Duration::ZERO).await?;
        may_see(&subscription, grant)?;
        if !condition.holds(Some(&subscription.version.to_string())) {
            return Err(changed().into());
        }
        making::remove(&self.context, id).await?;
        let change = Change { kind: KIND, name: id, what: "removed", fields: "" };
        change.report(&self.context.host);
        Ok(())
    }

    pub(super) fn view(&self, subscription: &Subscription) -> SubscriptionView {
        SubscriptionView::of(subscription, &self.context.host, &self.context.keys)
    }
}

pub(super) fn live(subscription: &Subscription) -> Result<()> {
    match subscription.is_live() {
        true => Ok(()),
        false => Err(ErrorKind::UnknownSubscription(subscription.id.clone()).into()),
    }
}

pub(super) fn changed() -> Error {
    ErrorKind::Changed("The subscription is not in the version that was named".into()).into()
}

fn json_of(json: &[u8]) -> Result<Value> {
    kafka_edge_json::from_slice(json).map_err(|error| Error::of_json(&error, "body"))
}

/// An id that a caller gives: of the same form as those that the gateway makes.
pub(super) fn check_id(id: &str) -> Result<()> {
    let lawful = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let own = id.strip_prefix("webhook_").unwrap_or_default();
    match (1..=64).contains(&own.len()) && own.bytes().all(lawful) {
        true => Ok(()),
        false => {
            let sentence = "An id is webhook_ and up to 64 letters, digits, _ and -";
            Err(refused("id", sentence))
        }
    }
}
