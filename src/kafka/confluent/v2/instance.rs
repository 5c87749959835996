//! The calls on a consumer instance.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use crate::error::ErrorKind;
use crate::host::Host;
use crate::kafka::Offsets;
use crate::kafka::confluent::client::{Client, RestCall};
use crate::kafka::confluent::failure::CallFailure;
use crate::kafka::confluent::names::TopicName;
use crate::random;

const V2_JSON: &str = "application/vnd.kafka.v2+json";
/// The one format that can carry every record. In the JSON format, a record that
/// does not parse makes every later read fail
/// (`recordings/v2-consumer-formats.jsonl`, "poison").
const V2_BINARY_JSON: &str = "application/vnd.kafka.binary.v2+json";

/// The Kafka group of all our readers. Nothing is committed under it and nothing
/// subscribes, so Kafka never rebalances it.
const GROUP_PATH: &str = "/consumers/kafka-edge";

/// An answer may be this much longer than twice the requested bytes.
const ENVELOPE_BYTES: usize = 4 * 1024 * 1024;

#[derive(Serialize)]
struct Create<'a> {
    name: &'a str,
    format: &'a str,
    /// An offset that is gone must be an error (`recordings/v2-consumer-reset.jsonl`):
    /// `earliest` would silently repeat old records, and `latest` would silently
    /// skip new ones.
    #[serde(rename = "auto.offset.reset")]
    reset: &'a str,
    #[serde(rename = "auto.commit.enable")]
    commit: &'a str,
    /// By default a read takes the server's full second even if there are
    /// records (`recordings/v2-consumer.jsonl`, "first records after assign").
    #[serde(rename = "fetch.min.bytes")]
    min_bytes: u32,
}

#[derive(Serialize)]
struct Assign<'a> {
    partitions: [V2Partition<'a>; 1],
}

#[derive(Serialize)]
struct Seek<'a> {
    offsets: [V2Partition<'a>; 1],
}

#[derive(Serialize)]
struct V2Partition<'a> {
    topic: &'a str,
    partition: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
}

#[derive(Deserialize)]
struct Bounds {
    beginning_offset: i64,
    end_offset: i64,
}

/// An instance, by its name. We build its path ourselves: the server's
/// `base_uri` contains the host name that the server is configured with
/// (`recordings/configured-host-name.jsonl`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConsumerInstance(pub(super) String);

impl ConsumerInstance {
    /// Creates an instance that reads one partition from `offset` on.
    pub(super) async fn open<H: Host>(
        client: &Client<H>,
        topic: TopicName<'_>,
        partition: i32,
        offset: i64,
    ) -> Result<Self, CallFailure> {
        let instance = Self(random::hex_id::<16>(&client.host));
        let create = Create {
            name: &instance.0,
            format: "binary",
            reset: "none",
            commit: "false",
            min_bytes: 1,
        };
        client.once(&post(GROUP_PATH.into(), &create)).await.map_err(no_such_api)?;
        let at = |offset| [V2Partition { topic: topic.as_str(), partition, offset }];
        let assign = post(instance.path("assignments"), &Assign { partitions: at(None) });
        let seek = post(instance.path("positions"), &Seek { offsets: at(Some(offset)) });
        for call in [assign, seek] {
            if let Err(failure) = client.once(&call).await {
                instance.forget(client);
                return Err(failure);
            }
        }
        Ok(instance)
    }

    /// Reads a page. The server never waits longer than its own limit, 1 s by
    /// default (`recordings/v2-consumer.jsonl`, "records with timeout=5000").
    pub(super) async fn read<H: Host>(
        &self,
        client: &Client<H>,
        wait: Duration,
        max_bytes: usize,
    ) -> Result<Bytes, CallFailure> {
        // Zero would mean the server's full second ("records with timeout=0").
        let timeout = wait.as_millis().max(1);
        let path = self.path(&format!("records?timeout={timeout}&max_bytes={max_bytes}"));
        let call = RestCall {
            accept: V2_BINARY_JSON,
            patience: wait,
            answer_limit: max_bytes.saturating_mul(2).saturating_add(ENVELOPE_BYTES),
            ..RestCall::get(path)
        };
        client.once(&call).await
    }

    /// Deletes the instance, which can take the server most of a second
    /// (`reference/confluent-rest.md`, 5.3).
    pub(super) async fn delete<H: Host>(&self, client: &Client<H>) -> Result<(), CallFailure> {
        let path = format!("{GROUP_PATH}/instances/{}", self.0);
        let call = RestCall { method: Method::DELETE, accept: V2_JSON, ..RestCall::get(path) };
        client.once(&call).await.map(drop)
    }

    /// Deletes the instance in the background. If that fails, the server removes
    /// it after five minutes without calls.
    pub(super) fn forget<H: Host>(&self, client: &Client<H>) {
        let (instance, client) = (self.clone(), client.clone());
        client.host.clone().spawn(async move {
            // The client has reported a failure.
            let _ = instance.delete(&client).await;
        });
    }

    fn path(&self, call: &str) -> String {
        format!("{GROUP_PATH}/instances/{}/{call}", self.0)
    }
}

/// The first and the end offset of a partition. v3 has such a call only in newer
/// versions: 8.3.1 has it, 7.9.9 does not (`v3-metadata.jsonl` of both,
/// "partition offset").
pub(super) async fn offsets<H: Host>(
    client: &Client<H>,
    topic: TopicName<'_>,
    partition: i32,
) -> Result<Offsets, CallFailure> {
    let path = format!("/topics/{topic}/partitions/{partition}/offsets");
    let call = RestCall { accept: V2_JSON, ..RestCall::get(path) };
    let bounds: Bounds = client.ask(&call).await.map_err(no_such_api)?;
    Ok(Offsets { first: bounds.beginning_offset, end: bounds.end_offset })
}

fn post(path: String, body: &impl Serialize) -> RestCall {
    let body = serde_json::to_vec(body).expect("a structure of text and numbers is always JSON");
    RestCall::post(path, V2_JSON, body)
}

/// Recognises a server without the v2 consumer API by 404 or 405 without a more
/// detailed code; users saw both on Confluent Cloud (`reference/confluent-rest.md`,
/// 6.5). A missing topic or partition has a code of its own.
fn no_such_api(failure: CallFailure) -> CallFailure {
    match failure.refusal().map(|refusal| (refusal.status.as_u16(), refusal.code)) {
        Some((404 | 405, None | Some(404 | 405))) => CallFailure::Ours(
            ErrorKind::Unsupported(
                "The Kafka server does not have the v2 consumer API that records are read with"
                    .into(),
            )
            .into(),
        ),
        _ => failure,
    }
}
