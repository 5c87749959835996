//! The log: topics, their partitions, their records.

mod config;
mod partition;
mod record;
mod topic;

pub use config::ConfigError;
pub(crate) use config::{Setting, Source, effective_settings, max_message_bytes};
pub(crate) use partition::Partition;
pub use record::{Header, NewRecord, Record};
pub(crate) use topic::{Topic, valid_topic_name};

use crate::options::Options;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::Notify;

/// Why a topic could not be made or changed.
#[derive(Debug, thiserror::Error)]
pub enum TopicError {
    /// A topic of that name exists.
    #[error("Topic '{0}' already exists.")]
    Exists(String),
    /// The name breaks Kafka's rules.
    #[error("Invalid topic name.")]
    InvalidName,
    /// There is no such topic.
    #[error("This server does not host this topic-partition.")]
    Unknown,
    /// A topic needs at least one partition.
    #[error("Number of partitions was set to an invalid non-positive value.")]
    NoPartitions,
    /// A topic cannot shrink, nor grow by nothing.
    #[error("{}", too_few_partitions(*.current, *.wanted))]
    NotMorePartitions {
        /// How many it has.
        current: i32,
        /// How many were asked for.
        wanted: i32,
    },
    /// A setting that Kafka does not know or does not accept.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

fn too_few_partitions(current: i32, wanted: i32) -> String {
    if wanted == current {
        format!("Topic already has {current} partition(s).")
    } else {
        format!(
            "The topic currently has {current} partition(s); {wanted} would not be an increase."
        )
    }
}

/// All topics of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Log {
    topics: RwLock<BTreeMap<String, Arc<Topic>>>,
    /// Told whenever a topic appears, grows or goes.
    pub(crate) changed: Notify,
}

impl Log {
    pub(crate) fn topic(&self, name: &str) -> Option<Arc<Topic>> {
        self.topics.read().get(name).cloned()
    }

    /// All topics, by name.
    pub(crate) fn topics(&self) -> Vec<Arc<Topic>> {
        self.topics.read().values().cloned().collect()
    }

    pub(crate) fn create(
        &self,
        name: &str,
        partitions: i32,
        configs: BTreeMap<String, String>,
    ) -> Result<Arc<Topic>, TopicError> {
        self.check_new(name, partitions, &configs)?;
        let mut topics = self.topics.write();
        if topics.contains_key(name) {
            return Err(TopicError::Exists(name.to_owned()));
        }
        let topic = Arc::new(Topic::new(name, partitions, configs));
        topics.insert(name.to_owned(), topic.clone());
        drop(topics);
        self.changed.notify_waiters();
        Ok(topic)
    }

    /// Makes a topic that somebody asked for, where the broker does that.
    pub(crate) fn create_if_automatic(&self, options: &Options, name: &str) {
        if options.auto_create_topics && self.topic(name).is_none() {
            // Somebody else may have been faster; then it is there.
            let _ = self.create(name, 1, BTreeMap::new());
        }
    }

    /// What [`Log::create`] would refuse.
    pub(crate) fn check_new(
        &self,
        name: &str,
        partitions: i32,
        configs: &BTreeMap<String, String>,
    ) -> Result<(), TopicError> {
        if !valid_topic_name(name) {
            return Err(TopicError::InvalidName);
        }
        if self.topics.read().contains_key(name) {
            return Err(TopicError::Exists(name.to_owned()));
        }
        if partitions < 1 {
            return Err(TopicError::NoPartitions);
        }
        config::check(configs)?;
        Ok(())
    }

    pub(crate) fn delete(&self, name: &str) -> Result<(), TopicError> {
        let topic = self.topics.write().remove(name).ok_or(TopicError::Unknown)?;
        topic.arrived.notify();
        self.changed.notify_waiters();
        Ok(())
    }

    pub(crate) fn grow(&self, name: &str, partitions: i32) -> Result<Arc<Topic>, TopicError> {
        let topic = self.topic(name).ok_or(TopicError::Unknown)?;
        topic.grow(partitions)?;
        self.changed.notify_waiters();
        Ok(topic)
    }
}
