//! Producing under an idempotency key: a caller that does not know what became of a
//! call makes it again, and what was written is not written twice.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::Producer;
use crate::access::AllowedTopic;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::record::{NewRecord, RecordMetadata};
use crate::services::seen::{First, Place, Scope};

/// How long a key is remembered, how long it may be, and how many records a call with
/// one may have: the places of all of them are remembered.
pub const WINDOW: Duration = Duration::from_secs(86_400);
pub const MAX_KEY_BYTES: usize = 255;
pub const MAX_RECORDS: usize = 500;

pub(in crate::services) const FIELD: &str = "idempotency-key";

/// The key of a call. Two callers may use the same keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once<'a> {
    pub key: &'a str,
    /// The name of the caller's credential; empty if it has none.
    pub caller: &'a str,
}

/// The reports on records, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports {
    pub reports: Vec<Result<RecordMetadata>>,
    /// All of them were written by an earlier call. Then no time is known of them.
    pub is_repeat: bool,
}

impl<H: Host, L: Log> Producer<H, L> {
    /// Writes records like [`write`](Self::write), unless an earlier call with the key
    /// has. Records of an earlier call that were not written are written now.
    ///
    /// If an earlier call ended without a report from Kafka, a repeat within ten seconds
    /// is refused, and after that the records are written again: once too often, if they
    /// had been written after all.
    pub async fn write_once(
        &self,
        topic: &AllowedTopic,
        records: Vec<NewRecord>,
        once: Option<Once<'_>>,
    ) -> Result<Reports> {
        let Some(Once { key, caller }) = once.filter(|_| !records.is_empty()) else {
            let reports = self.write(topic, records).await;
            return Ok(Reports { reports, is_repeat: false });
        };
        check(key)?;
        if records.len() > MAX_RECORDS {
            let sentence = format!("A call with a key has at most {MAX_RECORDS} records");
            return Err(Error::invalid(FIELD, sentence));
        }
        let scope = Scope::topic(topic, caller)?;
        let content = digest(&records);
        let (mark, earlier) = match self.seen.first(&scope, key, Some(&content), WINDOW).await? {
            First::Time { mark, written } => (mark, written),
            First::Repeat(places) => {
                let reports = places.into_iter().flatten().map(|place| Ok(metadata(place)));
                return Ok(Reports { reports: reports.collect(), is_repeat: true });
            }
            First::Pending { .. } => {
                return Err(ErrorKind::Busy("The same call is being made; try again".into()).into());
            }
            First::Different => {
                let sentence = "The key came with other records before";
                return Err(Error::invalid(FIELD, sentence));
            }
        };
        let earlier = |place: usize| earlier.get(place).cloned().flatten();
        let missing: Vec<_> =
            (0..records.len()).filter(|place| earlier(*place).is_none()).collect();
        let mut places: Vec<_> = (0..records.len()).map(earlier).collect();
        let left = records.into_iter().enumerate().filter(|(place, _)| missing.contains(place));
        let written = self.write(topic, left.map(|(_, record)| record).collect()).await;
        let mut reports: Vec<_> =
            places.iter().map(|place| place.clone().map(metadata).ok_or_else(no_report)).collect();
        let mut unknown = false;
        for (place, report) in missing.into_iter().zip(written) {
            unknown |= report.as_ref().is_err_and(|error| error.is_unknown_outcome());
            places[place] = report.as_ref().ok().map(|written| Place {
                topic: String::new(),
                partition: written.partition,
                offset: written.offset,
            });
            reports[place] = report;
        }
        if !unknown {
            mark.done(places).await;
        }
        Ok(Reports { reports, is_repeat: false })
    }
}

/// Whether a key can be one.
pub(in crate::services) fn check(key: &str) -> Result<()> {
    if key.is_empty() || key.len() > MAX_KEY_BYTES {
        let sentence = format!("Not a key of 1 to {MAX_KEY_BYTES} bytes");
        return Err(Error::invalid(FIELD, sentence));
    }
    Ok(())
}

fn metadata(Place { partition, offset, .. }: Place) -> RecordMetadata {
    RecordMetadata { partition, offset, timestamp: None }
}

fn no_report() -> Error {
    ErrorKind::OutcomeUnknown { detail: "there is no report on this record".into() }.into()
}

/// What tells these records from others. Headers do not: those of a repeat may have
/// another time, or another trace. Each part is hashed after its length, so that no two
/// lists hash the same bytes.
fn digest(records: &[NewRecord]) -> [u8; 32] {
    let mut hash = Sha256::new();
    let mut part = |bytes: Option<&[u8]>| {
        hash.update(bytes.map_or(u64::MAX, |bytes| bytes.len() as u64).to_be_bytes());
        hash.update(bytes.unwrap_or_default());
    };
    for NewRecord { key, value, partition, timestamp, .. } in records {
        part(key.as_deref());
        part(value.as_deref());
        part(partition.map(i32::to_be_bytes).as_ref().map(|bytes| &bytes[..]));
        part(timestamp.map(i64::to_be_bytes).as_ref().map(|bytes| &bytes[..]));
    }
    hash.finalize().into()
}
