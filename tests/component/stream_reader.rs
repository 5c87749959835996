//! A client of `/consumer/{topic}` as a stream.

use std::collections::VecDeque;
use std::str::from_utf8;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http_body_util::BodyExt;
use kafka_edge_host::{Body, Host, body};
use serde::Deserialize;

use crate::calling::{PATIENCE, request};
use crate::consuming::Id;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Events,
    Lines,
}

/// A record of a stream, and where it is resumed behind it.
#[derive(Clone, Debug)]
pub(crate) struct Streamed {
    pub(crate) id: Id,
    pub(crate) message: String,
    pub(crate) cursor: String,
}

#[derive(Deserialize)]
struct Json {
    partition: i64,
    offset: i64,
    message: String,
    cursor: Option<String>,
}

/// Takes a piece when it is asked for one, and not before. Dropped, it has
/// hung up.
pub(crate) struct StreamReader {
    body: Body,
    format: Format,
    buffer: Vec<u8>,
    records: VecDeque<Streamed>,
}

impl StreamReader {
    pub(crate) async fn open(
        host: &Host,
        target: &str,
        format: Format,
        cursor: Option<&str>,
    ) -> Self {
        let mut request = request(Method::GET, target, body::empty());
        let content_type = match format {
            Format::Events => "text/event-stream",
            Format::Lines => "application/x-ndjson",
        };
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static(content_type));
        if let Some(cursor) = cursor {
            let cursor = HeaderValue::from_str(cursor).unwrap();
            request.headers_mut().insert("last-event-id", cursor);
        }
        let response = host.handle(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], content_type);
        let (buffer, records) = (Vec::new(), VecDeque::new());
        Self { body: response.into_body(), format, buffer, records }
    }

    /// The next record; waits for one.
    pub(crate) async fn next(&mut self) -> Streamed {
        loop {
            if let Some(record) = self.records.pop_front() {
                return record;
            }
            let piece = self.piece().await.expect("the stream goes on");
            self.buffer.extend_from_slice(&piece);
            self.take_records();
        }
    }

    pub(crate) async fn take(&mut self, count: usize) -> Vec<Streamed> {
        let mut records = Vec::with_capacity(count);
        while records.len() < count {
            records.push(self.next().await);
        }
        records
    }

    async fn piece(&mut self) -> Option<Bytes> {
        let frame = tokio::time::timeout(PATIENCE, self.body.frame());
        let frame = frame.await.expect("a piece")?;
        Some(frame.expect("the stream does not break off").into_data().unwrap())
    }

    /// Moves what is whole from the buffer to the records.
    fn take_records(&mut self) {
        let separator = match self.format {
            Format::Events => "\n\n",
            Format::Lines => "\n",
        };
        let text = from_utf8(&self.buffer).expect("all of it is ASCII");
        let whole = text.rfind(separator).map_or(0, |at| at + separator.len());
        for part in text[..whole].split_terminator(separator) {
            self.records.extend(match self.format {
                Format::Events => event(part),
                Format::Lines => line(part),
            });
        }
        self.buffer.drain(..whole);
    }
}

/// The record of an event, if it is no sign of life and not the head.
fn event(text: &str) -> Option<Streamed> {
    let field = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    };
    assert_eq!(field("event"), None, "{text}");
    let json: Json = serde_json::from_str(field("data")?).expect(text);
    Some(streamed(json, field("id").map(str::to_owned)))
}

/// The record of a line, if it is no sign of life.
fn line(text: &str) -> Option<Streamed> {
    if text.is_empty() {
        return None;
    }
    let mut json: Json = serde_json::from_str(text).expect(text);
    let cursor = json.cursor.take();
    Some(streamed(json, cursor))
}

fn streamed(json: Json, cursor: Option<String>) -> Streamed {
    let cursor = cursor.expect("each record has a cursor");
    Streamed { id: (json.partition, json.offset), message: json.message, cursor }
}
