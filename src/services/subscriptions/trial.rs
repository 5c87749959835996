//! Sends a sample to a callback, by the same steps as a record. It counts nowhere.

use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::attempt::Attempt;
use super::body::{self, From as Origin, Item};
use super::prepared::Prepared;
use super::reports::{TestReport, topic_of};
use super::shaping::Shaped;
use super::{Subscriptions, may_see, topics};
use crate::access::{AccessError, Grant};
use crate::deadline::Timer;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::random;
use crate::record::Record;

/// A record as it might be.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Sample<'a> {
    /// The first of the subscription's topics, if it is left out.
    topic: Option<String>,
    key: Option<String>,
    /// Text is the value as it is, and everything else is as JSON.
    #[serde(borrow)]
    message: Option<&'a RawValue>,
}

impl<H: Host, L: Log> Subscriptions<H, L> {
    /// Sends a sample, also to a subscription that is paused.
    pub async fn test(
        &self,
        id: &str,
        json: &[u8],
        grant: &Grant,
    ) -> Result<TestReport, AccessError> {
        let context = &*self.context;
        let sample = match json.trim_ascii().is_empty() {
            true => Sample::default(),
            false => {
                kafka_edge_json::from_slice(json).map_err(|error| Error::of_json(&error, "body"))?
            }
        };
        let subscription = context.registry.get(id, Duration::ZERO).await?;
        may_see(&subscription, grant)?;
        let topic = match &sample.topic {
            Some(topic) => topic_of(&subscription, topic)?,
            None => topics::of(context, &subscription).await.into_iter().next().unwrap_or_default(),
        };
        let record = Record {
            partition: 0,
            offset: 0,
            key: sample.key.map(Bytes::from),
            value: Some(value(sample.message)),
            headers: Some(Vec::new()),
            timestamp: Some(context.host.now()),
        };
        let prepared = Prepared::of(context, subscription);
        let Some(shaping) = &prepared.shaping else {
            return Ok(failed("The expressions are not taken any more"));
        };
        let transformed = match shaping.shape(&topic, &record) {
            Shaped::Delivered(transformed) => transformed,
            Shaped::Filtered => return Ok(TestReport { filtered: true, ..TestReport::default() }),
            Shaped::Failed(sentence) => return Ok(failed(sentence)),
        };
        let to = match &prepared.to {
            Ok(to) => to,
            Err(failure) => return Ok(failed(&*failure.reason)),
        };
        let cluster = context.log.cluster_id().await?;
        let from = Origin { subscription_id: id, cluster: &cluster, topic: &topic };
        let message =
            match body::make(prepared.settings().body, from, &[Item { record, transformed }]) {
                Ok(message) => message,
                Err(sentence) => return Ok(failed(sentence)),
            };
        let attempt = Attempt {
            to,
            message_id: &format!("test_{}", random::hex_id::<12>(&context.host)),
            message: &message,
            tokens: &context.tokens,
            config: &context.config,
            calls: None,
            timeout: prepared.timeout,
        };
        let begun = context.host.monotonic();
        let attempted = attempt.make(&context.host, &mut Timer::default()).await;
        let took = context.host.monotonic().saturating_sub(begun).as_millis();
        let failure = attempted.result.err();
        Ok(TestReport {
            accepted: failure.is_none(),
            filtered: false,
            status: attempted.status,
            millis: u64::try_from(took).unwrap_or(u64::MAX),
            error: failure.as_ref().map(|failure| failure.reason.clone()),
            answer: failure.and_then(|failure| failure.answer),
        })
    }
}

fn value(message: Option<&RawValue>) -> Bytes {
    let Some(message) = message.map(RawValue::get) else {
        return Bytes::from_static(br#"{"sample":true}"#);
    };
    // Only text is in quotation marks.
    kafka_edge_json::from_str::<String>(message).unwrap_or_else(|_| message.to_owned()).into()
}

fn failed(sentence: impl Into<String>) -> TestReport {
    TestReport { error: Some(sentence.into()), ..TestReport::default() }
}
