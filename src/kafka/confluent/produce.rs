//! Writing records with one streamed call of v3.

mod report;
mod request;
mod size;
mod verdict;

use std::collections::VecDeque;
use std::time::Duration;

use http::StatusCode;

use self::report::ReportReader;
use self::verdict::{ReportMeaning, Whole, unknown};
use super::client::{Client, JSON, RestCall};
use super::failure::{CallFailure, ErrorAnswer};
use super::metadata::{DEFAULT_MAX_MESSAGE_BYTES, Metadata};
use super::names::TopicName;
use super::retry;
use crate::deadline::{Timer, within};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Body, Host, Incoming, SendError, SendErrorKind, Sent};
use crate::kafka::Topic;
use crate::random;
use crate::record::{NewRecord, RecordMetadata};
use crate::telemetry::CallReport;

/// Maximum tries for a record that is known not to have been written.
const MAX_PRODUCE_TRIES: u32 = 7;
/// Maximum tries if there is no connection, so that callers learn of it soon.
const MAX_CONNECT_TRIES: u32 = 4;
/// What a producer of Kafka's puts into a batch at most, unless its operator has set
/// `batch.size`. A larger record has room of its own size, so that a small one may fit
/// beside it ([`ROOM_BESIDE_A_RECORD`]).
const PRODUCER_BATCH_BYTES: u64 = 16 * 1024;
/// Kafka's client reckons with 21 bytes around a record's key, value and headers, and writes
/// at least 6 (`DefaultRecord.recordSizeUpperBound`).
const ROOM_BESIDE_A_RECORD: u64 = 15;
/// How long to wait for the end of an answer after its last report, so that its
/// connection can be used again.
const MAX_END_OF_ANSWER_WAIT: Duration = Duration::from_secs(1);

/// Writes records and reports once on each.
pub(super) async fn produce<H: Host>(
    client: &Client<H>,
    metadata: &Metadata<H>,
    json_values: bool,
    topic: &str,
    records: Vec<NewRecord>,
    mut report: impl FnMut(usize, Result<RecordMetadata>),
) {
    let deadline = client.host.monotonic() + client.request_timeout;
    let mut refuse_all = |error: Error| {
        for index in 0..records.len() {
            report(index, Err(error.clone()));
        }
    };
    let largest = records.iter().map(size::in_a_batch).max().unwrap_or(0);
    let highest = records.iter().filter_map(|record| record.partition).max();
    let found = async {
        let name = TopicName::new(topic)?;
        let partition = highest.unwrap_or(0).max(0);
        let topic = metadata.topic_for(name, partition, largest).await?;
        let path = format!("{}/topics/{name}/records", metadata.cluster_path().await?);
        Ok((topic, path))
    };
    // The topic is checked first: for one that does not exist, the proxy would
    // wait a minute for each record (`recordings/v3-produce-unknown-topic.jsonl`,
    // the same in 7.9.9 and 8.3.1).
    let found = within(&client.host, client.request_timeout, found).await;
    let (topic, path) = match found.unwrap_or(Err(ErrorKind::Timeout.into())) {
        Ok(found) => found,
        Err(error) => return refuse_all(error),
    };
    let mut lawful = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        match request::check(record, &topic, json_values) {
            Ok(()) => lawful.push(index),
            Err(error) => report(index, Err(error)),
        }
    }
    let records = &records[..];
    let writing = Writing { client, topic: &topic, path, records, json_values, deadline };
    let mut gone = false;
    writing
        .run(lawful, |index, outcome| {
            gone |=
                outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::UnknownTopic(_)));
            if outcome.is_ok() {
                metadata.was_accepted(&topic.name, size::in_a_batch(&records[index]));
            }
            report(index, outcome);
        })
        .await;
    if gone {
        metadata.forget(&topic.name);
    }
}

struct Writing<'a, H> {
    client: &'a Client<H>,
    topic: &'a Topic,
    path: String,
    records: &'a [NewRecord],
    json_values: bool,
    deadline: Duration,
}

/// Records to be sent with one call, by their indexes.
struct IndexBatch {
    indexes: Vec<usize>,
    tries: u32,
}

/// What is left to do after a call. All other records have been reported on.
enum Rest {
    Nothing,
    Again { indexes: Vec<usize>, why: Error, hint: Option<Duration> },
    Split { indexes: Vec<usize> },
}

impl<H: Host> Writing<'_, H> {
    async fn run(
        &self,
        indexes: Vec<usize>,
        mut report: impl FnMut(usize, Result<RecordMetadata>),
    ) {
        let mut work = self.batches(indexes);
        while let Some(IndexBatch { indexes, tries }) = work.pop_front() {
            if indexes.is_empty() {
                continue;
            }
            if self.left().is_zero() {
                indexes.into_iter().for_each(|index| report(index, Err(ErrorKind::Timeout.into())));
                continue;
            }
            match self.call(indexes, &mut report).await {
                Rest::Nothing => {}
                // Records of the same call may have been written before these:
                // the proxy goes on after it has refused one (`recordings/v3-produce.jsonl`, "bad
                // record between good records"), so there is no order left
                // to keep.
                Rest::Again { indexes, why, hint } => {
                    let pause = retry::pause(tries, random::number(&self.client.host), hint);
                    let most = match *why {
                        ErrorKind::Unreachable { .. } => MAX_CONNECT_TRIES,
                        _ => MAX_PRODUCE_TRIES,
                    };
                    if tries < most && pause < self.left() {
                        let call = RestCall::post(self.path.clone(), JSON, "");
                        self.client.report(&call).retried(tries + 1, pause);
                        self.client.host.sleep(pause).await;
                        work.push_front(IndexBatch { indexes, tries: tries + 1 });
                    } else {
                        indexes.into_iter().for_each(|index| report(index, Err(why.clone())));
                    }
                }
                Rest::Split { mut indexes } if indexes.len() > 1 => {
                    let second = indexes.split_off(indexes.len() / 2);
                    work.push_front(IndexBatch { indexes: second, tries });
                    work.push_front(IndexBatch { indexes, tries });
                }
                Rest::Split { indexes } => indexes.into_iter().for_each(|index| {
                    report(index, Err(verdict::too_large(&self.records[index])));
                }),
            }
        }
    }

    /// The records that are sent together, in their order. A record is sent alone if
    /// the proxy's producer may put it into a batch with others that is over the topic's
    /// limit: it would split that batch into the same again, for two minutes, and none of
    /// them be written (KAFKA-8350; seen with 7.9.9 over Kafka 3.9.1). If the limit is not
    /// known, a record that is probably over it is sent alone, too: then it is only refused.
    fn batches(&self, indexes: Vec<usize>) -> VecDeque<IndexBatch> {
        let alone = |index: usize| {
            let size = size::in_a_batch(&self.records[index]);
            match self.topic.max_message_bytes {
                Some(limit) => limit < PRODUCER_BATCH_BYTES || size + ROOM_BESIDE_A_RECORD > limit,
                None => size > DEFAULT_MAX_MESSAGE_BYTES,
            }
        };
        let together = indexes.chunk_by(|one, next| !alone(*one) && !alone(*next));
        together.map(|indexes| IndexBatch { indexes: indexes.to_vec(), tries: 1 }).collect()
    }

    /// Sends records once and reports on all of them but those to be sent again.
    async fn call(
        &self,
        indexes: Vec<usize>,
        report: &mut impl FnMut(usize, Result<RecordMetadata>),
    ) -> Rest {
        let records = indexes.iter().map(|index| &self.records[*index]);
        let body = request::body(records, self.json_values);
        let call = RestCall::post(self.path.clone(), JSON, body);
        let reported = self.client.report(&call);
        let (host, end) = (&self.client.host, self.deadline);
        let mut timer = Timer::default();
        let sent = timer.until(host, end, self.client.send(&call)).await;
        let sent = sent.unwrap_or_else(|| Err(too_slow().into()));
        if let Err(failure) = &sent {
            failure.report(&reported);
        }
        let answer = match sent {
            Ok(answer) => answer,
            // Without a connection it is certain that nothing was written. After
            // every other failure without an answer it is not.
            Err(CallFailure::Send(error)) if error.sent == Sent::Not => {
                let why = CallFailure::Send(error).into();
                return Rest::Again { indexes, why, hint: None };
            }
            Err(failure) => {
                let error = match failure {
                    CallFailure::Send(error) => unknown(&error.to_string()),
                    ours => ours.into(),
                };
                indexes.into_iter().for_each(|index| report(index, Err(error.clone())));
                return Rest::Nothing;
            }
        };
        if answer.status == StatusCode::OK {
            return self.follow(indexes, answer, report, &reported, timer).await;
        }
        let status = answer.status;
        let refusal = timer.until(host, end, self.client.refusal(answer)).await;
        let refusal = refusal.unwrap_or_else(|| ErrorAnswer::bare(status));
        reported.refused(refusal.status, refusal.code);
        match verdict::of_status(&refusal, self.topic) {
            Whole::Failed(error) => {
                indexes.into_iter().for_each(|index| report(index, Err(error.clone())));
                Rest::Nothing
            }
            Whole::Again(why) => Rest::Again { indexes, why, hint: refusal.retry_after },
            Whole::Split => Rest::Split { indexes },
        }
    }

    /// Reads reports as they arrive. Only their order links them to the records
    /// (`recordings/v3-produce-stream.jsonl`, "20000 records in one request").
    async fn follow<'a>(
        &'a self,
        indexes: Vec<usize>,
        mut answer: Incoming<H::Body>,
        report: &mut impl FnMut(usize, Result<RecordMetadata>),
        reported: &CallReport<'_, H>,
        mut timer: Timer<'a>,
    ) -> Rest {
        let mut reports = ReportReader::default();
        let mut waiting = indexes.into_iter();
        let (mut again, mut why) = (Vec::new(), None);
        let broken = loop {
            let found = match reports.next() {
                Ok(found) => found,
                Err(report::Unreadable) => break "its report was not understood".to_owned(),
            };
            if let Some(found) = found {
                let Some(index) = waiting.next() else { break String::new() };
                match verdict::of_report(found, &self.records[index], self.topic) {
                    ReportMeaning::Written(written) => report(index, Ok(written)),
                    ReportMeaning::Failed(error) => report(index, Err(error)),
                    ReportMeaning::Again(error) => {
                        again.push(index);
                        why = Some(error);
                    }
                }
                if waiting.len() == 0 {
                    self.finish(answer.body);
                    break String::new();
                }
                continue;
            }
            match timer.until(&self.client.host, self.deadline, answer.body.chunk()).await {
                Some(Some(Ok(piece))) => reports.push(&piece),
                Some(Some(Err(error))) => break error.to_string(),
                Some(None) => break "it sent no report".to_owned(),
                None => break too_slow().to_string(),
            }
        };
        match broken.is_empty() {
            true => reported.succeeded(),
            false => reported.failed(&broken),
        }
        for index in waiting {
            report(index, Err(unknown(&broken)));
        }
        match why {
            Some(why) => Rest::Again { indexes: again, why, hint: None },
            None => Rest::Nothing,
        }
    }

    /// Reads an answer to its end in the background.
    fn finish(&self, mut body: H::Body) {
        let host = self.client.host.clone();
        self.client.host.spawn(async move {
            let end = async { while let Some(Ok(_)) = body.chunk().await {} };
            within(&host, MAX_END_OF_ANSWER_WAIT, end).await;
        });
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_sub(self.client.host.monotonic())
    }
}

fn too_slow() -> SendError {
    SendError { sent: Sent::Perhaps, kind: SendErrorKind::Timeout }
}
