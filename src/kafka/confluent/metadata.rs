//! Cluster and topics as the server describes them, cached for a while.

use std::cell::RefCell;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::join;
use serde::Deserialize;

use super::client::{Client, RestCall};
#[cfg(feature = "destinations")]
use super::client::{JSON, is_forbidden};
use super::failure::CallFailure;
use super::names::{TopicName, is_segment};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Topic;
#[cfg(feature = "destinations")]
use crate::kafka::WriteAccess;
use crate::sorted::{SortedMap, in_order};

/// Kafka's default for a topic's `max.message.bytes`
/// (`recordings/v2-metadata.jsonl`, "topic"), for topics whose own limit is not
/// known.
pub(super) const DEFAULT_MAX_MESSAGE_BYTES: u64 = 1_048_588;

/// How old a cached topic may be. Its number of partitions can only grow, and a
/// call that names a partition beyond it makes us ask again.
const MAX_TOPIC_AGE: Duration = Duration::from_secs(30);
/// How old a cached topic may be for a call that names a partition which the topic
/// does not have, or that brings a larger record than was accepted of late: its limit
/// may have been lowered.
const MAX_AGE_IN_DOUBT: Duration = Duration::from_secs(1);
/// For how long an accepted record shows what the topic's limit is.
const MAX_ACCEPTED_AGE: Duration = Duration::from_secs(60);
/// The maximum number of cached topics.
const MAX_REMEMBERED_TOPICS: usize = 1_000;
const MAX_TOPIC_ANSWER_BYTES: usize = 512 * 1024;

pub(super) struct Metadata<H> {
    client: Rc<Client<H>>,
    configured_cluster: Option<String>,
    asked_cluster: RefCell<Option<String>>,
    topics: RefCell<SortedMap<String, Remembered>>,
}

struct Remembered {
    since: Duration,
    topic: Topic,
    /// The size of the largest record that was accepted since a time.
    accepted: Option<(Duration, u64)>,
}

#[derive(Deserialize)]
struct DataList<T> {
    data: Vec<T>,
}

#[derive(Deserialize)]
struct ClusterData {
    cluster_id: String,
}

#[derive(Deserialize)]
struct TopicData {
    topic_name: String,
    partitions_count: i32,
}

#[derive(Deserialize)]
struct ConfigData {
    value: Option<String>,
}

impl<H: Host> Metadata<H> {
    pub(super) fn new(client: Rc<Client<H>>, cluster: Option<String>) -> Self {
        Self {
            client,
            configured_cluster: cluster,
            asked_cluster: RefCell::default(),
            topics: RefCell::default(),
        }
    }

    pub(super) async fn cluster_id(&self) -> Result<String> {
        let asked = self.asked_cluster.borrow().clone();
        match self.configured_cluster.clone().or(asked) {
            Some(id) => Ok(id),
            // On the heap, as `ask_topic` is.
            None => Box::pin(self.ask_cluster_id()).await,
        }
    }

    /// Checks that the server answers and has our cluster.
    pub(super) async fn ping(&self) -> Result<()> {
        let Some(id) = &self.configured_cluster else {
            return self.ask_cluster_id().await.map(drop);
        };
        let call = RestCall::get(format!("/v3/clusters/{id}"));
        let cluster: ClusterData = self.client.ask(&call).await.map_err(|f| self.error(f))?;
        if cluster.cluster_id != *id {
            return Err(unknown_cluster());
        }
        Ok(())
    }

    /// The path of the cluster, to which `/topics` and the like are appended.
    pub(super) async fn cluster_path(&self) -> Result<String> {
        Ok(format!("/v3/clusters/{}", self.cluster_id().await?))
    }

    pub(super) async fn topics(&self) -> Result<Vec<Topic>> {
        let call = RestCall::get(format!("{}/topics", self.cluster_path().await?));
        let list: DataList<TopicData> = self.client.ask(&call).await.map_err(|f| self.error(f))?;
        let topics = list.data.into_iter().map(|data| (data.topic_name, data.partitions_count));
        let topics = in_order(topics.collect()).into_iter();
        Ok(topics
            .map(|(name, partitions)| Topic { name, partitions, max_message_bytes: None })
            .collect())
    }

    /// A topic, from the cache if it is recent enough.
    pub(super) async fn topic(&self, name: TopicName<'_>) -> Result<Topic> {
        match self.remembered(name, |_| MAX_TOPIC_AGE) {
            Some(topic) => Ok(topic),
            None => self.ask_topic(name).await,
        }
    }

    /// A topic for records of this size, one of them for this partition; asked for
    /// again if the partition may have been added, or the limit lowered, since.
    pub(super) async fn topic_for(
        &self,
        name: TopicName<'_>,
        partition: i32,
        size: u64,
    ) -> Result<Topic> {
        let accepted = self.accepted(name.as_str());
        let age = |topic: &Topic| match partition < topic.partitions && size <= accepted {
            true => MAX_TOPIC_AGE,
            false => MAX_AGE_IN_DOUBT,
        };
        match self.remembered(name, age) {
            Some(topic) => Ok(topic),
            None => self.ask_topic(name).await,
        }
    }

    /// A call about the topic has failed: whether the topic is still there. If the
    /// server says that it is not, that is believed at once.
    pub(super) async fn is_gone(&self, name: TopicName<'_>) -> bool {
        if self.remembered(name, |_| MAX_AGE_IN_DOUBT).is_some() {
            return false;
        }
        let asked = self.ask_topic(name).await;
        matches!(asked, Err(error) if matches!(*error, ErrorKind::UnknownTopic(_)))
    }

    /// A record of this size was written.
    pub(super) fn was_accepted(&self, name: &str, size: u64) {
        let now = self.client.host.monotonic();
        if let Some(known) = self.topics.borrow_mut().get_mut(name) {
            let recent = known.accepted.filter(|(since, _)| now - *since < MAX_ACCEPTED_AGE);
            known.accepted = match recent {
                Some((since, largest)) if largest >= size => Some((since, largest)),
                _ => Some((now, size)),
            };
        }
    }

    fn accepted(&self, name: &str) -> u64 {
        let now = self.client.host.monotonic();
        let accepted = self.topics.borrow().get(name).and_then(|known| known.accepted);
        accepted.filter(|(since, _)| now - *since < MAX_ACCEPTED_AGE).map_or(0, |(_, size)| size)
    }

    pub(super) fn forget(&self, name: &str) {
        self.topics.borrow_mut().remove(name);
    }

    fn remembered(
        &self,
        name: TopicName<'_>,
        may_be: impl Fn(&Topic) -> Duration,
    ) -> Option<Topic> {
        let topics = self.topics.borrow();
        let Remembered { since, topic, .. } = topics.get(name.as_str())?;
        let age = self.client.host.monotonic().saturating_sub(*since);
        (age < may_be(topic)).then(|| topic.clone())
    }

    /// On the heap: most calls find the topic in the cache, and would carry the room for this
    /// otherwise.
    fn ask_topic<'t>(
        &'t self,
        name: TopicName<'t>,
    ) -> Pin<Box<impl Future<Output = Result<Topic>> + 't>> {
        Box::pin(self.fetch_topic(name))
    }

    async fn fetch_topic(&self, name: TopicName<'_>) -> Result<Topic> {
        let since = self.client.host.monotonic();
        let path = format!("{}/topics/{name}", self.cluster_path().await?);
        let call = RestCall { answer_limit: MAX_TOPIC_ANSWER_BYTES, ..RestCall::get(path.clone()) };
        let data = self.client.ask::<TopicData>(&call);
        let (data, max_message_bytes) = join(data, self.max_message_bytes(&path)).await;
        let data = match data {
            Ok(data) if data.topic_name == name.as_str() && data.partitions_count > 0 => data,
            Ok(_) => return Err(CallFailure::Nonsense.into()),
            Err(failure) => {
                self.forget(name.as_str());
                return Err(match failure.refusal().and_then(|refusal| refusal.code) {
                    Some(40401 | 40403) => ErrorKind::UnknownTopic(name.as_str().into()).into(),
                    _ => self.error(failure),
                });
            }
        };
        let topic = Topic {
            name: data.topic_name,
            partitions: data.partitions_count,
            max_message_bytes: max_message_bytes?,
        };
        self.remember(since, topic.clone());
        Ok(topic)
    }

    /// Asks what Kafka allows these credentials on the topic. Where the server does not say,
    /// a produce without a record still shows whether it lets them near: the proxy answers
    /// it with 200 and writes nothing (`recordings/v3-produce.jsonl`,
    /// "empty body with content type and content-length 0").
    #[cfg(feature = "destinations")]
    pub(super) async fn write_access(&self, name: TopicName<'_>) -> Result<WriteAccess> {
        #[derive(Deserialize)]
        struct Described {
            topic_name: String,
            partitions_count: i32,
            #[serde(default)]
            authorized_operations: Option<Vec<String>>,
        }
        let path = format!("{}/topics/{name}", self.cluster_path().await?);
        // The flag of a single topic is spelled so (`recordings/v3-metadata.jsonl`, "get
        // topic with authorized operations").
        let call = RestCall::get(format!("{path}?include_authorized_operations=true"));
        let call = RestCall { answer_limit: MAX_TOPIC_ANSWER_BYTES, ..call };
        let described: Described = self.client.ask(&call).await.map_err(|failure| match failure
            .refusal()
            .and_then(|refusal| refusal.code)
        {
            Some(40401 | 40403) => ErrorKind::UnknownTopic(name.as_str().into()).into(),
            _ => self.error(failure),
        })?;
        if described.topic_name != name.as_str() {
            return Err(CallFailure::Nonsense.into());
        }
        let operations = described.authorized_operations.unwrap_or_default();
        let allowed = if operations.is_empty() {
            let nothing = RestCall::post(format!("{path}/records"), JSON, "");
            match self.client.once(&nothing).await {
                Err(CallFailure::Refused(refusal)) if is_forbidden(refusal.status) => Some(false),
                _ => None,
            }
        } else {
            Some(operations.iter().any(|operation| matches!(&**operation, "WRITE" | "ALL")))
        };
        let topic = Topic {
            name: described.topic_name,
            partitions: described.partitions_count,
            max_message_bytes: None,
        };
        Ok(WriteAccess { topic, allowed })
    }

    /// The topic's own limit. Credentials that may produce need not be allowed
    /// to read it; then only the server checks it. A failure that may pass is
    /// still reported: a produce without the limit could send a record that
    /// stops the server's producer (see `check` in `produce/request.rs`).
    async fn max_message_bytes(&self, topic: &str) -> Result<Option<u64>, CallFailure> {
        let path = format!("{topic}/configs/max.message.bytes");
        let call = RestCall { answer_limit: MAX_TOPIC_ANSWER_BYTES, ..RestCall::get(path) };
        match self.client.ask::<ConfigData>(&call).await {
            Ok(config) => Ok(config.value.and_then(|value| value.parse().ok())),
            Err(CallFailure::Refused(refusal)) if refusal.is_for_good() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn ask_cluster_id(&self) -> Result<String> {
        let call = RestCall::get("/v3/clusters".into());
        let list: DataList<ClusterData> = match self.client.ask(&call).await {
            Ok(list) => list,
            // Confluent Cloud's description has no list of clusters
            // (`reference/confluent-rest.md`, 1).
            Err(CallFailure::Refused(refusal)) if matches!(refusal.status.as_u16(), 404 | 405) => {
                return Err(ErrorKind::Unconfigured(
                    "Set kafka_cluster_id: the Kafka server does not say which cluster it has"
                        .into(),
                )
                .into());
            }
            Err(failure) => return Err(failure.into()),
        };
        let id = list.data.into_iter().next().map(|cluster| cluster.cluster_id);
        let id = id.filter(|id| is_segment(id)).ok_or(CallFailure::Nonsense)?;
        *self.asked_cluster.borrow_mut() = Some(id.clone());
        Ok(id)
    }

    fn remember(&self, since: Duration, topic: Topic) {
        let mut topics = self.topics.borrow_mut();
        if topics.len() >= MAX_REMEMBERED_TOPICS {
            topics.retain(|_, known| since.saturating_sub(known.since) < MAX_TOPIC_AGE);
        }
        if topics.len() < MAX_REMEMBERED_TOPICS {
            let accepted = topics.get(&topic.name).and_then(|known| known.accepted);
            topics.insert(topic.name.clone(), Remembered { since, topic, accepted });
        }
    }

    /// Turns 404 for a path below a configured cluster id into an error about
    /// that id: the REST Proxy answers so for every cluster but its own
    /// (`recordings/v3-metadata.jsonl`, "get unknown cluster").
    fn error(&self, failure: CallFailure) -> Error {
        let not_found = failure.refusal().is_some_and(|r| r.status == 404 && r.code == Some(404));
        match (&self.configured_cluster, not_found) {
            (Some(_), true) => unknown_cluster(),
            _ => failure.into(),
        }
    }
}

fn unknown_cluster() -> Error {
    ErrorKind::Unconfigured("The Kafka server does not have the cluster of kafka_cluster_id".into())
        .into()
}
