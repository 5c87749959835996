//! Reads topics as they grow, without a group: the positions are kept here.

use std::rc::Rc;
use std::time::Duration;

use super::cursor::Cursor;
use super::{MAX_PAGE_BYTES, MAX_PAGE_RECORDS};
use crate::access::AllowedTopic;
use crate::error::Result;
use crate::host::Host;
use crate::kafka::{Fetch, Log, Place};
use crate::services::beyond_end::BeyondEnd;
use crate::services::consume::{Consumed, StartFrom};
use crate::services::ends::{EndPoller, Ends, untold};
use crate::sorted::in_order;

/// A position counts as beyond the end after it was for this time: a broker that
/// has just become a partition's leader may know of an end that is a little behind
/// (Kafka's replication protocol: the high watermark of a follower lags).
const BEYOND_END_TIME: Duration = Duration::from_secs(5);

pub(super) struct Tail<H: Host, L: Log> {
    host: H,
    log: Rc<L>,
    poller: EndPoller<H, L>,
    topics: Vec<Rc<str>>,
    from: StartFrom,
    cursor: Option<Cursor>,
    /// Empty before the first position is known.
    partitions: Vec<TailPartition>,
    /// The partition with which the next round begins, so that none starves.
    first: usize,
    /// Positions that were given up since the last question about them, and those in
    /// their place.
    beyond: Vec<(BeyondEnd, i64)>,
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
    /// Since when the end has been below the position.
    beyond_since: Option<Duration>,
}

impl TailPartition {
    fn new(topic: Rc<str>, number: i32, next: i64) -> Self {
        let (place, end, drained_at, beyond_since) = (None, None, None, None);
        Self { topic, number, next, place, end, drained_at, beyond_since }
    }

    fn may_have_records(&self) -> bool {
        self.end.is_none_or(|end| end > self.next.max(self.drained_at.unwrap_or(0)))
    }

    /// Starts the partition again where `from` says if its position has been
    /// beyond its end for long enough.
    fn start_again(&mut self, from: StartFrom, now: Duration) -> Option<BeyondEnd> {
        let end = self.end?;
        let Some(beyond) = BeyondEnd::check(&self.topic, self.number, self.next, end) else {
            self.beyond_since = None;
            return None;
        };
        let since = *self.beyond_since.get_or_insert(now);
        if now.saturating_sub(since) < BEYOND_END_TIME {
            return None;
        }
        self.next = match from {
            StartFrom::Earliest => 0,
            StartFrom::Latest => end,
        };
        (self.drained_at, self.beyond_since) = (None, None);
        Some(beyond)
    }
}

impl<H: Host, L: Log> Tail<H, L> {
    /// Is to continue at a cursor, or to start at either end. A partition that the
    /// cursor does not contain was added later, and is read from its beginning.
    pub(super) fn new(
        host: H,
        log: Rc<L>,
        ends: Rc<Ends<H, L>>,
        topics: &[AllowedTopic],
        from: StartFrom,
        cursor: Option<Cursor>,
    ) -> Self {
        let topics = topics.iter().map(|topic| (&**topic).into()).collect();
        let mut topics: Vec<Rc<str>> = in_order(topics);
        topics.dedup();
        let poller = EndPoller::new(ends, topics.clone());
        let (partitions, beyond) = (Vec::new(), Vec::new());
        Self { host, log, poller, topics, from, cursor, partitions, first: 0, beyond }
    }

    /// Finds where to start, if that is not known yet; then it returns the
    /// positions.
    pub(super) async fn begin(
        &mut self,
    ) -> Result<Option<impl Iterator<Item = (&str, (i32, i64))>>> {
        if !self.partitions.is_empty() {
            return Ok(None);
        }
        let mut partitions = Vec::new();
        if self.cursor.is_none() && self.from == StartFrom::Latest {
            for (topic, seen) in self.poller.look().await? {
                let ends = seen.ends.as_ref().ok_or_else(untold)?;
                partitions.extend((0..seen.partitions).map(|number| {
                    let end = ends.get(&number).copied().unwrap_or(0);
                    TailPartition::new(topic.clone(), number, end)
                }));
            }
        } else {
            for topic in &self.topics {
                let count = self.log.topic(topic).await?.partitions;
                partitions.extend((0..count).map(|number| {
                    let next = self.cursor.as_ref().and_then(|cursor| cursor.get(topic, number));
                    TailPartition::new(topic.clone(), number, next.unwrap_or(0))
                }));
            }
        }
        self.partitions = partitions;
        let position = |partition: &'_ TailPartition| (partition.number, partition.next);
        let positions = self.partitions.iter().map(position);
        Ok(Some(self.partitions.iter().map(|partition| &*partition.topic).zip(positions)))
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

    /// The positions that were given up because they lay beyond the end.
    pub(super) fn take_beyond(&mut self) -> Vec<(BeyondEnd, i64)> {
        std::mem::take(&mut self.beyond)
    }

    /// Looks up the ends, and finds partitions that were added.
    async fn look(&mut self) -> Result<()> {
        let (seen, now) = (self.poller.look().await?, self.host.monotonic());
        let mut left = Vec::new();
        for (topic, seen) in seen {
            let known = self.partitions.iter().filter(|known| known.topic == topic).count();
            for number in known as i32..seen.partitions {
                self.partitions.push(TailPartition::new(topic.clone(), number, 0));
            }
            for partition in self.partitions.iter_mut().filter(|known| known.topic == topic) {
                // Without a reported end, a read of the partition shows whether
                // it has records.
                partition.end =
                    seen.ends.as_ref().and_then(|ends| ends.get(&partition.number)).copied();
                if let Some(beyond) = partition.start_again(self.from, now) {
                    beyond.tell(&self.host, "reader", "without a group");
                    self.beyond.push((beyond, partition.next));
                    left.extend(partition.place.take());
                }
            }
        }
        self.close(left);
        Ok(())
    }

    /// Gives up places of the log, beside whatever else is done.
    fn close(&self, places: Vec<Place>) {
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
                end: partition.end,
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
        let places = places.collect();
        self.close(places);
    }
}
