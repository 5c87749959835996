//! The builder of hosts.

use crate::clock::WallClock;
use crate::faults::Faults;
use crate::host::{Host, HostError, Inner};
use crate::imports;
use crate::instances::{Closing, InstanceOptions, Instances, Slot, Threads};
use crate::kv::{Memory, Store as KvStore};
use crate::outbound::OutboundHosts;
use crate::output::{self, Output};
use crate::program::{MAX_INSTANCES, Program};
use crate::redis::Allowed;
use crate::state::Services;
use crate::stats::Counters;
use crate::upstream::{Network, Upstream};
use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;
use wasmtime_wasi_http::handler::ProxyPre;
use wasmtime_wasi_http::{p2, p3};

/// Builds a [`Host`].
pub struct HostBuilder {
    program: Program,
    stores: HashMap<String, Arc<dyn KvStore>>,
    variables: HashMap<String, String>,
    redis: Allowed,
    outbound: Option<OutboundHosts>,
    upstream: Arc<dyn Upstream>,
    faults: Option<Arc<dyn Faults>>,
    output: Output,
    clock: Arc<dyn Fn(u64) -> WallClock + Send + Sync>,
    random_seed: Option<u64>,
    options: InstanceOptions,
    slots: usize,
    worker_threads: usize,
}

impl fmt::Debug for HostBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostBuilder").field("options", &self.options).finish_non_exhaustive()
    }
}

impl HostBuilder {
    pub(crate) fn new(program: &Program) -> Self {
        let memory: Arc<dyn KvStore> = Arc::new(Memory::new());
        Self {
            program: program.clone(),
            stores: HashMap::from([("default".to_owned(), memory)]),
            variables: HashMap::new(),
            redis: Allowed::default(),
            outbound: None,
            upstream: Arc::new(Network::default()),
            faults: None,
            output: output::to_stderr(),
            clock: Arc::new(|_| WallClock::new()),
            random_seed: None,
            options: InstanceOptions::default(),
            slots: 1,
            worker_threads: 0,
        }
    }

    /// Offers a store under a label.
    pub fn store(self, label: &str, store: impl KvStore) -> Self {
        self.shared_store(label, Arc::new(store))
    }

    /// The same, for a store that is shared.
    pub fn shared_store(mut self, label: &str, store: Arc<dyn KvStore>) -> Self {
        self.stores.insert(label.to_owned(), store);
        self
    }

    /// Removes a store, for example `default`.
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

    /// Decides by Spin's rules where the component may connect. Without it, the upstream
    /// decides, and every Redis has to be [allowed](Self::allow_redis).
    pub fn outbound(mut self, hosts: OutboundHosts) -> Self {
        self.outbound = Some(hosts);
        self
    }

    /// Lets the component connect to the Redis at this URL.
    pub fn allow_redis(mut self, url: &str) -> Self {
        self.redis.add(url);
        self
    }

    /// Replaces the network for outgoing requests.
    pub fn upstream(self, upstream: impl Upstream) -> Self {
        self.shared_upstream(Arc::new(upstream))
    }

    /// The same, for an upstream that is shared.
    pub fn shared_upstream(mut self, upstream: Arc<dyn Upstream>) -> Self {
        self.upstream = upstream;
        self
    }

    /// Injects faults into host calls.
    pub fn faults(mut self, faults: impl Faults) -> Self {
        self.faults = Some(Arc::new(faults));
        self
    }

    /// Receives the lines that instances print.
    pub fn output(mut self, output: impl Fn(output::GuestLine) + Send + Sync + 'static) -> Self {
        self.output = Arc::new(output);
        self
    }

    /// Gives each instance, by its number, a wall clock.
    pub fn wall_clock(mut self, clock: impl Fn(u64) -> WallClock + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Makes what instances draw at random the same in each run, for tests of what a call costs.
    /// Anybody can guess it then.
    pub fn random_seed(mut self, seed: u64) -> Self {
        self.random_seed = Some(seed);
        self
    }

    /// How instances are shared and how long they live.
    pub fn instances(mut self, options: InstanceOptions) -> Self {
        self.options = options;
        self
    }

    /// Distributes requests over a fixed number of instances, one after the
    /// other. Each lives as long as the host, unless it dies. For tests.
    pub fn spread_over(mut self, instances: usize) -> Self {
        self.slots = instances.max(1);
        self.options = InstanceOptions {
            max_reuse: usize::MAX,
            max_concurrent: usize::MAX,
            max_instances: 1,
            idle_timeout: Duration::from_secs(24 * 60 * 60),
            ..self.options
        };
        self
    }

    /// Runs instances on this number of threads of the host's own, and not on the runtime of whoever
    /// calls it. This is for hosts that serve many callers at once: on a multi-thread runtime
    /// an instance otherwise competes with the connections that it answers (with 64 callers
    /// of a produce a call took 240 µs of CPU, and 157 µs in this way), while a caller without
    /// others waits 0.1 ms longer. On one core it costs a quarter of the calls. Without it, or
    /// with 0, instances run on the caller's runtime and end with it, and see its clock if that
    /// is paused.
    ///
    /// An instance stays on the thread on which the fewest lived when it was started. A thread
    /// is started for its first instance. They all end once the host, its instances and the
    /// bodies of its answers are gone. Exports are called on the caller's runtime all the same.
    pub fn worker_threads(mut self, threads: usize) -> Self {
        self.worker_threads = threads;
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
        let pre = pre.map_err(other)?;
        let service = match p3::bindings::ServicePre::new(pre.clone()) {
            Ok(service) => Some(ProxyPre::P3(service)),
            Err(_) => p2::bindings::ProxyPre::new(pre).ok().map(ProxyPre::P2),
        };
        if let Some(ProxyPre::P2(_)) = &service {
            // Its handler blocks the instance, and Spin and `wasmtime serve` give each
            // request a new one (`reference/hosts.md`).
            self.options = InstanceOptions {
                max_instances: self.options.max_instances,
                ..InstanceOptions::one_request_each()
            };
        }
        let service = service.map(Arc::new);
        let services = Arc::new(Services {
            stores: self.stores,
            variables: self.variables,
            redis: self.redis,
            outbound: self.outbound,
            upstream: self.upstream,
            faults: self.faults,
            counters: Arc::new(Counters::default()),
            calls: AtomicU64::new(0),
        });
        let closing = Closing::new();
        let threads = NonZeroUsize::new(self.worker_threads);
        let threads = threads.map(|count| Arc::new(Threads::new(count)));
        let slots = (0..self.slots).map(|_| {
            Slot::new(Instances {
                engine: self.program.engine().clone(),
                service: service.clone(),
                services: Arc::clone(&services),
                options: self.options,
                closing: Arc::clone(&closing),
                output: Arc::clone(&self.output),
                clock: Arc::clone(&self.clock),
                random_seed: self.random_seed,
                is_metered: self.program.is_metered(),
                threads: threads.clone(),
            })
        });
        Ok(Host {
            inner: Arc::new(Inner {
                slots: slots.collect(),
                is_for_spin: !self.program.is_for_other_hosts(),
                program: self.program,
                linker,
                next_slot: AtomicUsize::new(0),
                services,
                closing,
                pool_patience: self.options.pool_patience,
            }),
        })
    }
}
