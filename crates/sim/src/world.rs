//! What simulated instances share.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use kafka_edge::host::{
    AfterAnswer, HostCapabilities, Incoming, Limit, Millis, Outgoing, SendError, SendErrorKind,
    Sent,
};
use kafka_edge::state::keys::next_look;
use tokio::time::Instant;

use crate::body::SimBody;
use crate::host::SimHost;
use crate::store::{SharedStore, StoreCalls, StoreMode};

/// Answers the requests of a world's instances.
pub type Upstream =
    Rc<dyn Fn(Outgoing) -> LocalBoxFuture<'static, Result<Incoming<SimBody>, SendError>>>;

/// A clock, a store, variables and an upstream, shared by any number of
/// instances. Cheap to clone: a handle. It is made inside the runtime.
#[derive(Debug, Clone)]
pub struct World(Rc<Inner>);

struct Inner {
    start: Instant,
    wall: Cell<Millis>,
    seeds: RefCell<fastrand::Rng>,
    store: SharedStore,
    capabilities: Cell<HostCapabilities>,
    variables: RefCell<BTreeMap<String, String>>,
    variables_fail: Cell<bool>,
    variables_read: RefCell<BTreeSet<String>>,
    upstream: RefCell<Upstream>,
    reported: RefCell<Vec<String>>,
    panics: RefCell<Vec<String>>,
}

/// What a world begins with: work goes on after the answer, and nothing is
/// limited.
const UNLIMITED: HostCapabilities = HostCapabilities {
    after_answer: AfterAnswer::GoesOn(Limit::None),
    outbound_calls: Limit::None,
    wall_time: Limit::None,
    cpu_time: Limit::None,
    memory: Limit::None,
    instances_reused: true,
    client_address: false,
    timer: false,
    sockets: false,
    store_staleness: Duration::ZERO,
};

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("store", &self.store).finish_non_exhaustive()
    }
}

impl World {
    /// A world whose randomness follows from `seed`. Nothing answers in it
    /// until it has an [`upstream`](World::set_upstream).
    pub fn new(seed: u64) -> Self {
        let mut seeds = fastrand::Rng::with_seed(seed);
        let store = SharedStore::new(seeds.u64(..));
        let nobody: Upstream = Rc::new(|_| {
            let refused = SendError { sent: Sent::Not, kind: SendErrorKind::Refused };
            Box::pin(std::future::ready(Err(refused)))
        });
        Self(Rc::new(Inner {
            start: Instant::now(),
            wall: Cell::new(1_772_359_200_000),
            seeds: RefCell::new(seeds),
            store,
            capabilities: Cell::new(UNLIMITED),
            variables: RefCell::default(),
            variables_fail: Cell::new(false),
            variables_read: RefCell::default(),
            upstream: RefCell::new(nobody),
            reported: RefCell::default(),
            panics: RefCell::default(),
        }))
    }

    /// Another instance, with a life, a clock skew and randomness of its own.
    pub fn instance(&self) -> SimHost {
        let seed = self.0.seeds.borrow_mut().u64(..);
        SimHost::new(self.clone(), seed)
    }

    /// Somebody has just looked for deliveries that are overdue, so that others read that
    /// and do no more; those that were about to look have done so.
    pub async fn looked_for_overdue(&self) {
        let next = (self.now() + 10_000).to_string();
        let key = next_look::<Millis>();
        let written = self.shared_store().write(key.as_str(), Some(next.as_bytes())).await;
        written.expect("the store of the test writes");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    /// Sets the wall clock, as it was when this world began.
    pub fn set_wall_clock(&self, at_start: Millis) {
        self.0.wall.set(at_start);
    }

    /// How often the store was called, by all instances together.
    pub fn store_calls(&self) -> StoreCalls {
        self.shared_store().calls()
    }

    pub fn set_store_mode(&self, mode: StoreMode) {
        self.0.store.set_mode(mode);
    }

    /// What the hosts of this world state from now on.
    pub fn set_capabilities(&self, capabilities: HostCapabilities) {
        self.0.capabilities.set(capabilities);
    }

    /// Everything in the store; counters and claims have no value.
    pub fn store(&self) -> BTreeMap<String, Option<Vec<u8>>> {
        self.0.store.dump()
    }

    pub fn set_variable(&self, name: &str, value: &str) {
        self.0.variables.borrow_mut().insert(name.into(), value.into());
    }

    /// The names of all variables that instances have read, set or not.
    pub fn variables_read(&self) -> BTreeSet<String> {
        self.0.variables_read.borrow().clone()
    }

    /// Whether reading a variable fails from now on.
    pub fn set_variables_fail(&self, fail: bool) {
        self.0.variables_fail.set(fail);
    }

    pub fn set_upstream(&self, upstream: Upstream) {
        *self.0.upstream.borrow_mut() = upstream;
    }

    /// The lines that all instances have reported so far.
    pub fn reported(&self) -> Vec<String> {
        self.0.reported.borrow().clone()
    }

    pub(crate) fn capabilities(&self) -> HostCapabilities {
        self.0.capabilities.get()
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.start.elapsed()
    }

    pub(crate) fn now(&self) -> Millis {
        self.0.wall.get() + self.elapsed().as_millis() as Millis
    }

    pub(crate) fn shared_store(&self) -> &SharedStore {
        &self.0.store
    }

    pub(crate) fn upstream(&self) -> Upstream {
        self.0.upstream.borrow().clone()
    }

    pub(crate) fn variable(&self, name: &str) -> Option<Option<String>> {
        self.0.variables_read.borrow_mut().insert(name.into());
        if self.0.variables_fail.get() {
            return None;
        }
        let value = self.0.variables.borrow().get(name).cloned();
        Some(value.filter(|value| !value.is_empty()))
    }

    pub(crate) fn add_report(&self, line: &str) {
        self.0.reported.borrow_mut().push(line.into());
    }

    pub(crate) fn note_panic(&self, message: String) {
        self.0.panics.borrow_mut().push(message);
    }
}

/// Background work that panicked fails the test, at the latest here.
impl Drop for Inner {
    fn drop(&mut self) {
        let panics = self.panics.take();
        if !panics.is_empty() && !std::thread::panicking() {
            panic!("background work of an instance panicked: {panics:?}");
        }
    }
}
