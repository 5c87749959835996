//! The host interfaces that Spin, and `crates/host`, offer to a WASI 0.3
//! component.

mod body;
mod clock;
mod contents;
mod send;
mod signal;
mod spawn;
mod store;
mod wasi;

use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use kafka_edge_wasi_http::Stock;
use spin_sdk::variables;

use kafka_edge::host::{
    AfterAnswer, Host, HostCapabilities, Incoming, Limit, Outgoing, SendError, VariableError,
};

pub(crate) use body::SpinBody;
pub(crate) use contents::Contents;
pub(crate) use signal::{SpinWait, SpinWake};
pub(crate) use spawn::starting_tasks;
pub(crate) use wasi::{from_wasi_method, from_wasi_scheme};

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

impl Host for SpinHost {
    type Body = SpinBody;
    type Wake = SpinWake;
    type Wait = SpinWait;

    /// What Spin 4.1 does when it is left as it comes
    /// (`../shared/reference/hosts.md`, "Spin 4.1 run by hand"). A service that
    /// runs components for others may limit more than this; the component
    /// cannot see that.
    fn capabilities(&self) -> HostCapabilities {
        HostCapabilities {
            after_answer: AfterAnswer::GoesOn(Limit::None),
            outbound_calls: Limit::None,
            wall_time: Limit::None,
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

    async fn send(&self, request: Outgoing) -> Result<Incoming<SpinBody>, SendError> {
        send::send(request).await
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
        spawn::spawn(task);
    }

    fn signal(&self) -> (SpinWake, SpinWait) {
        signal::new()
    }

    fn report(&self, line: &str) {
        eprintln!("{line}");
    }
}
