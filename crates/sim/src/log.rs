//! A Kafka log in memory, for tests of services that need no server.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use kafka_edge::error::{Error, ErrorKind, Result};
use kafka_edge::host::Millis;
use kafka_edge::kafka::{Fetch, Fetched, Log, LogCapabilities, Offsets, Place, Topic};
use kafka_edge::record::{NewRecord, Record, RecordMetadata};

use crate::host::SimHost;

/// What calls are counted and failures are set by.
const NAMES: [&str; 11] = [
    "cluster_id",
    "topics",
    "topic",
    "offsets",
    "ends",
    "offset_at",
    "produce",
    "fetch",
    "open",
    "close",
    "ping",
];

/// A test that means another function would look at nothing.
fn known(name: &str) {
    assert!(NAMES.contains(&name), "the log has no function {name}");
}

/// A log that any number of simulated instances share. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct SimLog(Rc<Inner>, Option<SimHost>);

#[derive(Debug, Default)]
struct Inner {
    topics: RefCell<BTreeMap<String, Vec<Partition>>>,
    delay: Cell<Duration>,
    failure: RefCell<Option<Error>>,
    failures: RefCell<BTreeMap<&'static str, Error>>,
    calls: RefCell<BTreeMap<&'static str, u64>>,
    page: Cell<Option<usize>>,
    most: Cell<Option<usize>>,
}

#[derive(Debug, Clone, Default)]
struct Partition {
    records: Vec<Record>,
    /// Offsets below have been deleted.
    first: i64,
}

impl Partition {
    fn end(&self) -> i64 {
        self.records.len() as i64
    }
}

impl SimLog {
    pub fn new() -> Self {
        Self::default()
    }

    /// The same log as an instance calls it: each call is one of the requests that the
    /// instance may send.
    pub fn called_by(&self, host: &SimHost) -> Self {
        Self(self.0.clone(), Some(host.clone()))
    }

    /// Creates a topic. One that exists is deleted first.
    pub fn create_topic(&self, name: &str, partitions: usize) {
        self.0.topics.borrow_mut().insert(name.into(), vec![Partition::default(); partitions]);
    }

    pub fn delete_topic(&self, name: &str) {
        self.0.topics.borrow_mut().remove(name);
    }

    /// Appends a record as a producer would, and returns its offset.
    pub fn append(&self, topic: &str, partition: usize, value: impl Into<Bytes>) -> i64 {
        let record = NewRecord { value: Some(value.into()), ..NewRecord::default() };
        self.write(topic, partition, record)
    }

    /// All records of a partition.
    pub fn records(&self, topic: &str, partition: usize) -> Vec<Record> {
        self.partition(topic, partition, |partition| partition.records.clone())
    }

    /// Deletes the records below an offset, as retention does.
    pub fn delete_before(&self, topic: &str, partition: usize, offset: i64) {
        self.partition(topic, partition, |partition| partition.first = offset);
    }

    pub fn first(&self, topic: &str, partition: usize) -> i64 {
        self.partition(topic, partition, |partition| partition.first)
    }

    pub fn end(&self, topic: &str, partition: usize) -> i64 {
        self.partition(topic, partition, |partition| partition.end())
    }

    /// How long every call takes from now on.
    pub fn set_delay(&self, delay: Duration) {
        self.0.delay.set(delay);
    }

    /// The error that every call returns from now on, if any.
    pub fn set_failure(&self, failure: Option<Error>) {
        *self.0.failure.borrow_mut() = failure;
    }

    /// The result of a function of [`Log`] from now on.
    pub fn set_failure_of(&self, function: &'static str, error: Error) {
        known(function);
        self.0.failures.borrow_mut().insert(function, error);
    }

    /// From now on a call of `produce` writes that many records at most, and refuses those
    /// behind them; `None`: it writes all.
    pub fn write_at_most(&self, most: Option<usize>) {
        self.0.most.set(most);
    }

    /// No call fails any more.
    pub fn clear_failures(&self) {
        self.set_failure(None);
        self.0.failures.borrow_mut().clear();
    }

    /// From now on records are read in sequence from a [`Place`], in pages of
    /// that many whatever is asked for, and without headers and timestamps:
    /// as Confluent's v2 API does.
    pub fn read_in_places(&self, page: usize) {
        self.0.page.set(Some(page));
    }

    /// The number of calls of a function of [`Log`], of which one for the ends is one for the
    /// offsets, too; under `"open"`, the number of times a place had to be created.
    pub fn calls(&self, function: &str) -> u64 {
        known(function);
        self.0.calls.borrow().get(function).copied().unwrap_or(0)
    }

    /// The same for a record with all its parts.
    pub fn write(&self, topic: &str, partition: usize, record: NewRecord) -> i64 {
        self.partition(topic, partition, |log| {
            let offset = log.end();
            log.records.push(Record {
                partition: partition as i32,
                offset,
                key: record.key,
                value: record.value,
                headers: Some(record.headers),
                timestamp: Some(record.timestamp.unwrap_or(offset)),
            });
            offset
        })
    }

    fn partition<T>(&self, topic: &str, number: usize, f: impl FnOnce(&mut Partition) -> T) -> T {
        let mut topics = self.0.topics.borrow_mut();
        f(&mut topics.get_mut(topic).expect("the test created the topic")[number])
    }

    fn partitions<T>(&self, topic: &str, f: impl Fn(&Partition) -> T) -> Result<Vec<(i32, T)>> {
        let topics = self.0.topics.borrow();
        let partitions = topics.get(topic).ok_or_else(|| ErrorKind::UnknownTopic(topic.into()))?;
        Ok((0..).zip(partitions.iter().map(f)).collect())
    }

    async fn call(&self, function: &'static str) -> Result<()> {
        self.call_as(&[function]).await
    }

    /// One call that goes by several names.
    async fn call_as(&self, names: &[&'static str]) -> Result<()> {
        for name in names {
            *self.0.calls.borrow_mut().entry(*name).or_default() += 1;
        }
        if let Some(Err(refused)) = self.1.as_ref().map(SimHost::spend) {
            return Err(ErrorKind::Unreachable { detail: refused.to_string() }.into());
        }
        let delay = self.0.delay.get();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let failure = self.0.failure.borrow().clone();
        match failure.or_else(|| names.iter().find_map(|name| self.failure_of(name))) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    fn failure_of(&self, function: &str) -> Option<Error> {
        self.0.failures.borrow().get(function).cloned()
    }
}

impl Log for SimLog {
    async fn capabilities(&self) -> Result<LogCapabilities> {
        Ok(LogCapabilities {
            headers: self.0.page.get().is_none(),
            timestamps: self.0.page.get().is_none(),
            offset_by_time: true,
            random_access: self.0.page.get().is_none(),
        })
    }

    /// A log remembers it, so that it takes no time.
    async fn cluster_id(&self) -> Result<String> {
        match self.failure_of("cluster_id") {
            Some(error) => Err(error),
            None => Ok("sim".into()),
        }
    }

    async fn topics(&self) -> Result<Vec<Topic>> {
        self.call("topics").await?;
        let topics = self.0.topics.borrow();
        Ok(topics.iter().map(|(name, partitions)| topic(name, partitions)).collect())
    }

    async fn topic(&self, name: &str) -> Result<Topic> {
        self.call("topic").await?;
        match self.0.topics.borrow().get(name) {
            Some(partitions) => Ok(topic(name, partitions)),
            None => Err(ErrorKind::UnknownTopic(name.into()).into()),
        }
    }

    async fn offsets(&self, topic: &str) -> Result<Vec<(i32, Offsets)>> {
        self.call("offsets").await?;
        self.partitions(topic, |log| Offsets { first: log.first, end: log.end() })
    }

    async fn ends(&self, topic: &str) -> Result<Vec<(i32, i64)>> {
        self.call_as(&["ends", "offsets"]).await?;
        self.partitions(topic, Partition::end)
    }

    async fn offset_at(&self, topic: &str, time: Millis) -> Result<Vec<(i32, i64)>> {
        self.call("offset_at").await?;
        self.partitions(topic, |log| {
            let at = log.records.iter().find(|record| record.timestamp >= Some(time));
            at.map_or(log.end(), |record| record.offset)
        })
    }

    async fn produce(
        &self,
        topic: &str,
        records: Vec<NewRecord>,
        mut report: impl FnMut(usize, Result<RecordMetadata>),
    ) {
        let called = self.call("produce").await;
        let count = self.partitions(topic, |_| ()).map(|partitions| partitions.len());
        for (index, record) in records.into_iter().enumerate() {
            let written = called.clone().and_then(|()| {
                if self.0.most.get().is_some_and(|most| index >= most) {
                    return Err(ErrorKind::Timeout.into());
                }
                let partition = record.partition.unwrap_or(0);
                if partition as usize >= count.clone()? {
                    return Err(Error::invalid("partition", "The topic has no such partition"));
                }
                let timestamp = record.timestamp;
                let offset = self.write(topic, partition as usize, record);
                Ok(RecordMetadata { partition, offset, timestamp })
            });
            report(index, written);
        }
    }

    async fn fetch(&self, fetch: Fetch<'_>) -> Result<Fetched> {
        self.call("fetch").await?;
        let page = self.0.page.get();
        if page.is_some() && fetch.place.is_none_or(|place| place.0 != fetch.offset.to_string()) {
            *self.0.calls.borrow_mut().entry("open").or_default() += 1;
        }
        let give_up = tokio::time::Instant::now() + fetch.wait;
        loop {
            let read = |log: &Partition| {
                let from = fetch.offset.max(log.first);
                let records =
                    log.records.iter().skip(from as usize).take(page.unwrap_or(fetch.max_records));
                let mut records: Vec<_> = records.cloned().collect();
                if page.is_some() {
                    for record in &mut records {
                        (record.headers, record.timestamp) = (None, None);
                    }
                }
                (from, records)
            };
            let (from, records) = self
                .partitions(fetch.topic, read)?
                .into_iter()
                .find(|(partition, _)| *partition == fetch.partition)
                .map(|(_, read)| read)
                .ok_or_else(|| Error::invalid("partition", "The topic has no such partition"))?;
            if !records.is_empty() || tokio::time::Instant::now() >= give_up {
                let next = records.last().map_or(from, |record| record.offset + 1);
                let place = page.map(|_| Place(next.to_string()));
                return Ok(Fetched { records, next, place, silent_to: None });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn close(&self, _place: Place) {
        _ = self.call("close").await;
    }

    async fn ping(&self) -> Result<()> {
        self.call("ping").await
    }
}

fn topic(name: &str, partitions: &[Partition]) -> Topic {
    Topic { name: name.into(), partitions: partitions.len() as i32, max_message_bytes: None }
}
