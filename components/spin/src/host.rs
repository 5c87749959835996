//! The host interfaces that Spin, and `crates/host`, offer to a WASI 0.3
//! component.

mod redis;
mod store;

use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use kafka_edge_wasi_http::Stock;
use spin_sdk::variables;

use kafka_edge::host::{
    AfterAnswer, Clock, Host, HostCapabilities, Incoming, Limit, Millis, Outgoing, SendError,
    SendErrorKind, VariableError,
};
use kafka_edge_wasi03::{self as wasi03, clock};

/// Where to look if the host lets nothing through.
const OUTBOUND: &str = "Look at allowed_outbound_hosts in the manifest (the variables that begin \
                        with outbound_): the address may be missing, and one malformed entry \
                        closes all of them";

/// One instance of the component on Spin. A clone shares the open store.
#[derive(Clone, Default)]
pub(crate) struct SpinHost {
    store: Rc<store::Opened>,
    randomness: Rc<Stock>,
}

impl fmt::Debug for SpinHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpinHost").field("store", &self.store).finish_non_exhaustive()
    }
}

impl Clock for SpinHost {
    fn now(&self) -> Millis {
        clock::now()
    }

    fn monotonic(&self) -> Duration {
        clock::monotonic()
    }

    async fn sleep(&self, time: Duration) {
        clock::sleep(time).await;
    }

    fn random(&self, buffer: &mut [u8]) {
        clock::random(&self.randomness, buffer);
    }
}

impl Host for SpinHost {
    type Body = wasi03::AnswerBody;
    type Wake = wasi03::Wake;
    type Wait = wasi03::Wait;

    /// What Spin 4.1 does when it is left as it comes
    /// (`../shared/reference/hosts.md`, "Spin 4.1 run by hand"). A service that
    /// runs components for others may limit more than this; the component
    /// cannot see that.
    fn capabilities(&self) -> HostCapabilities {
        HostCapabilities {
            after_answer: AfterAnswer::GoesOn(Limit::None),
            outbound_calls: Limit::None,
            wall_time: Limit::None,
            cpu_time: Limit::None,
            memory: Limit::None,
            instances_reused: true,
            // In a header of its own, which `handler` reads.
            client_address: true,
            timer: false,
            // The component imports none.
            sockets: false,
            // Neither its sqlite nor a single Redis was ever seen to be stale.
            store_staleness: Duration::ZERO,
        }
    }

    async fn send(&self, request: Outgoing) -> Result<Incoming<wasi03::AnswerBody>, SendError> {
        wasi03::send(request).await.map_err(|error| match error.kind {
            // What Spin answers if its list does not have the address, and also if it cannot
            // read the list (`reference/hosts.md`, "Spin 4.1 run by hand").
            SendErrorKind::Forbidden(_) => {
                SendError { kind: SendErrorKind::Forbidden(OUTBOUND), ..error }
            }
            _ => error,
        })
    }

    async fn variable(&self, name: &str) -> Result<Option<String>, VariableError> {
        match variables::get(name).await {
            Ok(value) if value.is_empty() => Ok(None),
            Ok(value) => Ok(Some(value)),
            Err(variables::Error::Undefined(_)) => Ok(None),
            Err(
                variables::Error::InvalidName(text)
                | variables::Error::Provider(text)
                | variables::Error::Other(text),
            ) => Err(VariableError(text)),
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        wasi03::spawn(task);
    }

    fn signal(&self) -> (wasi03::Wake, wasi03::Wait) {
        wasi03::signal()
    }

    fn report(&self, line: &str) {
        eprintln!("{line}");
    }
}
