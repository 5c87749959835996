//! One instance at work.

use super::InstanceOptions;
use super::expiration::{Closing, Expiration};
use super::slot::{Answer, Arriving, Seat};
use super::threads::Threads;
use crate::clock::WallClock;
use crate::output::{Channel, GuestLine, Lines, Output};
use crate::state::{Services, State};
use futures_channel::oneshot;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::future::{Future, pending, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Instant;
use wasmtime::component::Accessor;
use wasmtime::{AsContextMut, Engine, Store};
use wasmtime_wasi::WasiCtx;
use wasmtime_wasi_http::WasiHttpView;
use wasmtime_wasi_http::handler::{InstantiationError, Prepared, Proxy, ProxyPre};

/// How many requests an instance takes before other tasks of its thread have their turn.
const TURNS: usize = 32;

/// Makes instances, and the stores to run them in.
pub(crate) struct Instances {
    pub(crate) engine: Engine,
    pub(crate) service: Option<Arc<ProxyPre<State>>>,
    pub(crate) services: Arc<Services>,
    pub(crate) options: InstanceOptions,
    pub(crate) closing: Arc<Closing>,
    pub(crate) output: Output,
    pub(crate) clock: Arc<dyn Fn(u64) -> WallClock + Send + Sync>,
    pub(crate) random_seed: Option<u64>,
    /// Whether instances count the instructions that they run.
    pub(crate) is_metered: bool,
    /// Where instances run, if not on the caller's runtime.
    pub(crate) threads: Option<Arc<Threads>>,
}

impl Instances {
    /// A store for an instance of this number.
    pub(crate) fn store(&self, number: u64) -> Store<State> {
        let lines = |channel| Lines::new(number, channel, Arc::clone(&self.output));
        let mut wasi = WasiCtx::builder();
        wasi.stdout(lines(Channel::Stdout))
            .stderr(lines(Channel::Stderr))
            .wall_clock((self.clock)(number));
        if let Some(seed) = self.random_seed {
            wasi.secure_random(StdRng::seed_from_u64(seed.wrapping_add(number)));
        }
        let wasi = wasi.build();
        let state = State::new(number, wasi, Arc::clone(&self.services));
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.memory);
        if self.is_metered {
            // The program was compiled for it, so that this does not fail.
            _ = store.set_fuel(u64::MAX);
        }
        store
    }

    async fn proxy(&self, store: &mut Store<State>) -> wasmtime::Result<Proxy> {
        let none = || wasmtime::format_err!("the component exports no HTTP handler");
        let service = self.service.as_ref().ok_or_else(none)?;
        service.instantiate_async(store).await
    }
}

/// Makes an instance, and has it answer requests, from this one on, until it ends.
pub(super) async fn run(seat: Seat, first: Arriving) {
    let instances = seat.instances();
    let life = Life::begin(instances);
    let mut store = instances.store(life.number);
    let proxy = match instances.proxy(&mut store).await {
        Ok(proxy) => proxy,
        Err(error) => {
            // Its place is free before others wait for an instance of their own.
            drop(store);
            return refuse(&seat, first, error);
        }
    };
    seat.began();
    let mut instance = Instance { store: Some(store), life };
    let result = instance.work(&proxy, &seat, first).await;
    instance.end(result);
}

/// Answers that no instance could be made.
pub(super) fn refuse(seat: &Seat, first: Arriving, error: wasmtime::Error) {
    seat.close();
    let error = InstantiationError {
        request_data: (),
        request: Mutex::new(first.request),
        error: Arc::new(error),
    };
    // A caller that has gone needs none.
    _ = first.answer.send(Err(error.into()));
}

/// That an instance lives.
struct Life {
    number: u64,
    died: Arc<AtomicBool>,
    services: Arc<Services>,
    closing: Arc<Closing>,
    output: Output,
}

impl Life {
    fn begin(instances: &Instances) -> Self {
        let number = instances.services.counters.started();
        instances.closing.instance_started();
        Self {
            number,
            died: Arc::default(),
            services: Arc::clone(&instances.services),
            closing: Arc::clone(&instances.closing),
            output: Arc::clone(&instances.output),
        }
    }

    /// The instance has died, and so has every body that it still feeds.
    fn died(&self, of: Option<&str>) {
        self.died.store(true, Ordering::SeqCst);
        let Some(of) = of.filter(|_| self.closing.is_open()) else {
            return;
        };
        self.services.counters.trapped();
        (self.output)(GuestLine {
            instance: self.number,
            channel: Channel::Stderr,
            text: format!("the instance died: {of}"),
        });
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        self.services.counters.ended();
        self.closing.instance_ended();
    }
}

/// An instance, for as long as it lives.
struct Instance {
    store: Option<Store<State>>,
    life: Life,
}

impl Instance {
    /// Answers requests until the instance has expired, or died.
    async fn work(&mut self, proxy: &Proxy, seat: &Seat, first: Arriving) -> wasmtime::Result<()> {
        let Some(store) = &mut self.store else {
            return Ok(());
        };
        let instances = seat.instances();
        let mut expiration = Expiration::new(instances.options.idle_timeout, &instances.closing);
        let desk = Desk {
            seat,
            proxy,
            died: &self.life.died,
            all_wait: AtomicBool::new(true),
            outbox: Mutex::default(),
            idle: Mutex::new(None),
        };
        let mut run =
            pin!(store.run_concurrent(async |accessor| desk.serve(accessor, first).await));
        poll_fn(|cx| {
            for _ in 0..TURNS {
                let turn = run.as_mut().poll(cx);
                desk.send();
                if let Poll::Ready(result) = turn {
                    return Poll::Ready(result.flatten());
                }
                // All requests wait, so that the instance may take another one.
                if desk.all_wait.swap(true, Ordering::Relaxed) {
                    let idle = *locked(&desk.idle);
                    return expiration.poll(cx, idle).map(|()| match idle {
                        Some(_) => Ok(()),
                        None => Err(wasmtime::format_err!("its host has ended")),
                    });
                }
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await
    }

    fn end(mut self, result: wasmtime::Result<()>) {
        // Before the store goes, and every body that it still feeds ends.
        if let Err(error) = result {
            self.life.died(Some(&error.root_cause().to_string()));
        }
        self.store = None;
    }
}

impl Drop for Instance {
    /// It ends in the middle of its work: its host panics, or its runtime ends because the
    /// host was dropped rather than closed, which is nobody's fault.
    fn drop(&mut self) {
        if self.store.is_some() {
            self.life.died(std::thread::panicking().then_some("worker panicked"));
        }
    }
}

/// Where an instance takes requests.
struct Desk<'a> {
    seat: &'a Seat,
    proxy: &'a Proxy,
    died: &'a Arc<AtomicBool>,
    /// Whether all requests of the instance wait for something. Only then it takes another
    /// one, lest that waits for others that compute while another instance is free.
    all_wait: AtomicBool,
    /// Answers that leave once all requests wait. What their bodies begin with is there
    /// then, and the connection's task is woken for both together.
    outbox: Mutex<Vec<(oneshot::Sender<Answer>, Answer)>>,
    /// Since when it has had nothing to do.
    idle: Mutex<Option<Instant>>,
}

impl Desk<'_> {
    /// Ends when the instance has nothing left to do and takes no more.
    async fn serve(&self, accessor: &Accessor<State>, first: Arriving) -> wasmtime::Result<()> {
        let function = match self.proxy {
            Proxy::P3(guest) => *guest.wasi_http_handler().func_handle().func(),
            Proxy::P2(guest) => *guest.wasi_http_incoming_handler().func_handle().func(),
        };
        let options = &self.seat.instances().options;
        let mut requests = FuturesUnordered::new();
        requests.push(self.answer(accessor, first));
        let mut taken = 1;
        poll_fn(|cx| {
            loop {
                while let Poll::Ready(Some(answered)) = requests.poll_next_unpin(cx) {
                    if let Err(error) = answered {
                        return Poll::Ready(Err(error));
                    }
                }
                // What has not been begun yet is not waiting.
                if !requests.is_empty() && !self.all_wait.load(Ordering::Relaxed) {
                    return Poll::Pending;
                }
                let is_ready = accessor.poll_ready_for_concurrent_call(function, cx).is_ready();
                if taken >= options.max_reuse {
                    self.seat.close();
                } else if requests.len() >= options.max_concurrent {
                    self.seat.fill();
                } else if is_ready && let Some(next) = self.seat.take(cx.waker()) {
                    taken += 1;
                    *locked(&self.idle) = None;
                    requests.push(self.answer(accessor, next));
                    continue;
                }
                if !requests.is_empty() || accessor.poll_no_interesting_tasks(cx).is_pending() {
                    return Poll::Pending;
                }
                if taken >= options.max_reuse || !is_ready {
                    return Poll::Ready(Ok(()));
                }
                locked(&self.idle).get_or_insert_with(Instant::now);
                return Poll::Pending;
            }
        })
        .await
    }

    /// Calls the component.
    fn answer<'a>(
        &'a self,
        accessor: &'a Accessor<State>,
        arriving: Arriving,
    ) -> impl Future<Output = wasmtime::Result<()>> + Send + 'a {
        self.all_wait.store(false, Ordering::Relaxed);
        // Only this code sets it.
        _ = arriving.died.set(Arc::clone(self.died));
        let Arriving { request, answer, .. } = arriving;
        let (sender, kept) = match self.proxy {
            Proxy::P3(_) => {
                let (sender, answered) = oneshot::channel();
                (sender, Some((answer, answered)))
            }
            // It answers in the middle of a call that blocks everything here.
            Proxy::P2(_) => (answer, None),
        };
        let services = &self.seat.instances().services;
        let prepared = accessor.with(|mut access| {
            let store = access.as_context_mut();
            let prepared = Prepared::new(store, self.proxy, request, State::http, sender);
            services.counters.request();
            if let Ok(fuel) = access.as_context_mut().get_fuel() {
                services.counters.note_fuel(fuel);
            }
            prepared
        });
        async move {
            // Requests have no time limit of their own.
            prepared?.run(accessor, pending()).await?;
            if let Some((answer, mut answered)) = kept
                && let Ok(Some(given)) = answered.try_recv()
            {
                locked(&self.outbox).push((answer, given));
            }
            Ok(())
        }
    }

    /// Sends the answers that are there.
    fn send(&self) {
        for (answer, given) in locked(&self.outbox).drain(..) {
            // A caller that has gone needs none.
            _ = answer.send(given);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
