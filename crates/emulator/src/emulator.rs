//! The emulator, and the functions with which tests change it directly.

use crate::core::Core;
use crate::counters::Counters;
use crate::http::{BodyCut, Call, ResponseBody};
use crate::limits::Limits;
use crate::log::{Log, NewRecord, Partition, Record, TopicError};
use crate::options::Options;
use crate::produce::Producer;
use crate::router;
use crate::v2::Consumers;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use http_body_util::BodyExt;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Why an emulator could not be made.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The data folder cannot be used.
    #[error("cannot use the data folder: {0}")]
    DataDir(#[from] std::io::Error),
}

/// A Kafka REST server without a socket. Clones are the same server.
#[derive(Debug, Clone)]
pub struct Emulator {
    core: Arc<Core>,
}

impl Emulator {
    /// A server with the given options. A data folder's contents are loaded.
    pub fn new(options: Options) -> Result<Emulator, StartError> {
        let log = match &options.data_dir {
            Some(folder) => Log::open(folder)?,
            None => Log::default(),
        };
        Ok(Emulator {
            core: Arc::new(Core {
                limits: Limits::new(&options),
                options,
                log,
                producer: Producer::default(),
                consumers: Consumers::default(),
                counters: Counters::default(),
            }),
        })
    }

    /// Answers a request. The answer's body may come while the request's body
    /// is still being sent: a produce stream works in both directions at once.
    /// Needs a tokio runtime with time.
    pub async fn handle<B>(&self, request: Request<B>) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
    {
        let (parts, body) = request.into_parts();
        let call = Call::new(parts, &self.core.options);
        let body = body.map_err(|_| BodyCut).boxed_unsync();
        router::answer(self.core.clone(), call, body).await
    }

    /// Makes a topic.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), TopicError> {
        self.create_topic_with(name, partitions, [])
    }

    /// Makes a topic with settings such as `max.message.bytes`.
    pub fn create_topic_with<'a>(
        &self,
        name: &str,
        partitions: i32,
        configs: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), TopicError> {
        let configs: BTreeMap<String, String> =
            configs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        self.core.log.create(name, partitions, configs).map(|_| ())
    }

    /// Removes a topic with all its records.
    pub fn delete_topic(&self, name: &str) -> Result<(), TopicError> {
        self.core.log.delete(name)
    }

    /// All topics by name, with how many partitions they have.
    pub fn topics(&self) -> Vec<(String, i32)> {
        let topics = self.core.log.topics();
        topics.iter().map(|t| (t.name().to_owned(), t.partition_count())).collect()
    }

    /// Appends a record without checking limits, and returns its offset.
    pub fn append(
        &self,
        topic: &str,
        partition: i32,
        record: NewRecord,
    ) -> Result<i64, TopicError> {
        let topic = self.core.log.topic(topic).ok_or(TopicError::Unknown)?;
        let place = topic.partition(partition).ok_or(TopicError::Unknown)?;
        let timestamp = record.timestamp.unwrap_or_else(|| self.core.options.clock.now_ms());
        let offset = place.append(record, timestamp)?;
        topic.arrived.notify();
        Ok(offset)
    }

    /// All records of a partition; none if it does not exist.
    pub fn records(&self, topic: &str, partition: i32) -> Vec<Record> {
        let all = self.partition(topic, partition).map(|p| p.read(0, usize::MAX));
        all.unwrap_or_default().iter().map(|r| Record::clone(r)).collect()
    }

    /// The first offset of a partition.
    pub fn first_offset(&self, topic: &str, partition: i32) -> Option<i64> {
        self.partition(topic, partition).map(|p| p.first_offset())
    }

    /// The offset that the next record of a partition will get.
    pub fn end_offset(&self, topic: &str, partition: i32) -> Option<i64> {
        self.partition(topic, partition).map(|p| p.end_offset())
    }

    /// Moves the start of a partition's log, as retention does.
    pub fn delete_records_before(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), TopicError> {
        let place = self.partition(topic, partition).ok_or(TopicError::Unknown)?;
        Ok(place.truncate_before(offset)?)
    }

    /// Removes one record from a partition and leaves a gap, as compaction
    /// does. Returns whether it was there.
    pub fn remove_record(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<bool, TopicError> {
        let place = self.partition(topic, partition).ok_or(TopicError::Unknown)?;
        Ok(place.remove(offset)?)
    }

    /// Leaves offsets of a partition unused, so that its next record gets
    /// `offset`, as the marks of a transaction do.
    pub fn skip_offsets_to(
        &self,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<(), TopicError> {
        let place = self.partition(topic, partition).ok_or(TopicError::Unknown)?;
        Ok(place.skip_to(offset)?)
    }

    /// Makes `partition` the one that the next records of `topic` without a
    /// key go to.
    pub fn stick_to(&self, topic: &str, partition: i32) {
        self.core.producer.stick_to(topic, partition);
    }

    /// The number of times each call was made, by method and path with
    /// placeholders, as in `POST /topics/{topic}/records`.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        self.core.counters.all()
    }

    /// The number of times a call was made.
    pub fn calls_of(&self, call: &str) -> u64 {
        self.core.counters.all().get(call).copied().unwrap_or(0)
    }

    /// Sets all counters to 0.
    pub fn reset_calls(&self) {
        self.core.counters.reset();
    }

    /// The options of the emulator.
    pub fn options(&self) -> &Options {
        &self.core.options
    }

    /// Stops the producer, as a fatal error in the real one does
    /// (`reference/confluent-rest.md`, 3.3).
    pub fn kill_producer(&self) {
        self.core.producer.kill();
    }

    fn partition(&self, topic: &str, partition: i32) -> Option<Arc<Partition>> {
        self.core.log.topic(topic)?.partition(partition)
    }
}
