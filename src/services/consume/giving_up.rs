//! Records that a group hands out no more, and their way to the dead letters.
//!
//! A dead letter is confirmed before the document is written that says that the record
//! is done with. Whoever dies in between leaves the record to the next one, who writes
//! its dead letter again. If a dead letter cannot be written, the record stays what it
//! was.

use std::rc::Rc;
use std::time::Duration;

use super::claims::ranges;
use crate::access::AllowedTopic;
use crate::dead_letter::{DeadRecord, GivenUp};
use crate::deadline::within;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::{Fetch, Log};
use crate::record::Record;
use crate::services::group_list::GroupList;
use crate::services::group_settings::Settings;
use crate::services::produce::Producer;
use crate::sorted::{SortedMap, SortedSet};
use crate::telemetry::{Level, Report, Value};

/// How long it may take to read the records of a turn, and to write their dead letters.
const READ_TIME: Duration = Duration::from_secs(5);
const WRITE_TIME: Duration = Duration::from_secs(6);

/// The approximate size of the records of a turn. What is beyond waits for another.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// Records that are to be given up and lie so close to each other are read together.
const MAX_GAP: i64 = 20;

pub(super) struct GivingUp<H: Host, L> {
    host: H,
    log: Rc<L>,
    groups: Rc<GroupList<H>>,
    producer: Rc<Producer<H, L>>,
}

/// What reading records that are to be given up has shown.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) records: SortedMap<i64, Record>,
    /// The log has deleted them, so that there is nothing to keep.
    pub(super) gone: SortedSet<i64>,
}

/// Where records are, and why they are given up.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) group: &'a str,
    pub(super) topic: &'a str,
    pub(super) partition: i32,
    pub(super) why: GivenUp,
}

impl<H: Host, L: Log> GivingUp<H, L> {
    pub(super) fn new(
        host: H,
        log: Rc<L>,
        groups: Rc<GroupList<H>>,
        producer: Rc<Producer<H, L>>,
    ) -> Self {
        Self { host, log, groups, producer }
    }

    pub(super) async fn settings(&self, group: &str) -> Result<Rc<Settings>> {
        self.groups.settings().recent(group).await
    }

    /// Gives up records that were handed out as often as they may be. Returns of each
    /// whether it may be forgotten.
    pub(super) async fn give_up(
        &self,
        case: Case<'_>,
        dead_letter: Option<&str>,
        spent: Vec<(i64, u32)>,
    ) -> Vec<(i64, bool)> {
        let buried = match dead_letter {
            Some(dead_letter) if !spent.is_empty() => {
                let offsets: Vec<_> = spent.iter().map(|(offset, _)| *offset).collect();
                let found = self.find(case, &offsets).await;
                Some(self.bury(case, dead_letter, &found, &spent).await)
            }
            _ => None,
        };
        let is_buried = |offset| buried.as_ref().is_none_or(|buried| buried.contains(&offset));
        spent.into_iter().map(|(offset, _)| (offset, is_buried(offset))).collect()
    }

    /// Reads records at offsets in their order. What cannot be read in time, or is too
    /// much, is missing.
    pub(super) async fn find(&self, case: Case<'_>, offsets: &[i64]) -> Found {
        let mut found = Found::default();
        let give_up = self.host.monotonic() + READ_TIME;
        let mut bytes = 0;
        for (first, count) in spans(offsets) {
            let end = first + count as i64;
            let (mut next, mut place) = (first, None);
            while next < end && bytes < MAX_BYTES {
                let fetch = Fetch {
                    topic: case.topic,
                    partition: case.partition,
                    offset: next,
                    place: place.take(),
                    max_records: usize::try_from(end - next).unwrap_or(1),
                    max_bytes: MAX_BYTES - bytes,
                    end: None,
                    wait: Duration::ZERO,
                };
                let left = give_up.saturating_sub(self.host.monotonic());
                let fetched = within(&self.host, left, self.log.fetch(fetch)).await;
                let Some(Ok(fetched)) = fetched else { return found };
                for record in fetched.records {
                    if offsets.binary_search(&record.offset).is_ok() {
                        bytes += record.size();
                        found.records.insert(record.offset, record);
                    }
                }
                let read = next..fetched.next.max(fetched.silent_to.unwrap_or(next)).min(end);
                let asked = offsets.iter().copied().filter(|offset| read.contains(offset));
                let gone: Vec<_> =
                    asked.filter(|offset| !found.records.contains_key(offset)).collect();
                found.gone.extend(gone);
                place = fetched.place;
                if read.is_empty() {
                    break;
                }
                next = read.end;
            }
            if let Some(place) = place {
                self.log.close(place).await;
            }
        }
        found
    }

    /// Writes the dead letters of records that were found, and returns the offsets whose
    /// records may be forgotten: those that are confirmed there, and those that the log
    /// has deleted.
    pub(super) async fn bury(
        &self,
        case: Case<'_>,
        dead_letter: &str,
        found: &Found,
        counts: &[(i64, u32)],
    ) -> SortedSet<i64> {
        let Case { group, topic, why, .. } = case;
        let mut buried = SortedSet::new();
        let reads_headers = match self.log.capabilities().await {
            Ok(capabilities) => capabilities.headers,
            Err(_) => return buried,
        };
        let (mut letters, mut offsets) = (Vec::new(), Vec::new());
        for (offset, delivery_count) in counts.iter().copied() {
            if found.gone.contains(&offset) {
                buried.insert(offset);
            } else if let Some(record) = found.records.get(&offset) {
                let dead = DeadRecord { group, topic, record, delivery_count, why };
                letters.push(dead.letter(reads_headers));
                offsets.push(offset);
            }
        }
        // Whoever set the group to it was allowed to write there.
        let to = AllowedTopic::trusted(dead_letter);
        let reports = within(&self.host, WRITE_TIME, self.producer.write(&to, letters)).await;
        let reports = reports.unwrap_or_default();
        let confirmed = offsets.iter().zip(&reports).filter(|(_, report)| report.is_ok());
        buried.extend(confirmed.map(|(offset, _)| *offset));
        let missing = counts.len() - buried.len();
        if missing > 0 {
            let why = reports.iter().find_map(|report| report.as_ref().err());
            let fields = [
                ("group", group.into()),
                ("topic", topic.into()),
                ("dead-letter", dead_letter.into()),
                ("records", Value::count(missing)),
                ("why", why.map_or("timeout", |why| why.kind()).into()),
            ];
            self.host.event(Level::Warn, "dead-letter-failed", &fields);
        }
        buried
    }
}

/// Offsets as ranges that are read with one fetch each.
fn spans(offsets: &[i64]) -> Vec<(i64, usize)> {
    let mut spans: Vec<(i64, usize)> = Vec::new();
    for (first, count) in ranges(offsets) {
        match spans.last_mut() {
            Some((begin, length)) if first - (*begin + *length as i64) <= MAX_GAP => {
                *length = (first - *begin) as usize + count;
            }
            _ => spans.push((first, count)),
        }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_close_to_each_other_is_read_together() {
        assert_eq!(spans(&[1, 2, 5, 25, 47, 48]), [(1, 25), (47, 2)]);
        assert_eq!(spans(&[1, 22, 44]), [(1, 22), (44, 1)]);
        assert!(spans(&[]).is_empty());
    }
}
