//! A subscription made ready for a turn: its secrets opened, its expressions compiled.

use std::rc::Rc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::allowance::longest_attempt;
use super::attempt::{AttemptFailure, Destination, MAX_CALLS};
use super::callback;
use super::context::DeliveryContext;
use super::keys::owner;
use super::settings::{Auth, ClientCredentials, Order, Settings};
use super::shaping::Shaping;
use super::subscription::Subscription;
use super::token::Client;
use crate::host::Host;

pub(super) struct Prepared {
    pub(super) subscription: Rc<Subscription>,
    /// `None` if the expressions cannot be compiled any more.
    pub(super) shaping: Option<Shaping>,
    /// The callback's address is checked again: the configuration may have become stricter
    /// since the registration.
    pub(super) to: Result<Destination, AttemptFailure>,
    /// For a whole attempt.
    pub(super) timeout: Duration,
    pub(super) order: Order,
    /// How many attempts may be under way at once.
    pub(super) at_once: usize,
}

impl Prepared {
    pub(super) fn of<H: Host, L>(
        context: &DeliveryContext<H, L>,
        subscription: Rc<Subscription>,
    ) -> Self {
        let settings = &subscription.settings;
        let wanted = settings.timeout.and_then(|time| Duration::try_from_secs_f64(time).ok());
        let timeout = wanted.map_or(context.config.timeout, |time| {
            time.clamp(Duration::from_millis(1), context.config.longest_timeout)
        });
        let most = context.wall_time().map(longest_attempt);
        let timeout = most.map_or(timeout, |most| timeout.min(most));
        let is_batch = settings.body.is_batch();
        let order = if is_batch { Order::Partition } else { settings.order };
        let at_once = match order {
            Order::Partition => 1,
            Order::Key | Order::None => settings.concurrency.clamp(1, MAX_AT_ONCE) as usize,
        };
        let shaping = Shaping::of(settings).ok();
        let to = destination(context, &subscription);
        Self { subscription, shaping, to, timeout, order, at_once }
    }

    /// How many requests an attempt may send.
    pub(super) fn calls(&self) -> u32 {
        let has_token = self.to.as_ref().is_ok_and(|to| to.oauth2.is_some());
        if has_token { MAX_CALLS } else { 1 }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.subscription.settings
    }
}

/// The most requests that one turn may have under way.
pub(super) const MAX_AT_ONCE: u32 = 100;

fn destination<H: Host, L>(
    context: &DeliveryContext<H, L>,
    subscription: &Subscription,
) -> Result<Destination, AttemptFailure> {
    let DeliveryContext { host, config, keys, .. } = context;
    let Subscription { id, settings, keys: own, version, .. } = subscription;
    let callback = callback::check(&settings.callback_url, config)
        .map_err(|_| AttemptFailure::new("The callback's URL is no longer allowed"))?;
    let signer = own.signer(id, keys, host.now());
    let signer = signer.map_err(|error| AttemptFailure::new(error.to_string()))?;
    let unsendable = || AttemptFailure::new("One of the webhook's own headers cannot be sent");
    let mut headers = HeaderMap::new();
    for (name, value) in &settings.headers {
        let name = HeaderName::try_from(name.as_str()).map_err(|_| unsendable())?;
        headers.insert(name, HeaderValue::try_from(value.as_str()).map_err(|_| unsendable())?);
    }
    let open = |secret| {
        let secret = keys.open(&owner(id), secret);
        secret.map_err(|error| AttemptFailure::new(error.to_string()))
    };
    let secret_value = |text: String| {
        let mut value = HeaderValue::try_from(text).map_err(|_| unsendable())?;
        value.set_sensitive(true);
        Ok::<_, AttemptFailure>(value)
    };
    let mut oauth2 = None;
    match &settings.auth {
        None => {}
        Some(Auth::Basic { user, password }) => {
            let pair = STANDARD.encode(format!("{user}:{}", open(password)?));
            headers.insert(AUTHORIZATION, secret_value(format!("Basic {pair}"))?);
        }
        Some(Auth::Bearer(token)) => {
            headers.insert(AUTHORIZATION, secret_value(format!("Bearer {}", open(token)?))?);
        }
        Some(Auth::Header { name, value }) => {
            let name = HeaderName::try_from(name.as_str()).map_err(|_| unsendable())?;
            headers.insert(name, secret_value(open(value)?)?);
        }
        Some(Auth::Oauth2(client)) => {
            let ClientCredentials { token_url, client_id, client_secret, scope, audience } = client;
            oauth2 = Some(Client {
                name: format!("{id}/{version}"),
                token_url: token_url.clone(),
                client_id: client_id.clone(),
                client_secret: open(client_secret)?,
                scope: scope.clone(),
                audience: audience.clone(),
            });
        }
    }
    Ok(Destination { uri: callback.uri, signer, headers, oauth2 })
}
