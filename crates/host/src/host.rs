//! A component that answers requests.

use crate::arriving;
use crate::body::{self, Body};
use crate::builder::HostBuilder;
use crate::instances::{Closing, Phase, Slot, Unanswered};
use crate::program::Program;
use crate::response;
use crate::state::{Services, State};
use crate::stats::Stats;
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use wasmtime::component::Linker;
use wasmtime_wasi_http::handler::InstantiationError;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

/// The pause between two tries to get a place in the engine's pool, if hosts of
/// the same program have taken all places.
const POOL_PAUSE: Duration = Duration::from_millis(5);

/// Why a request got no answer from the component.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Its instance died while it was being handled.
    #[error("the instance died while it handled the request")]
    Trapped,
    /// No instance could be made.
    #[error("no instance could be started: {0}")]
    NoInstance(String),
    /// Hosts of the same program have taken all places for instances, and
    /// kept them.
    #[error("all places for instances are taken")]
    NoPlace,
    /// The component answered with an error in place of a response.
    #[error("the component answered with the error {0:?}")]
    Guest(ErrorCode),
    /// The host has been closed.
    #[error("the host is closed")]
    Closed,
    /// Anything else, from below.
    #[error("{0}")]
    Other(String),
}

/// Runs a component: passes requests to its instances, and serves their host
/// calls. Clones are the same host.
///
/// Dropping the last one leaves instances to finish their work, and ends them
/// then; [`Host::close`] waits for it.
#[derive(Clone)]
pub struct Host {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) program: Program,
    /// Whether requests get the headers that Spin adds.
    pub(crate) is_for_spin: bool,
    pub(crate) linker: Linker<State>,
    pub(crate) slots: Vec<Arc<Slot>>,
    pub(crate) next_slot: AtomicUsize,
    pub(crate) services: Arc<Services>,
    pub(crate) closing: Arc<Closing>,
    pub(crate) pool_patience: Duration,
}

impl Drop for Inner {
    /// No more requests can come. Instances that stayed would occupy places
    /// that other hosts of the program need.
    fn drop(&mut self) {
        self.closing.enter(Phase::Draining);
    }
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Host {
    /// A host for this program: one empty store in memory labelled `default`,
    /// no variables, the real network, output to standard error.
    pub fn builder(program: &Program) -> HostBuilder {
        HostBuilder::new(program)
    }

    /// Handles one request. A URI without an authority takes the one of the
    /// `host` header.
    ///
    /// Dropping the future closes the connection; the instance goes on all the
    /// same.
    pub async fn handle<B>(
        &self,
        request: http::Request<B>,
    ) -> Result<http::Response<Body>, HostError>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        let inner = &self.inner;
        let mut request = arriving::completed(request.map(body::boxed), inner.is_for_spin);
        let slot = inner.next_slot.fetch_add(1, Ordering::Relaxed) % inner.slots.len();
        let slot = &inner.slots[slot];
        let mut full_since = None;
        loop {
            if !inner.closing.is_open() {
                return Err(HostError::Closed);
            }
            match slot.handle(request).await.map_err(|Unanswered| HostError::Trapped)? {
                Ok(response) => return Ok(response),
                Err(error) => {
                    request = retry(error)?;
                    let since = full_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= inner.pool_patience {
                        return Err(HostError::NoPlace);
                    }
                    tokio::time::sleep(POOL_PAUSE).await;
                }
            }
        }
    }

    /// Handles one request, and answers for the component where it fails.
    pub async fn respond<B>(&self, request: http::Request<B>) -> http::Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        match self.handle(request).await {
            Ok(response) => response,
            Err(error) => response::of_error(&error),
        }
    }

    /// Whether the component answers HTTP requests: it exports
    /// `wasi:http/handler@0.3.0` or `wasi:http/incoming-handler@0.2`.
    pub fn answers_http(&self) -> bool {
        self.inner.slots[0].instances.service.is_some()
    }

    /// What has happened so far.
    pub fn stats(&self) -> Stats {
        self.inner.services.counters.stats()
    }

    /// The fuel that instances had left when they took their requests, one unit for each
    /// instruction, if the program is [metered](Program::load_metered). With one instance
    /// the difference between two of them is what a request took, with all that was done
    /// before the next one.
    pub fn fuel_left(&self) -> Vec<u64> {
        self.inner.services.counters.fuel()
    }

    /// Stops taking requests and waits until instances have finished their
    /// work, work after the answer included. Those that have not after the
    /// limit are ended. `true`: all had finished.
    pub async fn close(&self, limit: Duration) -> bool {
        let closing = &self.inner.closing;
        closing.enter(Phase::Draining);
        let finished = tokio::time::timeout(limit, closing.no_instances()).await;
        closing.enter(Phase::Over);
        closing.no_instances().await;
        finished.is_ok()
    }

    /// The program it runs.
    pub fn program(&self) -> &Program {
        &self.inner.program
    }

    /// Everything that the host offers, to instantiate a component by hand.
    pub fn linker(&self) -> &Linker<State> {
        &self.inner.linker
    }

    /// A store to instantiate into by hand. It counts as an instance started.
    pub fn new_store(&self) -> wasmtime::Store<State> {
        let number = self.inner.services.counters.started();
        // The host does not count the end of an instance that is made by hand.
        self.inner.services.counters.ended();
        self.inner.slots[0].instances.store(number)
    }
}

/// The request, if it can be tried again, or why not.
fn retry(error: wasmtime::Error) -> Result<http::Request<Body>, HostError> {
    if let Some(code) = error.downcast_ref::<ErrorCode>() {
        return Err(HostError::Guest(code.clone()));
    }
    match error.downcast::<InstantiationError<()>>() {
        Ok(error) if error.error.is::<wasmtime::PoolConcurrencyLimitError>() => {
            // Other hosts have taken the last places of the pool.
            let request = error.request.into_inner();
            Ok(request.unwrap_or_else(std::sync::PoisonError::into_inner))
        }
        Ok(error) => Err(HostError::NoInstance(format!("{:#}", error.error))),
        Err(error) => Err(HostError::Other(format!("{error:#}"))),
    }
}
