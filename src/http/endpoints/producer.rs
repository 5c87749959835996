//! `GET /producer/{topic}/{message}` and `POST /producer/{topic}`.

use std::borrow::Cow;

use bytes::Bytes;
use http::{Method, StatusCode};
use serde::Serialize;

use crate::access::{AllowedTopic, Permission};
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, InPath};
use crate::http::idempotency::{self, replayed};
use crate::http::parameter::{Kind, PARTITION, Parameter};
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::http::{limits, ndjson, percent, time};
use crate::kafka::Log;
use crate::record::{Header, NewRecord, RecordMetadata};
use crate::render::{self, Text};
use crate::services::produce::once::Reports;

/// Request headers with this prefix become record headers.
const HEADER_PREFIX: &str = "kafka-header-";

const KEY: Parameter = Parameter::new("key", Kind::Bytes, "The record's key");
const TIMESTAMP: Parameter = Parameter::new("timestamp", Kind::Time, "The record's time");

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct Produced<'a> {
    topic: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    partition: i32,
    offset: i64,
    timestamp: Option<String>,
}

/// The rest of the path is the message. The answer repeats it.
pub(super) struct ProduceMessage;

impl Endpoint for ProduceMessage {
    const DECLARATION: Declaration = Declaration {
        name: "produceMessage",
        methods: &[Method::GET],
        path: "/producer/{topic}/{*message}",
        caller: Caller::Allowed(Permission::Produce),
        safe: false,
        about: "Writes the rest of the path as a record",
        query: QueryRule::Only(&[KEY, PARTITION, TIMESTAMP]),
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
        let value = Bytes::from(percent::decode("message", message)?);
        let record = NewRecord {
            value: Some(value.clone()),
            headers: record_headers(&call.request.headers)?,
            ..addressed(&call.query)?
        };
        let (written, is_repeat) = send_one(&call, &topic, record).await?;
        let Text { text, encoding } = Text::of(&value);
        let message = Some(text);
        let answer = Produced { message, encoding, ..produced(&topic, &written) };
        Ok(replayed(Response::json(StatusCode::OK, &answer), is_repeat))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .gives::<Produced<'_>>(200, "The record is written")
            .produces()
            .example("/producer/orders/hello-world?key=user-1&partition=0");
    }
}

/// The body is the message, byte for byte, or has a message on each line.
pub(super) struct ProduceBody;

impl Endpoint for ProduceBody {
    const DECLARATION: Declaration = Declaration {
        name: "produceBody",
        methods: &[Method::POST],
        path: "/producer/{topic}",
        about: "Writes the body as a record, or each line of it",
        body: BodyRule::Bytes { limit: limits::RECORD_BYTES },
        ..ProduceMessage::DECLARATION
    };

    type Topics = InPath;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InPath(topic): InPath,
    ) -> Result<Response, Refusal> {
        let content_type = call.request.header("content-type").cloned();
        let is_lines = content_type.as_ref().map(|value| ndjson::is_content_type(value));
        if is_lines.transpose()? == Some(true) {
            return lines(call, &topic).await;
        }
        let addressed = addressed(&call.query)?;
        let mut headers = record_headers(&call.request.headers)?;
        if let Some(value) = content_type {
            headers.insert(0, Header { name: "content-type".into(), value: Some(value) });
        }
        let value = call.body().await?;
        let record = NewRecord { value: Some(value), headers, ..addressed };
        let (written, is_repeat) = send_one(&call, &topic, record).await?;
        Ok(replayed(Response::json(StatusCode::OK, &produced(&topic, &written)), is_repeat))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .detail(
                "The body is the value, byte for byte. Its content type becomes a record header, \
                 and so does each request header `kafka-header-NAME`. With the content type \
                 `application/x-ndjson` each line is a record, and the query has no parameters; \
                 the answer then has a line for each, in order: a report or an error.",
            )
            .takes_bytes(&["application/octet-stream", "text/plain"])
            .takes_lines()
            .gives::<Produced<'_>>(200, "The record is written; for lines, a report on each")
            .gives_lines()
            .produces()
            .fails(
                415,
                "The body is a sequence of JSON texts, or has an encoding that is not taken",
            )
            .example_with("/producer/orders?partition=0", r#"{"order":42}"#);
    }
}

async fn lines<H: Host, L: Log, B: RequestBody>(
    mut call: Call<'_, H, L, B>,
    topic: &AllowedTopic,
) -> Result<Response, Refusal> {
    call.query.without(&[KEY.name, PARTITION.name, TIMESTAMP.name])?;
    let common = record_headers(&call.request.headers)?;
    let body = call.body().await?;
    // A malformed line gets an error of its own and does not affect the others.
    let mut records = Vec::new();
    let malformed: Vec<Option<Error>> = ndjson::parse(&body, &common)?
        .into_iter()
        .map(|line| line.map(|record| records.push(record)).err())
        .collect();
    let key = idempotency::key(call.request)?;
    let producer = &call.app.services().await?.producer;
    let once = call.once(key.as_deref());
    let Reports { reports, is_repeat } = producer.write_once(topic, records, once).await?;
    let mut written = reports.into_iter();
    let reports: Vec<Result<RecordMetadata, Error>> = malformed
        .into_iter()
        .map(|malformed| match malformed {
            Some(error) => Err(error),
            None => written.next().unwrap_or_else(no_report),
        })
        .collect();
    if let Some(error) = Error::of_all(&reports) {
        return Err(error.into());
    }
    let lines = ndjson::render(&reports, |written| produced(topic, written));
    Ok(replayed(Response::lines(lines), is_repeat))
}

async fn send_one<H: Host, L: Log, B>(
    call: &Call<'_, H, L, B>,
    topic: &AllowedTopic,
    record: NewRecord,
) -> Result<(RecordMetadata, bool), Error> {
    let key = idempotency::key(call.request)?;
    let producer = &call.app.services().await?.producer;
    let once = call.once(key.as_deref());
    let Reports { mut reports, is_repeat } = producer.write_once(topic, vec![record], once).await?;
    Ok((reports.pop().unwrap_or_else(no_report)?, is_repeat))
}

fn no_report() -> Result<RecordMetadata, Error> {
    Err(ErrorKind::OutcomeUnknown { detail: "there is no report on this record".into() }.into())
}

fn produced<'a>(topic: &'a str, written: &RecordMetadata) -> Produced<'a> {
    Produced {
        topic,
        message: None,
        encoding: None,
        partition: written.partition,
        offset: written.offset,
        timestamp: written.timestamp.map(render::timestamp),
    }
}

/// A record without a value, with what the query says about it.
fn addressed(query: &Query) -> Result<NewRecord, Error> {
    let timestamp = query.text("timestamp")?.map(time::parse).transpose()?;
    Ok(NewRecord {
        key: query.bytes("key").map(Bytes::copy_from_slice),
        partition: query.partition()?,
        timestamp,
        ..NewRecord::default()
    })
}

/// The record headers among the request's headers, in the same order. Their
/// values may hold any bytes.
fn record_headers(headers: &[(String, Bytes)]) -> Result<Vec<Header>, Error> {
    let mut found = Vec::new();
    for (name, value) in headers {
        let Some((prefix, name)) = name.split_at_checked(HEADER_PREFIX.len()) else { continue };
        if !prefix.eq_ignore_ascii_case(HEADER_PREFIX) {
            continue;
        }
        if name.is_empty() {
            return Err(Error::invalid("kafka-header-", "A record header without a name"));
        }
        found.push(Header { name: name.to_owned(), value: Some(value.clone()) });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addressed(raw: Option<&str>) -> Result<NewRecord, Refusal> {
        let query = Query::parse(raw, ProduceMessage::DECLARATION.query)?;
        Ok(super::addressed(&query)?)
    }

    #[test]
    fn only_marked_request_headers_become_record_headers() {
        let header =
            |name: &str, value: &'static [u8]| (name.to_owned(), Bytes::from_static(value));
        let headers = [
            header("host", b"x"),
            header("kafka-header-trace", b"1"),
            header("Kafka-Header-Trace", b"\xff"),
            header("kafka-header", b"no"),
            header("x-kafka-header-a", b"no"),
            header("kafka-h\u{e9}ader-a", b"no"),
        ];
        let found = record_headers(&headers).unwrap();
        let found: Vec<_> =
            found.iter().map(|h| (h.name.as_str(), h.value.as_deref().unwrap())).collect();
        assert_eq!(found, [("trace", &b"1"[..]), ("Trace", &b"\xff"[..])]);
        assert!(record_headers(&[header("kafka-header-", b"x")]).is_err());
    }

    #[test]
    fn the_query_gives_key_partition_and_timestamp() {
        let record = addressed(Some("key=%00a&partition=1&timestamp=5")).unwrap();
        assert_eq!(record.key.as_deref(), Some(&b"\0a"[..]));
        assert_eq!((record.partition, record.timestamp), (Some(1), Some(5)));
        assert_eq!(addressed(None).unwrap(), NewRecord::default());
        assert!(addressed(Some("timestamp=yesterday")).is_err());
    }
}
