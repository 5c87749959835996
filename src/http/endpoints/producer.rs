//! `GET /producer/{topic}/{message}` and `POST /producer/{topic}`.

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::topic;
use crate::app::App;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::http::{limits, ndjson, percent, time};
use crate::kafka::Log;
use crate::record::{Header, NewRecord, RecordMetadata};
use crate::render::{self, Text};

/// Request headers of this kind become record headers.
const HEADER_PREFIX: &str = "kafka-header-";

#[derive(Serialize)]
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

/// The rest of the path is the message, and comes back in the answer.
pub(in crate::http) async fn message<H: Host, L: Log, B>(
    app: &App<H, L>,
    request: &Request<B>,
    segment: &str,
    rest: &str,
) -> Result<Response, Refusal> {
    let topic = topic(segment)?;
    if rest.is_empty() {
        return Err(Error::invalid("message", "The path holds no message").into());
    }
    let value = Bytes::from(percent::decode("message", rest)?);
    let record = NewRecord {
        value: Some(value.clone()),
        headers: record_headers(&request.headers)?,
        ..addressed(request.query())?
    };
    let written = send_one(app, &topic, record).await?;
    let Text { text, encoding } = Text::of(&value);
    let message = Some(text);
    Ok(Response::json(
        StatusCode::OK,
        &Produced { message, encoding, ..produced(&topic, &written) },
    ))
}

/// The body is the message, byte for byte, or holds one on each line.
pub(in crate::http) async fn body<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    segment: &str,
) -> Result<Response, Refusal> {
    let topic = topic(segment)?;
    if request.header("content-type").is_some_and(|value| ndjson::is_content_type(value)) {
        return lines(app, request, &topic).await;
    }
    let addressed = addressed(request.query())?;
    let mut headers = record_headers(&request.headers)?;
    if let Some(content_type) = request.header("content-type") {
        headers
            .insert(0, Header { name: "content-type".into(), value: Some(content_type.clone()) });
    }
    let value = request.read_body(limits::RECORD_BYTES).await?;
    let record = NewRecord { value: Some(value), headers, ..addressed };
    let written = send_one(app, &topic, record).await?;
    Ok(Response::json(StatusCode::OK, &produced(&topic, &written)))
}

async fn lines<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    topic: &str,
) -> Result<Response, Refusal> {
    Query::parse(request.query(), &[])?;
    let common = record_headers(&request.headers)?;
    let body = request.read_body(limits::RECORD_BYTES).await?;
    // A line that is no record takes no part, and the others do not notice.
    let mut records = Vec::new();
    let malformed: Vec<Option<Error>> = ndjson::parse(&body, &common)?
        .into_iter()
        .map(|line| line.map(|record| records.push(record)).err())
        .collect();
    let mut written = app.services().await?.producer.write(topic, records).await.into_iter();
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
    Ok(Response::lines(lines))
}

async fn send_one<H: Host, L: Log>(
    app: &App<H, L>,
    topic: &str,
    record: NewRecord,
) -> Result<RecordMetadata, Error> {
    let mut written = app.services().await?.producer.write(topic, vec![record]).await;
    written.pop().unwrap_or_else(no_report)
}

fn no_report() -> Result<RecordMetadata, Error> {
    Err(Error::OutcomeUnknown { detail: "there is no report on this record".into() })
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

/// What the query says of a record.
fn addressed(query: Option<&str>) -> Result<NewRecord, Refusal> {
    let query = Query::parse(query, &["key", "partition", "timestamp"])?;
    let timestamp = query.text("timestamp")?.map(time::parse).transpose()?;
    Ok(NewRecord {
        key: query.bytes("key").map(Bytes::copy_from_slice),
        partition: query.partition()?,
        timestamp,
        ..NewRecord::default()
    })
}

/// The record headers among the request's, in their order. Their values may
/// hold any bytes.
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
