//! What a caller sets a subscription to. The same form is stored, with its secrets
//! encrypted, and answered, with its secrets masked.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::secrets::StoredSecret;
use crate::sorted::SortedMap;

/// How long deliveries may fail, and nothing but fail, before a subscription is disabled:
/// 5 days, in seconds.
const DISABLE_AFTER: u64 = 5 * 24 * 60 * 60;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Names of topics, and beginnings of names with a `*`.
    pub topics: Vec<String>,
    pub callback_url: String,
    /// Where each partition begins that exists when the subscription is made, or when its
    /// topic is added.
    #[serde(default, skip_serializing_if = "is_default")]
    pub from: Start,
    /// Records for which this is false or null are not delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// What this gives is delivered in place of the value: nothing filters the record out,
    /// and several values are one delivery of their array.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transform: Option<String>,
    /// What is done with a record that the filter or the transform fails on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub on_error: OnError,
    #[serde(default, skip_serializing_if = "is_default")]
    pub body: Body,
    /// How records are gathered, where the body holds several.
    #[serde(default, skip_serializing_if = "is_default")]
    pub batch: Batch,
    #[serde(default = "v1", skip_serializing_if = "is_v1")]
    pub sign: Vec<Scheme>,
    /// The key that signs by `v1`, if the caller has chosen one: `whsec_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<StoredSecret>,
    /// Headers that each request carries beside the gateway's own.
    #[serde(default, skip_serializing_if = "SortedMap::is_empty")]
    pub headers: SortedMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<Auth>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub order: Order,
    /// How many requests may be under way at once in each partition, where the order lets
    /// them.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub concurrency: u32,
    /// Requests in a second, counted in each instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// For a whole attempt, in seconds; without it, the gateway's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<f64>,
    /// The age in seconds from which on a record is not tried any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<u64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub retry: Retry,
    #[serde(default, skip_serializing_if = "is_default")]
    pub exhausted: Exhausted,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// For how many seconds deliveries may do nothing but fail before the subscription is
    /// disabled. `null`: it never is.
    #[serde(default = "disable_after", skip_serializing_if = "is_disable_after")]
    pub disable_after: Option<u64>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub consent: Consent,
}

impl Settings {
    /// The defaults, for this callback and no topics.
    pub(super) fn of(callback_url: String) -> Self {
        Self {
            topics: Vec::new(),
            callback_url,
            from: Start::default(),
            filter: None,
            transform: None,
            on_error: OnError::default(),
            body: Body::default(),
            batch: Batch::default(),
            sign: v1(),
            secret: None,
            headers: SortedMap::new(),
            auth: None,
            order: Order::default(),
            concurrency: one(),
            rate: None,
            timeout: None,
            max_age: None,
            retry: Retry::default(),
            exhausted: Exhausted::default(),
            breaker: None,
            disable_after: disable_after(),
            consent: Consent::default(),
        }
    }
}

impl Settings {
    /// In the form in which callers give them.
    pub(super) fn to_json(&self) -> String {
        // Nothing in settings can fail to be written.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The same, by the one writer of settings that there is: serde_json has another for values.
    pub(super) fn to_value(&self) -> Value {
        kafka_edge_json::from_str(&self.to_json()).unwrap_or_default()
    }

    /// All secrets in it, which are encrypted where they are stored.
    pub(super) fn secrets(&self) -> impl Iterator<Item = &StoredSecret> {
        let auth = self.auth.as_ref().map(|auth| match auth {
            Auth::Basic { password: secret, .. }
            | Auth::Bearer(secret)
            | Auth::Header { value: secret, .. } => secret,
            Auth::Oauth2(credentials) => &credentials.client_secret,
        });
        self.secret.iter().chain(auth)
    }

    pub(super) fn secrets_mut(&mut self) -> impl Iterator<Item = &mut StoredSecret> {
        let auth = self.auth.as_mut().map(|auth| match auth {
            Auth::Basic { password: secret, .. }
            | Auth::Bearer(secret)
            | Auth::Header { value: secret, .. } => secret,
            Auth::Oauth2(credentials) => &mut credentials.client_secret,
        });
        self.secret.iter_mut().chain(auth)
    }
}

/// Where a partition begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// With the records that are written from now on.
    #[default]
    Latest,
    Earliest,
    /// In each partition.
    Offset(i64),
    /// With the first record of this time (RFC 3339) or later.
    Time(String),
}

/// What is done with a record that an expression fails on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnError {
    /// What is done with one whose schedule is used up.
    #[default]
    Exhaust,
    /// It is delivered as it is.
    Pass,
    /// It is not delivered, and counted.
    Skip,
    /// It is written to this topic.
    DeadLetter(String),
}

/// What a request's body holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// The record in a JSON object.
    #[default]
    Envelope,
    /// An array of such objects.
    Envelopes,
    /// The value's bytes.
    Value,
    /// A CloudEvent in its binary mode.
    CloudeventsBinary,
    CloudeventsStructured,
    CloudeventsBatch,
}

impl Body {
    /// Whether one request may carry several records.
    pub fn is_batch(self) -> bool {
        matches!(self, Self::Envelopes | Self::CloudeventsBatch)
    }
}

/// A batch is sent when one of these is reached.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Batch {
    pub records: u32,
    /// Of the request's body.
    pub bytes: u32,
    /// How old its first record is, in seconds; 0: what is there is sent at once.
    pub age: f64,
}

impl Default for Batch {
    fn default() -> Self {
        Self { records: 100, bytes: 256 * 1024, age: 0.0 }
    }
}

/// How requests are signed, by Standard Webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scheme {
    /// HMAC-SHA256 with a secret that the receiver shares.
    V1,
    /// Ed25519 with a key whose public half the receiver knows.
    V1a,
}

/// How the gateway identifies itself to the callback.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    Basic { user: String, password: StoredSecret },
    Bearer(StoredSecret),
    Header { name: String, value: StoredSecret },
    Oauth2(ClientCredentials),
}

/// OAuth 2.0's client credentials grant (RFC 6749, section 4.4).
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientCredentials {
    pub token_url: String,
    pub client_id: String,
    pub client_secret: StoredSecret,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Auth(…)")
    }
}

impl fmt::Debug for ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientCredentials(…)")
    }
}

/// Which records wait for which.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// A record waits for all before it in its partition.
    #[default]
    Partition,
    /// A record waits for those of the same key before it.
    Key,
    None,
}

/// When a failed record is tried again: by a list of delays, or by growing ones.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// In seconds: one attempt, and one more after each.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delays: Option<Vec<f64>>,
    /// In place of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exponential: Option<Exponential>,
    /// By which part of itself a delay is spread: 0 to 1.
    pub jitter: f64,
}

/// The delays of who gives none, in seconds. Each is at least twice the one before it, so
/// that delays grow in spite of the jitter.
pub const DELAYS: [f64; 7] = [1.0, 5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0];

impl Default for Retry {
    fn default() -> Self {
        Self { delays: None, exponential: None, jitter: 0.25 }
    }
}

/// Each delay is the one before times `factor`, and none is above `cap`; in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exponential {
    pub first: f64,
    #[serde(default = "two")]
    pub factor: f64,
    pub cap: f64,
    /// Of all attempts.
    pub attempts: u32,
}

/// What becomes of a record whose schedule is used up, or that is too old.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exhausted {
    /// It is tried on, at the longest delay, and those behind it wait.
    #[default]
    Wait,
    /// It is passed over, and counted.
    Skip,
    /// It is written to this topic.
    DeadLetter(String),
}

/// When a callback is left alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Breaker {
    /// So many failures in a row open it.
    pub failures: u32,
    /// In seconds, until one request is tried.
    pub cooldown: f64,
}

/// The handshake of *HTTP 1.1 Web Hooks for Event Delivery* (CloudEvents), section 4.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consent {
    #[default]
    Off,
    /// A callback that does not answer it is taken all the same.
    Preferred,
    Required,
}

fn v1() -> Vec<Scheme> {
    vec![Scheme::V1]
}

fn is_v1(schemes: &[Scheme]) -> bool {
    schemes == [Scheme::V1]
}

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_one(number: &u32) -> bool {
    *number == 1
}

fn two() -> f64 {
    2.0
}

#[allow(clippy::unnecessary_wraps)]
fn disable_after() -> Option<u64> {
    Some(DISABLE_AFTER)
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_disable_after(seconds: &Option<u64>) -> bool {
    *seconds == disable_after()
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_given_is_the_default_and_defaults_are_not_written() {
        let least = r#"{"topics":["orders"],"callback_url":"https://example.com/hook"}"#;
        let settings: Settings = serde_json::from_str(least).unwrap();
        assert_eq!(serde_json::to_string(&settings).unwrap(), least);
        assert_eq!(settings.retry, Retry::default());
        assert_eq!(settings.disable_after, Some(432_000));
    }

    #[test]
    fn everything_can_be_given() {
        let all = r#"{"topics":["orders","audit.*"],"callback_url":"https://example.com/hook",
            "from":{"time":"2026-01-01T00:00:00Z"},"filter":".total > 100","transform":".id",
            "on_error":{"dead_letter":"odd"},"body":"cloudevents-batch",
            "batch":{"records":10,"bytes":1000,"age":1.5},"sign":["v1","v1a"],
            "headers":{"x-tenant":"7"},"order":"key","concurrency":4,"rate":50,"timeout":10.0,
            "max_age":86400,"retry":{"delays":[0.5,60.0],"jitter":0.2},
            "exhausted":{"dead_letter":"orders.undelivered"},
            "breaker":{"failures":5,"cooldown":30.0},"disable_after":null,"consent":"required"}"#;
        let settings: Settings = serde_json::from_str(all).unwrap();
        let written = serde_json::to_value(&settings).unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(all).unwrap());
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for odd in [
            r#"{"topics":[],"callback_url":"","colour":"red"}"#,
            r#"{"topics":[],"callback_url":"","retry":{"delay":[1]}}"#,
            r#"{"topics":[],"callback_url":"","body":"raw"}"#,
        ] {
            assert!(serde_json::from_str::<Settings>(odd).is_err(), "{odd}");
        }
    }
}
