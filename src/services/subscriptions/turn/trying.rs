//! Trying a record: filter and transform, what stands in the way, the attempt itself.

use std::rc::Rc;
use std::time::Duration;

use super::outcome::Sent;
use super::{Begun, Event, MAX_RATE_WAIT, POSITION_WRITE_TIME, Pooled, Stop, Turn};
use crate::concurrent::Running;
use crate::dead_letter::GivenUp;
use crate::deadline::Timer;
use crate::host::Host;
use crate::kafka::Log;
use crate::services::subscriptions::allowance::{Reserved, is_spent};
use crate::services::subscriptions::attempt::{Attempt, AttemptFailure, Attempted, trace_of};
use crate::services::subscriptions::body::{self, From as Origin, Item};
use crate::services::subscriptions::breaker::Stance;
use crate::services::subscriptions::context::DeliveryContext;
use crate::services::subscriptions::deliver::subscription_of;
use crate::services::subscriptions::delivery_state::{LastAttempt, Total};
use crate::services::subscriptions::envelope;
use crate::services::subscriptions::job::JobEnd;
use crate::services::subscriptions::prepared::Prepared;
use crate::services::subscriptions::retry::millis;
use crate::services::subscriptions::settings::OnError;
use crate::services::subscriptions::shaping::Shaped;
use crate::services::subscriptions::window::Waiting;
use crate::telemetry::with_trace;

impl<'a, H: Host, L: Log> Turn<'a, H, L> {
    /// Begins with one record: an attempt, a dead letter, or it is disposed of at once.
    pub(super) async fn begin_one(
        &mut self,
        place: usize,
        running: &mut Running<'a, Event>,
    ) -> Result<Begun, Stop> {
        if !self.shape(place, running).await? {
            return Ok(Begun::Passed);
        }
        let may = self.may_attempt(running).await?;
        if matches!(may, Begun::Yes) {
            let pooled = self.pool.remove(place);
            self.attempt(vec![pooled], running);
        }
        Ok(may)
    }

    /// Whether the record at this place of the pool is to be delivered. Otherwise it was
    /// disposed of, or is on its way to the dead letters.
    pub(super) async fn shape(
        &mut self,
        place: usize,
        running: &mut Running<'a, Event>,
    ) -> Result<bool, Stop> {
        let pooled = &mut self.pool[place];
        let waiting = self.state.window.waiting().get(&pooled.offset).copied().unwrap_or_default();
        if waiting.exhausted {
            return self.give_up_at(place, GivenUp::Undelivered, running).await;
        }
        if !pooled.is_shaped {
            let shaped = match &self.prepared.shaping {
                Some(shaping) => shaping.shape(&pooled.topic, &pooled.item.record),
                None => Shaped::Failed("The expressions are not taken any more".into()),
            };
            match shaped {
                Shaped::Delivered(transformed) => pooled.item.transformed = transformed,
                Shaped::Filtered => {
                    let offset = pooled.offset;
                    self.drop_at(place);
                    self.dispose(offset, Total::Filtered);
                    return Ok(false);
                }
                Shaped::Failed(sentence) => match self.prepared.settings().on_error.clone() {
                    OnError::Pass => {}
                    OnError::Skip => {
                        let offset = pooled.offset;
                        self.drop_at(place);
                        self.dispose(offset, Total::Skipped);
                        return Ok(false);
                    }
                    OnError::DeadLetter(topic) => {
                        self.bury_at(place, topic, GivenUp::Expression, running).await?;
                        return Ok(false);
                    }
                    OnError::Exhaust => {
                        let (at, offset) = (self.context.host.now(), pooled.offset);
                        let error = Some(sentence);
                        self.state.note(LastAttempt { at, offset, error, ..Default::default() });
                        return self.give_up_at(place, GivenUp::Expression, running).await;
                    }
                },
            }
            self.pool[place].is_shaped = true;
        }
        if self.is_too_old(&self.pool[place], waiting) {
            return self.give_up_at(place, GivenUp::TooOld, running).await;
        }
        Ok(true)
    }

    /// By its time, or, where the log tells none, by its first attempt's.
    pub(super) fn is_too_old(&self, pooled: &Pooled, waiting: Waiting) -> bool {
        let Some(max_age) = self.prepared.settings().max_age else { return false };
        let since = pooled.item.record.timestamp;
        let since = since.or((waiting.failures > 0).then_some(waiting.since));
        let most = millis(Duration::from_secs(max_age));
        since.is_some_and(|since| self.context.host.now().saturating_sub(since) > most)
    }

    pub(super) fn drop_at(&mut self, place: usize) {
        drop(self.pool.remove(place));
    }

    pub(super) fn dispose(&mut self, offset: i64, as_what: Total) {
        self.state.dispose(offset, as_what);
        self.unwritten += 1;
    }

    /// Whether an attempt may begin at this very moment, and all is written that has to be
    /// before it does.
    pub(super) async fn may_attempt(
        &mut self,
        running: &mut Running<'a, Event>,
    ) -> Result<Begun, Stop> {
        let context = self.context;
        let host = &context.host;
        if !self.may_go_on() {
            return Ok(self.stop_with(JobEnd::OutOfTime));
        }
        match self.stance() {
            Stance::Free => {}
            Stance::Held(until) => {
                return Ok(self.stop_with(JobEnd::Waiting { until, to: i64::MAX }));
            }
            Stance::Probe if self.under_way.is_empty() => {}
            Stance::Probe => return Ok(Begun::No),
        }
        let now = match subscription_of(context, self.job).await {
            Ok(now) => now,
            // What is under way comes to its end.
            Err(error) => return Ok(self.stop_with(error.into())),
        };
        if now.version != self.prepared.subscription.version {
            self.prepared = Rc::new(Prepared::of(context, now));
            // What was shaped was for the one before.
            self.pool.iter_mut().for_each(|pooled| pooled.is_shaped = false);
            return Ok(Begun::Passed);
        }
        if let Err(wait) = context.take_of_rate(&self.prepared.subscription) {
            if wait > MAX_RATE_WAIT && self.under_way.is_empty() {
                let until = host.now().saturating_add(millis(wait));
                return Ok(self.stop_with(JobEnd::Waiting { until, to: i64::MAX }));
            }
            self.is_paused = true;
            running.add(async move {
                host.sleep(wait.min(MAX_RATE_WAIT)).await;
                Event::Ready
            });
            return Ok(Begun::No);
        }
        self.reach(self.prepared.timeout).await?;
        // Others may have taken the last ones meanwhile.
        match self.reserve() {
            true => Ok(Begun::Yes),
            false => Ok(self.stop_with(JobEnd::OutOfTime)),
        }
    }

    pub(super) fn stop_with(&mut self, end: JobEnd) -> Begun {
        self.stop = Some(end);
        Begun::No
    }

    /// Sees to it that the lane is held for something that takes so long.
    pub(super) async fn reach(&mut self, time: Duration) -> Result<(), Stop> {
        if self.held.remaining() < time + POSITION_WRITE_TIME {
            self.write().await?;
        }
        Ok(())
    }

    pub(super) fn attempt(&mut self, pooled: Vec<Pooled>, running: &mut Running<'a, Event>) {
        let (context, prepared, cluster) =
            (self.context, self.prepared.clone(), self.cluster.clone());
        let Some(first) = pooled.first() else { return };
        self.under_way.push(first.candidate());
        let (reserved, timeout) =
            (self.reserved.take(), self.allowance.cap(&context.host, prepared.timeout));
        let is_probe = self.stance() == Stance::Probe;
        let trace = trace_of(&first.item.record);
        let timers = self.timers.clone();
        let attempt = async move {
            let mut timer = timers.borrow_mut().pop().unwrap_or_default();
            let at = context.host.now();
            let begun = context.host.monotonic();
            let within = (timeout, reserved.as_ref());
            let attempted = send(context, &prepared, &cluster, &pooled, within, &mut timer).await;
            timers.borrow_mut().push(timer);
            let took = context.host.monotonic().saturating_sub(begun);
            let is_unsent = attempted.status.is_none() && is_spent(&context.host);
            Event::Attempted(Sent { pooled, attempted, at, took, is_probe, is_unsent })
        };
        running.add(with_trace(trace, attempt));
    }
}

async fn send<'a, H: Host, L: Log>(
    context: &'a DeliveryContext<H, L>,
    prepared: &Prepared,
    cluster: &str,
    pooled: &[Pooled],
    (timeout, calls): (Duration, Option<&Reserved>),
    timer: &mut Timer<'a>,
) -> Attempted {
    let to = match &prepared.to {
        Ok(to) => to,
        Err(refused) => return refused.clone().into(),
    };
    let (Some(first), Some(last)) = (pooled.first(), pooled.last()) else {
        return AttemptFailure::new("There is nothing to deliver").into();
    };
    let subscription_id = &*prepared.subscription.id;
    let topic = &*first.topic;
    let from = Origin { subscription_id, cluster, topic };
    let items: Vec<Item> = pooled.iter().map(|pooled| pooled.item.clone()).collect();
    let message = match body::make(prepared.settings().body, from, &items) {
        Ok(message) => message,
        Err(sentence) => return AttemptFailure::new(sentence).into(),
    };
    let offsets = (first.item.record.offset, last.item.record.offset);
    let partition = first.item.record.partition;
    let attempt = Attempt {
        to,
        message_id: &envelope::message_id(subscription_id, cluster, topic, partition, offsets),
        message: &message,
        tokens: &context.tokens,
        config: &context.config,
        calls,
        timeout,
    };
    attempt.make(&context.host, timer).await
}
