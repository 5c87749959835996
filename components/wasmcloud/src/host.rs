//! The host interfaces of wasmCloud, and of `crates/host` in its place.

mod store;

use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use kafka_edge_wasi_http::Stock;

use crate::bindings::wasi::config::store as config;
use kafka_edge::host::{
    AfterAnswer, Clock, Host, HostCapabilities, Incoming, Limit, Millis, Outgoing, SendError,
    VariableError,
};
use kafka_edge_wasi03::{self as wasi03, clock};

/// One instance of the component on wasmCloud. A clone shares the open store.
#[derive(Clone, Default)]
pub(crate) struct WasmCloudHost {
    store: Rc<store::Opened>,
    randomness: Rc<Stock>,
}

impl fmt::Debug for WasmCloudHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasmCloudHost").finish_non_exhaustive()
    }
}

impl Clock for WasmCloudHost {
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

impl Host for WasmCloudHost {
    type Body = wasi03::AnswerBody;
    type Wake = wasi03::Wake;
    type Wait = wasi03::Wait;

    fn capabilities(&self) -> HostCapabilities {
        HostCapabilities {
            // What is under way is brought to its end, see `handler`.
            after_answer: AfterAnswer::Ends,
            outbound_calls: Limit::None,
            wall_time: Limit::None,
            cpu_time: Limit::None,
            memory: Limit::None,
            // Where the workload has a pool of instances; keeping something costs nothing
            // elsewhere.
            instances_reused: true,
            client_address: false,
            timer: false,
            // The component imports none.
            sockets: false,
            store_staleness: Duration::ZERO,
        }
    }

    async fn send(&self, request: Outgoing) -> Result<Incoming<wasi03::AnswerBody>, SendError> {
        wasi03::send(request).await
    }

    async fn variable(&self, name: &str) -> Result<Option<String>, VariableError> {
        match config::get(name) {
            Ok(value) => Ok(value.filter(|value| !value.is_empty())),
            Err(config::Error::Upstream(text) | config::Error::Io(text)) => {
                Err(VariableError(text))
            }
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
