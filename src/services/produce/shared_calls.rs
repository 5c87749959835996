//! Records of callers that wait at the same time share one upstream call.
//!
//! No caller waits in order to form a batch. A caller that finds no call for its
//! topic in progress makes one at once. Callers that arrive in the meantime queue,
//! and when that call ends, everything in the queue goes out as the next one. Each
//! caller gets the reports on its own records as soon as they arrive.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use super::queue::{Batch, Queue, QueuedProduce};
use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::record::{NewRecord, RecordMetadata};
use crate::sorted::SortedMap;
use crate::telemetry::with_trace;

pub struct SharedCalls<H: Host, L> {
    shared: Rc<Shared<H, L>>,
}

struct Shared<H: Host, L> {
    host: H,
    log: Rc<L>,
    /// Only topics with a call under way are in here.
    under_way: RefCell<SortedMap<String, Queue<H::Wake>>>,
}

impl<H: Host, L: Log> SharedCalls<H, L> {
    pub fn new(host: H, log: Rc<L>) -> Self {
        Self { shared: Rc::new(Shared { host, log, under_way: RefCell::default() }) }
    }

    /// Writes records to a topic and reports on each, in the order given. A
    /// record may fail while others are written.
    pub async fn send(&self, topic: &str, records: Vec<NewRecord>) -> Vec<Result<RecordMetadata>> {
        if records.is_empty() {
            return Vec::new();
        }
        let lead = {
            let mut under_way = self.shared.under_way.borrow_mut();
            match under_way.get_mut(topic) {
                Some(queue) => {
                    let (wake, wait) = self.shared.host.signal();
                    let (job, reports) = QueuedProduce::new(records, Some(wake));
                    queue.push(job);
                    Err((wait, reports))
                }
                None => {
                    under_way.insert(topic.to_owned(), Queue::default());
                    Ok((Lead { shared: self.shared.clone(), topic: topic.to_owned() }, records))
                }
            }
        };
        match lead {
            Ok((lead, records)) => {
                let (job, reports) = QueuedProduce::new(records, None);
                lead.call(Batch::from(job)).await;
                drop(lead);
                reports.take()
            }
            Err((wait, reports)) => {
                // Each call has a time limit, and whatever ends the task that makes it
                // wakes those who wait. A timer for each of them would cost more than
                // all the rest that is done for them here.
                wait.await;
                reports.take()
            }
        }
    }
}

/// The right to make calls for a topic, which one task has at a time. If
/// callers have queued when it is dropped, it passes to a new task, so that no
/// caller's answer waits for the records of others.
struct Lead<H: Host, L: Log> {
    shared: Rc<Shared<H, L>>,
    topic: String,
}

impl<H: Host, L: Log> Lead<H, L> {
    async fn call(&self, batch: Batch<H::Wake>) {
        let trace = batch.trace();
        let (records, mut reports) = batch.split();
        let report = |index, report| reports.report(index, report);
        with_trace(trace, self.shared.log.produce(&self.topic, records, report)).await;
        reports.close(|| {
            Err(ErrorKind::OutcomeUnknown {
                detail: "the server sent no report on this record".into(),
            }
            .into())
        });
    }

    fn next(&self) -> Option<Batch<H::Wake>> {
        self.shared.under_way.borrow_mut().get_mut(&self.topic)?.next_batch()
    }
}

impl<H: Host, L: Log> Drop for Lead<H, L> {
    fn drop(&mut self) {
        let mut under_way = self.shared.under_way.borrow_mut();
        if under_way.get(&self.topic).is_some_and(Queue::is_empty) {
            under_way.remove(&self.topic);
            return;
        }
        drop(under_way);
        let lead = Self { shared: self.shared.clone(), topic: self.topic.clone() };
        self.shared.host.spawn(async move {
            while let Some(batch) = lead.next() {
                lead.call(batch).await;
            }
        });
    }
}

impl<H: Host, L> fmt::Debug for SharedCalls<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedCalls").finish_non_exhaustive()
    }
}
