//! Records that a group hands out no more, and their way to the dead letters.
//!
//! A dead letter is confirmed before the document is written that says that the record
//! is done with. Whoever dies in between leaves the record to the next one, who writes
//! its dead letter again. If a dead letter cannot be written, the record stays what it
//! was.

use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use super::claims::ranges;
use crate::access::AllowedTopic;
use crate::dead_letter::{DeadRecord, GivenUp};
use crate::deadline::within;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::{Fetch, Fetched, Log};
use crate::record::{NewRecord, Record};
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
    bytes: usize,
}

impl Found {
    /// Notes what a read of a range has shown of these offsets. Returns up to where it
    /// has.
    fn note(&mut self, offsets: &[i64], asked: Range<i64>, fetched: Fetched) -> i64 {
        for record in fetched.records {
            if offsets.binary_search(&record.offset).is_ok() {
                self.bytes += record.size();
                self.records.insert(record.offset, record);
            }
        }
        let read_to = fetched.next.max(fetched.silent_to.unwrap_or(asked.start));
        let read = asked.start..read_to.clamp(asked.start, asked.end);
        for offset in offsets {
            if read.contains(offset) && !self.records.contains_key(offset) {
                self.gone.insert(*offset);
            }
        }
        read.end
    }

    /// The dead letters of these records, and their offsets, beside those whose records
    /// are gone.
    fn letters(
        &self,
        case: Case<'_>,
        counts: &[(i64, u32)],
        reads_headers: bool,
    ) -> (Vec<NewRecord>, Vec<i64>, SortedSet<i64>) {
        let Case { group, topic, why, .. } = case;
        let (mut letters, mut offsets) = (Vec::new(), Vec::new());
        let mut gone = SortedSet::new();
        for (offset, delivery_count) in counts.iter().copied() {
            if self.gone.contains(&offset) {
                gone.insert(offset);
            } else if let Some(record) = self.records.get(&offset) {
                let dead = DeadRecord { group, topic, record, delivery_count, status: None, why };
                letters.push(dead.letter(reads_headers));
                offsets.push(offset);
            }
        }
        (letters, offsets, gone)
    }
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

    pub(super) fn settings(&self, group: &str) -> impl Future<Output = Result<Rc<Settings>>> {
        self.groups.settings().recent(group)
    }

    /// Gives up records that were handed out as often as they may be. Returns of each
    /// whether it may be forgotten.
    pub(super) async fn give_up(
        &self,
        case: Case<'_>,
        settings: &Settings,
        spent: Vec<(i64, u32)>,
    ) -> Vec<(i64, bool)> {
        let mut buried = None;
        if settings.dead_letter.is_some() && !spent.is_empty() {
            let offsets: Vec<_> = spent.iter().map(|(offset, _)| *offset).collect();
            let found = self.find(case, &offsets).await;
            buried = Some(self.bury(case, settings, &found, &spent).await);
        }
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
                let Some(Ok(mut fetched)) = fetched else { return found };
                place = fetched.place.take();
                let read = next..end;
                let read_to = found.note(offsets, read, fetched);
                bytes = found.bytes;
                if read_to == next {
                    break;
                }
                next = read_to;
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
        settings: &Settings,
        found: &Found,
        counts: &[(i64, u32)],
    ) -> SortedSet<i64> {
        let dead_letter = settings.dead_letter.as_deref().unwrap_or_default();
        let Ok(capabilities) = self.log.capabilities().await else { return SortedSet::new() };
        let (mut letters, offsets, mut buried) = found.letters(case, counts, capabilities.headers);
        let may_bury = settings.may_bury(case.topic);
        if !may_bury {
            letters.clear();
        }
        // Whoever set the group to it was allowed to write there, and to read these.
        let to = AllowedTopic::trusted(dead_letter);
        let reports = within(&self.host, WRITE_TIME, self.producer.write(&to, letters)).await;
        let reports = reports.unwrap_or_default();
        for (offset, report) in offsets.into_iter().zip(&reports) {
            if report.is_ok() {
                buried.insert(offset);
            }
        }
        let missing = counts.len() - buried.len();
        if missing > 0 {
            let unwritten = if may_bury { "timeout" } else { "forbidden" };
            let why = reports.iter().find_map(|report| report.as_ref().err());
            let fields = [
                ("group", case.group.into()),
                ("topic", case.topic.into()),
                ("dead-letter", dead_letter.into()),
                ("records", Value::count(missing)),
                ("why", why.map_or(unwritten, |why| why.kind()).into()),
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
