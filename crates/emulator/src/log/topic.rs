//! A topic.

use super::TopicError;
use super::partition::Partition;
use crate::waiters::Waiters;
use parking_lot::RwLock;
use std::collections::BTreeMap;
use std::sync::Arc;

#[derive(Debug)]
pub(crate) struct Topic {
    name: String,
    configs: BTreeMap<String, String>,
    partitions: RwLock<Vec<Arc<Partition>>>,
    /// Notified whenever a record arrives.
    pub(crate) arrived: Waiters,
}

impl Topic {
    pub(super) fn new(
        name: &str,
        configs: BTreeMap<String, String>,
        partitions: Vec<Arc<Partition>>,
    ) -> Topic {
        Topic {
            name: name.to_owned(),
            configs,
            partitions: RwLock::new(partitions),
            arrived: Waiters::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The settings that were given when the topic was made.
    pub(crate) fn configs(&self) -> &BTreeMap<String, String> {
        &self.configs
    }

    pub(crate) fn partition_count(&self) -> i32 {
        self.partitions.read().len() as i32
    }

    pub(crate) fn partition(&self, id: i32) -> Option<Arc<Partition>> {
        self.partitions.read().get(usize::try_from(id).ok()?).cloned()
    }

    /// All partitions, the first is number 0.
    pub(crate) fn partitions(&self) -> Vec<Arc<Partition>> {
        self.partitions.read().clone()
    }

    pub(crate) fn is_compacted(&self) -> bool {
        self.configs.get("cleanup.policy").is_some_and(|p| p.contains("compact"))
    }

    pub(crate) fn uses_append_time(&self) -> bool {
        self.configs.get("message.timestamp.type").is_some_and(|t| t == "LogAppendTime")
    }

    /// Grows to `wanted` partitions, which `make` makes by their numbers.
    pub(super) fn grow(
        &self,
        wanted: i32,
        make: impl FnOnce(std::ops::Range<i32>) -> Result<Vec<Arc<Partition>>, TopicError>,
    ) -> Result<(), TopicError> {
        let mut partitions = self.partitions.write();
        let current = partitions.len() as i32;
        if wanted <= current {
            return Err(TopicError::NotMorePartitions { current, wanted });
        }
        partitions.extend(make(current..wanted)?);
        Ok(())
    }
}

/// Kafka's rule: 1 to 249 letters, digits, dots, underscores and dashes, but
/// not `.` or `..`.
pub(crate) fn valid_topic_name(name: &str) -> bool {
    let legal = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
    !name.is_empty() && name.len() <= 249 && name.bytes().all(legal) && name != "." && name != ".."
}
