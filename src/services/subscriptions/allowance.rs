//! What an execution may still spend on deliveries: requests to other servers, and time.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use crate::host::{Clock, Host, Limit};

/// Shared by all jobs of one round. Cheap to clone: a handle.
#[derive(Debug, Clone)]
pub(super) struct Allowance {
    /// `None`: any number.
    calls: Rc<Cell<Option<u32>>>,
    /// By the monotonic clock: no attempt begins later.
    deadline: Duration,
}

impl Allowance {
    /// For work that is to end about then, within what the host allows. Of that, the call
    /// that the execution is for has its part.
    pub(super) fn until<H: Host>(host: &H, deadline: Duration) -> Self {
        let capabilities = host.capabilities();
        let calls = match capabilities.outbound_calls {
            Limit::None => None,
            Limit::AtMost(calls) => Some(calls / 2),
        };
        let deadline = match capabilities.wall_time {
            Limit::None => deadline,
            Limit::AtMost(time) => deadline.min(host.monotonic() + time / 2),
        };
        Self { calls: Rc::new(Cell::new(calls)), deadline }
    }

    /// Whether another attempt may begin.
    pub(super) fn is_left(&self, clock: &impl Clock) -> bool {
        self.calls.get() != Some(0) && clock.monotonic() < self.deadline
    }

    /// Takes one request, if one is left.
    pub(super) fn take(&self) -> bool {
        let left = self.calls.get();
        self.calls.set(left.map(|left| left.saturating_sub(1)));
        left != Some(0)
    }
}
