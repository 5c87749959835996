//! The host interfaces that Fastly Compute offers to a program.

mod body;
mod clock;
mod send;
mod signal;
mod store;
mod variables;

use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::{Duration, Instant};

use crate::executor;
use kafka_edge::host::{
    AfterAnswer, Host, HostCapabilities, Incoming, Limit, Outgoing, SendError, VariableError,
};
use kafka_edge::telemetry::inheriting;

pub(crate) use body::FastlyBody;
pub(crate) use signal::{FastlyWait, FastlyWake};

/// How long an execution may take (Fastly's documented limit is two minutes), less what
/// its end may need.
const WALL_TIME: Duration = Duration::from_secs(115);

/// How much CPU time and heap an execution has, by Fastly's documentation. Its local server
/// enforces the heap alone.
const CPU_TIME: Duration = Duration::from_millis(50);
const HEAP: usize = 128_000_000;

/// How many requests to other servers an execution may send, by Fastly's documentation. Its
/// local server counts none, so this does.
const OUTBOUND_CALLS: u32 = 32;

/// How old a read of the store may be. Fastly documents "up to 300 ms for recent changes",
/// which is no promise; `docs/operations.md` says what this costs.
const STORE_STALENESS: Duration = Duration::from_secs(10);

/// One execution. A clone shares everything.
#[derive(Clone)]
pub(crate) struct FastlyHost {
    begun: Instant,
    /// Requests sent to other servers.
    sent: Rc<Cell<u32>>,
    store: Rc<store::Opened>,
}

impl Default for FastlyHost {
    fn default() -> Self {
        Self { begun: Instant::now(), sent: Rc::default(), store: Rc::default() }
    }
}

impl fmt::Debug for FastlyHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FastlyHost").field("sent", &self.sent).finish_non_exhaustive()
    }
}

impl FastlyHost {
    pub(crate) fn time_left(&self) -> Duration {
        WALL_TIME.saturating_sub(self.begun.elapsed())
    }
}

impl Host for FastlyHost {
    type Body = FastlyBody;
    type Wake = FastlyWake;
    type Wait = FastlyWait;

    /// Fastly's documented limits, and what its program interface has
    /// (`../shared/reference/fastly.md`).
    fn capabilities(&self) -> HostCapabilities {
        HostCapabilities {
            after_answer: AfterAnswer::GoesOn(Limit::AtMost(WALL_TIME)),
            outbound_calls: Limit::AtMost(OUTBOUND_CALLS),
            wall_time: Limit::AtMost(WALL_TIME),
            cpu_time: Limit::AtMost(CPU_TIME),
            memory: Limit::AtMost(HEAP),
            instances_reused: false,
            client_address: true,
            timer: false,
            sockets: false,
            store_staleness: STORE_STALENESS,
        }
    }

    fn outbound_calls_left(&self) -> Limit<u32> {
        Limit::AtMost(OUTBOUND_CALLS.saturating_sub(self.sent.get()))
    }

    async fn send(&self, request: Outgoing) -> Result<Incoming<FastlyBody>, SendError> {
        if self.sent.get() >= OUTBOUND_CALLS {
            return Err(send::one_too_many());
        }
        self.sent.set(self.sent.get() + 1);
        send::send(request).await
    }

    async fn variable(&self, name: &str) -> Result<Option<String>, VariableError> {
        variables::get(name)
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        executor::spawn(inheriting(task));
    }

    fn signal(&self) -> (FastlyWake, FastlyWait) {
        signal::new()
    }

    fn report(&self, line: &str) {
        eprintln!("{line}");
    }
}
