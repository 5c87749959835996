//! Kafka's producer, which all calls of the proxy share
//! (`reference/confluent-rest.md`, 3.3).

use super::error::ProduceError;
use crate::core::Core;
use crate::log::{NewRecord, Partition, Topic, max_message_bytes, valid_topic_name};
use crate::partitioner::{Sticky, partition_of_key};
use parking_lot::Mutex;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::time::{Instant, sleep, timeout_at};

/// The producer's own limit (`max.request.size`).
const MAX_REQUEST_SIZE: usize = 1_048_576;

/// A record in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Acknowledged {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) timestamp: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Producer {
    sticky: Sticky,
    /// Invalid names that were refused before: the text changes.
    refused: Mutex<HashSet<String>>,
    /// Topics whose partitions the producer has learned.
    known: Mutex<HashSet<String>>,
    dead: AtomicBool,
}

impl Producer {
    /// Sends the next records without a key to `partition` of `topic`.
    pub(crate) fn stick_to(&self, topic: &str, partition: i32) {
        self.sticky.stick_to(topic, partition);
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) fn kill(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    /// Whether sending these records together would stop the producer.
    pub(crate) fn would_die_of(&self, core: &Core, topic: &str, together: &[&NewRecord]) -> bool {
        let Some(topic) = core.log.topic(topic) else { return false };
        let limit = max_message_bytes(topic.configs());
        stay_too_large(together, limit, core.options.version.smallest_split())
    }

    /// Writes a record, after waiting for its topic and partition.
    pub(crate) async fn send(
        &self,
        core: &Core,
        topic: &str,
        partition: Option<i32>,
        record: NewRecord,
    ) -> Result<Acknowledged, ProduceError> {
        // A record's time is taken before the wait for its topic.
        let timestamp = record.timestamp.unwrap_or_else(|| core.options.clock.now_ms());
        if timestamp < 0 {
            return Err(ProduceError::Internal);
        }
        if self.is_dead() {
            return Err(self.outcome_when_dead(core, topic).await);
        }
        let topic = self.wait_for_topic(core, topic, partition).await?;
        self.learn(topic.name());
        let size = batch_size(&record);
        if size > MAX_REQUEST_SIZE {
            return Err(ProduceError::LargerThanRequest(size));
        }
        let count = topic.partition_count();
        let id = match (partition, &record.key) {
            (Some(partition), _) => partition,
            (None, Some(key)) => partition_of_key(key, count),
            (None, None) => self.sticky.partition(topic.name(), size, count),
        };
        let place = topic.partition(id).ok_or(ProduceError::Internal)?;
        self.append(core, &topic, id, &place, record, timestamp)
    }

    fn append(
        &self,
        core: &Core,
        topic: &Topic,
        id: i32,
        partition: &Partition,
        record: NewRecord,
        timestamp: i64,
    ) -> Result<Acknowledged, ProduceError> {
        if stored_size(&record) > max_message_bytes(topic.configs()) {
            return Err(ProduceError::LargerThanTopic);
        }
        if topic.is_compacted() && record.key.is_none() {
            return Err(ProduceError::KeyNeeded(format!("{}-{id}", topic.name())));
        }
        core.options.costs.spend_on_record();
        let now = core.options.clock.now_ms();
        let timestamp = if topic.uses_append_time() { now } else { timestamp };
        if let Some(limit) = core.options.version.newest_timestamp(now)
            && timestamp > limit
        {
            return Err(ProduceError::TimestampOutOfRange(format!(
                "Timestamp {timestamp} of message with offset 0 is out of range. The timestamp should be within [{}, {limit}]",
                now.wrapping_sub(i64::MAX)
            )));
        }
        let offset = partition.append(record, timestamp).map_err(|_| ProduceError::Internal)?;
        topic.arrived.notify();
        Ok(Acknowledged { partition: id, offset, timestamp })
    }

    fn learn(&self, topic: &str) {
        let mut known = self.known.lock();
        if !known.contains(topic) {
            known.insert(topic.to_owned());
        }
    }

    /// A dead producer accepts records of topics that it knows, and never
    /// reports on them. It learns no new topics.
    async fn outcome_when_dead(&self, core: &Core, topic: &str) -> ProduceError {
        if self.known.lock().contains(topic) {
            return ProduceError::Dead;
        }
        sleep(core.options.max_block).await;
        let ms = core.options.max_block.as_millis();
        ProduceError::UnknownTopic { topic: topic.to_owned(), ms }
    }

    /// Waits up to `max.block.ms` until the topic and the partition exist.
    async fn wait_for_topic(
        &self,
        core: &Core,
        name: &str,
        partition: Option<i32>,
    ) -> Result<Arc<Topic>, ProduceError> {
        if !valid_topic_name(name) {
            let first = self.refused.lock().insert(name.to_owned());
            let text = if first { format!("Invalid topics: [{name}]") } else { name.to_owned() };
            return Err(ProduceError::InvalidTopic(text));
        }
        let ms = core.options.max_block.as_millis();
        let deadline = Instant::now() + core.options.max_block;
        loop {
            let changed = core.log.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let topic = core.log.topic(name);
            let count = topic.as_ref().map(|t| t.partition_count());
            match (topic, count) {
                (Some(topic), Some(count)) if partition.is_none_or(|p| p < count) => {
                    return Ok(topic);
                }
                (None, _) if core.options.auto_create_topics => {
                    // If another call was faster, the topic exists.
                    let _ = core.log.create(name, 1, BTreeMap::new());
                    continue;
                }
                _ => {}
            }
            if timeout_at(deadline, changed).await.is_err() {
                return Err(match (count, partition) {
                    (Some(count), Some(partition)) => ProduceError::UnknownPartition {
                        topic: name.to_owned(),
                        partition,
                        count,
                        ms,
                    },
                    _ => ProduceError::UnknownTopic { topic: name.to_owned(), ms },
                });
            }
        }
    }
}

/// Whether these records may make a batch that stays over its topic's limit, however often
/// it is split: one is over the limit, and there are others; or some fit beside each other
/// where the producer splits no further (KAFKA-8350).
fn stay_too_large(records: &[&NewRecord], limit: usize, smallest_split: usize) -> bool {
    let (mut over, mut sent) = (false, 0);
    let (mut batch, mut room) = (0, 0);
    for record in records {
        let (bound, stored) = (batch_size(record), stored_size(record));
        if bound > MAX_REQUEST_SIZE {
            continue;
        }
        sent += 1;
        batch += stored - BATCH_OVERHEAD;
        if batch > room {
            (batch, room) = (stored, bound.max(smallest_split));
        }
        over |= batch > limit;
    }
    over && sent > 1
}

/// The header of a batch.
const BATCH_OVERHEAD: usize = 61;

/// Kafka's upper bound for a batch of this record alone, which its client reckons with.
pub(crate) fn batch_size(record: &NewRecord) -> usize {
    const RECORD_OVERHEAD: usize = 21;
    BATCH_OVERHEAD + RECORD_OVERHEAD + content_size(record)
}

/// The size of a batch of this record alone, which the broker looks at: 19,928 bytes were
/// taken where the limit is 20,000, and 19,929 were not (7.9.9).
fn stored_size(record: &NewRecord) -> usize {
    // The attributes, and the differences to the batch's time and offset.
    let body = 3 + content_size(record);
    BATCH_OVERHEAD + varint_size(body) + body
}

fn content_size(record: &NewRecord) -> usize {
    let headers: usize = record
        .headers
        .iter()
        .map(|h| part_size(Some(h.name.len())) + part_size(h.value.as_ref().map(|v| v.len())))
        .sum();
    part_size(record.key.as_ref().map(|k| k.len()))
        + part_size(record.value.as_ref().map(|v| v.len()))
        + varint_size(record.headers.len())
        + headers
}

fn part_size(length: Option<usize>) -> usize {
    length.map_or(1, |length| varint_size(length) + length)
}

/// Bytes of a zigzag varint.
fn varint_size(value: usize) -> usize {
    let zigzag = (value as u64) << 1;
    (64 - zigzag.leading_zeros() as usize).div_ceil(7).max(1)
}

#[cfg(test)]
mod tests {
    use super::{batch_size, stay_too_large, stored_size};
    use crate::log::NewRecord;

    #[test]
    fn sizes_are_those_that_kafka_names() {
        assert_eq!(batch_size(&NewRecord::value(vec![b'x'; 1_048_600])), 1_048_688);
        assert_eq!(batch_size(&NewRecord::value(vec![b'x'; 20_000_000])), 20_000_088);
        assert_eq!(stored_size(&NewRecord::value(vec![b'x'; 19_928])), 20_000);
    }
    /// What was seen with the proxies 7.9.9 and 8.3.1.
    #[test]
    fn a_batch_stays_too_large_where_it_was_seen_to() {
        let stay = |sizes: &[usize], limit, smallest_split| {
            let records: Vec<_> =
                sizes.iter().map(|size| NewRecord::value(vec![b'x'; *size])).collect();
            stay_too_large(&records.iter().collect::<Vec<_>>(), limit, smallest_split)
        };
        let (old, new) = (16_384, 0);
        assert!(stay(&[2_000; 10], 5_000, old));
        assert!(!stay(&[2_000; 10], 5_000, new));
        for split in [old, new] {
            assert!(stay(&[1, 19_928, 1, 1], 20_000, split));
            assert!(stay(&[1, 19_000, 1, 1], 10_000, split));
            assert!(!stay(&[19_928], 20_000, split));
            assert!(!stay(&[19_913, 1, 19_000], 20_000, split));
        }
    }
}
