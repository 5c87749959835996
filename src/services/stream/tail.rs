//! Reads topics as they grow, without a group: the positions are kept here.

use std::rc::Rc;
use std::time::Duration;

use super::cursor::Cursor;
use super::{MAX_PAGE_BYTES, MAX_PAGE_RECORDS};
use crate::error::Result;
use crate::host::Host;
use crate::kafka::{Fetch, Log, Place};
use crate::services::consume::{Consumed, StartFrom};
use crate::services::ends::{EndPoller, Ends, untold};

pub(super) struct Tail<H: Host, L: Log> {
    host: H,
    log: Rc<L>,
    poller: EndPoller<H, L>,
    partitions: Vec<TailPartition>,
    /// The partition with which the next round begins, so that none starves.
    first: usize,
}

struct TailPartition {
    topic: Rc<str>,
    number: i32,
    next: i64,
    /// The log's place, if it reads in sequence.
    place: Option<Place>,
    end: Option<i64>,
    /// A read at this end found no record.
    drained_at: Option<i64>,
}

impl TailPartition {
    fn may_have_records(&self) -> bool {
        self.end.is_none_or(|end| end > self.next.max(self.drained_at.unwrap_or(0)))
    }
}

impl<H: Host, L: Log> Tail<H, L> {
    /// Continues at a cursor, or starts at either end. A partition that the
    /// cursor does not contain was added later, and is read from its beginning.
    pub(super) async fn open(
        host: H,
        log: Rc<L>,
        ends: Rc<Ends<H, L>>,
        topics: &[String],
        from: StartFrom,
        cursor: Option<&Cursor>,
    ) -> Result<Self> {
        let topics: Vec<Rc<str>> = topics.iter().map(|topic| topic.as_str().into()).collect();
        let poller = EndPoller::new(ends, topics.clone());
        let mut tail = Self { host, log, poller, partitions: Vec::new(), first: 0 };
        if cursor.is_none() && from == StartFrom::Latest {
            for (topic, seen) in tail.poller.look().await? {
                let ends = seen.ends.as_ref().ok_or_else(untold)?;
                for number in 0..seen.partitions {
                    tail.add(topic.clone(), number, ends.get(&number).copied().unwrap_or(0));
                }
            }
            return Ok(tail);
        }
        for topic in topics {
            for number in 0..tail.log.topic(&topic).await?.partitions {
                let next = cursor.and_then(|cursor| cursor.get(&topic, number)).unwrap_or(0);
                tail.add(topic.clone(), number, next);
            }
        }
        Ok(tail)
    }

    fn add(&mut self, topic: Rc<str>, number: i32, next: i64) {
        let (place, end, drained_at) = (None, None, None);
        self.partitions.push(TailPartition { topic, number, next, place, end, drained_at });
    }

    pub(super) fn positions(&self) -> impl Iterator<Item = (&str, i32, i64)> {
        self.partitions
            .iter()
            .map(|partition| (&*partition.topic, partition.number, partition.next))
    }

    /// Records of one partition, in order; empty if there is none within the
    /// wait.
    pub(super) async fn next(&mut self, wait: Duration) -> Result<Vec<Consumed>> {
        let give_up = self.host.monotonic() + wait;
        loop {
            let waiting = |partition: &TailPartition| partition.end.is_some();
            let known = self.partitions.iter().any(|p| waiting(p) && p.may_have_records());
            if !known {
                self.look().await?;
            }
            for step in 0..self.partitions.len() {
                let index = (self.first + step) % self.partitions.len();
                if self.partitions[index].may_have_records() {
                    let records = self.fetch(index).await?;
                    if !records.is_empty() {
                        self.first = index + 1;
                        self.poller.quicken();
                        return Ok(records);
                    }
                }
            }
            let left = give_up.saturating_sub(self.host.monotonic());
            if left.is_zero() {
                return Ok(Vec::new());
            }
            self.poller.rest(left).await;
        }
    }

    /// Looks up the ends, and finds partitions that were added.
    async fn look(&mut self) -> Result<()> {
        for (topic, seen) in self.poller.look().await? {
            let known = self.partitions.iter().filter(|known| known.topic == topic).count();
            for number in known as i32..seen.partitions {
                self.add(topic.clone(), number, 0);
            }
            for partition in self.partitions.iter_mut().filter(|known| known.topic == topic) {
                // Without a reported end, a read of the partition shows whether
                // it has records.
                partition.end =
                    seen.ends.as_ref().and_then(|ends| ends.get(&partition.number)).copied();
            }
        }
        Ok(())
    }

    async fn fetch(&mut self, index: usize) -> Result<Vec<Consumed>> {
        let partition = &mut self.partitions[index];
        let fetched = self
            .log
            .fetch(Fetch {
                topic: &partition.topic,
                partition: partition.number,
                offset: partition.next,
                place: partition.place.take(),
                max_records: MAX_PAGE_RECORDS,
                max_bytes: MAX_PAGE_BYTES,
                wait: Duration::ZERO,
            })
            .await?;
        partition.next = fetched.next;
        partition.place = fetched.place;
        if fetched.records.is_empty() {
            partition.drained_at = partition.end;
        }
        let topic = &partition.topic;
        let consumed = |record| Consumed { topic: topic.clone(), record, acquired: None };
        Ok(fetched.records.into_iter().map(consumed).collect())
    }
}

impl<H: Host, L: Log> Drop for Tail<H, L> {
    fn drop(&mut self) {
        let places = self.partitions.iter_mut().filter_map(|partition| partition.place.take());
        let places: Vec<_> = places.collect();
        if places.is_empty() {
            return;
        }
        let log = self.log.clone();
        self.host.spawn(async move {
            for place in places {
                log.close(place).await;
            }
        });
    }
}
