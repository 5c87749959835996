//! The host interfaces of WASI 0.2.

mod body;
mod clock;
mod send;
mod signal;
mod store;
mod variables;

use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use kafka_edge_wasi_http::Stock;

use crate::executor;
use body::AnswerBody;
use kafka_edge::host::{
    AfterAnswer, Host, HostCapabilities, Incoming, Limit, Outgoing, SendError, VariableError,
};
use signal::{LocalWait, LocalWake};

/// The host as one request sees it. A clone shares the open store.
#[derive(Clone, Default)]
pub(crate) struct Wasi02Host {
    store: Rc<store::Opened>,
    randomness: Rc<Stock>,
}

impl fmt::Debug for Wasi02Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wasi02Host").finish_non_exhaustive()
    }
}

impl Host for Wasi02Host {
    type Body = AnswerBody;
    type Wake = LocalWake;
    type Wait = LocalWait;

    fn capabilities(&self) -> HostCapabilities {
        HostCapabilities {
            // What is under way is brought to its end, see `handler`. Nothing new begins
            // there: the host counts that time as the request's.
            after_answer: AfterAnswer::Ends,
            outbound_calls: Limit::None,
            wall_time: Limit::None,
            cpu_time: Limit::None,
            memory: Limit::None,
            instances_reused: false,
            // Spin has it in a header of its own, which `handler` reads.
            client_address: cfg!(feature = "spin"),
            timer: false,
            // The component imports none.
            sockets: false,
            store_staleness: Duration::ZERO,
        }
    }

    async fn send(&self, request: Outgoing) -> Result<Incoming<AnswerBody>, SendError> {
        send::send(request).await
    }

    async fn variable(&self, name: &str) -> Result<Option<String>, VariableError> {
        Ok(variables::get(name)?.filter(|value| !value.is_empty()))
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        executor::spawn(task);
    }

    fn signal(&self) -> (LocalWake, LocalWait) {
        signal::new()
    }

    fn report(&self, line: &str) {
        eprintln!("{line}");
    }
}
