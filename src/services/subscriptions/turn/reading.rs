//! Reading the records of a turn: those that are to be tried, and gaps.

use std::rc::Rc;

use super::{Begun, Event, MAX_POOL, MAX_POOL_BYTES, Pooled, Turn};
use crate::concurrent::Running;
use crate::dead_letter::Origin;
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::record::Record;
use crate::services::subscriptions::body::Item;
use crate::services::subscriptions::job::JobEnd;
use crate::services::subscriptions::pages::{Page, Spot};
use crate::services::subscriptions::retry::is_to_come;
use crate::services::subscriptions::window::key_of;

impl<'a, H: Host, L: Log> Turn<'a, H, L> {
    pub(super) fn begin_read(&mut self, running: &mut Running<'a, Event>) -> Begun {
        let bytes: usize = self.pool.iter().map(|pooled| pooled.item.size()).sum();
        if self.is_reading {
            return Begun::No;
        }
        if self.pool.len() >= MAX_POOL || bytes >= MAX_POOL_BYTES {
            // What is here waits for its time, or for others of its key.
            if self.under_way.is_empty() {
                let until = self.state.window.next_attempt();
                let until = until.unwrap_or_else(|| self.context.host.now() + 1_000);
                self.stop = Some(JobEnd::Waiting { until, to: i64::MAX });
            }
            return Begun::No;
        }
        // The end of the job may be older than what others have seen since.
        let last = self.state.window.waiting().keys().next_back();
        let has_more = last.is_some_and(|last| *last >= self.cursor);
        if self.job.to().is_some_and(|to| self.cursor >= to) && !has_more {
            self.is_at_end = true;
            return Begun::Passed;
        }
        // What is read is to be tried, too.
        if !self.reserve() || !self.allowance.may_read(&self.context.host) {
            return self.stop_with(JobEnd::OutOfTime);
        }
        self.is_reading = true;
        let Self { context, job, cursor, .. } = *self;
        let (topic, partition) = (job.topic.clone(), job.partition);
        let spot = Spot { topic, partition, offset: cursor, end: job.end };
        running.add(async move {
            let page = context.pages.read(&context.host, &*context.log, &context.reads, spot).await;
            Event::Read(cursor, page)
        });
        Begun::Yes
    }

    pub(super) fn has_read(&mut self, from: i64, page: &Page) {
        self.is_reading = false;
        let to = self.job.part().map_or(i64::MAX, |part| part.to);
        let now = self.context.host.now();
        let mut next = from;
        for record in page.records.iter().filter(|record| (from..to).contains(&record.offset)) {
            // There is no record in between.
            self.state.window.skip_gap(next, record.offset);
            next = record.offset + 1;
            self.pool_record(record, now);
        }
        if page.next > next {
            self.state.window.skip_gap(next, page.next.min(to));
        }
        self.is_at_end = page.next <= from || page.silent_to.is_some();
        self.cursor = self.state.window.next_wanted(page.next.max(from), now);
        self.unwritten += usize::from(self.state.position() > self.began_at);
    }

    pub(super) fn pool_record(&mut self, record: &Record, now: Millis) {
        let offset = record.offset;
        let waits = is_to_come(self.state.waiting(offset).due, now);
        if self.state.window.is_done(offset) || waits {
            return;
        }
        let (topic, record) = match self.job.part() {
            Some(part) if part.is_redrive => match Origin::of(record) {
                Some(origin) if origin.group == *self.job.id => {
                    (Rc::from(origin.topic), origin.record)
                }
                // It is somebody else's.
                _ => return self.state.window.skip_gap(offset, offset + 1),
            },
            _ => (self.job.topic.clone(), record.clone()),
        };
        let key = key_of(record.key.as_deref());
        let item = Item { record, transformed: None };
        self.put_back(Pooled { offset, key, topic, item, is_shaped: false });
    }

    pub(super) fn put_back(&mut self, pooled: Pooled) {
        let place = self.pool.partition_point(|other| other.offset < pooled.offset);
        self.pool.insert(place, pooled);
    }
}
