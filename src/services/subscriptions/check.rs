//! Checks what a caller sets a subscription to. Each error names its field.

use http::{HeaderName, HeaderValue};
use serde_json::Value;

use super::body::NO_CLOUD_EVENTS;
use super::callback;
use super::prepared::MAX_AT_ONCE;
use super::settings::{
    Auth, Batch, Body, Exhausted, OnError, Order, Retry, Scheme, Settings, Start,
};
use super::shaping::Shaping;
use super::signature::SigningSecret;
use crate::access::TopicPattern;
use crate::calendar;
use crate::config::DeliveriesConfig;
use crate::error::{Error, ErrorKind, Result};
use crate::names;
use crate::record_headers;
use crate::secrets::{MASK, StoredSecret};
use crate::sorted::SortedMap;

const MAX_TOPICS: usize = 50;
const MAX_HEADERS: usize = 32;
const MAX_TEXT: usize = 1_024;
const MAX_SECRET: usize = 4_096;
const MAX_RATE: u32 = 10_000;
/// In seconds, as all times here.
const MAX_DELAY: f64 = 86_400.0;
const MAX_DELAYS: usize = 100;
const MAX_ATTEMPTS: u32 = 1_000;
const MAX_FACTOR: f64 = 100.0;
const DAYS_30: u64 = 30 * 86_400;
const MAX_BATCH_RECORDS: u32 = 500;
const BATCH_BYTES: std::ops::RangeInclusive<u32> = 1_024..=1024 * 1024;

/// Headers of a request that are the gateway's own, and those of the connection.
const OWN_HEADERS: [&str; 19] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "date",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "accept-encoding",
    "http2-settings",
];
const OWN_BEGINNINGS: [&str; 4] = ["webhook-", "ce-", "proxy-", "svix-"];

pub(super) fn refused(field: impl Into<String>, sentence: impl Into<String>) -> Error {
    ErrorKind::Unprocessable { field: field.into(), sentence: sentence.into() }.into()
}

/// The settings in a caller's JSON. A member that is null counts as not given.
pub(super) fn parse(mut json: Value) -> Result<Settings> {
    if let Value::Object(members) = &mut json {
        let never = members.get("disable_after").is_some_and(|after| {
            // Where a patch removes what is null, 0 says the same.
            after.is_null() || *after == 0
        });
        members.retain(|_, value| !value.is_null());
        if never {
            members.insert("disable_after".into(), Value::Null);
        }
    }
    kafka_edge_json::from_value(&json)
        .map_err(|error| refused(error.place_or("body"), error.sentence()))
}

/// Checks everything but what others have to be asked for: the log, the caller's
/// permissions, the callback.
pub(super) fn check(settings: &Settings, config: &DeliveriesConfig) -> Result<()> {
    topics(settings)?;
    callback::check(&settings.callback_url, config)
        .map_err(|reason| refused("callback_url", format!("The URL {reason}")))?;
    start(&settings.from)?;
    signing(settings)?;
    headers(&settings.headers)?;
    if let Some(auth) = &settings.auth {
        credentials(auth, config)?;
    }
    order(settings)?;
    times(settings, config)?;
    retry(&settings.retry)?;
    for (field, topic) in dead_letters(settings) {
        names::check_topic(topic).map_err(|_| refused(field, "Not the name of a topic"))?;
        let is_own = |pattern: &String| {
            TopicPattern::parse(pattern).is_some_and(|pattern| pattern.matches(topic))
        };
        if settings.topics.iter().any(is_own) {
            let sentence = "The subscription's own topics include it, so that what cannot be \
                            delivered would come again and again";
            return Err(refused(field, sentence));
        }
    }
    Shaping::of(settings).map(drop).map_err(|(field, sentence)| refused(field, sentence))
}

/// The topics for what cannot be delivered, with their fields.
pub(super) fn dead_letters(settings: &Settings) -> impl Iterator<Item = (&'static str, &str)> {
    let exhausted = match &settings.exhausted {
        Exhausted::DeadLetter(topic) => Some(("exhausted.dead_letter", &**topic)),
        _ => None,
    };
    let on_error = match &settings.on_error {
        OnError::DeadLetter(topic) => Some(("on_error.dead_letter", &**topic)),
        _ => None,
    };
    exhausted.into_iter().chain(on_error)
}

fn topics(settings: &Settings) -> Result<()> {
    let topics = &settings.topics;
    if topics.is_empty() || topics.len() > MAX_TOPICS {
        return Err(refused("topics", format!("Not a list of 1 to {MAX_TOPICS} topics")));
    }
    for (place, topic) in topics.iter().enumerate() {
        if TopicPattern::parse(topic).is_none() {
            let sentence = "Neither the name of a topic nor the beginning of one and a *";
            return Err(refused(format!("topics[{place}]"), sentence));
        }
        if topics[..place].contains(topic) {
            return Err(refused(format!("topics[{place}]"), "It is there twice"));
        }
    }
    Ok(())
}

fn start(start: &Start) -> Result<()> {
    match start {
        Start::Offset(offset) if *offset < 0 => Err(refused("from.offset", "An offset below zero")),
        Start::Time(time) if calendar::parse(time).is_none() => {
            let sentence = "Neither a time in RFC 3339 nor milliseconds since 1970";
            Err(refused("from.time", sentence))
        }
        _ => Ok(()),
    }
}

fn signing(settings: &Settings) -> Result<()> {
    let sign = &settings.sign;
    let is_twice = (1..sign.len()).any(|place| sign[..place].contains(&sign[place]));
    if sign.is_empty() || is_twice {
        return Err(refused("sign", "Not a list of v1, and v1a beside it"));
    }
    if !sign.contains(&Scheme::V1) {
        let sentence = "v1a is taken only beside v1: the libraries of receivers know v1 alone";
        return Err(refused("sign", sentence));
    }
    if sign.contains(&Scheme::V1a) && !cfg!(feature = "sources") {
        return Err(refused("sign", "This gateway was built without Ed25519"));
    }
    match &settings.secret {
        Some(StoredSecret::Plain(text)) if text == MASK => Ok(()),
        Some(StoredSecret::Plain(text)) if SigningSecret::parse(text).is_some() => Ok(()),
        Some(_) => Err(refused("secret", "Not whsec_ and 24 to 64 bytes in base64")),
        None => Ok(()),
    }
}

/// Whether a header of this name may be set by a caller; otherwise, why not.
fn header_name(name: &str) -> Result<(), &'static str> {
    let name = HeaderName::try_from(name).map_err(|_| "Not the name of a header")?;
    let name = name.as_str();
    let is_own = OWN_HEADERS.contains(&name)
        || OWN_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning));
    if is_own { Err("The gateway sets this header itself") } else { Ok(()) }
}

fn headers(headers: &SortedMap<String, String>) -> Result<()> {
    if headers.len() > MAX_HEADERS {
        return Err(refused("headers", format!("More than {MAX_HEADERS} headers")));
    }
    for (name, value) in headers {
        let field = || format!("headers.{name}");
        header_name(name).map_err(|sentence| refused(field(), sentence))?;
        if record_headers::is_credential(name) {
            let sentence = "It holds a credential, which is shown and stored as it is here: set \
                            auth, which has {\"header\":{\"name\":…,\"value\":…}}";
            return Err(refused(field(), sentence));
        }
        if value.len() > MAX_TEXT || !is_header_value(value) {
            return Err(refused(field(), "Not a value of a header"));
        }
    }
    Ok(())
}

fn is_header_value(value: &str) -> bool {
    HeaderValue::from_str(value).is_ok()
}

fn credentials(auth: &Auth, config: &DeliveriesConfig) -> Result<()> {
    let secret = |field: &str, secret: &StoredSecret| match secret {
        StoredSecret::Plain(text) if text.is_empty() || text.len() > MAX_SECRET => {
            Err(refused(field, format!("Not a text of 1 to {MAX_SECRET} bytes")))
        }
        StoredSecret::Plain(text) if !is_header_value(text) => {
            Err(refused(field, "It cannot stand in a header"))
        }
        StoredSecret::Plain(_) => Ok(()),
        // What looks sealed did not come from us, and would be opened under its name.
        StoredSecret::Sealed { .. } => Err(refused(field, "It cannot begin with \"sealed:\"")),
    };
    let short = |field: &str, text: &str| match text.is_empty() || text.len() > MAX_TEXT {
        true => Err(refused(field, format!("Not a text of 1 to {MAX_TEXT} bytes"))),
        false => Ok(()),
    };
    match auth {
        Auth::Basic { user, password } => {
            if user.len() > MAX_TEXT || user.contains(':') || user.contains(char::is_control) {
                let sentence = "A user's name holds neither colons nor control characters";
                return Err(refused("auth.basic.user", sentence));
            }
            secret("auth.basic.password", password)
        }
        Auth::Bearer(token) => secret("auth.bearer", token),
        Auth::Header { name, value } => {
            header_name(name).map_err(|sentence| refused("auth.header.name", sentence))?;
            secret("auth.header.value", value)
        }
        Auth::Oauth2(client) => {
            callback::check(&client.token_url, config)
                .map_err(|reason| refused("auth.oauth2.token_url", format!("The URL {reason}")))?;
            short("auth.oauth2.client_id", &client.client_id)?;
            secret("auth.oauth2.client_secret", &client.client_secret)?;
            client.scope.iter().try_for_each(|scope| short("auth.oauth2.scope", scope))?;
            let mut audience = client.audience.iter();
            audience.try_for_each(|audience| short("auth.oauth2.audience", audience))
        }
    }
}

fn order(settings: &Settings) -> Result<()> {
    number("concurrency", settings.concurrency, 1..=MAX_AT_ONCE)?;
    settings.rate.iter().try_for_each(|rate| number("rate", *rate, 1..=MAX_RATE))?;
    let Batch { records, bytes, age } = settings.batch;
    let is_batch = settings.body.is_batch();
    if settings.batch != Batch::default() && !is_batch {
        return Err(refused("batch", "The body holds a single record"));
    }
    number("batch.records", records, 1..=MAX_BATCH_RECORDS)?;
    number("batch.bytes", bytes, BATCH_BYTES)?;
    seconds("batch.age", age, 0.0, 3_600.0)?;
    if is_batch && settings.order != Order::Partition {
        return Err(refused("order", "Batches keep the order of their partition"));
    }
    let is_event = matches!(
        settings.body,
        Body::CloudeventsBinary | Body::CloudeventsStructured | Body::CloudeventsBatch
    );
    if is_event && !cfg!(feature = "sources") {
        return Err(refused("body", NO_CLOUD_EVENTS));
    }
    Ok(())
}

fn times(settings: &Settings, config: &DeliveriesConfig) -> Result<()> {
    if let Some(timeout) = settings.timeout {
        seconds("timeout", timeout, 0.1, config.longest_timeout.as_secs_f64())?;
    }
    let days = |field, time: Option<u64>, least| match time {
        Some(time) if !(least..=DAYS_30).contains(&time) => {
            Err(refused(field, format!("Not a number of seconds from {least} to {DAYS_30}")))
        }
        _ => Ok(()),
    };
    days("max_age", settings.max_age, 1)?;
    days("disable_after", settings.disable_after, 60)?;
    if let Some(breaker) = &settings.breaker {
        number("breaker.failures", breaker.failures, 1..=1_000)?;
        seconds("breaker.cooldown", breaker.cooldown, 1.0, MAX_DELAY)?;
    }
    Ok(())
}

fn retry(retry: &Retry) -> Result<()> {
    if !(0.0..=1.0).contains(&retry.jitter) {
        return Err(refused("retry.jitter", "Not a number from 0 to 1"));
    }
    if retry.delays.is_some() && retry.exponential.is_some() {
        return Err(refused("retry", "Either delays or exponential"));
    }
    let delays = retry.delays.as_deref().unwrap_or_default();
    if delays.len() > MAX_DELAYS {
        return Err(refused("retry.delays", format!("More than {MAX_DELAYS} delays")));
    }
    for (place, delay) in delays.iter().enumerate() {
        seconds(&format!("retry.delays[{place}]"), *delay, 0.0, MAX_DELAY)?;
    }
    if let Some(growing) = &retry.exponential {
        seconds("retry.exponential.cap", growing.cap, 0.001, MAX_DELAY)?;
        seconds("retry.exponential.first", growing.first, 0.001, growing.cap)?;
        if !(1.0..=MAX_FACTOR).contains(&growing.factor) {
            return Err(refused(
                "retry.exponential.factor",
                format!("Not a number from 1 to {MAX_FACTOR}"),
            ));
        }
        number("retry.exponential.attempts", growing.attempts, 1..=MAX_ATTEMPTS)?;
    }
    Ok(())
}

fn number(field: &str, number: u32, range: std::ops::RangeInclusive<u32>) -> Result<()> {
    match range.contains(&number) {
        true => Ok(()),
        false => {
            let (least, most) = (range.start(), range.end());
            Err(refused(field, format!("Not a whole number from {least} to {most}")))
        }
    }
}

fn seconds(field: &str, time: f64, least: f64, most: f64) -> Result<()> {
    // Whatever is no number is in no range.
    match (least..=most).contains(&time) {
        true => Ok(()),
        false => Err(refused(field, format!("Not a number of seconds from {least} to {most}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    fn config() -> DeliveriesConfig {
        let variable = |name| (name == "kafka_rest_url").then(|| "http://kafka.test".to_owned());
        Config::parse(variable).unwrap().deliveries
    }

    /// The settings with one more member, or with another one in its place.
    fn with(name: &str, value: Value) -> Result<Settings> {
        let mut json = json!({"topics": ["t"], "callback_url": "https://h.test/"});
        json[name] = value;
        let settings = parse(json)?;
        check(&settings, &config())?;
        Ok(settings)
    }

    fn field(refused: Result<Settings>) -> String {
        match refused.map_err(Error::into_kind) {
            Err(ErrorKind::Unprocessable { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_not_taken_is_named_by_its_field() {
        let long = "x".repeat(5_000);
        for (name, value, expected) in [
            ("topics", json!([]), "topics"),
            ("topics", json!("t"), "topics"),
            ("topics", json!(["t", "a b"]), "topics[1]"),
            ("topics", json!(["t", "t"]), "topics[1]"),
            ("topics", json!(vec!["t"; 51]), "topics"),
            ("callback_url", json!("http://127.0.0.1/"), "callback_url"),
            ("callback_url", json!(7), "callback_url"),
            ("from", json!("now"), "from"),
            ("from", json!({"offset": -1}), "from.offset"),
            ("from", json!({"time": "yesterday"}), "from.time"),
            ("filter", json!(".a |"), "filter"),
            ("transform", json!("{"), "transform"),
            ("on_error", json!("drop"), "on_error"),
            ("on_error", json!({"dead_letter": "a b"}), "on_error.dead_letter"),
            ("on_error", json!({"dead_letter": "t"}), "on_error.dead_letter"),
            ("body", json!("raw"), "body"),
            ("batch", json!({"records": 5}), "batch"),
            ("batch", json!([1, 2, 3]), "batch"),
            ("sign", json!([]), "sign"),
            ("sign", json!(["v1a"]), "sign"),
            ("sign", json!(["v1", "v1"]), "sign"),
            ("secret", json!("whsec_short"), "secret"),
            ("headers", json!({"webhook-id": "1"}), "headers.webhook-id"),
            ("headers", json!({"Content-Type": "a/b"}), "headers.Content-Type"),
            ("headers", json!({"x-api-key": "1"}), "headers.x-api-key"),
            ("headers", json!({"Authorization": "1"}), "headers.Authorization"),
            ("headers", json!({"a b": "1"}), "headers.a b"),
            ("headers", json!({"x-a": "1\n"}), "headers.x-a"),
            ("headers", json!({"x-a": 1}), "headers.x-a"),
            ("auth", json!({"basic": {"user": "a:b", "password": "c"}}), "auth.basic.user"),
            ("auth", json!({"basic": {"user": "a", "password": ""}}), "auth.basic.password"),
            ("auth", json!({"bearer": long}), "auth.bearer"),
            ("auth", json!({"bearer": "a\r\nb"}), "auth.bearer"),
            ("auth", json!({"bearer": "sealed:1:a:AAAA"}), "auth.bearer"),
            ("auth", json!({"header": {"name": "host", "value": "a"}}), "auth.header.name"),
            ("auth", json!({"digest": {}}), "auth.digest"),
            ("auth", json!({"bearer": "a", "digest": {}}), "auth"),
            ("auth", json!({"oauth2": {"token_url": 7}}), "auth.oauth2.token_url"),
            ("order", json!("topic"), "order"),
            ("concurrency", json!(0), "concurrency"),
            ("concurrency", json!(101), "concurrency"),
            ("rate", json!(0), "rate"),
            ("timeout", json!(0), "timeout"),
            ("timeout", json!(61), "timeout"),
            ("max_age", json!(0), "max_age"),
            ("retry", json!({"delays": [1, -1]}), "retry.delays[1]"),
            ("retry", json!({"delays": vec![1; 101]}), "retry.delays"),
            ("retry", json!({"delay": [1]}), "retry.delay"),
            ("retry", json!({"delays": [1, "5s"]}), "retry.delays[1]"),
            ("retry", json!({"jitter": 2}), "retry.jitter"),
            (
                "retry",
                json!({"exponential": {"first": 2, "cap": 1, "attempts": 3}}),
                "retry.exponential.first",
            ),
            (
                "retry",
                json!({"exponential": {"first": 1, "cap": 9, "attempts": 0}}),
                "retry.exponential.attempts",
            ),
            (
                "retry",
                json!({"exponential": {"first": 1, "cap": 9, "attempts": 1, "factor": 0.5}}),
                "retry.exponential.factor",
            ),
            (
                "retry",
                json!({"delays": [], "exponential": {"first": 1, "cap": 9, "attempts": 1}}),
                "retry",
            ),
            ("exhausted", json!({"dead_letter": "t"}), "exhausted.dead_letter"),
            ("exhausted", json!("drop"), "exhausted"),
            ("breaker", json!({"failures": 0, "cooldown": 1}), "breaker.failures"),
            ("breaker", json!({"failures": 1, "cooldown": 0}), "breaker.cooldown"),
            ("breaker", json!({"failures": 1}), "breaker.cooldown"),
            ("breaker", json!([1, 2]), "breaker"),
            ("disable_after", json!(59), "disable_after"),
            ("consent", json!("yes"), "consent"),
            ("colour", json!("red"), "colour"),
        ] {
            assert_eq!(field(with(name, value.clone())), expected, "{name}: {value}");
        }
        for (json, expected) in [
            (json!([["t"], "https://h.test/"]), "body"),
            (json!({"topics": ["t"]}), "callback_url"),
            (json!({"callback_url": "https://h.test/"}), "topics"),
        ] {
            assert_eq!(field(parse(json.clone())), expected, "{json}");
        }
    }

    #[test]
    fn what_depends_on_each_other_is_refused_together() {
        let both = |more: Value| {
            let mut json = json!({"topics": ["a.*"], "callback_url": "https://h.test/"});
            let members = more.as_object().unwrap().clone();
            json.as_object_mut().unwrap().extend(members);
            parse(json).and_then(|settings| check(&settings, &config()).map(|()| settings))
        };
        let batch = json!({"body": "envelopes", "order": "key"});
        assert_eq!(field(both(batch)), "order");
        let loops = json!({"exhausted": {"dead_letter": "a.dead"}});
        assert_eq!(field(both(loops)), "exhausted.dead_letter");
        assert!(both(json!({"exhausted": {"dead_letter": "dead"}})).is_ok());
        assert!(both(json!({"body": "envelopes", "batch": {"records": 5}})).is_ok());
    }

    #[test]
    fn null_is_the_default_and_of_disabling_it_is_never() {
        assert_eq!(with("retry", Value::Null).unwrap().retry, Retry::default());
        assert_eq!(with("filter", Value::Null).unwrap().filter, None);
        for never in [Value::Null, json!(0)] {
            assert_eq!(with("disable_after", never).unwrap().disable_after, None);
        }
        assert_eq!(with("rate", json!(5)).unwrap().disable_after, Some(432_000));
    }

    #[test]
    fn a_secret_in_a_wrong_place_is_not_repeated() {
        let refused = with("auth", json!("Bearer hunter2"));
        let Err(ErrorKind::Unprocessable { field, sentence }) = refused.map_err(Error::into_kind)
        else {
            panic!("it was taken")
        };
        assert_eq!(field, "auth");
        assert!(!sentence.contains("hunter2"), "{sentence}");
        let refused = with("rate", json!("hunter2"));
        assert!(!format!("{refused:?}").contains("hunter2"), "{refused:?}");
    }
}
