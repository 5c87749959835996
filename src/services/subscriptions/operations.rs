//! What operators are told of subscriptions, as records of a topic.

use bytes::Bytes;
use serde::Serialize;

use super::job::Job;
use crate::dead_letter::GivenUp;
use crate::host::Millis;
use crate::record::{Header, NewRecord};
use crate::render::timestamp;

/// What happened to a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happened {
    /// A record is delivered no more, or waits, its schedule used up.
    Exhausted { offset: i64, why: GivenUp },
    /// The gateway has disabled it, with a sentence.
    Disabled(&'static str),
    /// After so many failures in a row.
    BreakerOpened(u32),
}

#[derive(Serialize)]
struct Told<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    time: String,
    webhook_id: &'a str,
    topic: &'a str,
    partition: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    reason: &'a str,
}

/// The record, whose key is the subscription's id.
pub(super) fn record(job: &Job, what: Happened, now: Millis) -> NewRecord {
    let (kind, offset, reason) = match what {
        Happened::Exhausted { offset, why } => {
            ("delivery.exhausted", Some(offset), why.told().0.to_owned())
        }
        Happened::Disabled(why) => ("subscription.disabled", None, why.to_owned()),
        Happened::BreakerOpened(failures) => {
            ("breaker.opened", None, format!("{failures} failures in a row"))
        }
    };
    let told = Told {
        kind,
        time: timestamp(now),
        webhook_id: &job.id,
        topic: &job.topic,
        partition: job.partition,
        offset,
        reason: &reason,
    };
    let value = serde_json::to_vec(&told).unwrap_or_default();
    let json = Bytes::from_static(b"application/json");
    NewRecord {
        key: Some(Bytes::copy_from_slice(job.id.as_bytes())),
        value: Some(value.into()),
        headers: vec![Header { name: "content-type".into(), value: Some(json) }],
        ..NewRecord::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_says_what_happened_where_and_why() {
        let job = Job::live("webhook_1".into(), "orders".into(), 2, None);
        let of = |what| {
            let record = record(&job, what, 0);
            assert_eq!(record.key.as_deref(), Some(&b"webhook_1"[..]));
            String::from_utf8(record.value.unwrap().to_vec()).unwrap()
        };
        assert_eq!(
            of(Happened::Exhausted { offset: 7, why: GivenUp::TooOld }),
            r#"{"type":"delivery.exhausted","time":"1970-01-01T00:00:00.000Z","webhook_id":"webhook_1","topic":"orders","partition":2,"offset":7,"reason":"max-age"}"#
        );
        assert!(of(Happened::BreakerOpened(5)).contains(r#""reason":"5 failures in a row""#));
        assert!(of(Happened::Disabled("Gone")).contains(r#""type":"subscription.disabled""#));
    }
}
