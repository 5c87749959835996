//! A subscription as callers see it.

use serde::Serialize;

use super::keys::owner;
use super::settings::{Auth, Settings};
use super::subscription::{State, Subscription};
use crate::error::{Error, Result};
use crate::host::{Clock, Millis};
use crate::render::timestamp;
use crate::secrets::{MASK, SecretKeys, StoredSecret};

/// Everything that a caller has set, with secrets masked, and what the gateway adds.
#[derive(Debug, Clone, PartialEq)]
pub struct SubscriptionView {
    pub id: String,
    pub settings: Settings,
    pub created: Millis,
    pub status: Status,
    /// The public keys of `v1a`, `whpk_…`, the current one first.
    pub public_keys: Vec<String>,
    /// Until when the secret before the current one signs, too.
    pub overlap: Option<Millis>,
    /// The requests in a minute that the callback has granted.
    pub granted: Option<u32>,
    /// The key of one of its secrets is not there any more.
    pub secret_gone: bool,
    /// The version of the settings, for a change on condition of it.
    pub tag: String,
}

/// Whether a subscription is delivered to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `active`, `paused` or `disabled`.
    pub state: &'static str,
    pub since: Option<Millis>,
    /// Why the gateway has disabled it.
    pub why: Option<String>,
}

impl From<&State> for Status {
    fn from(state: &State) -> Self {
        let (state, since, why) = match state {
            State::Active => ("active", None, None),
            State::Paused { since } => ("paused", Some(*since), None),
            State::Disabled { since, why } => ("disabled", Some(*since), Some(why.clone())),
        };
        Self { state, since, why }
    }
}

impl SubscriptionView {
    pub(super) fn of(subscription: &Subscription, clock: &impl Clock, keys: &SecretKeys) -> Self {
        let now = clock.now();
        let own = &subscription.keys;
        let mut sealed = own.secrets().chain(subscription.settings.secrets());
        Self {
            id: subscription.id.clone(),
            settings: masked(&subscription.settings),
            created: subscription.created,
            status: (&subscription.state).into(),
            public_keys: own.public(now).into_iter().map(str::to_owned).collect(),
            overlap: own.overlap(now),
            granted: subscription.granted,
            secret_gone: !sealed.all(|secret| keys.has_key_of(secret)),
            tag: subscription.version.to_string(),
        }
    }

    /// The same with the secret of `v1` in place of its mask.
    #[must_use]
    pub fn with_secret(&self, secret: &str) -> Self {
        let mut told = self.clone();
        told.settings.secret = Some(StoredSecret::Plain(secret.to_owned()));
        told
    }

    /// The settings and what is known beside them as one JSON object.
    pub fn to_json(&self) -> String {
        let settings = self.settings.to_json();
        let mut json = "{}".to_owned();
        add(&mut json, "id", &self.id);
        json.truncate(json.len() - 1);
        json.push(',');
        json.push_str(&settings[1..]);
        add(&mut json, "created", &timestamp(self.created));
        add(&mut json, "state", &self.status.state);
        for (name, time) in [("since", self.status.since), ("secret_overlaps_until", self.overlap)]
        {
            if let Some(time) = time {
                add(&mut json, name, &timestamp(time));
            }
        }
        if let Some(why) = &self.status.why {
            add(&mut json, "why", why);
        }
        if !self.public_keys.is_empty() {
            add(&mut json, "public_keys", &self.public_keys);
        }
        if let Some(granted) = self.granted {
            add(&mut json, "granted_rate", &granted);
        }
        if self.secret_gone {
            add(&mut json, "secret_gone", &true);
        }
        json
    }
}

/// Adds a member to an object. What serde derives for the settings is large, so that what
/// is known beside them is put behind the text.
pub fn add(json: &mut String, name: &str, value: &(impl Serialize + ?Sized)) {
    let value = serde_json::to_string(value).unwrap_or_default();
    json.truncate(json.len() - 1);
    let comma = if json.len() > 1 { "," } else { "" };
    json.push_str(&format!("{comma}\"{name}\":{value}}}"));
}

/// The settings as callers see them.
pub(super) fn masked(settings: &Settings) -> Settings {
    let mut masked = settings.clone();
    masked.secret = Some(StoredSecret::Plain(MASK.into()));
    masked.secrets_mut().for_each(|secret| *secret = StoredSecret::Plain(MASK.into()));
    masked
}

/// The settings as they are to be stored, but for the secret of `v1`. A mask stands for
/// the secret that is there, as long as that is sent to the same host.
pub(super) fn sealed(
    mut settings: Settings,
    before: Option<&Settings>,
    id: &str,
    clock: &impl Clock,
    keys: &SecretKeys,
) -> Result<Settings> {
    let known = before.and_then(|before| known_auth(before, &settings));
    let kept = settings.secret.take();
    for secret in settings.secrets_mut() {
        *secret = match &*secret {
            StoredSecret::Plain(text) if text == MASK => {
                let known = known.ok_or_else(|| {
                    let sentence = "The mask stands for a secret that is not there, or that was \
                                    given for another host: give it again";
                    super::check::refused("auth", sentence)
                })?;
                // Written again, it is written under the first key.
                let renewed = keys.renewed(clock, &owner(id), known).map_err(Error::from)?;
                renewed.unwrap_or_else(|| known.clone())
            }
            StoredSecret::Plain(text) => keys.seal(clock, &owner(id), text)?,
            StoredSecret::Sealed { .. } => {
                return Err(super::check::refused("auth", "Not a secret"));
            }
        };
    }
    settings.secret = kept;
    Ok(settings)
}

/// The secret of its credentials that a subscription keeps when it is set to something else.
pub(super) fn known_auth<'a>(before: &'a Settings, now: &Settings) -> Option<&'a StoredSecret> {
    match sends_to(before) == sends_to(now) {
        true => same_kind(before.auth.as_ref()?, now.auth.as_ref()?),
        false => None,
    }
}

/// Whom the credentials go to.
fn sends_to(settings: &Settings) -> (Option<String>, Option<String>) {
    let host = |url: &str| {
        let uri: http::Uri = url.parse().ok()?;
        Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
    };
    let token = match &settings.auth {
        Some(Auth::Oauth2(client)) => host(&client.token_url),
        _ => None,
    };
    (host(&settings.callback_url), token)
}

/// The secret of the one, if the other is of the same kind.
fn same_kind<'a>(before: &'a Auth, now: &Auth) -> Option<&'a StoredSecret> {
    match (before, now) {
        (Auth::Basic { password: secret, .. }, Auth::Basic { .. })
        | (Auth::Bearer(secret), Auth::Bearer(_))
        | (Auth::Header { value: secret, .. }, Auth::Header { .. }) => Some(secret),
        (Auth::Oauth2(before), Auth::Oauth2(_)) => Some(&before.client_secret),
        _ => None,
    }
}
