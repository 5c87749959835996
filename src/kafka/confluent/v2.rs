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
//! An instance returns each record once. A reader that died, or whose lease had
//! ended, may therefore have taken records away. This shows in the offset of the
//! next record, in a gap, or in an empty page although the log has more.

mod instance;
mod kept_instance;
mod page;
mod reading;

use self::instance::ConsumerInstance;
use self::kept_instance::KeptInstance;
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

pub(super) struct V2Reader<'a, H> {
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
        Reading::new(self.client, name, &fetch, page_limit).run(place).await
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
