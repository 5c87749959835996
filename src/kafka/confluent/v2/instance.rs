//! The calls on a consumer instance.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::host::Host;
use crate::kafka::Offsets;
use crate::kafka::confluent::client::{Client, RestCall};
use crate::kafka::confluent::failure::CallFailure;
use crate::kafka::confluent::names::TopicName;

const V2: &str = "application/vnd.kafka.v2+json";
/// The one format that takes every record: in the others a record that does
/// not parse poisons the instance for good.
const BINARY: &str = "application/vnd.kafka.binary.v2+json";

/// Kafka's name for all who read through us. Nothing is ever committed under
/// it and nobody subscribes, so it is no group that balances anything.
const GROUP: &str = "/consumers/kafka-edge";

/// What an answer may hold beside twice the bytes asked for.
const ENVELOPE: usize = 4 << 20;

#[derive(Serialize)]
struct Create<'a> {
    name: &'a str,
    format: &'a str,
    /// An offset that is gone must be an error: `earliest` would give old
    /// records again, `latest` would pass new ones over, both without a word.
    #[serde(rename = "auto.offset.reset")]
    reset: &'a str,
    #[serde(rename = "auto.commit.enable")]
    commit: &'a str,
    /// By default a read takes the server's full second even if there are
    /// records.
    #[serde(rename = "fetch.min.bytes")]
    min_bytes: u32,
}

#[derive(Serialize)]
struct Assign<'a> {
    partitions: [Partition<'a>; 1],
}

#[derive(Serialize)]
struct Seek<'a> {
    offsets: [Partition<'a>; 1],
}

#[derive(Serialize)]
struct Partition<'a> {
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

/// An instance by its name: the path is ours, on the address that we know.
/// (The server's own `base_uri` names whatever it believes its address to be.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConsumerInstance(pub(super) String);

impl ConsumerInstance {
    /// Makes an instance that reads one partition from `offset` on.
    pub(super) async fn open<H: Host>(
        client: &Client<H>,
        topic: TopicName<'_>,
        partition: i32,
        offset: i64,
    ) -> Result<Self, CallFailure> {
        let mut name = [0; 16];
        client.host.random(&mut name);
        let instance = Self(name.iter().map(|byte| format!("{byte:02x}")).collect());
        let create = Create {
            name: &instance.0,
            format: "binary",
            reset: "none",
            commit: "false",
            min_bytes: 1,
        };
        client.once(&post(GROUP.into(), &create)).await.map_err(no_such_api)?;
        let at = |offset| [Partition { topic: topic.as_str(), partition, offset }];
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

    /// Reads a page. The server waits no longer than its own second, whatever
    /// is asked for.
    pub(super) async fn read<H: Host>(
        &self,
        client: &Client<H>,
        wait: Duration,
        max_bytes: usize,
    ) -> Result<Bytes, CallFailure> {
        // Zero would mean the server's full second.
        let timeout = wait.as_millis().max(1);
        let path = self.path(&format!("records?timeout={timeout}&max_bytes={max_bytes}"));
        let call = RestCall {
            accept: BINARY,
            patience: wait,
            answer_limit: max_bytes.saturating_mul(2).saturating_add(ENVELOPE),
            ..RestCall::get(path)
        };
        client.once(&call).await
    }

    /// Deletes it, which can take the server most of a second.
    pub(super) async fn delete<H: Host>(&self, client: &Client<H>) -> Result<(), CallFailure> {
        let path = format!("{GROUP}/instances/{}", self.0);
        let call = RestCall { method: Method::DELETE, accept: V2, ..RestCall::get(path) };
        client.once(&call).await.map(drop)
    }

    /// Deletes it beside whatever goes on. If that fails, the server forgets
    /// it by itself after some minutes.
    pub(super) fn forget<H: Host>(&self, client: &Client<H>) {
        let (instance, client) = (self.clone(), client.clone());
        client.host.clone().spawn(async move {
            // The client has reported a failure.
            let _ = instance.delete(&client).await;
        });
    }

    fn path(&self, call: &str) -> String {
        format!("{GROUP}/instances/{}/{call}", self.0)
    }
}

/// First and end offset of a partition. (v3 has a call for it as well, but
/// only newer versions of the proxy do.)
pub(super) async fn offsets<H: Host>(
    client: &Client<H>,
    topic: TopicName<'_>,
    partition: i32,
) -> Result<Offsets, CallFailure> {
    let path = format!("/topics/{topic}/partitions/{partition}/offsets");
    let call = RestCall { accept: V2, ..RestCall::get(path) };
    let bounds: Bounds = client.ask(&call).await.map_err(no_such_api)?;
    Ok(Offsets { first: bounds.beginning_offset, end: bounds.end_offset })
}

fn post(path: String, body: &impl Serialize) -> RestCall {
    let body = serde_json::to_vec(body).expect("a structure of text and numbers is always JSON");
    RestCall::post(path, V2, body)
}

/// No such path at all, or one for other calls: what Confluent Cloud says.
/// (That a topic or a partition does not exist has codes of its own.)
fn no_such_api(failure: CallFailure) -> CallFailure {
    match failure.refusal().map(|refusal| (refusal.status.as_u16(), refusal.code)) {
        Some((404 | 405, None | Some(404 | 405))) => CallFailure::Ours(Error::Unsupported(
            "The Kafka server does not have the v2 consumer API that records are read with".into(),
        )),
        _ => failure,
    }
}
