//! Reading through consumer instances of a REST Proxy.
//!
//! An instance is a Kafka consumer within the proxy, made for long-lived
//! callers. Our readers change: the holder of a partition's lease reads, and
//! then passes the instance on with its position. Reading in sequence takes a
//! fraction of a millisecond. A seek costs a quarter of a second, and after a
//! page that was cut the instance still returns old records first (all in
//! `recordings/v2-stateless-reading.jsonl`). So the only seek is the first one,
//! and an instance that behaves unexpectedly is replaced by a new one.
//!
//! A page of the server has 30 records by default, so a fetch reads on as long as its
//! caller wants more. An instance returns each record once. A reader that died, or whose
//! lease had ended, may therefore have taken records away. This shows in the offset of
//! the next record, in a gap, or in an empty page although the log has more. A log with
//! gaps of its own is read through instances that are passed on to nobody.

mod instance;
mod kept_instance;
mod own_instances;
mod page;
mod reading;

use std::cell::Cell;

use self::instance::ConsumerInstance;
use self::kept_instance::KeptInstance;
use self::own_instances::OwnInstances;
use self::reading::Reading;
use super::client::Client;
use super::failure::CallFailure;
use super::metadata::{DEFAULT_MAX_MESSAGE_BYTES, Metadata};
use super::names::TopicName;
use crate::concurrent::try_join_few;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::{Fetch, Fetched, Offsets, Place, Topic};
use crate::sorted::SortedMap;

/// The largest page, and so the largest record, that can be read.
const MAX_PAGE_BYTES: usize = 24 * 1024 * 1024;
/// The maximum number of concurrent calls about the partitions of a topic.
const MAX_OFFSET_CALLS: usize = 8;

/// How many records a page of the server has at most (`max.poll.records`), by default
/// (`reference/confluent-rest.md`, 5.4).
const PAGE_RECORDS: usize = 30;

/// What is known of the server from one fetch to the next.
#[derive(Debug)]
pub(super) struct Known {
    own: OwnInstances,
    /// The largest page so far.
    largest_page: Cell<usize>,
}

impl Default for Known {
    fn default() -> Self {
        Self { own: OwnInstances::default(), largest_page: Cell::new(PAGE_RECORDS) }
    }
}

impl Known {
    /// Whether a page has as many records as pages have, so that more are likely to
    /// follow.
    fn is_full_page(&self, records: usize) -> bool {
        self.largest_page.set(self.largest_page.get().max(records));
        records >= self.largest_page.get()
    }
}

pub(super) struct V2Reader<'a, H> {
    pub(super) known: &'a Known,
    pub(super) client: &'a Client<H>,
    pub(super) metadata: &'a Metadata<H>,
}

impl<H: Host> V2Reader<'_, H> {
    pub(super) async fn fetch(&self, fetch: Fetch<'_>) -> Result<Fetched> {
        let name = TopicName::new(fetch.topic)?;
        let topic = self.metadata.topic_for(name, fetch.partition, 0).await?;
        if !(0..topic.partitions).contains(&fetch.partition) {
            return Err(Error::invalid("partition", "The topic has no such partition"));
        }
        let page_limit = page_limit(fetch.max_bytes, &topic);
        let place = fetch.place.as_ref().and_then(KeptInstance::of);
        Reading::new(self.client, self.known, name, &fetch, page_limit).run(place).await
    }

    pub(super) async fn offsets(&self, topic: TopicName<'_>) -> Result<SortedMap<i32, Offsets>> {
        let partitions = self.metadata.topic(topic).await?.partitions;
        let one = async |partition: i32| {
            let offsets = instance::offsets(self.client, topic, partition).await?;
            Ok::<_, CallFailure>((partition, offsets))
        };
        Ok(try_join_few(MAX_OFFSET_CALLS, (0..partitions).map(one)).await?.into_iter().collect())
    }

    pub(super) async fn close(&self, place: &Place) {
        if let Some(kept) = KeptInstance::of(place) {
            // The client has reported a failure, and the server removes an unused
            // instance by itself, after 300 s by default
            // (`recordings/configured-instance-timeout-5s.jsonl`).
            let _ = ConsumerInstance(kept.instance).delete(self.client).await;
        }
    }
}

/// A limit well above the largest record: the proxy never returns a record that
/// does not fit, and reports no error (`recordings/v2-consumer-limits.jsonl`,
/// "with max_bytes 100").
fn page_limit(max_bytes: usize, topic: &Topic) -> usize {
    let largest = topic.max_message_bytes.unwrap_or(DEFAULT_MAX_MESSAGE_BYTES);
    let largest = usize::try_from(largest).unwrap_or(MAX_PAGE_BYTES);
    max_bytes.max(largest.saturating_mul(2)).min(MAX_PAGE_BYTES)
}
