//! A component that answers requests.

use crate::body::{self, Body};
use crate::clock::WallClock;
use crate::faults::Faults;
use crate::imports;
use crate::instances::{Closing, Gate, InstanceOptions, Instances, Phase, Ticket};
use crate::kv::{Memory, Store as KvStore};
use crate::output::{self, Output};
use crate::program::{MAX_INSTANCES, Program};
use crate::response;
use crate::state::{Services, State};
use crate::stats::{Counters, Stats};
use crate::upstream::{Network, Upstream};
use bytes::Bytes;
use http::uri::{Authority, PathAndQuery, Scheme};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use wasmtime::component::Linker;
use wasmtime_wasi_http::handler::{InstantiationError, ProxyHandler, TrapOrPanicError};
use wasmtime_wasi_http::p3::bindings::ServicePre;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

/// How long a request waits for a place in the engine's pool when other hosts
/// of the same program have taken them all.
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

/// Runs a component: hands requests to its instances and answers what they
/// ask of the world. Clones are the same host.
///
/// Dropping the last one leaves instances to finish their work and to end
/// when they are idle; [`Host::close`] waits for it.
#[derive(Clone)]
pub struct Host {
    inner: Arc<Inner>,
}

struct Inner {
    program: Program,
    linker: Linker<State>,
    lanes: Vec<Lane>,
    next_lane: AtomicUsize,
    services: Arc<Services>,
    closing: Arc<Closing>,
}

/// Instances that share a queue.
struct Lane {
    gate: Arc<Gate>,
    handler: ProxyHandler<Instances>,
}

impl fmt::Debug for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Host").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

/// Puts a [`Host`] together.
pub struct HostBuilder {
    program: Program,
    stores: HashMap<String, Arc<dyn KvStore>>,
    variables: HashMap<String, String>,
    upstream: Arc<dyn Upstream>,
    faults: Option<Arc<dyn Faults>>,
    output: Output,
    clock: Arc<dyn Fn(u64) -> WallClock + Send + Sync>,
    options: InstanceOptions,
    lanes: usize,
}

impl fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Host {
    /// A host for this program: one empty store in memory labelled `default`,
    /// no variables, the real network, output to standard error.
    pub fn builder(program: &Program) -> HostBuilder {
        let memory: Arc<dyn KvStore> = Arc::new(Memory::new());
        HostBuilder {
            program: program.clone(),
            stores: HashMap::from([("default".to_owned(), memory)]),
            variables: HashMap::new(),
            upstream: Arc::new(Network::default()),
            faults: None,
            output: output::to_stderr(),
            clock: Arc::new(|_| WallClock::new()),
            options: InstanceOptions::default(),
            lanes: 1,
        }
    }

    /// Handles one request. A URI without an authority takes the one of the
    /// `host` header.
    ///
    /// Who drops the future has hung up: the instance goes on all the same.
    pub async fn handle<B>(
        &self,
        request: http::Request<B>,
    ) -> Result<http::Response<Body>, HostError>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<wasmtime_wasi_http::Error>,
    {
        let inner = &self.inner;
        inner.services.counters.request();
        let mut request = with_authority(request.map(body::boxed));
        let lane = inner.next_lane.fetch_add(1, Ordering::Relaxed) % inner.lanes.len();
        let lane = &inner.lanes[lane];
        loop {
            if !inner.closing.is_open() {
                return Err(HostError::Closed);
            }
            let died = Arc::new(OnceLock::new());
            let ticket = Ticket { permit: lane.gate.pass().await, died: Arc::clone(&died) };
            match lane.handler.handle(ticket, request).await {
                Ok(response) => return Ok(response::watched(response, died)),
                Err(error) => {
                    request = retry(error)?;
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

    /// What has happened so far.
    pub fn stats(&self) -> Stats {
        self.inner.services.counters.stats()
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
        // What is made by hand is not the host's to count the end of.
        self.inner.services.counters.ended();
        self.inner.lanes[0].handler.state().store(number)
    }
}

impl HostBuilder {
    /// Offers a store under a label.
    pub fn store(self, label: &str, store: impl KvStore) -> Self {
        self.shared_store(label, Arc::new(store))
    }

    /// The same, for a store that others hold as well.
    pub fn shared_store(mut self, label: &str, store: Arc<dyn KvStore>) -> Self {
        self.stores.insert(label.to_owned(), store);
        self
    }

    /// Takes a store away again; `default` for one.
    pub fn without_store(mut self, label: &str) -> Self {
        self.stores.remove(label);
        self
    }

    /// Sets a variable.
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Sets several variables.
    pub fn variables<N, V>(self, variables: impl IntoIterator<Item = (N, V)>) -> Self
    where
        N: Into<String>,
        V: Into<String>,
    {
        variables.into_iter().fold(self, |host, (name, value)| host.variable(name, value))
    }

    /// Sends outgoing requests somewhere else than over the network.
    pub fn upstream(self, upstream: impl Upstream) -> Self {
        self.shared_upstream(Arc::new(upstream))
    }

    /// The same, for an upstream that others hold as well.
    pub fn shared_upstream(mut self, upstream: Arc<dyn Upstream>) -> Self {
        self.upstream = upstream;
        self
    }

    /// Lets host calls go wrong.
    pub fn faults(mut self, faults: impl Faults) -> Self {
        self.faults = Some(Arc::new(faults));
        self
    }

    /// Takes the lines that instances print.
    pub fn output(mut self, output: impl Fn(output::GuestLine) + Send + Sync + 'static) -> Self {
        self.output = Arc::new(output);
        self
    }

    /// Gives each instance, by its number, a wall clock.
    pub fn wall_clock(mut self, clock: impl Fn(u64) -> WallClock + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// How instances are shared and how long they live.
    pub fn instances(mut self, options: InstanceOptions) -> Self {
        self.options = options;
        self
    }

    /// Spreads requests over exactly so many instances, in turn; each stays
    /// as long as the host does, unless it dies. For tests.
    pub fn spread_over(mut self, instances: usize) -> Self {
        self.lanes = instances.max(1);
        self.options = InstanceOptions {
            max_reuse: usize::MAX,
            max_concurrent: usize::MAX,
            max_instances: 1,
            idle_timeout: Duration::from_secs(24 * 60 * 60),
            ..self.options
        };
        self
    }

    /// Links the component and makes the host. A component that exports no
    /// HTTP handler can still be instantiated by hand.
    pub fn build(mut self) -> Result<Host, HostError> {
        let other = |error: wasmtime::Error| HostError::Other(format!("{error:#}"));
        let most = MAX_INSTANCES as usize;
        self.options.max_instances = self.options.max_instances.clamp(1, most);
        let linker = imports::linker(self.program.engine()).map_err(other)?;
        let pre = linker.instantiate_pre(self.program.component());
        let service = ServicePre::new(pre.map_err(other)?).ok();
        let services = Arc::new(Services {
            stores: self.stores,
            variables: self.variables,
            upstream: self.upstream,
            faults: self.faults,
            counters: Arc::new(Counters::default()),
            calls: AtomicU64::new(0),
        });
        let closing = Closing::new();
        let lanes = (0..self.lanes).map(|_| {
            let gate = Gate::new(self.options);
            let instances = Instances {
                engine: self.program.engine().clone(),
                service: service.clone(),
                services: Arc::clone(&services),
                options: self.options,
                gate: Arc::clone(&gate),
                closing: Arc::clone(&closing),
                output: Arc::clone(&self.output),
                clock: Arc::clone(&self.clock),
            };
            Lane { gate, handler: ProxyHandler::new(instances) }
        });
        Ok(Host {
            inner: Arc::new(Inner {
                lanes: lanes.collect(),
                program: self.program,
                linker,
                next_lane: AtomicUsize::new(0),
                services,
                closing,
            }),
        })
    }
}

/// The request, if it can be tried again, or why not.
fn retry(error: wasmtime::Error) -> Result<http::Request<Body>, HostError> {
    if error.is::<TrapOrPanicError>() {
        return Err(HostError::Trapped);
    }
    if let Some(code) = error.downcast_ref::<ErrorCode>() {
        return Err(HostError::Guest(code.clone()));
    }
    match error.downcast::<InstantiationError<Ticket>>() {
        Ok(error) if error.error.is::<wasmtime::PoolConcurrencyLimitError>() => {
            // Others have taken the last places of the pool.
            let request = error.request.into_inner();
            Ok(request.unwrap_or_else(std::sync::PoisonError::into_inner))
        }
        Ok(error) => Err(HostError::NoInstance(format!("{:#}", error.error))),
        Err(error) => Err(HostError::Other(format!("{error:#}"))),
    }
}

/// Completes the URI of a request as it comes over HTTP/1.1.
fn with_authority(mut request: http::Request<Body>) -> http::Request<Body> {
    if request.uri().authority().is_some() {
        return request;
    }
    let host = request.headers().get(http::header::HOST);
    let authority = host
        .and_then(|host| Authority::try_from(host.as_bytes()).ok())
        .unwrap_or(Authority::from_static("localhost"));
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    parts.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    if let Ok(uri) = http::Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}
