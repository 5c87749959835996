//! Reading through Confluent Cloud's stateless call.
//!
//! The call is internal: no published description names it, and Confluent's own
//! tools use it (`reference/confluent-rest.md`, 6). It reads at any offset, keeps
//! nothing between calls, and does not wait for records, so this module does.
//! The real service was never called; `tests/confluent` runs against the
//! emulator's model of it.

mod wire;

use std::time::Duration;

use http::Method;

use self::wire::{ConsumeAnswer, NextOffset, ReadStart};
use super::client::{Client, JSON, RestCall};
use super::failure::CallFailure;
use super::metadata::Metadata;
use super::names::TopicName;
use super::retry;
use crate::concurrent::try_join_few;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::kafka::{Fetch, Fetched, Offsets};
use crate::random;
use crate::sorted::SortedMap;
use crate::telemetry::{CallReport, Server};

/// The call, below the path of a topic.
const CONSUME: &str = "/partitions/-/records:consume_guarantee_progress";
const FIRST_POLL_PAUSE: Duration = Duration::from_millis(50);
const MAX_POLL_PAUSE: Duration = Duration::from_secs(1);
/// The maximum number of concurrent calls about the partitions of a topic.
const MAX_OFFSET_CALLS: usize = 8;
/// An answer may be this much longer than twice the requested bytes. The factor
/// covers base64 and JSON; this constant covers a first record that is larger.
const ENVELOPE_BYTES: usize = 16 * 1024 * 1024;

pub(super) struct CloudReader<'a, H> {
    pub(super) client: &'a Client<H>,
    pub(super) metadata: &'a Metadata<H>,
}

impl<H: Host> CloudReader<'_, H> {
    pub(super) async fn fetch(&self, fetch: Fetch<'_>) -> Result<Fetched> {
        let topic = TopicName::new(fetch.topic)?;
        let host = &self.client.host;
        let end = host.monotonic() + fetch.wait;
        let (mut offset, mut pause, mut tries) = (fetch.offset, FIRST_POLL_PAUSE, 1);
        loop {
            let start =
                ReadStart::offset(fetch.partition, offset, fetch.max_records, fetch.max_bytes);
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
                    pause = (pause * 2).min(MAX_POLL_PAUSE);
                }
                Err(failure) => {
                    let pause = retry::pause(tries, random::number(host), failure.retry_after());
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
        let all = try_join_few(MAX_OFFSET_CALLS, (0..partitions).map(one)).await;
        Ok(all.map_err(|failure| refused(failure, topic))?.into_iter().collect())
    }

    /// The end offset of every partition.
    pub(super) async fn ends(&self, topic: TopicName<'_>) -> Result<SortedMap<i32, i64>> {
        self.positions(topic, &ReadStart::end()).await
    }

    pub(super) async fn offset_at(
        &self,
        topic: TopicName<'_>,
        time: Millis,
    ) -> Result<SortedMap<i32, i64>> {
        self.positions(topic, &ReadStart::time(time)).await
    }

    async fn positions(
        &self,
        topic: TopicName<'_>,
        start: &ReadStart,
    ) -> Result<SortedMap<i32, i64>> {
        // This call reports a topic that does not exist.
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
        start: &ReadStart,
        max_bytes: usize,
    ) -> Result<ConsumeAnswer, CallFailure> {
        let path = self.path(topic).await.map_err(CallFailure::Ours)?;
        let path = format!("{path}{CONSUME}?return_raw_base64_records=true");
        let call = RestCall {
            answer_limit: max_bytes.saturating_mul(2).saturating_add(ENVELOPE_BYTES),
            ..RestCall::post(path, JSON, start.to_json())
        };
        ConsumeAnswer::read(&self.client.once(&call).await?).ok_or(CallFailure::Nonsense)
    }

    async fn path(&self, topic: TopicName<'_>) -> Result<String> {
        Ok(format!("{}/internal/topics/{topic}", self.metadata.cluster_path().await?))
    }
}

/// If Cloud has the call and the credentials may use it, the answer is 200. All
/// statuses that mean otherwise become one error. Whether an API key may use the
/// call is not known (`reference/confluent-rest.md`, 6.4).
fn refused(failure: CallFailure, topic: TopicName<'_>) -> Error {
    let Some(refusal) = failure.refusal() else { return failure.into() };
    match (refusal.status.as_u16(), refusal.code) {
        (404, Some(40401 | 40403)) => ErrorKind::UnknownTopic(topic.as_str().into()).into(),
        (401 | 403 | 404 | 405, _) => ErrorKind::Unsupported(
            "Confluent Cloud does not let this gateway read records over HTTP: \
             it refused the internal call that its own tools use"
                .into(),
        )
        .into(),
        _ => failure.into(),
    }
}
