//! The host interfaces that Spin, and `crates/host`, offer to a WASI 0.3
//! component.

mod body;
mod clock;
mod contents;
mod send;
mod signal;
mod spawn;
mod store;

use std::future::Future;
use std::rc::Rc;

use spin_sdk::variables;

use kafka_edge::host::{Host, Incoming, Outgoing, SendError, VariableError};

pub(crate) use body::SpinBody;
pub(crate) use contents::Contents;
pub(crate) use signal::{SpinWait, SpinWake};
pub(crate) use spawn::starting_tasks;

/// One instance of the component on Spin. A clone shares the open store.
#[derive(Debug, Clone, Default)]
pub(crate) struct SpinHost {
    store: Rc<store::Opened>,
}

impl Host for SpinHost {
    type Body = SpinBody;
    type Wake = SpinWake;
    type Wait = SpinWait;

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

    fn log(&self, line: &str) {
        eprintln!("{line}");
    }
}
