//! Subscriptions as entries of a document. They keep their ids, and so their deliveries keep
//! their `webhook-id`s. Keys of `v1a` never leave the gateway: those of a new subscription are
//! made anew.
//!
//! Whether one is paused is a part of its set-up. That the gateway has disabled it is not: it
//! is what the gateway has found out about the callback.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::administration::check_id;
use super::changing::{Admitted, admit, next, replace};
use super::keys::{Keys, new_seed, owner};
use super::making::{self, Made};
use super::registry::check_size;
use super::settings::{Scheme, Settings};
use super::subscription::{State, Subscription};
use super::{Subscriptions, callback, check, view};
use crate::access::Grant;
use crate::config::DeliveriesConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::secrets::{MASK, StoredSecret};
use crate::services::condition::Condition;
use crate::services::configuration::{Entry, Given, Kind, Run, Taken, What, failed};

/// What an entry says beside the settings that callers give.
const PAUSED: &str = "paused";
const LEGACY: &str = "legacy";

fn mask() -> StoredSecret {
    StoredSecret::Plain(MASK.into())
}

/// The settings as a document has them.
fn shown(settings: &Settings, paused: bool, legacy: bool) -> String {
    let mut json = view::masked(settings).to_json();
    for name in [(PAUSED, paused), (LEGACY, legacy)].iter().filter(|flag| flag.1) {
        json.truncate(json.len() - 1);
        json.push_str(&format!(",\"{}\":true}}", name.0));
    }
    json
}

fn shown_of(subscription: &Subscription) -> String {
    let is_paused = matches!(subscription.state, State::Paused { .. });
    shown(&subscription.settings, is_paused, subscription.legacy)
}

/// A subscription as it is given.
struct Wanted {
    /// With a mask in place of each secret, that of `v1` included.
    settings: Settings,
    paused: bool,
    legacy: bool,
}

impl Wanted {
    fn read(given: &Given, config: &DeliveriesConfig) -> Result<Self> {
        check_id(&given.name)?;
        let mut json = given.value()?;
        let mut flag = |name: &'static str| {
            let flag = json.as_object_mut().and_then(|members| members.remove(name));
            match flag {
                None => Ok(false),
                Some(Value::Bool(flag)) => Ok(flag),
                Some(_) => Err(check::refused(name, "Neither true nor false")),
            }
        };
        let (paused, legacy) = (flag(PAUSED)?, flag(LEGACY)?);
        let mut settings = check::parse(json)?;
        settings.secret.get_or_insert_with(mask);
        if settings.secrets().any(|secret| *secret != mask()) {
            let sentence =
                "A document has masks in place of secrets, and these beside the settings";
            return Err(Error::invalid("settings", sentence));
        }
        if given.secrets.as_ref().is_some_and(|given| given.len() != settings.secrets().count()) {
            return Err(Error::invalid("secrets", "Not one secret for each mask"));
        }
        check::check(&settings, config)?;
        // The form in which it is stored.
        if let Ok(callback) = callback::check(&settings.callback_url, config) {
            settings.callback_url = callback.url;
        }
        Ok(Self { settings, paused, legacy })
    }

    /// The settings with those secrets of the document that a subscription does not have
    /// itself, and whether there are any.
    fn with_secrets(&self, given: &Given, before: Option<&Subscription>) -> (Settings, bool) {
        let mut settings = self.settings.clone();
        let own = before.and_then(|before| before.keys.secrets().next());
        let auth = before.and_then(|before| view::known_auth(&before.settings, &settings));
        let has = [own, auth].map(|known| known.is_some_and(|known| !known.is_missing()));
        let mut is_given = false;
        let given = given.secrets.iter().flatten();
        for ((secret, given), has) in settings.secrets_mut().zip(given).zip(has) {
            if !has {
                *secret = StoredSecret::Plain(given.clone());
                is_given = true;
            }
        }
        (settings, is_given)
    }
}

impl<H: Host, L: Log> Subscriptions<H, L> {
    /// The subscription of this id. One that is being made or removed is in the way.
    async fn known(&self, id: &str) -> Result<Option<Rc<Subscription>>> {
        match self.context.registry.find(id, Duration::ZERO).await? {
            Some(known) if !known.is_live() => Err(ErrorKind::NameTaken(
                "A subscription of this id is being made or removed".into(),
            )
            .into()),
            known => Ok(known),
        }
    }

    /// A new subscription with the secrets of a document, or with none.
    async fn planned(&self, given: &Given, wanted: &Wanted) -> Result<Subscription> {
        let context = &*self.context;
        let (host, keys, id) = (&context.host, &context.keys, &*given.name);
        let (mut settings, is_given) = wanted.with_secrets(given, None);
        check::check(&settings, &context.config)?;
        let own = match settings.secret.take() {
            Some(StoredSecret::Plain(secret)) if is_given => {
                keys.seal(host, &owner(id), &secret)?
            }
            _ => StoredSecret::missing(),
        };
        let admitted = admit(context, settings, None, &Grant::open()).await.map_err(failed)?;
        let Admitted { mut settings, starts, granted } = admitted;
        let mut own = Keys::of(own);
        if settings.sign.contains(&Scheme::V1a) {
            own.set_seed(Some(new_seed(id, host, keys)?));
        }
        match is_given {
            true => settings = view::sealed(settings, None, id, host, keys)?,
            false => settings.secrets_mut().for_each(|secret| *secret = StoredSecret::missing()),
        }
        let mut new = Subscription::new(id.to_owned(), settings, own, host.now());
        (new.starts, new.granted, new.legacy) = (starts, granted, wanted.legacy);
        if wanted.paused {
            new.state = State::Paused { since: host.now() };
        }
        check_size(&new)?;
        Ok(new)
    }

    async fn create_given(&self, given: &Given, wanted: &Wanted, run: Run<'_>) -> Result<Taken> {
        let context = &*self.context;
        let new = self.planned(given, wanted).await?;
        let taken = Taken { what: What::Create, needs_secret: new.lacks_secret() };
        let in_the_way = || {
            let sentence = "This callback has a subscription of another id on the topic";
            ErrorKind::NameTaken(sentence.into())
        };
        if run.is_dry() {
            return match making::has_twin(context, &new).await? {
                true => Err(in_the_way().into()),
                false => Ok(taken),
            };
        }
        let Made { subscription, .. } = making::make(context, new).await?;
        if subscription.id != given.name {
            return Err(in_the_way().into());
        }
        subscription.report(None, &context.host);
        Ok(taken)
    }

    async fn replace_given(
        &self,
        before: &Subscription,
        settings: Settings,
        paused: bool,
        run: Run<'_>,
    ) -> Result<Taken> {
        let (context, grant, id) = (&*self.context, Grant::open(), &*before.id);
        let after = if run.is_dry() {
            let admitted = admit(context, settings, Some(before), &grant).await.map_err(failed)?;
            let after = next(context, before, admitted)?;
            check_size(&after)?;
            Rc::new(after)
        } else {
            let json = settings.to_value();
            let json = |_: &Subscription| Ok(json.clone());
            let changed = replace(context, id, Condition::None, &grant, &json).await;
            let changed = changed.map_err(failed)?;
            let set = match (&changed.state, paused) {
                (State::Active, true) => Some(self.pause(id, &grant).await),
                (State::Paused { .. }, false) => Some(self.resume(id, &grant).await),
                _ => None,
            };
            set.transpose().map_err(failed)?;
            changed
        };
        Ok(Taken { what: What::Replace, needs_secret: after.lacks_secret() })
    }
}

impl<H: Host, L: Log> Kind for Subscriptions<H, L> {
    fn name(&self) -> &'static str {
        "subscription"
    }

    fn names(&self) -> LocalBoxFuture<'_, Result<Vec<String>>> {
        Box::pin(async {
            let (registry, mut names) = (&self.context.registry, Vec::new());
            for page in 0..registry.pages(Duration::ZERO).await? {
                names.extend(registry.page(page).await?.names().cloned());
            }
            Ok(names)
        })
    }

    fn get<'a>(
        &'a self,
        name: &'a str,
        with_secrets: bool,
    ) -> LocalBoxFuture<'a, Result<Option<Entry>>> {
        Box::pin(async move {
            let found = self.context.registry.find(name, Duration::ZERO).await?;
            let Some(subscription) = found.filter(|found| found.is_live()) else { return Ok(None) };
            let own = subscription.keys.secrets().take(1);
            let all = own.chain(subscription.settings.secrets()).filter(|_| with_secrets);
            // One whose key is gone is as good as missing.
            let secrets = all.map(|secret| self.context.keys.open(&owner(name), secret).ok());
            Ok(Some(Entry { settings: shown_of(&subscription), secrets: secrets.collect() }))
        })
    }

    fn take<'a>(&'a self, given: &'a Given, run: Run<'a>) -> LocalBoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            let wanted = Wanted::read(given, &self.context.config)?;
            let Some(before) = self.known(&given.name).await? else {
                return self.create_given(given, &wanted, run).await;
            };
            let (settings, is_given) = wanted.with_secrets(given, Some(&before));
            let is_paused = match &before.state {
                State::Active => false,
                State::Paused { .. } => true,
                State::Disabled { .. } => wanted.paused,
            };
            let is_same = is_paused == wanted.paused
                && view::masked(&before.settings) == view::masked(&wanted.settings);
            if is_same && !is_given {
                let needs_secret = before.lacks_secret();
                return Ok(Taken { what: What::Unchanged, needs_secret });
            }
            self.replace_given(&before, settings, wanted.paused, run).await
        })
    }
}
