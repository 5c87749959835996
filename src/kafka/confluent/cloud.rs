//! Reading through Confluent Cloud's stateless call.
//!
//! It is internal: no published description names it, Confluent's own tools
//! use it. It reads at any offset, keeps nothing between calls and answers at
//! once when there is nothing, so that waiting is ours.

mod wire;

use std::time::Duration;

use http::Method;

use self::wire::{Consumed, NextOffset, Start};
use super::client::{Client, JSON, RestCall};
use super::failure::CallFailure;
use super::metadata::Metadata;
use super::names::TopicName;
use super::retry;
use crate::concurrent::try_join_few;
use crate::error::{Error, Result};
use crate::host::{Host, Millis};
use crate::kafka::{Fetch, Fetched, Offsets};
use crate::sorted::SortedMap;
use crate::telemetry::{CallReport, Server};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The call, below the path of a topic.
const CONSUME: &str = "/partitions/-/records:consume_guarantee_progress";
/// So many calls at once about the partitions of a topic.
const AT_ONCE: usize = 8;
/// What an answer may be longer than twice the bytes asked for: base64 and
/// JSON are within the double, a first record that is larger is in here.
const ENVELOPE: usize = 16 << 20;

pub(super) struct CloudReader<'a, H> {
    pub(super) client: &'a Client<H>,
    pub(super) metadata: &'a Metadata<H>,
}

impl<H: Host> CloudReader<'_, H> {
    pub(super) async fn fetch(&self, fetch: Fetch<'_>) -> Result<Fetched> {
        let topic = TopicName::new(fetch.topic)?;
        let host = &self.client.host;
        let end = host.monotonic() + fetch.wait;
        let (mut offset, mut pause, mut tries) = (fetch.offset, FIRST_PAUSE, 1);
        loop {
            let start = Start::offset(fetch.partition, offset, fetch.max_records, fetch.max_bytes);
            let left = end.saturating_sub(host.monotonic());
            match self.consume(topic, &start, fetch.max_bytes).await {
                Ok(consumed) => {
                    let page = consumed.partition(topic, fetch.partition, offset)?;
                    if !page.records.is_empty() {
                        return Ok(page);
                    }
                    offset = page.next;
                    if left.is_zero() {
                        return Ok(page);
                    }
                    host.sleep(pause.min(left)).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(failure) => {
                    let pause = retry::pause(tries, retry::dice(host), failure.hint());
                    if !failure.may_pass() || pause >= left {
                        return Err(refused(failure, topic));
                    }
                    tries += 1;
                    let report = CallReport::begin(host, Server::Kafka, &Method::POST, CONSUME);
                    report.retried(tries, pause);
                    host.sleep(pause).await;
                }
            }
        }
    }

    pub(super) async fn offsets(&self, topic: TopicName<'_>) -> Result<SortedMap<i32, Offsets>> {
        let partitions = self.metadata.topic(topic).await?.partitions;
        let path = self.path(topic).await?;
        let one = async |partition: i32| {
            let bound = async |from_beginning: bool| {
                let path = format!(
                    "{path}/partitions/{partition}/records:offsets?from_beginning={from_beginning}"
                );
                let answer: NextOffset = self.client.ask(&RestCall::get(path)).await?;
                Ok::<_, CallFailure>(answer.next_offset)
            };
            let first = bound(true).await?;
            Ok::<_, CallFailure>((
                partition,
                Offsets { first, end: bound(false).await?.max(first) },
            ))
        };
        let all = try_join_few(AT_ONCE, (0..partitions).map(one)).await;
        Ok(all.map_err(|failure| refused(failure, topic))?.into_iter().collect())
    }

    /// Where reading would start now: at the end of every partition.
    pub(super) async fn ends(&self, topic: TopicName<'_>) -> Result<SortedMap<i32, i64>> {
        self.positions(topic, &Start::end()).await
    }

    pub(super) async fn offset_at(
        &self,
        topic: TopicName<'_>,
        time: Millis,
    ) -> Result<SortedMap<i32, i64>> {
        self.positions(topic, &Start::time(time)).await
    }

    async fn positions(&self, topic: TopicName<'_>, start: &Start) -> Result<SortedMap<i32, i64>> {
        // It is found out here that the topic does not exist.
        let partitions = self.metadata.topic(topic).await?.partitions;
        let consumed = self.consume(topic, start, 0).await;
        let positions = consumed.map_err(|failure| refused(failure, topic))?.positions();
        if (0..partitions).any(|partition| !positions.contains_key(&partition)) {
            return Err(CallFailure::Nonsense.into());
        }
        Ok(positions)
    }

    async fn consume(
        &self,
        topic: TopicName<'_>,
        start: &Start,
        max_bytes: usize,
    ) -> Result<Consumed, CallFailure> {
        let path = self.path(topic).await.map_err(CallFailure::Ours)?;
        let path = format!("{path}{CONSUME}?return_raw_base64_records=true");
        let call = RestCall {
            answer_limit: max_bytes.saturating_mul(2).saturating_add(ENVELOPE),
            ..RestCall::post(path, JSON, start.to_json())
        };
        Consumed::read(&self.client.once(&call).await?).ok_or(CallFailure::Nonsense)
    }

    async fn path(&self, topic: TopicName<'_>) -> Result<String> {
        Ok(format!("{}/internal/topics/{topic}", self.metadata.cluster_path().await?))
    }
}

/// A Cloud that has the call at all and lets these credentials use it answers
/// 200. Otherwise there is one thing to be said, whatever its status.
fn refused(failure: CallFailure, topic: TopicName<'_>) -> Error {
    let Some(refusal) = failure.refusal() else { return failure.into() };
    match (refusal.status.as_u16(), refusal.code) {
        (404, Some(40401 | 40403)) => Error::UnknownTopic(topic.as_str().into()),
        (401 | 403 | 404 | 405, _) => Error::Unsupported(
            "Confluent Cloud does not let this gateway read records over HTTP: \
             it refused the internal call that its own tools use"
                .into(),
        ),
        _ => failure.into(),
    }
}
