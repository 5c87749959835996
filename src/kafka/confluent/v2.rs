//! Reading through consumer instances of a REST Proxy.
//!
//! An instance is a Kafka consumer within the proxy, made for callers that
//! stay. Ours come and go: whoever holds the lease of a partition reads, and
//! hands the instance on with its position. Read in sequence it answers in a
//! fraction of a millisecond; a seek costs a quarter of a second and, after a
//! page that was cut, is not even obeyed. So there is no seek but the first,
//! and an instance of which anything is off is replaced by a new one.
//!
//! What can be off, since an instance gives each record once and forgets it:
//! a reader that died, or whose lease had ended, has taken records along. It
//! shows in the offset of the next record, in a gap, or in silence where the
//! log has more.

mod instance;
mod kept_instance;
mod page;
mod reading;

use self::instance::ConsumerInstance;
use self::kept_instance::KeptInstance;
use self::reading::Reading;
use super::client::Client;
use super::failure::CallFailure;
use super::metadata::Metadata;
use super::names::TopicName;
use crate::concurrent::try_join_few;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::{Fetch, Fetched, Offsets, Place, Topic};
use crate::sorted::SortedMap;

/// What a topic takes when its own limit is not known: Kafka's default.
const USUAL_MAX_MESSAGE: usize = 1 << 20;
/// The largest page, and with it the largest record, that is read at all.
const LARGEST_PAGE: usize = 24 << 20;
/// So many calls at once about the partitions of a topic.
const AT_ONCE: usize = 8;

pub(super) struct V2Reader<'a, H> {
    pub(super) client: &'a Client<H>,
    pub(super) metadata: &'a Metadata<H>,
}

impl<H: Host> V2Reader<'_, H> {
    pub(super) async fn fetch(&self, fetch: Fetch<'_>) -> Result<Fetched> {
        let name = TopicName::new(fetch.topic)?;
        let topic = self.metadata.topic_with(name, fetch.partition).await?;
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
        Ok(try_join_few(AT_ONCE, (0..partitions).map(one)).await?.into_iter().collect())
    }

    pub(super) async fn close(&self, place: &Place) {
        if let Some(kept) = KeptInstance::of(place) {
            // The client has reported a failure, and an instance that nobody
            // reads from is forgotten by itself.
            let _ = ConsumerInstance(kept.instance).delete(self.client).await;
        }
    }
}

/// Well above the largest record: one that does not fit is withheld, without
/// a word and for good.
fn page_limit(max_bytes: usize, topic: &Topic) -> usize {
    let largest = topic.max_message_bytes.and_then(|bytes| usize::try_from(bytes).ok());
    let largest = largest.unwrap_or(USUAL_MAX_MESSAGE);
    max_bytes.max(largest.saturating_mul(2)).min(LARGEST_PAGE)
}
