//! What an execution may still spend on deliveries: requests to other servers, and time.
//!
//! The host counts all requests, also those that deliveries cause at Kafka. Where an instance
//! is one execution, all that it delivers beside each other thus spends of one number. Two
//! attempts that begin at once do not take the same request: each reserves what it may send.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use super::context::DeliveryContext;
use crate::host::{Clock, Host, Limit};

/// What stands for the number of requests where the host limits none.
pub(super) const ANY_NUMBER: u32 = u32::MAX;

/// The requests that may still be sent by what has begun. A handle.
#[derive(Debug, Clone, Default)]
pub(super) struct Reservations(Rc<Cell<u32>>);

/// Requests that something has taken for itself, by their number. Those that it does not send
/// are given back.
#[derive(Debug)]
pub(super) struct Reserved(Reservations, Cell<u32>);

/// Shared by all jobs of one round, or of one produce. Cheap to clone: a handle.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    reservations: Reservations,
    reads: Reservations,
    /// How many requests are left for others. `None`: the host limits none.
    kept: Option<u32>,
    /// By the monotonic clock: no attempt begins later.
    deadline: Duration,
    /// All attempts are to have ended by then.
    end: Option<Duration>,
}

/// What deliveries may take of the requests of an execution.
#[derive(Debug, Clone, Copy)]
pub(super) enum Share {
    /// They are what it is for, or follow what it has written: a quarter is left, so that dead
    /// letters can still be written.
    Most,
    /// It is for another call.
    Half,
}

impl Reservations {
    pub(super) fn take(&self, calls: u32) -> Reserved {
        self.0.set(self.0.get().saturating_add(calls));
        Reserved(self.clone(), Cell::new(calls))
    }

    /// How many requests may be sent that nobody has reserved, or [`ANY_NUMBER`].
    fn left(&self, host: &impl Host) -> u32 {
        match host.outbound_calls_left() {
            Limit::None => ANY_NUMBER,
            Limit::AtMost(calls) => calls.saturating_sub(self.0.get()),
        }
    }
}

impl Reserved {
    /// One of them is sent now: the host counts it.
    pub(super) fn send(&self) {
        self.give_back(1);
    }

    fn give_back(&self, calls: u32) {
        let Self(Reservations(all), left) = self;
        let calls = calls.min(left.get());
        left.set(left.get() - calls);
        all.set(all.get() - calls);
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.give_back(self.1.get());
    }
}

impl Allowance {
    /// For work whose attempts begin before the deadline, within its share of what the host
    /// allows.
    pub(super) fn until<H: Host, L>(
        context: &DeliveryContext<H, L>,
        deadline: Duration,
        share: Share,
    ) -> Self {
        let capabilities = context.host.capabilities();
        let kept = match capabilities.outbound_calls {
            Limit::None => None,
            Limit::AtMost(calls) => Some(match share {
                Share::Most => calls / 4,
                Share::Half => calls / 2,
            }),
        };
        let begun = match capabilities.instances_reused {
            true => context.host.monotonic(),
            false => context.begun,
        };
        let time = context.wall_time();
        let deadline = time.map_or(deadline, |time| deadline.min(begun + time / 2));
        let end = time.map(|time| begun + longest_attempt(time));
        let (reservations, reads) = (context.reservations.clone(), context.reads.clone());
        Self { reservations, reads, kept, deadline, end }
    }

    /// Whether another attempt may begin.
    pub(super) fn is_left(&self, host: &impl Host) -> bool {
        self.calls(host) > 0 && self.lasts(host, Duration::ZERO)
    }

    /// Whether another attempt may begin after this time.
    pub(super) fn lasts(&self, clock: &impl Clock, time: Duration) -> bool {
        clock.monotonic() + time < self.deadline
    }

    /// How many requests attempts may take, or [`ANY_NUMBER`].
    pub(super) fn calls(&self, host: &impl Host) -> u32 {
        match self.kept {
            None => ANY_NUMBER,
            Some(kept) => self.reservations.left(host).saturating_sub(kept),
        }
    }

    /// Whether another read may begin. Attempts may take what reads have reserved, most of
    /// which they do not need, or have sent.
    pub(super) fn may_read(&self, host: &impl Host) -> bool {
        self.calls(host) > self.reads.0.get()
    }

    /// Takes the requests of an attempt, if they are left and it has not taken them before; of
    /// a host that limits none, nothing.
    pub(super) fn take(&self, host: &impl Host, calls: u32, taken: &mut Option<Reserved>) -> bool {
        if self.kept.is_none() || taken.is_some() {
            return true;
        }
        *taken = (calls <= self.calls(host)).then(|| self.reservations.take(calls));
        taken.is_some()
    }

    /// Takes requests of all that are left, for what has to be done.
    pub(super) fn take_of_all(&self, host: &impl Host, calls: u32) -> Option<Reserved> {
        (calls <= self.reservations.left(host)).then(|| self.reservations.take(calls))
    }

    /// How long an attempt may take that begins now.
    pub(super) fn cap(&self, clock: &impl Clock, timeout: Duration) -> Duration {
        self.end.map_or(timeout, |end| timeout.min(end.saturating_sub(clock.monotonic())))
    }
}

/// Of the time of an execution, what an attempt may take at most. Behind it a position, or a
/// dead letter, is written.
pub(super) fn longest_attempt(time: Duration) -> Duration {
    time / 10 * 9
}

/// Whether nothing can be sent any more, so that what was not sent is nobody's failure.
pub(super) fn is_spent(host: &impl Host) -> bool {
    host.outbound_calls_left() == Limit::AtMost(0)
}
