//! The three forms of `/produce`.

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{GET, GET_OR_POST, json};
use crate::access::{AllowedTopic, Permission};
use crate::concurrent::{join_bounded, try_join_bounded};
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::encoded_text::{Encoding, bytes};
use crate::http::endpoint::{Call, Endpoint, InBody, InPath};
use crate::http::idempotency::{self, replayed};
use crate::http::parameter::{Kind, Parameter};
use crate::http::refusal::{Refusal, RefusalKind};
use crate::http::request::RequestBody;
use crate::http::{limits as http_limits, percent};
use crate::kafka::Log;
use crate::limits;
use crate::record::{self, NewRecord, RecordMetadata};
use crate::sorted::SortedMap;

const KEY: Parameter = Parameter::new("key", Kind::Bytes, "The record's key");

/// A record, as callers send it.
#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "UpstashMessage"))]
struct Message {
    topic: Option<String>,
    partition: Option<i32>,
    timestamp: Option<i64>,
    /// As in answers, an empty key stands for none unless its encoding is given.
    key: Option<String>,
    key_encoding: Option<Encoding>,
    /// Null is a tombstone.
    #[serde(deserialize_with = "Option::deserialize")]
    value: Option<String>,
    encoding: Option<Encoding>,
    headers: Option<Vec<Header>>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "UpstashHeader"))]
struct Header {
    key: String,
    #[serde(deserialize_with = "Option::deserialize")]
    value: Option<String>,
    encoding: Option<Encoding>,
}

/// Where a record was written.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "description", schemars(rename = "UpstashMetadata"))]
pub(in crate::http) struct Metadata<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    /// Absent if the server does not report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
}

/// What a consumer received can be produced again: the same bytes come of it.
impl TryFrom<Message> for NewRecord {
    type Error = Error;

    fn try_from(message: Message) -> Result<Self, Error> {
        let Message { key, key_encoding, value, encoding, .. } = message;
        let key = key.filter(|key| !key.is_empty() || key_encoding.is_some());
        let headers = message.headers.unwrap_or_default();
        Ok(Self {
            key: key.map(|text| bytes("key", text.into(), key_encoding)).transpose()?,
            value: value.map(|text| bytes("value", text.into(), encoding)).transpose()?,
            headers: headers.into_iter().map(Header::read).collect::<Result<_, _>>()?,
            partition: message.partition,
            timestamp: message.timestamp,
        })
    }
}

impl Header {
    fn read(self) -> Result<record::Header, Error> {
        let value = self.value.map(|text| bytes("headers", text.into(), self.encoding));
        Ok(record::Header { name: self.key, value: value.transpose()? })
    }
}

/// The rest of the path is the value. Only this form answers with an object and
/// not with a list.
pub(in crate::http) struct ProduceMessage;

impl Endpoint for ProduceMessage {
    const DECLARATION: Declaration = Declaration {
        name: "upstashProduceMessage",
        methods: GET,
        path: "/upstash/produce/{topic}/{*message}",
        caller: Caller::Allowed(Permission::Produce),
        safe: false,
        about: "Upstash: writes the rest of the path as a record",
        query: QueryRule::Among(&[KEY]),
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = InPath;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        InPath(topic): InPath,
    ) -> Result<Response, Refusal> {
        let message = call.path_raw("message");
        if message.is_empty() {
            return Err(Error::invalid("message", "The path holds no message").into());
        }
        let record = NewRecord {
            key: call.query.bytes(KEY.name).map(Bytes::copy_from_slice),
            value: Some(percent::decode("message", message)?.into()),
            ..NewRecord::default()
        };
        let (written, is_repeat) = write(&call, vec![(topic.clone(), record)]).await?;
        let [written] = &written[..] else { return Err(no_report().into()) };
        let response = Response::json(StatusCode::OK, &Metadata::of(&topic, written));
        Ok(replayed(response, is_repeat))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<Metadata<'_>>(200, "The record is written")
            .produces()
            .example("/upstash/produce/orders/hello-world");
    }
}

/// The path names the topic of all records in the body.
pub(in crate::http) struct ProduceToTopic;

impl Endpoint for ProduceToTopic {
    const DECLARATION: Declaration = Declaration {
        name: "upstashProduceToTopic",
        methods: GET_OR_POST,
        path: "/upstash/produce/{topic}",
        about: "Upstash: writes records to a topic",
        query: QueryRule::Among(&[]),
        body: BodyRule::Json { limit: http_limits::RECORD_BYTES },
        ..ProduceMessage::DECLARATION
    };

    type Topics = InPath;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InPath(topic): InPath,
    ) -> Result<Response, Refusal> {
        let messages = messages(&mut call).await?;
        let records = messages.into_iter().map(|message| Ok((topic.clone(), message.try_into()?)));
        produce(&call, records.collect::<Result<_, Error>>()?).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<json::OneOrMany<Message>>()
            .gives::<Vec<Metadata<'_>>>(200, "All records are written")
            .produces()
            .example_with("/upstash/produce/orders", r#"{"value":"hello","key":"user-1"}"#);
    }
}

/// Each record names its topic.
pub(in crate::http) struct Produce;

impl Endpoint for Produce {
    const DECLARATION: Declaration = Declaration {
        name: "upstashProduce",
        path: "/upstash/produce",
        about: "Upstash: writes records, each to the topic that it names",
        ..ProduceToTopic::DECLARATION
    };

    type Topics = InBody;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InBody(grant): InBody,
    ) -> Result<Response, Refusal> {
        let named = messages(&mut call).await?.into_iter().map(|mut message| {
            let topic = message.topic.take();
            let topic = topic.ok_or_else(|| Error::invalid("topic", "A record names no topic"))?;
            Ok((topic, message.try_into()?))
        });
        let named = named.collect::<Result<Vec<_>, Error>>()?;
        let records = named.into_iter().map(|(topic, record)| Ok((grant.topic(topic)?, record)));
        let records = records.collect::<Result<Vec<_>, Refusal>>()?;
        produce(&call, records).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<json::OneOrMany<Message>>()
            .gives::<Vec<Metadata<'_>>>(200, "All records are written")
            .produces()
            .example_with("/upstash/produce", r#"[{"topic":"orders","value":"hello"}]"#);
    }
}

async fn messages<H: Host, L: Log, B: RequestBody>(
    call: &mut Call<'_, H, L, B>,
) -> Result<Vec<Message>, Refusal> {
    let body = call.body().await?;
    let messages = json::some::<Message>(&body)?;
    if messages.len() > limits::RECORDS {
        return Err(
            RefusalKind::BodyTooLarge { limit: format!("{} records", limits::RECORDS) }.into()
        );
    }
    Ok(messages)
}

/// Writes records and answers with a list in the same order.
pub(in crate::http) async fn produce<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
    records: Vec<(AllowedTopic, NewRecord)>,
) -> Result<Response, Refusal> {
    let topics: Vec<_> = records.iter().map(|(topic, _)| topic.clone()).collect();
    let (written, is_repeat) = write(call, records).await?;
    let metadata = topics.iter().zip(&written).map(|(topic, written)| Metadata::of(topic, written));
    let response = Response::json(StatusCode::OK, &metadata.collect::<Vec<_>>());
    Ok(replayed(response, is_repeat))
}

/// Writes all records or fails. The answer has one status for all of them, and
/// a client repeats the whole call after a failure. Whatever can be checked is
/// therefore checked before anything is written.
async fn write<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
    records: Vec<(AllowedTopic, NewRecord)>,
) -> Result<(Vec<RecordMetadata>, bool), Refusal> {
    let key = idempotency::key(call.request)?;
    let services = call.app.services().await?;
    let mut by_topic = SortedMap::<AllowedTopic, (Vec<usize>, Vec<NewRecord>)>::new();
    let count = records.len();
    for (index, (topic, record)) in records.into_iter().enumerate() {
        let (indexes, records) = by_topic.get_or_default(topic);
        indexes.push(index);
        records.push(record);
    }
    let checks = by_topic.iter().map(async |(topic, (_, records))| {
        let partitions = services.topics.get(topic).await?.partitions;
        let there = |partition| (0..partitions).contains(&partition);
        if records.iter().filter_map(|record| record.partition).all(there) {
            return Ok(());
        }
        Err(Error::invalid("partition", "The topic has no such partition"))
    });
    try_join_bounded(checks).await?;
    let writes = by_topic.into_iter().map(async |(topic, (indexes, records))| {
        let once = call.once(key.as_deref());
        Ok::<_, Error>((indexes, services.producer.write_once(&topic, records, once).await?))
    });
    let mut reports: Vec<_> = std::iter::repeat_with(|| Err(no_report())).take(count).collect();
    let mut is_repeat = count > 0;
    for written in join_bounded(writes).await {
        let (indexes, written) = written?;
        is_repeat &= written.is_repeat;
        for (index, report) in indexes.into_iter().zip(written.reports) {
            reports[index] = report;
        }
    }
    let written = reports.iter().filter(|report| report.is_ok()).count();
    let all: Result<Vec<_>, Error> = reports.into_iter().collect();
    match all {
        Ok(all) => Ok((all, is_repeat)),
        Err(error) if count == 1 => Err(error.into()),
        Err(error) => Err(RefusalKind::NotAllWritten { error, written, of: count }.into()),
    }
}

fn no_report() -> Error {
    ErrorKind::OutcomeUnknown { detail: "there is no report on this record".into() }.into()
}

impl<'a> Metadata<'a> {
    fn of(topic: &'a str, written: &RecordMetadata) -> Self {
        let RecordMetadata { partition, offset, timestamp } = *written;
        Self { topic, partition, offset, timestamp }
    }
}
