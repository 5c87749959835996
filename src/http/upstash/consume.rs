//! `/consume`: the next records for an instance of a group.

use std::str::FromStr;

use http::StatusCode;
use serde::Deserialize;

use super::json::TIMEOUT;
use super::{GET, GET_OR_POST, json, names, record};
use crate::access::{AllowedTopic, Permission};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, InBody, ListInPath};
use crate::http::limits;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;
use crate::services::consume::Handed;
use crate::services::instances::{Ask, DEFAULT_SESSION, Reset, Settings};

/// What a body asks for.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "UpstashConsume"))]
struct Wanted {
    topic: Option<String>,
    topics: Option<Vec<String>>,
    /// How long to wait, in milliseconds.
    timeout: Option<i64>,
}

/// The path names the topic; the query gives the wait.
pub(in crate::http) struct ConsumeTopic;

impl Endpoint for ConsumeTopic {
    const DECLARATION: Declaration = Declaration {
        name: "upstashConsumeTopic",
        methods: GET,
        path: "/upstash/consume/{consumer_group}/{instance}/{topic}",
        caller: Caller::Allowed(Permission::Consume),
        safe: false,
        about: "Upstash: the next records of a topic for an instance of a group",
        query: QueryRule::Among(&[TIMEOUT]),
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = ListInPath;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        ListInPath(topics): ListInPath,
    ) -> Result<Response, Refusal> {
        let timeout = json::timeout_of_query(&call.query)?;
        next(&call, topics, timeout).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<Vec<record::RecordJson<'_>>>(200, "The records, none if there is none yet")
            .fails(409, "The maximum number of groups or instances has been reached")
            .asks_kafka()
            .example("/upstash/consume/tour/one/orders?timeout=0");
    }
}

/// The body names the topics.
pub(in crate::http) struct Consume;

impl Endpoint for Consume {
    const DECLARATION: Declaration = Declaration {
        name: "upstashConsume",
        methods: GET_OR_POST,
        path: "/upstash/consume/{consumer_group}/{instance}",
        about: "Upstash: the same of several topics",
        body: BodyRule::Json { limit: limits::JSON_BYTES },
        ..ConsumeTopic::DECLARATION
    };

    type Topics = InBody;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InBody(grant): InBody,
    ) -> Result<Response, Refusal> {
        let body = call.body().await?;
        let wanted: Wanted =
            if body.trim_ascii().is_empty() { Wanted::default() } else { json::one(&body)? };
        let timeout = match wanted.timeout {
            None => json::timeout_of_query(&call.query)?,
            timeout => timeout,
        };
        let topics = wanted.topic.into_iter().chain(wanted.topics.unwrap_or_default()).collect();
        let topics = grant.topics(topics)?;
        next(&call, topics, timeout).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<Wanted>()
            .gives::<Vec<record::RecordJson<'_>>>(200, "The records, none if there is none yet")
            .fails(409, "The maximum number of groups or instances has been reached")
            .asks_kafka()
            .example_with("/upstash/consume/tour/one", r#"{"topics":["orders"],"timeout":0}"#);
    }
}

async fn next<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
    topics: Vec<AllowedTopic>,
    timeout: Option<i64>,
) -> Result<Response, Refusal> {
    let (group, instance) = names(call)?;
    let (wait, settings) = (json::wait(timeout)?, settings(call.request)?);
    let ask = Ask { group, instance, topics, wait, settings };
    let services = call.app.services().await?;
    // No instance is created for a topic that does not exist.
    for topic in &ask.topics {
        services.topics.get(topic).await?;
    }
    let handed = match services.instances.next(ask).await {
        Ok(handed) => handed,
        // The answer is empty, as if the group were still being formed.
        Err(error) if matches!(*error, ErrorKind::Busy(_)) => Handed::default(),
        Err(error) => return Err(error.into()),
    };
    let records: Vec<_> = handed
        .records
        .iter()
        .map(|consumed| record::RecordJson::of(&consumed.topic, &consumed.record))
        .collect();
    let mut response = Response::json(StatusCode::OK, &records);
    // The group moves on only after the records were sent. If they are dropped
    // unsent, the next caller gets them.
    response.on_sent = Some(Box::new(move || handed.delivered()));
    Ok(response)
}

/// The settings in the headers, for a new instance.
fn settings<B>(request: &Request<B>) -> Result<Settings> {
    let auto_commit = value(request, "kafka-enable-auto-commit")?.map_or(Ok(true), |text| {
        let switch = bool::from_str(&text.to_ascii_lowercase());
        switch.map_err(|_| Error::invalid("kafka-enable-auto-commit", "Neither true nor false"))
    })?;
    // Records are committed as soon as they were sent, so the interval is only
    // validated.
    millis(request, "kafka-auto-commit-interval", 0, u32::MAX)?;
    let reset = match value(request, "kafka-auto-offset-reset")?.as_deref() {
        None | Some("latest") => Reset::Latest,
        Some("earliest") => Reset::Earliest,
        Some("none") => Reset::None,
        Some(_) => {
            return Err(Error::invalid(
                "kafka-auto-offset-reset",
                "None of latest, earliest and none",
            ));
        }
    };
    let session = millis(request, "kafka-session-timeout-ms", 1_000, 1_800_000)?;
    let default = u32::try_from(DEFAULT_SESSION.as_millis()).unwrap_or(u32::MAX);
    Ok(Settings { auto_commit, reset, session: session.unwrap_or(default) })
}

fn millis<B>(
    request: &Request<B>,
    name: &'static str,
    least: u32,
    most: u32,
) -> Result<Option<u32>> {
    let parse = |text: String| {
        text.parse().ok().filter(|millis| (least..=most).contains(millis)).ok_or_else(|| {
            Error::invalid(name, format!("Not a number of milliseconds from {least} to {most}"))
        })
    };
    value(request, name)?.map(parse).transpose()
}

fn value<B>(request: &Request<B>, name: &'static str) -> Result<Option<String>> {
    let Some(value) = request.header(name) else { return Ok(None) };
    match std::str::from_utf8(value) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(_) => Err(Error::invalid(name, "Not valid UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn of(headers: &[(&str, &'static str)]) -> Result<Settings> {
        let header = |(name, value): &(&str, &'static str)| {
            ((*name).to_owned(), Bytes::from_static(value.as_bytes()))
        };
        settings(&Request {
            method: http::Method::GET,
            target: "/".into(),
            headers: headers.iter().map(header).collect(),
            scheme: None,
            authority: None,
            client: None,
            body: (),
        })
    }

    #[test]
    fn the_defaults_are_those_of_the_api() {
        let default = Settings { auto_commit: true, reset: Reset::Latest, session: 120_000 };
        assert_eq!(of(&[]), Ok(default));
        let manual = of(&[
            ("Kafka-Enable-Auto-Commit", "false"),
            ("Kafka-Auto-Commit-Interval", "3000"),
            ("Kafka-Auto-Offset-Reset", "none"),
            ("Kafka-Session-Timeout-Ms", "6000"),
        ]);
        let expected = Settings { auto_commit: false, reset: Reset::None, session: 6000 };
        assert_eq!(manual, Ok(expected));
    }

    #[test]
    fn a_header_that_is_wrong_is_named() {
        for (name, value) in [
            ("kafka-enable-auto-commit", "yes"),
            ("kafka-auto-commit-interval", "-1"),
            ("kafka-auto-offset-reset", "end"),
            ("kafka-session-timeout-ms", "10"),
            ("kafka-session-timeout-ms", "1h"),
        ] {
            let error = of(&[(name, value)]).unwrap_err();
            assert!(matches!(*error, ErrorKind::Invalid { field, .. } if field == name), "{name}");
        }
    }
}
