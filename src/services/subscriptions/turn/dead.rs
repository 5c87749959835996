//! Records that are delivered no more: skipped and counted, or put among the dead letters,
//! which is confirmed before they are done with.

use std::cell::RefCell;
use std::time::Duration;

use super::{Event, Pooled, Stop, Turn};
use crate::concurrent::Running;
use crate::dead_letter::{DeadRecord, GivenUp};
use crate::deadline::within;
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::kafka::Log;
use crate::random;
use crate::services::subscriptions::delivery_state::Total;
use crate::services::subscriptions::job::JobEnd;
use crate::services::subscriptions::operations::{self, Happened};
use crate::services::subscriptions::retry::{RetryHint, millis};
use crate::services::subscriptions::settings::Exhausted;
use crate::services::subscriptions::window::Waiting;
use crate::telemetry::Level;

/// How long it may take to write dead letters.
const WRITE_TIME: Duration = Duration::from_secs(6);

/// What that may send: of the topic two things are asked, and of the cluster its name.
const WRITE_CALLS: u32 = 4;

/// The pause after one that could not be written.
const PAUSE: Duration = Duration::from_secs(10);

/// Dead letters that were to be written.
pub(super) struct Buried {
    pooled: Vec<Pooled>,
    why: GivenUp,
    failures: u32,
    status: Option<u16>,
    /// Of each, whether it was confirmed.
    confirmed: Vec<bool>,
    error: Option<Error>,
}

impl<'a, H: Host, L: Log> Turn<'a, H, L> {
    /// The record at this place is delivered no more. Always `false`: it is not to be tried.
    pub(super) async fn give_up_at(
        &mut self,
        place: usize,
        why: GivenUp,
        running: &mut Running<'a, Event>,
    ) -> Result<bool, Stop> {
        let pooled = self.pool.remove(place);
        let Waiting { failures, status, .. } = self.state.waiting(pooled.offset);
        self.exhaust(vec![pooled], why, failures, status, running).await?;
        Ok(false)
    }

    pub(super) async fn bury_at(
        &mut self,
        place: usize,
        topic: String,
        why: GivenUp,
        running: &mut Running<'a, Event>,
    ) -> Result<(), Stop> {
        let pooled = self.pool.remove(place);
        self.bury(vec![pooled], topic, why, 0, None, running).await
    }

    /// What the subscription wants done with records that are tried no more.
    pub(super) async fn exhaust(
        &mut self,
        pooled: Vec<Pooled>,
        why: GivenUp,
        failures: u32,
        status: Option<u16>,
        running: &mut Running<'a, Event>,
    ) -> Result<(), Stop> {
        let Some(offset) = pooled.first().map(|first| first.offset) else { return Ok(()) };
        let exhausted = self.prepared.settings().exhausted.clone();
        let before = self.state.waiting(offset);
        self.exhausted(offset, why, before.told, running);
        match exhausted {
            Exhausted::DeadLetter(topic) => {
                self.bury(pooled, topic, why, failures, status, running).await?;
            }
            Exhausted::Skip => {
                for one in &pooled {
                    self.dispose(one.offset, Total::Skipped);
                }
            }
            // It waits for the callback, or for expressions that work.
            Exhausted::Wait => {
                let random = random::number(&self.context.host);
                let longest = self.prepared.settings().retry.longest(RetryHint::default(), random);
                let now = self.context.host.now();
                let due = now.saturating_add(millis(longest));
                let since = if before.failures == 0 { now } else { before.since };
                let key = pooled.first().and_then(|first| first.key);
                self.state.window.failed(offset, Waiting { due, since, key, told: true, ..before });
                pooled.into_iter().for_each(|one| self.put_back(one));
            }
        }
        Ok(())
    }

    async fn bury(
        &mut self,
        pooled: Vec<Pooled>,
        topic: String,
        why: GivenUp,
        failures: u32,
        status: Option<u16>,
        running: &mut Running<'a, Event>,
    ) -> Result<(), Stop> {
        let Some(first) = pooled.first() else { return Ok(()) };
        let candidate = first.candidate();
        let Some(reserved) = self.allowance.take_of_all(&self.context.host, WRITE_CALLS) else {
            let confirmed = vec![false; pooled.len()];
            self.buried(Buried { pooled, why, failures, status, confirmed, error: None });
            self.stop = Some(JobEnd::OutOfTime);
            return Ok(());
        };
        self.under_way.push(candidate);
        self.reach(WRITE_TIME).await?;
        let (context, group) = (self.context, self.job.id.clone());
        running.add(async move {
            let _reserved = reserved;
            let written = within(&context.host, WRITE_TIME, async {
                let reads_headers = context.log.capabilities().await?.headers;
                let letters = pooled.iter().map(|pooled| {
                    let (record, topic) = (&pooled.item.record, &*pooled.topic);
                    let (group, delivery_count) = (&*group, failures);
                    let dead = DeadRecord { group, topic, record, delivery_count, status, why };
                    dead.letter(reads_headers)
                });
                let reports = RefCell::new(vec![Err(ErrorKind::Timeout.into()); pooled.len()]);
                let report = |index: usize, report: Result<_, Error>| {
                    if let Some(known) = reports.borrow_mut().get_mut(index) {
                        *known = report.map(drop);
                    }
                };
                context.log.produce(&topic, letters.collect(), report).await;
                Ok::<_, Error>(reports.into_inner())
            });
            let reports = match written.await.unwrap_or(Err(ErrorKind::Timeout.into())) {
                Ok(reports) => reports,
                Err(error) => vec![Err(error); pooled.len()],
            };
            let confirmed = reports.iter().map(Result::is_ok).collect();
            let error = reports.into_iter().find_map(Result::err);
            Event::Buried(Buried { pooled, why, failures, status, confirmed, error })
        });
        Ok(())
    }

    pub(super) fn buried(&mut self, buried: Buried) {
        let Buried { pooled, why, failures, status, confirmed, error } = buried;
        let Some(first) = pooled.first().map(|first| first.offset) else { return };
        self.under_way.retain(|one| one.offset != first);
        let due = self.context.host.now().saturating_add(millis(PAUSE));
        for (one, confirmed) in pooled.into_iter().zip(confirmed) {
            if confirmed {
                self.dispose(one.offset, Total::DeadLettered);
                continue;
            }
            // Nothing is lost: it is tried again, and those behind it wait as ever.
            let before = self.state.waiting(one.offset);
            let exhausted = why == GivenUp::Undelivered;
            let (failures, status) = (failures.max(before.failures), status.or(before.status));
            let known = Waiting { failures, status, told: true, ..before };
            let waiting = Waiting { due, key: one.key, last: None, exhausted, ..known };
            self.state.window.failed(one.offset, waiting);
            self.put_back(one);
        }
        if let Some(error) = error {
            self.tell(Level::Warn, "dead-letter-failed", &[("why", error.kind().into())]);
        }
    }

    /// Tells operators that a record is given up, or that its schedule is used up, unless they
    /// were told.
    pub(super) fn exhausted(
        &mut self,
        offset: i64,
        why: GivenUp,
        told: bool,
        running: &mut Running<'a, Event>,
    ) {
        if !told {
            self.happened(Happened::Exhausted { offset, why }, running);
        }
    }

    /// Tells the operations topic, if there is one. Nothing waits for it.
    pub(super) fn happened(&mut self, what: Happened, running: &mut Running<'a, Event>) {
        let context = self.context;
        let Some(topic) = context.config.operations_topic.clone() else { return };
        let record = operations::record(self.job, what, context.host.now());
        running.add(async move {
            let written = context.log.produce(&topic, vec![record], |_, _| {});
            _ = within(&context.host, WRITE_TIME, written).await;
            Event::Ready
        });
    }
}
