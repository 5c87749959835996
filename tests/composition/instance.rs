//! An instance of a composed component, which goes on with its own work
//! between the calls that are made to it.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use kafka_edge_host::wasmtime::component::{Func, Val};
use kafka_edge_host::wasmtime::{self, AsContextMut};
use kafka_edge_host::{Host, State};
use tokio::sync::{mpsc, oneshot};

/// Stopped when it is dropped, whatever it is doing.
#[derive(Clone)]
pub(crate) struct Instance(mpsc::UnboundedSender<Call>);

struct Call {
    arguments: Vec<Val>,
    answer: oneshot::Sender<Val>,
}

impl Instance {
    /// Starts one, in which the function of this name is called.
    pub(crate) fn start(host: Host, function: &'static str) -> Self {
        let (calls, queue) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            if let Err(error) = run(host, function, queue).await {
                panic!("{error:#}");
            }
        });
        Self(calls)
    }

    /// Calls the function; several calls may be under way.
    pub(crate) async fn call(&self, arguments: Vec<Val>) -> Val {
        let (answer, answered) = oneshot::channel();
        let sent = self.0.send(Call { arguments, answer });
        assert!(sent.is_ok(), "the instance lives");
        answered.await.expect("the instance lives until it has answered")
    }
}

async fn run(
    host: Host,
    function: &str,
    mut queue: mpsc::UnboundedReceiver<Call>,
) -> wasmtime::Result<()> {
    let mut store = host.new_store();
    let component = host.program().component();
    let instance = host.linker().instantiate_async(store.as_context_mut(), component).await?;
    let function = instance.get_func(&mut store, function).expect("the world has it");
    store
        .run_concurrent(async |accessor| {
            let mut calls = FuturesUnordered::new();
            loop {
                tokio::select! {
                    call = queue.recv() => match call {
                        Some(call) => calls.push(answer(accessor, function, call)),
                        None => return Ok(()),
                    },
                    Some(answered) = calls.next() => answered?,
                }
            }
        })
        .await?
}

async fn answer(
    accessor: &wasmtime::component::Accessor<State>,
    function: Func,
    call: Call,
) -> wasmtime::Result<()> {
    let mut results = [Val::Bool(false)];
    function.call_concurrent(accessor, &call.arguments, &mut results).await?;
    let [result] = results;
    // Whoever asked may have given up.
    let _ = call.answer.send(result);
    Ok(())
}
