//! `/produce`, in its three forms.

use bytes::Bytes;
use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::{json, permit};
use crate::access::Grant;
use crate::app::App;
use crate::concurrent::{join_bounded, try_join_bounded};
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::endpoints::topic;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::http::{limits as http_limits, percent};
use crate::kafka::Log;
use crate::limits;
use crate::record::{self, NewRecord, RecordMetadata};
use crate::sorted::SortedMap;

/// A record, as callers send it.
#[derive(Debug, Deserialize)]
struct Message {
    topic: Option<String>,
    partition: Option<i32>,
    timestamp: Option<i64>,
    key: Option<String>,
    value: String,
    headers: Option<Vec<Header>>,
}

#[derive(Debug, Deserialize)]
struct Header {
    key: String,
    value: String,
}

/// Where a record was written.
#[derive(Debug, Serialize)]
struct Metadata<'a> {
    topic: &'a str,
    partition: i32,
    offset: i64,
    /// Absent when the server does not tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
}

impl From<Message> for NewRecord {
    fn from(message: Message) -> Self {
        let headers = message.headers.unwrap_or_default();
        Self {
            key: message.key.map(Bytes::from),
            value: Some(message.value.into()),
            headers: headers.into_iter().map(record::Header::from).collect(),
            partition: message.partition,
            timestamp: message.timestamp,
        }
    }
}

impl From<Header> for record::Header {
    fn from(header: Header) -> Self {
        Self { name: header.key, value: Some(header.value.into()) }
    }
}

/// The rest of the path is the value. The only form whose answer is no list.
pub(super) async fn message<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
    rest: &str,
) -> Result<Response, Refusal> {
    let topic = topic(segment)?;
    if rest.is_empty() {
        return Err(Error::invalid("message", "The path holds no message").into());
    }
    let value = percent::decode("message", rest)?;
    let query = Query::parse_known(request.query(), &["key"])?;
    let record = NewRecord {
        key: query.bytes("key").map(Bytes::copy_from_slice),
        value: Some(value.into()),
        ..NewRecord::default()
    };
    let written = write(app, vec![(topic.clone(), record)]).await?;
    let [written] = &written[..] else { return Err(no_report().into()) };
    Ok(Response::json(StatusCode::OK, &Metadata::of(&topic, written)))
}

/// The path names the topic for all records of the body.
pub(super) async fn to_topic<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    segment: &str,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let topic = topic(segment)?;
    let messages = messages(request).await?;
    produce(app, grant, messages.into_iter().map(|message| (topic.clone(), message.into()))).await
}

/// Each record names its topic.
pub(super) async fn to_any<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let messages = messages(request).await?.into_iter().map(|mut message| {
        let topic = message.topic.take();
        let topic = topic.ok_or_else(|| Error::invalid("topic", "A record names no topic"))?;
        Ok((topic, message.into()))
    });
    let messages: Vec<_> = messages.collect::<Result<_, Error>>()?;
    produce(app, grant, messages).await
}

async fn messages<B: RequestBody>(request: &mut Request<B>) -> Result<Vec<Message>, Refusal> {
    let body = request.read_body(http_limits::RECORD_BYTES).await?;
    let messages = json::some::<Message>(&body)?;
    if messages.len() > limits::RECORDS {
        return Err(Refusal::BodyTooLarge { limit: format!("{} records", limits::RECORDS) });
    }
    Ok(messages)
}

/// Writes records and answers with a list, in the order given.
pub(super) async fn produce<H: Host, L: Log>(
    app: &App<H, L>,
    grant: &Grant,
    records: impl IntoIterator<Item = (String, NewRecord)>,
) -> Result<Response, Refusal> {
    let records: Vec<_> = records.into_iter().collect();
    permit(grant, records.iter().map(|(topic, _)| topic))?;
    let topics: Vec<_> = records.iter().map(|(topic, _)| topic.clone()).collect();
    let written = write(app, records).await?;
    let metadata = topics.iter().zip(&written).map(|(topic, written)| Metadata::of(topic, written));
    Ok(Response::json(StatusCode::OK, &metadata.collect::<Vec<_>>()))
}

/// Writes all records or fails. The answer has one status for all of them and
/// a client repeats the whole call if it is no success, so what can be seen to
/// fail beforehand does so before anything is written.
async fn write<H: Host, L: Log>(
    app: &App<H, L>,
    records: Vec<(String, NewRecord)>,
) -> Result<Vec<RecordMetadata>, Refusal> {
    let services = app.services().await?;
    let mut by_topic = SortedMap::<String, (Vec<usize>, Vec<NewRecord>)>::new();
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
        (indexes, services.producer.write(&topic, records).await)
    });
    let mut reports: Vec<_> = std::iter::repeat_with(|| Err(no_report())).take(count).collect();
    for (indexes, written) in join_bounded(writes).await {
        for (index, report) in indexes.into_iter().zip(written) {
            reports[index] = report;
        }
    }
    let written = reports.iter().filter(|report| report.is_ok()).count();
    let all: Result<Vec<_>, Error> = reports.into_iter().collect();
    all.map_err(|error| match count {
        1 => error.into(),
        of => Refusal::NotAllWritten { error, written, of },
    })
}

fn no_report() -> Error {
    Error::OutcomeUnknown { detail: "there is no report on this record".into() }
}

impl<'a> Metadata<'a> {
    fn of(topic: &'a str, written: &RecordMetadata) -> Self {
        let RecordMetadata { partition, offset, timestamp } = *written;
        Self { topic, partition, offset, timestamp }
    }
}
