//! Streaming produce: records in, reports out, at the same time.

use super::links::Links;
use super::report::{Failure, Prepared, Written, prepare, send};
use super::stream::{Next, RecordStream};
use crate::core::Core;
use crate::http::{
    Call, FrameSender, JSON, Reply, RequestBody, RestError, accepts_gzip, gzip,
    require_content_type, streamed,
};
use crate::json::InputEnd;
use crate::options::{Offer, Version};
use bytes::Bytes;
use http::{HeaderValue, header};
use http_body::Body;
use http_body_util::BodyExt;
use serde::Serialize;
use std::sync::Arc;
use tokio::time::{Instant, sleep_until, timeout};

/// Answers 200 before the first record was looked at, and reads on.
pub(super) async fn produce(
    core: Arc<Core>,
    call: Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    // The self-hosted proxy takes any cluster id and echoes it.
    if core.options.offer == Offer::Cloud {
        Links::new(&core, &call)?;
    }
    let content_type = call.header(header::CONTENT_TYPE);
    if content_type.is_none() {
        return Err(without_content_type(body).await);
    }
    require_content_type(content_type, &[JSON])?;
    require_charset(content_type.unwrap_or_default())?;
    let compressed = accepts_gzip(call.header(header::ACCEPT_ENCODING));
    let (sender, mut reply) = streamed(JSON);
    if compressed {
        let encoding = HeaderValue::from_static("gzip");
        reply.headers_mut().insert(header::CONTENT_ENCODING, encoding);
    }
    if core.options.version == Version::V7_9_9 && call.header(header::EXPECT).is_some() {
        refuse_to_continue(sender, &mut reply);
        return Ok(reply);
    }
    let chunked = call.header(header::CONTENT_LENGTH).is_none();
    let mut segments = call.segments.into_iter();
    let cluster = segments.nth(1).unwrap_or_default();
    let topic = segments.nth(1).unwrap_or_default();
    let reports = Reports { sender, compressed: compressed.then(Vec::new), any: false };
    let limit = core.options.produce_size_limit;
    let version = core.options.version;
    let too_old_at = Instant::now() + core.options.stream_max_age;
    let stream = Stream {
        core,
        cluster,
        topic,
        records: RecordStream::new(version, limit),
        reports,
        chunked,
        too_old_at,
        closes_at: None,
    };
    // A separate task, so that records are written even if the reports are not
    // read.
    tokio::spawn(stream.run(body));
    Ok(reply)
}

/// 7.9.9 answers before it can ask the client to send the body, so the records
/// are lost (`recordings/v3-produce-stream.jsonl`, "Expect: 100-continue").
fn refuse_to_continue(sender: FrameSender, reply: &mut Reply) {
    reply.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    let mut reports = Reports { sender, compressed: None, any: false };
    reports.report(&FailureReport {
        error_code: 400,
        message: "Bad Request: Error processing message: java.io.IOException: Committed before 100 Continues",
    });
    reports.end();
}

async fn without_content_type(mut body: RequestBody) -> RestError {
    let empty = body.is_end_stream() || body.frame().await.is_none();
    if empty {
        return RestError::empty_payload();
    }
    RestError::bad_request(
        "Cannot construct instance of `JsonStream` (no Creators, like default constructor, exist): cannot deserialize from Object value (no delegate- or property-based Creator)",
    )
}

fn require_charset(content_type: &str) -> Result<(), RestError> {
    let charset = content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"'))
    });
    match charset {
        Some(name)
            if !name.eq_ignore_ascii_case("utf-8") && !name.eq_ignore_ascii_case("iso-8859-1") =>
        {
            Err(RestError::bad_request(
                "Unsupported charset in Content-Type header. Supports \"UTF-8\" and \"ISO-8859-1\".",
            ))
        }
        _ => Ok(()),
    }
}

const TOO_OLD: &str =
    "Streaming connection open for longer than allowed: Connection will be closed.";

/// The receiver of the reports.
#[derive(Debug)]
struct Reports {
    sender: FrameSender,
    /// Under `Accept-Encoding: gzip` everything waits here for the end.
    compressed: Option<Vec<u8>>,
    any: bool,
}

impl Reports {
    /// Sends one report. The line end of the one before goes out with it:
    /// the proxy holds it back until then.
    fn report(&mut self, report: &impl Serialize) {
        let json = serde_json::to_vec(report).unwrap_or_default();
        if self.any {
            self.piece(Bytes::from_static(b"\r\n"));
        }
        self.any = true;
        self.piece(json.into());
    }

    fn piece(&mut self, bytes: Bytes) {
        match &mut self.compressed {
            Some(buffer) => buffer.extend_from_slice(&bytes),
            None => self.sender.send(bytes),
        }
    }

    fn end(mut self) {
        if self.any {
            self.piece(Bytes::from_static(b"\r\n"));
        }
        if let Some(buffer) = self.compressed {
            self.sender.send_gzipped(gzip(&buffer));
        }
    }
}

#[derive(Serialize)]
struct FailureReport<'a> {
    error_code: u32,
    message: &'a str,
}

struct Stream {
    core: Arc<Core>,
    cluster: String,
    topic: String,
    records: RecordStream,
    reports: Reports,
    /// Whether the request came in chunks, of no length told in advance.
    chunked: bool,
    too_old_at: Instant,
    /// When a stream that is too old ends: some time after the first record
    /// that came too late.
    closes_at: Option<Instant>,
}

/// Why a stream ends without having been read to its end.
enum Ended {
    /// All reports are out.
    Done,
    /// The producer is dead: no report comes any more.
    Silenced,
}

impl Stream {
    async fn run(mut self, mut body: RequestBody) {
        loop {
            match self.take_what_is_there().await {
                None => {
                    if self.read_more(&mut body).await.is_err() {
                        break;
                    }
                }
                Some(Ended::Done) => break,
                Some(Ended::Silenced) => return self.reports.sender.hung_up().await,
            }
        }
        self.reports.end();
    }

    /// Waits for more of the request. Fails when the stream is too old to go
    /// on.
    async fn read_more(&mut self, body: &mut RequestBody) -> Result<(), ()> {
        let idle = self.core.options.idle_timeout;
        let closes_at = self.closes_at;
        let closing = async {
            match closes_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let next = tokio::select! {
            biased;
            () = closing => return Err(()),
            next = timeout(idle, body.frame()) => next,
        };
        let end = match next {
            Ok(Some(Ok(frame))) => {
                if let Ok(data) = frame.into_data() {
                    self.records.feed(&data);
                }
                return Ok(());
            }
            Ok(Some(Err(_))) => InputEnd::Broken(match self.core.options.version {
                Version::V8_3_1 if self.chunked => {
                    "org.eclipse.jetty.server.internal.HttpConnection$HttpEofException: Early EOF"
                        .into()
                }
                _ => "Early EOF".into(),
            }),
            Ok(None) => InputEnd::Complete,
            Err(_) => {
                let ms = idle.as_millis();
                InputEnd::Broken(format!(
                    "java.util.concurrent.TimeoutException: Idle timeout expired: {ms}/{ms} ms"
                ))
            }
        };
        self.records.finish(end);
        Ok(())
    }

    /// Produces every record that has arrived. Nothing if more may come.
    async fn take_what_is_there(&mut self) -> Option<Ended> {
        let mut gathered = Vec::new();
        let last = loop {
            match self.records.next() {
                Next::Record(record, size) => {
                    gathered.push(prepare(&self.core, &self.topic, record, size));
                }
                Next::Bad(error) => gathered.push(Err(error.into())),
                other => break other,
            }
        };
        self.lose_producer_if_mixed(&gathered);
        if !gathered.is_empty() && !self.core.options.lone_record_delay.is_zero() {
            tokio::time::sleep(self.core.options.lone_record_delay).await;
        }
        for prepared in gathered {
            let mut outcome = self.produce(prepared).await;
            let now = Instant::now();
            if now > self.too_old_at {
                // The record is written, and its report is not.
                outcome = Err(Failure::new(408, TOO_OLD));
                self.closes_at.get_or_insert(now + self.core.options.stream_age_grace);
            }
            if self.report(outcome).is_err() {
                return Some(Ended::Silenced);
            }
        }
        match last {
            Next::Broken(why) => {
                let message = format!("Bad Request: Error processing message: {why}");
                let _ = self.report(Err(Failure::new(400, message)));
                Some(Ended::Done)
            }
            Next::End => Some(Ended::Done),
            _ => None,
        }
    }

    async fn produce(&self, prepared: Result<Prepared, Failure>) -> Result<Written, Failure> {
        send(&self.core, &self.topic, prepared?).await
    }

    /// Fails if the receiver is gone.
    fn report(&mut self, outcome: Result<Written, Failure>) -> Result<(), ()> {
        match outcome {
            Ok(written) => {
                let success = written.report(&self.cluster, &self.topic, Some(200), None);
                self.reports.report(&success);
            }
            Err(Failure::Told { code, message }) => {
                self.reports.report(&FailureReport { error_code: code, message: &message });
            }
            Err(Failure::Silence) => return Err(()),
        }
        Ok(())
    }

    /// A record over its topic's limit in a batch with others: the Kafka
    /// clients 3.9.1 and 4.3.0 then stopped sending until a restart
    /// (`reference/confluent-rest.md`, 3.3).
    fn lose_producer_if_mixed(&self, gathered: &[Result<Prepared, Failure>]) {
        if !self.core.options.producer_can_die {
            return;
        }
        let records: Vec<_> = gathered.iter().flatten().map(|p| &p.record).collect();
        if records.len() > 1 && self.core.producer.would_die_of(&self.core, &self.topic, &records) {
            self.core.producer.kill();
        }
    }
}
