//! Reading at an offset of the caller's choice, without a group: nothing is
//! stored.

use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::select_all;

use crate::access::AllowedTopic;
use crate::concurrent::try_join_bounded;
use crate::error::{Error, Result};
use crate::kafka::{Fetch, Log};
use crate::record::Record;

/// What to read.
#[derive(Debug, Clone)]
pub struct At<'a> {
    pub topic: &'a AllowedTopic,
    pub partition: i32,
    /// An offset below the first record that still exists means that record.
    pub offset: i64,
    /// The maximum number of records.
    pub max: usize,
    /// The maximum size of keys, values and headers in bytes. The first record
    /// is returned whatever its size.
    pub max_bytes: usize,
    /// How long to wait for a record when there is none.
    pub wait: Duration,
}

/// What was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The records in the order of their offsets.
    pub records: Vec<Record>,
    /// The offset of the next read.
    pub next: i64,
}

pub struct ReadAt<L> {
    log: Rc<L>,
    /// What the host lets one execution read.
    most_bytes: usize,
}

impl<L: Log> ReadAt<L> {
    pub fn new(log: Rc<L>, most_bytes: usize) -> Self {
        Self { log, most_bytes }
    }

    /// Reads records of one partition.
    ///
    /// If the log reads in sequence, this uses a place on its side, which is
    /// given up at once: the next call may reach another instance, or never
    /// come.
    pub async fn at(&self, at: At<'_>) -> Result<Page> {
        let partitions = self.log.topic(at.topic).await?.partitions;
        if !(0..partitions).contains(&at.partition) {
            return Err(Error::invalid("partition", "The topic has no such partition"));
        }
        let max_bytes = at.max_bytes.min(self.most_bytes);
        let fetch = Fetch {
            topic: at.topic,
            partition: at.partition,
            offset: at.offset,
            place: None,
            max_records: at.max,
            max_bytes,
            end: None,
            wait: at.wait,
        };
        let fetched = self.log.fetch(fetch).await?;
        if let Some(place) = fetched.place {
            self.log.close(place).await;
        }
        Ok(cut(fetched.records, fetched.next, at.max, max_bytes))
    }

    /// Reads records of several partitions. If none of them has records, it
    /// waits until one has, for the wait of the first partition.
    pub async fn each<'a>(&self, places: &[At<'a>]) -> Result<Vec<Page>> {
        // All of them are answered together.
        let most_bytes = self.most_bytes / places.len().max(1);
        let read = |at: &At<'a>, wait| {
            self.at(At { max_bytes: at.max_bytes.min(most_bytes), wait, ..at.clone() })
        };
        let now = places.iter().map(|at| read(at, Duration::ZERO));
        let mut pages = try_join_bounded(now).await?;
        let wait = places.first().map_or(Duration::ZERO, |at| at.wait);
        if wait.is_zero() || pages.iter().any(|page| !page.records.is_empty()) {
            return Ok(pages);
        }
        let later = places.iter().enumerate().map(|(index, at)| {
            let page = read(at, wait);
            Box::pin(async move { (index, page.await) })
        });
        let mut later: Vec<_> = later.collect();
        while !later.is_empty() {
            let ((index, page), _, others) = select_all(later).await;
            pages[index] = page?;
            if !pages[index].records.is_empty() {
                break;
            }
            later = others;
        }
        Ok(pages)
    }
}

/// Cuts the records of the log, which can be too many, to the requested limits.
fn cut(mut records: Vec<Record>, next: i64, max: usize, max_bytes: usize) -> Page {
    let mut bytes = 0;
    let fits = |record: &Record| {
        bytes += record.size();
        bytes <= max_bytes
    };
    let fitting = records.iter().map(fits).take_while(|fits| *fits).count();
    let count = fitting.max(1).min(max);
    let next = records.get(count).map_or(next, |first_left| first_left.offset);
    records.truncate(count);
    Page { records, next }
}

impl<L> fmt::Debug for ReadAt<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAt").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[test]
    fn what_is_cut_off_is_read_again_from_its_own_offset() {
        let record = |offset| Record {
            partition: 0,
            offset,
            key: None,
            value: Some(Bytes::from_static(b"1234")),
            headers: None,
            timestamp: None,
        };
        let records = || [3, 4, 7].map(record).to_vec();
        for (max, max_bytes, count, next) in
            [(9, 99, 3, 8), (2, 99, 2, 7), (9, 11, 2, 7), (9, 8, 2, 7), (9, 7, 1, 4), (9, 1, 1, 4)]
        {
            let page = cut(records(), 8, max, max_bytes);
            assert_eq!((page.records.len(), page.next), (count, next), "{max} {max_bytes}");
        }
        assert_eq!(cut(Vec::new(), 8, 1, 1), Page { records: Vec::new(), next: 8 });
    }
}
