//! One instance at work, as `ProxyHandler` sees it.

use super::InstanceOptions;
use super::expiration::{Closing, Expiration, Guarded};
use super::gate::{Gate, Permit, Place, Readiness};
use crate::clock::WallClock;
use crate::output::{Channel, GuestLine, Lines, Output};
use crate::state::{Services, State};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use wasmtime::component::GuestTaskId;
use wasmtime::{Engine, Store, StoreContextMut};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{HandlerState, Instance, ProxyPre, ShouldAccept, WorkerState};

/// Makes instances, and the stores to run them in.
pub(crate) struct Instances {
    pub(crate) engine: Engine,
    pub(crate) service: Option<Arc<ProxyPre<State>>>,
    pub(crate) services: Arc<Services>,
    pub(crate) options: InstanceOptions,
    pub(crate) gate: Arc<Gate>,
    pub(crate) closing: Arc<Closing>,
    pub(crate) output: Output,
    pub(crate) clock: Arc<dyn Fn(u64) -> WallClock + Send + Sync>,
    /// Whether instances count the instructions that they run.
    pub(crate) is_metered: bool,
}

impl Instances {
    /// A store for an instance of this number.
    pub(crate) fn store(&self, number: u64) -> Store<State> {
        let lines = |channel| Lines::new(number, channel, Arc::clone(&self.output));
        let wasi = WasiCtx::builder()
            .stdout(lines(Channel::Stdout))
            .stderr(lines(Channel::Stderr))
            .wall_clock((self.clock)(number))
            .build();
        let state = State::new(number, wasi, Arc::clone(&self.services));
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory);
        if self.is_metered {
            // The program was compiled for it, so that this does not fail.
            _ = store.set_fuel(u64::MAX);
        }
        store
    }
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Guarded;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Guarded, Worker>> {
        let place = Arc::new(self.gate.enter());
        let service = self
            .service
            .as_ref()
            .ok_or_else(|| wasmtime::format_err!("the component exports no HTTP handler"))?;
        let number = self.services.counters.started();
        self.closing.instance_started();
        let worker = Worker {
            place,
            number,
            died: Arc::default(),
            options: self.options,
            services: Arc::clone(&self.services),
            closing: Arc::clone(&self.closing),
            output: Arc::clone(&self.output),
        };
        let mut store = self.store(number);
        let proxy = service.instantiate_async(&mut store).await?;
        let expiration =
            Expiration::new(self.options.idle_timeout, &self.closing, Arc::clone(&worker.place));
        Ok(Instance {
            store,
            proxy,
            view: State::http,
            expiration: Guarded::new(expiration),
            state: worker,
        })
    }
}

/// What goes with a request to the instance that takes it.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) permit: Permit,
    /// Set by the instance, so that the answer can distinguish a body that has
    /// ended from one whose instance died.
    pub(crate) died: Arc<OnceLock<Arc<AtomicBool>>>,
}

/// One instance.
pub(crate) struct Worker {
    place: Arc<Place>,
    number: u64,
    died: Arc<AtomicBool>,
    options: InstanceOptions,
    services: Arc<Services>,
    closing: Arc<Closing>,
    output: Output,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.services.counters.ended();
        self.closing.instance_ended();
    }
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = Admission;

    fn should_accept_request(&self, concurrent: usize, total: usize) -> ShouldAccept {
        let (readiness, answer) = if total >= self.options.max_reuse {
            (Readiness::Closed, ShouldAccept::Never)
        } else if concurrent >= self.options.max_concurrent {
            (Readiness::Full, ShouldAccept::No)
        } else {
            (Readiness::Free, ShouldAccept::Yes)
        };
        self.place.offer(readiness);
        answer
    }

    fn on_request_start(
        &self,
        store: StoreContextMut<'_, State>,
        admission: Admission,
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        self.place.take();
        self.services.counters.request();
        if let Ok(fuel) = store.get_fuel() {
            self.services.counters.note_fuel(fuel);
        }
        // Only this code sets it.
        _ = admission.died.set(Arc::clone(&self.died));
        drop(admission.permit);
        // Requests have no time limit of their own.
        Box::pin(std::future::pending())
    }

    fn drop(&self, store: Store<State>, result: wasmtime::Result<()>) {
        if let Err(error) = result {
            // Before the store goes, and every body that it still feeds ends.
            self.died.store(true, Ordering::SeqCst);
            if self.closing.is_open() && !is_abandoned(&error) {
                self.services.counters.trapped();
                (self.output)(GuestLine {
                    instance: self.number,
                    channel: Channel::Stderr,
                    text: format!("the instance died: {}", error.root_cause()),
                });
            }
        }
        drop(store);
    }
}

/// Whether the runtime ended while the instance was alive, because its host was
/// dropped rather than closed. The handler reports that like a panic; but in a
/// panic the thread is panicking.
fn is_abandoned(error: &wasmtime::Error) -> bool {
    !std::thread::panicking() && error.to_string() == "worker panicked"
}
