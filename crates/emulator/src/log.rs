//! The log: topics, their partitions, their records.

mod config;
mod files;
mod partition;
mod record;
mod topic;

pub use config::ConfigError;
pub(crate) use config::{Setting, Source, effective_settings, max_message_bytes};
pub(crate) use partition::Partition;
pub use record::{Header, NewRecord, Record};
pub(crate) use topic::{Topic, valid_topic_name};

use crate::options::Options;
use files::{Folder, TopicFile};
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;
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
    /// The files behind the log cannot be written.
    #[error("the log's files: {0}")]
    Files(#[from] io::Error),
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

/// Partitions as their files say.
fn restore(folder: &Folder, topic: &str, ids: Range<i32>) -> io::Result<Vec<Arc<Partition>>> {
    let open = |id| {
        let (journal, entries) = folder.journal(topic, id)?;
        Ok(Arc::new(Partition::restored(journal, entries)))
    };
    ids.map(open).collect()
}

/// All topics of the cluster.
#[derive(Debug, Default)]
pub(crate) struct Log {
    topics: RwLock<BTreeMap<String, Arc<Topic>>>,
    folder: Option<Folder>,
    /// Notified whenever a topic appears, grows or is removed.
    pub(crate) changed: Notify,
}

impl Log {
    /// The log that lies in a folder, which is made if it is not there.
    pub(crate) fn open(root: &Path) -> io::Result<Log> {
        let folder = Folder::open(root)?;
        let mut topics = BTreeMap::new();
        for (name, file) in folder.topics()? {
            let partitions = restore(&folder, &name, 0..file.partitions)?;
            let topic = Topic::new(&name, file.configs, partitions);
            topics.insert(name, Arc::new(topic));
        }
        Ok(Log { topics: RwLock::new(topics), folder: Some(folder), changed: Notify::new() })
    }

    /// New partitions, with files if there is a folder.
    fn make_partitions(&self, topic: &str, ids: Range<i32>) -> io::Result<Vec<Arc<Partition>>> {
        match &self.folder {
            Some(folder) => restore(folder, topic, ids),
            None => Ok(ids.map(|_| Arc::default()).collect()),
        }
    }

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
        if let Some(folder) = &self.folder {
            folder.create(name, &TopicFile { partitions, configs: configs.clone() })?;
        }
        let made = self.make_partitions(name, 0..partitions)?;
        let topic = Arc::new(Topic::new(name, configs, made));
        topics.insert(name.to_owned(), topic.clone());
        drop(topics);
        self.changed.notify_waiters();
        Ok(topic)
    }

    /// Creates an unknown topic that a call names, if the broker does that.
    pub(crate) fn create_if_automatic(&self, options: &Options, name: &str) {
        if options.auto_create_topics && self.topic(name).is_none() {
            // If another call was faster, the topic exists.
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
        let mut topics = self.topics.write();
        let topic = topics.remove(name).ok_or(TopicError::Unknown)?;
        if let Some(folder) = &self.folder {
            folder.delete(name)?;
        }
        drop(topics);
        topic.arrived.notify();
        self.changed.notify_waiters();
        Ok(())
    }

    pub(crate) fn grow(&self, name: &str, partitions: i32) -> Result<Arc<Topic>, TopicError> {
        let topic = self.topic(name).ok_or(TopicError::Unknown)?;
        topic.grow(partitions, |new| {
            let made = self.make_partitions(name, new)?;
            if let Some(folder) = &self.folder {
                folder.update(name, &TopicFile { partitions, configs: topic.configs().clone() })?;
            }
            Ok(made)
        })?;
        self.changed.notify_waiters();
        Ok(topic)
    }
}
