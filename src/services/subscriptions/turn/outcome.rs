//! What the end of an attempt means: for its records, for the subscription, for others.

use std::time::Duration;

use super::{Event, Pooled, Stop, Turn};
use crate::concurrent::Running;
use crate::dead_letter::GivenUp;
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::random;
use crate::services::subscriptions::attempt::{AttemptFailure, Attempted, trace_of};
use crate::services::subscriptions::breaker::Hold;
use crate::services::subscriptions::delivery_state::{LastAttempt, Total};
use crate::services::subscriptions::disabling;
use crate::services::subscriptions::job::JobEnd;
use crate::services::subscriptions::operations::Happened;
use crate::services::subscriptions::retry::{Next, millis};
use crate::services::subscriptions::settings::Exhausted;
use crate::services::subscriptions::window::Waiting;
use crate::telemetry::{Level, Value, with_trace};

/// A callback that takes longer than this to accept a record is slow.
const SLOW: Duration = Duration::from_secs(5);

/// An attempt that has ended.
pub(super) struct Sent {
    pub(super) pooled: Vec<Pooled>,
    pub(super) attempted: Attempted,
    /// When it began.
    pub(super) at: Millis,
    pub(super) took: Duration,
    /// The breaker was half open.
    pub(super) is_probe: bool,
    /// The execution may send no more requests, so that the callback has not failed.
    pub(super) is_unsent: bool,
}

impl<'a, H: Host, L: Log> Turn<'a, H, L> {
    /// Everything that is reported here belongs to the record's trace.
    pub(super) async fn attempted(
        &mut self,
        sent: Sent,
        running: &mut Running<'a, Event>,
    ) -> Result<(), Stop> {
        let trace = sent.pooled.first().and_then(|first| trace_of(&first.item.record));
        with_trace(trace, self.has_ended(sent, running)).await
    }

    async fn has_ended(
        &mut self,
        sent: Sent,
        running: &mut Running<'a, Event>,
    ) -> Result<(), Stop> {
        let Sent { pooled, attempted, at, took, is_probe, is_unsent } = sent;
        let Some(offset) = pooled.first().map(|first| first.offset) else { return Ok(()) };
        self.under_way.retain(|one| one.offset != offset);
        if is_unsent {
            pooled.into_iter().for_each(|one| self.put_back(one));
            self.stop = Some(JobEnd::OutOfTime);
            return Ok(());
        }
        let Attempted { status, result } = attempted;
        if self.state.waiting(offset).failures > 0 {
            self.state.totals.count(Total::Retried, 1);
        }
        let (error, answer) = match &result {
            Ok(()) => (None, None),
            Err(failure) => (Some(failure.reason.clone()), failure.answer.clone()),
        };
        let took_millis = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
        let remembered = LastAttempt { at, offset, status, millis: took_millis, error, answer };
        self.state.note(remembered);
        match result {
            Ok(()) => self.accepted(&pooled, took),
            Err(failure) => {
                self.refused(pooled, status, failure, took, is_probe, running).await?;
            }
        }
        Ok(())
    }

    fn accepted(&mut self, pooled: &[Pooled], took: Duration) {
        let now = self.context.host.now();
        let offset = pooled.first().map_or(0, |first| first.offset);
        let fields = [("offset", offset.into()), ("millis", Value::millis(took))];
        match took > SLOW {
            true => self.tell(Level::Info, "delivery-slow", &fields),
            false => self.tell(Level::Debug, "delivery-made", &fields),
        }
        for one in pooled {
            self.dispose(one.offset, Total::Delivered);
        }
        self.report.delivered += pooled.len() as u64;
        self.state.succeeded(now);
        if self.context.free(&self.job.id) || self.job.hold.is_some() {
            self.report.hold = Some(None);
        }
    }

    async fn refused(
        &mut self,
        pooled: Vec<Pooled>,
        status: Option<u16>,
        failure: AttemptFailure,
        took: Duration,
        is_probe: bool,
        running: &mut Running<'a, Event>,
    ) -> Result<(), Stop> {
        let context = self.context;
        let now = context.host.now();
        let (Some(first), Some(last)) = (pooled.first(), pooled.last()) else { return Ok(()) };
        let (offset, key, last) = (first.offset, first.key, last.offset);
        let prepared = self.prepared.clone();
        let settings = prepared.settings();
        self.report.failed += 1;
        let in_a_row = self.state.failed(now);
        let before = self.state.waiting(offset);
        let failures = before.failures.saturating_add(1);
        let random = random::number(&context.host);
        let is_legacy = prepared.subscription.legacy;
        let is_over = failure.hint.is_gone && !is_legacy;
        let mut is_used_up = false;
        let next = match settings.retry.next(failures, failure.hint, random) {
            Next::Again(_) if failure.hint.is_gone && is_legacy => {
                Next::Again(settings.retry.longest(failure.hint, random))
            }
            Next::Exhausted if settings.exhausted == Exhausted::Wait => {
                is_used_up = !is_over;
                Next::Again(settings.retry.longest(failure.hint, random))
            }
            next => next,
        };
        let since = if before.failures == 0 { now } else { before.since };
        let mut waiting =
            Waiting { failures, due: now, since, key, status, exhausted: false, ..before };
        // Of one record, too: those behind it have a schedule of their own.
        waiting.last = settings.body.is_batch().then_some(last);
        self.hold_back(&failure, in_a_row, is_probe, random, running);
        let mut fields = vec![
            ("offset", offset.into()),
            ("millis", Value::millis(took)),
            ("why", (&*failure.reason).into()),
        ];
        match next {
            Next::Again(delay) => {
                waiting.due = now.saturating_add(millis(delay));
                fields.push(("retry_millis", Value::millis(delay)));
                self.tell(Level::Warn, "delivery-failed", &fields);
                if is_used_up {
                    self.exhausted(offset, GivenUp::Undelivered, waiting.told, running);
                    waiting.told = true;
                }
                self.state.window.failed(offset, waiting);
                pooled.into_iter().for_each(|one| self.put_back(one));
            }
            // Nothing is given up for a callback that is gone: it may come back elsewhere.
            Next::Exhausted if is_over => {
                self.tell(Level::Warn, "delivery-failed", &fields);
                self.state.window.failed(offset, waiting);
            }
            Next::Exhausted => {
                self.tell(Level::Warn, "delivery-exhausted", &fields);
                self.state.window.failed(offset, waiting);
                self.exhaust(pooled, GivenUp::Undelivered, failures, status, running).await?;
            }
        }
        let mut why = is_over.then_some("The callback answered 410");
        if why.is_none() && disabling::is_time(settings, self.state.failing, now) {
            let is_alone = disabling::nothing_succeeds(context, self.job, self.state.failing);
            // Without an answer the next failure asks again.
            let is_alone = is_alone.await.unwrap_or(false);
            why = is_alone.then_some("Nothing but failure for too long");
        }
        if let Some(why) = why {
            self.stop = Some(JobEnd::Removed);
            match disabling::disable(context, self.job, now, why).await {
                Ok(()) => {
                    self.tell(Level::Warn, "subscription-disabled", &[("why", why.into())]);
                    self.happened(Happened::Disabled(why), running);
                }
                Err(error) => self.stop = Some(error.into()),
            }
        }
        Ok(())
    }

    /// Leaves the callback alone for a while, if the failure tells so.
    fn hold_back(
        &mut self,
        failure: &AttemptFailure,
        in_a_row: u32,
        is_probe: bool,
        random: u32,
        running: &mut Running<'a, Event>,
    ) {
        let now = self.context.host.now();
        let prepared = self.prepared.clone();
        let settings = prepared.settings();
        let open = settings.breaker.as_ref();
        let open = open.and_then(|breaker| breaker.after_failure(in_a_row, is_probe, now));
        let slow = failure.hint.is_overloaded.then(|| {
            let time = settings.retry.slowdown(in_a_row, failure.hint, random);
            Hold { until: now.saturating_add(millis(time)), is_open: false }
        });
        if open.is_some() && !is_probe {
            self.happened(Happened::BreakerOpened(in_a_row), running);
            self.tell(Level::Warn, "breaker-opened", &[("failures", i64::from(in_a_row).into())]);
        }
        let hold = match (open, slow) {
            (Some(open), Some(slow)) => open.and(slow),
            (Some(hold), None) | (None, Some(hold)) => hold,
            (None, None) => return,
        };
        self.state.hold = Some(hold);
        self.context.hold_back(&self.job.id, hold);
        self.report.hold = Some(Some(hold));
    }
}
