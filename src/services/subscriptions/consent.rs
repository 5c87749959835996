//! Asks a callback whether it wants to be called: the handshake of *HTTP 1.1 Web Hooks for
//! Event Delivery* (CloudEvents), section 4.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};

use super::check::refused;
use super::context::DeliveryContext;
use super::settings::{Consent, Settings};
use crate::callers_url::CallersUrl;
use crate::deadline::within;
use crate::error::Result;
use crate::host::{Host, Outgoing};

const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The requests in a minute that are asked for where the settings name no rate.
const DEFAULT_RATE: u32 = 600;

/// What a callback has granted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Granted {
    /// Requests in a minute; `None`: as many as come, or it did not say.
    pub(super) rate: Option<u32>,
}

/// Asks, if the settings say so. A callback that refuses, or does not answer the question,
/// is refused where consent is required.
pub(super) async fn ask<H: Host, L>(
    context: &DeliveryContext<H, L>,
    settings: &Settings,
    callback: &CallersUrl,
) -> Result<Granted> {
    if settings.consent == Consent::Off {
        return Ok(Granted::default());
    }
    let Some(origin) = &context.config.origin else {
        let sentence = "The callback is told who asks: set the variable public_url";
        return Err(refused("consent", sentence));
    };
    let rate = settings.rate.map_or(DEFAULT_RATE, |rate| rate.saturating_mul(60));
    let mut headers = HeaderMap::new();
    for (name, value) in
        [("webhook-request-origin", origin.clone()), ("webhook-request-rate", rate.to_string())]
    {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
    let limit = TIME_LIMIT.min(context.config.timeout);
    let question = Outgoing {
        method: Method::OPTIONS,
        uri: callback.uri.clone(),
        headers,
        body: Bytes::new(),
        connect_timeout: context.config.connect_timeout.min(limit),
        read_timeout: limit,
    };
    let answer = within(&context.host, limit, context.host.send(question)).await;
    let granted = match answer {
        Some(Ok(answer)) if answer.status.is_success() => judge(&answer.headers, origin),
        Some(Ok(answer)) => Err(format!("it answered {}", answer.status.as_u16())),
        Some(Err(_)) | None => Err("it gave no answer".to_owned()),
    };
    match (granted, settings.consent) {
        (Ok(granted), _) => Ok(granted),
        (Err(_), Consent::Preferred | Consent::Off) => Ok(Granted::default()),
        (Err(why), Consent::Required) => {
            Err(refused("consent", format!("The callback has not consented: {why}")))
        }
    }
}

/// What the headers of an answer say.
fn judge(headers: &HeaderMap, origin: &str) -> Result<Granted, String> {
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    match header("webhook-allowed-origin") {
        None => return Err("its answer has no webhook-allowed-origin".into()),
        Some(allowed) if allowed != "*" && !allowed.eq_ignore_ascii_case(origin) => {
            return Err("its webhook-allowed-origin is another one".into());
        }
        Some(_) => {}
    }
    let rate = match header("webhook-allowed-rate") {
        None | Some("*") => None,
        Some(rate) => match rate.parse() {
            Ok(rate) if rate > 0 => Some(rate),
            _ => return Err("its webhook-allowed-rate is no number from 1 on".into()),
        },
    };
    Ok(Granted { rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(given: &[(&'static str, &'static str)]) -> Option<Option<u32>> {
        let headers = given.iter().map(|(name, value)| {
            (http::HeaderName::from_static(name), HeaderValue::from_static(value))
        });
        judge(&headers.collect(), "gateway.example").ok().map(|granted| granted.rate)
    }

    #[test]
    fn a_callback_consents_by_naming_the_origin_and_may_limit_the_rate() {
        let (origin, rate) = ("webhook-allowed-origin", "webhook-allowed-rate");
        assert_eq!(judged(&[(origin, "gateway.example"), (rate, "120")]), Some(Some(120)));
        assert_eq!(judged(&[(origin, "Gateway.Example")]), Some(None));
        assert_eq!(judged(&[(origin, "*"), (rate, "*")]), Some(None));
        for refused in [
            &[(rate, "120")][..],
            &[(origin, "other.example")],
            &[(origin, "*"), (rate, "0")],
            &[(origin, "*"), (rate, "many")],
            &[],
        ] {
            assert_eq!(judged(refused), None, "{refused:?}");
        }
    }
}
