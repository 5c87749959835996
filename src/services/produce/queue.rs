//! Records that wait for the current call to end, and their callers.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use crate::error::{Error, ErrorKind, Result};
use crate::record::{NewRecord, RecordMetadata};
use crate::telemetry::{Trace, current_trace};

/// The maximum number of records in an upstream call. A call is as slow as its
/// slowest record, so the callers of a very large one would all wait for the
/// last record.
pub(super) const MAX_BATCH_RECORDS: usize = 1_000;

/// The approximate maximum size of the keys and values in an upstream call.
pub(super) const MAX_BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The reports on a caller's records, filled in as they arrive.
#[derive(Debug, Clone)]
pub(super) struct CallerReports(Rc<RefCell<Vec<Option<Result<RecordMetadata>>>>>);

impl CallerReports {
    /// The reports; a record without one may or may not have been written.
    pub(super) fn take(&self) -> Vec<Result<RecordMetadata>> {
        let unreported =
            || Error::from(ErrorKind::OutcomeUnknown { detail: "no report came in time".into() });
        self.0
            .borrow_mut()
            .iter_mut()
            .map(|slot| slot.take().unwrap_or_else(|| Err(unreported())))
            .collect()
    }
}

/// The records of one caller. `wake` is dropped when the last of them has its
/// report, which wakes the caller.
#[derive(Debug)]
pub(super) struct QueuedProduce<W> {
    records: Vec<NewRecord>,
    reports: CallerReports,
    trace: Option<Trace>,
    wake: Option<W>,
}

impl<W> QueuedProduce<W> {
    pub(super) fn new(records: Vec<NewRecord>, wake: Option<W>) -> (Self, CallerReports) {
        let reports = CallerReports(Rc::new(RefCell::new(records.iter().map(|_| None).collect())));
        let trace = current_trace();
        (Self { records, reports: reports.clone(), trace, wake }, reports)
    }

    fn bytes(&self) -> usize {
        let length = |bytes: &Option<bytes::Bytes>| bytes.as_ref().map_or(0, |b| b.len());
        self.records.iter().map(|record| length(&record.key) + length(&record.value)).sum()
    }
}

#[derive(Debug)]
pub(super) struct Queue<W>(VecDeque<QueuedProduce<W>>);

impl<W> Default for Queue<W> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<W> Queue<W> {
    pub(super) fn push(&mut self, job: QueuedProduce<W>) {
        self.0.push_back(job);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The jobs of the next call: the first one, and more as long as they fit.
    pub(super) fn next_batch(&mut self) -> Option<Batch<W>> {
        let first = self.0.pop_front()?;
        let (mut records, mut bytes) = (first.records.len(), first.bytes());
        let mut jobs = vec![first];
        while let Some(job) = self.0.front() {
            records += job.records.len();
            bytes += job.bytes();
            if records > MAX_BATCH_RECORDS || bytes > MAX_BATCH_BYTES {
                break;
            }
            jobs.extend(self.0.pop_front());
        }
        Some(Batch(jobs))
    }
}

/// The jobs of one call.
#[derive(Debug)]
pub(super) struct Batch<W>(Vec<QueuedProduce<W>>);

impl<W> From<QueuedProduce<W>> for Batch<W> {
    fn from(job: QueuedProduce<W>) -> Self {
        Self(vec![job])
    }
}

impl<W> Batch<W> {
    /// The trace of the call: that of the job that has waited for longest.
    pub(super) fn trace(&self) -> Option<Trace> {
        self.0.first()?.trace
    }

    pub(super) fn split(self) -> (Vec<NewRecord>, Reports<W>) {
        let mut records = Vec::new();
        let mut owners = Vec::new();
        let mut waiting = Vec::new();
        for (job_index, mut job) in self.0.into_iter().enumerate() {
            owners.extend((0..job.records.len()).map(|index| (job_index, index)));
            waiting.push(Waiting {
                missing: job.records.len(),
                reports: job.reports,
                _wake: job.wake,
            });
            records.append(&mut job.records);
        }
        (records, Reports { owners, waiting: waiting.into_iter().map(Some).collect() })
    }
}

/// The assignment of reports to callers.
#[derive(Debug)]
pub(super) struct Reports<W> {
    /// For each record of the call: the job and the place in it.
    owners: Vec<(usize, usize)>,
    waiting: Vec<Option<Waiting<W>>>,
}

#[derive(Debug)]
struct Waiting<W> {
    missing: usize,
    reports: CallerReports,
    /// Kept until the last report has arrived.
    _wake: Option<W>,
}

impl<W> Reports<W> {
    /// The report on the record at `index` of the call. A second one for the
    /// same record is ignored.
    pub(super) fn report(&mut self, index: usize, report: Result<RecordMetadata>) {
        let Some(&(job, place)) = self.owners.get(index) else { return };
        let Some(waiting) = &mut self.waiting[job] else { return };
        {
            let mut reports = waiting.reports.0.borrow_mut();
            match reports.get_mut(place) {
                Some(slot @ None) => *slot = Some(report),
                _ => return,
            }
        }
        waiting.missing -= 1;
        if waiting.missing == 0 {
            self.waiting[job] = None;
        }
    }

    /// Ends the call: records without a report get this one.
    pub(super) fn close(mut self, report: impl Fn() -> Result<RecordMetadata>) {
        for index in 0..self.owners.len() {
            self.report(index, report());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    fn records(values: &[&'static str]) -> Vec<NewRecord> {
        values
            .iter()
            .map(|value| NewRecord {
                value: Some(Bytes::from_static(value.as_bytes())),
                ..NewRecord::default()
            })
            .collect()
    }

    fn written(offset: i64) -> Result<RecordMetadata> {
        Ok(RecordMetadata { partition: 0, offset, timestamp: None })
    }

    #[test]
    fn each_caller_gets_its_own_reports_as_soon_as_its_last_one_is_there() {
        let mut queue = Queue::default();
        let woken: Vec<_> = (0..2).map(|_| Rc::new(())).collect();
        let (first, first_outcome) =
            QueuedProduce::new(records(&["a", "b"]), Some(woken[0].clone()));
        let (second, second_outcome) = QueuedProduce::new(records(&["c"]), Some(woken[1].clone()));
        queue.push(first);
        queue.push(second);

        let (sent, mut reports) = queue.next_batch().unwrap().split();
        assert_eq!(sent, records(&["a", "b", "c"]));
        assert!(queue.is_empty());

        reports.report(0, written(10));
        reports.report(2, written(12));
        assert_eq!(Rc::strong_count(&woken[0]), 2, "the first caller still waits for b");
        assert_eq!(Rc::strong_count(&woken[1]), 1, "the second caller has all it asked for");
        reports.report(1, Err(ErrorKind::Timeout.into()));
        assert_eq!(Rc::strong_count(&woken[0]), 1);

        assert_eq!(first_outcome.take(), [written(10), Err(ErrorKind::Timeout.into())]);
        assert_eq!(second_outcome.take(), [written(12)]);
    }

    #[test]
    fn a_record_without_a_report_is_closed_with_one_and_later_reports_are_ignored() {
        let (job, outcome) = QueuedProduce::new(records(&["a", "b"]), Some(()));
        let (_, mut reports) = Batch::from(job).split();
        reports.report(1, written(1));
        reports.report(1, written(2));
        reports.report(7, written(7));
        reports.close(|| Err(ErrorKind::Timeout.into()));
        assert_eq!(outcome.take(), [Err(ErrorKind::Timeout.into()), written(1)]);
    }

    #[test]
    fn a_call_takes_no_more_than_its_share_but_always_the_first_job() {
        let mut queue = Queue::default();
        let many = vec!["x"; MAX_BATCH_RECORDS + 5];
        queue.push(QueuedProduce::new(records(&many), Some(())).0);
        queue.push(QueuedProduce::new(records(&["y"]), Some(())).0);
        assert_eq!(queue.next_batch().unwrap().split().0.len(), MAX_BATCH_RECORDS + 5);
        assert_eq!(queue.next_batch().unwrap().split().0, records(&["y"]));
        assert!(queue.next_batch().is_none());

        let half = "z".repeat(MAX_BATCH_BYTES / 2 + 1).leak();
        for _ in 0..2 {
            queue.push(QueuedProduce::new(records(&[half]), Some(())).0);
        }
        assert_eq!(queue.next_batch().unwrap().split().0.len(), 1);
        assert_eq!(queue.next_batch().unwrap().split().0.len(), 1);
    }
}
