//! Functions that a component exports beside its HTTP handler.

use crate::host::{Host, HostError};
use crate::instances::{Closing, Phase};
use crate::output::{Channel, GuestLine};
use crate::state::State;
use crate::stats::Counters;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::fmt;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use wasmtime::component::{Accessor, ComponentExportIndex, Func, Val};

/// An instance in which one exported function is called, as often as one likes
/// and several calls at once. Between the calls it goes on with its own work.
///
/// It is stopped when the last clone of this is dropped, whatever it is doing.
/// When the host closes, it finishes the calls that were made before.
#[derive(Clone)]
pub struct Export {
    calls: mpsc::UnboundedSender<Call>,
}

struct Call {
    arguments: Vec<Val>,
    answer: oneshot::Sender<Val>,
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Export").field("has_ended", &self.has_ended()).finish()
    }
}

impl Host {
    /// Starts an instance for calls of this function, of an interface with its
    /// version (`a:b/c@0.1.0`) or of the world itself. `None`: the component
    /// exports no such thing.
    pub fn export(&self, interface: Option<&str>, function: &str) -> Option<Export> {
        let component = self.program().component();
        let within = match interface {
            Some(interface) => Some(component.get_export_index(None, interface)?),
            None => None,
        };
        let function = component.get_export_index(within.as_ref(), function)?;
        let (calls, queue) = mpsc::unbounded_channel();
        tokio::spawn(run(self.clone(), function, queue));
        Some(Export { calls })
    }
}

impl Export {
    /// Calls the function. Arguments of other types than it has end the
    /// instance.
    pub async fn call(&self, arguments: Vec<Val>) -> Result<Val, HostError> {
        let (answer, answered) = oneshot::channel();
        self.calls.send(Call { arguments, answer }).map_err(|_| HostError::Closed)?;
        answered.await.map_err(|_| HostError::Trapped)
    }

    /// Whether the instance died, or its host has closed.
    pub fn has_ended(&self) -> bool {
        self.calls.is_closed()
    }
}

/// An instance that the host counts, and waits for when it closes.
struct Counted {
    number: u64,
    counters: Arc<Counters>,
    closing: Arc<Closing>,
}

impl Counted {
    fn start(host: &Host) -> Self {
        let counters = Arc::clone(&host.inner.services.counters);
        let closing = Arc::clone(&host.inner.closing);
        closing.instance_started();
        Self { number: counters.started(), counters, closing }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counters.ended();
        self.closing.instance_ended();
    }
}

async fn run(host: Host, function: ComponentExportIndex, queue: mpsc::UnboundedReceiver<Call>) {
    let counted = Counted::start(&host);
    let instances = &host.inner.slots[0].instances;
    if let Err(error) = answer_calls(&host, &counted, function, queue).await {
        counted.counters.trapped();
        (instances.output)(GuestLine {
            instance: counted.number,
            channel: Channel::Stderr,
            text: format!("the instance died: {}", error.root_cause()),
        });
    }
}

async fn answer_calls(
    host: &Host,
    counted: &Counted,
    function: ComponentExportIndex,
    mut queue: mpsc::UnboundedReceiver<Call>,
) -> wasmtime::Result<()> {
    let mut store = host.inner.slots[0].instances.store(counted.number);
    let component = host.program().component();
    let instance = host.linker().instantiate_async(&mut store, component).await?;
    let function = instance
        .get_func(&mut store, function)
        .ok_or_else(|| wasmtime::format_err!("what is to be called is no function"))?;
    store
        .run_concurrent(async |accessor| {
            let mut under_way = FuturesUnordered::new();
            let (mut closing, mut more) = (false, true);
            while more || !under_way.is_empty() {
                tokio::select! {
                    biased;
                    () = counted.closing.reached(Phase::Over) => break,
                    () = counted.closing.reached(Phase::Draining), if !closing => {
                        // What was asked for before is still done.
                        queue.close();
                        closing = true;
                    }
                    call = queue.recv(), if more => match call {
                        Some(call) => under_way.push(answer(accessor, function, call)),
                        None if closing => more = false,
                        None => break,
                    },
                    Some(answered) = under_way.next() => answered?,
                }
            }
            Ok(())
        })
        .await?
}

async fn answer(accessor: &Accessor<State>, function: Func, call: Call) -> wasmtime::Result<()> {
    let mut results = [Val::Bool(false)];
    function.call_concurrent(accessor, &call.arguments, &mut results).await?;
    let [result] = results;
    // The caller may have given up.
    _ = call.answer.send(result);
    Ok(())
}
