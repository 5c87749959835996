//! Where a group or a webhook is moved to.

use crate::error::{Error, Result};
use crate::host::Millis;
use crate::kafka::{Log, Offsets};
use crate::sorted::SortedMap;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SeekTo {
    /// The first record that still exists, or the end, on every partition.
    Earliest,
    Latest,
    /// The given offsets, on the given partitions.
    Offsets(SortedMap<i32, i64>),
    /// The first record at or after a time, on every partition.
    Time(Millis),
}

impl SeekTo {
    /// The new position of each partition that is moved.
    pub(in crate::services) async fn offsets<L: Log>(
        self,
        log: &L,
        topic: &str,
    ) -> Result<SortedMap<i32, i64>> {
        let partitions = log.topic(topic).await?.partitions;
        let offsets = match self {
            Self::Earliest => first_offsets(log, topic).await?,
            Self::Latest => log.ends(topic).await?.into_iter().collect(),
            Self::Time(time) => log.offset_at(topic, time).await?.into_iter().collect(),
            Self::Offsets(offsets) => offsets,
        };
        for (partition, offset) in &offsets {
            if !(0..partitions).contains(partition) {
                return Err(Error::invalid("offsets", "The topic has no such partition"));
            }
            if *offset < 0 {
                return Err(Error::invalid("offsets", "An offset below zero"));
            }
        }
        Ok(offsets)
    }
}

/// The first record that still exists, by partition.
pub(in crate::services) async fn first_offsets<L: Log>(
    log: &L,
    topic: &str,
) -> Result<SortedMap<i32, i64>> {
    let offsets = log.offsets(topic).await?;
    let first = |(partition, Offsets { first, .. })| (partition, first);
    Ok(offsets.into_iter().map(first).collect())
}
