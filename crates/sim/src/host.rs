//! One simulated instance.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::time::Duration;

use futures_util::FutureExt;
use kafka_edge::host::{
    AfterAnswer, Clock, Host, HostCapabilities, Incoming, Limit, Millis, Outgoing, SendError,
    SendErrorKind, Sent, Store, StoreCapabilities, StoreError, VariableError,
};
use kafka_edge::telemetry::inheriting;

use crate::body::{SimBody, too_slow};
use crate::life::{Fate, Life};
use crate::signal::{self, Wait, Wake};
use crate::world::World;

/// An instance of a [`World`]. Its clones are the same instance.
#[derive(Clone)]
pub struct SimHost {
    world: World,
    life: Life,
    skew: Rc<Cell<Millis>>,
    random: Rc<RefCell<fastrand::Rng>>,
    draws: Rc<Cell<u64>>,
    /// Requests to other servers: how many were sent, and how many refused.
    sent: Rc<Cell<(u32, u32)>>,
}

impl fmt::Debug for SimHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimHost").field("calls", &self.calls()).finish_non_exhaustive()
    }
}

impl SimHost {
    pub(crate) fn new(world: World, seed: u64) -> Self {
        Self {
            world,
            life: Life::default(),
            skew: Rc::default(),
            random: Rc::new(RefCell::new(fastrand::Rng::with_seed(seed))),
            draws: Rc::default(),
            sent: Rc::default(),
        }
    }

    /// How far this instance's wall clock is ahead of the world's.
    pub fn set_skew(&self, ahead: Millis) {
        self.skew.set(ahead);
    }

    /// Does a request's work in this instance. `None`: the instance died.
    /// Where the world's hosts end all work with the answer, what this instance
    /// has spawned ends with it.
    pub async fn run<T: 'static>(&self, work: impl Future<Output = T> + 'static) -> Option<T> {
        let at_work = self.life.begin_work();
        let task = tokio::task::spawn_local(async move {
            let _at_work = at_work;
            work.await
        });
        self.life.owns(task.abort_handle());
        let ended = task.await;
        if self.world.capabilities().after_answer == AfterAnswer::Ends {
            self.life.end_tasks();
        }
        match ended {
            Ok(answer) => Some(answer),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(_) => None,
            },
        }
    }

    /// How many host calls this instance has begun. Store, network, sleep and
    /// variables count, and each piece of a body; clocks, randomness, signals
    /// and reports do not.
    pub fn calls(&self) -> u64 {
        self.life.calls()
    }

    /// How often this instance has drawn random bytes.
    pub fn draws(&self) -> u64 {
        self.draws.get()
    }

    /// How many requests to other servers this instance has sent, and how many more it was
    /// refused. Where the world's hosts limit them and an instance is one execution, they are
    /// refused beyond the limit, as the adapter for Fastly Compute does.
    pub fn requests(&self) -> (u32, u32) {
        self.sent.get()
    }

    /// Sends a request to another server, as far as the limit goes.
    pub(crate) fn spend(&self) -> Result<(), SendError> {
        let (sent, refused) = self.sent.get();
        if self.outbound_calls_left() == Limit::AtMost(0) {
            self.sent.set((sent, refused + 1));
            let why = SendErrorKind::Forbidden("An execution may send so many requests");
            return Err(SendError { sent: Sent::Not, kind: why });
        }
        self.sent.set((sent + 1, refused));
        Ok(())
    }

    /// The instance dies at its call of that number, counted from 1.
    pub fn kill_at(&self, call: u64, fate: Fate) {
        self.life.kill_at(call, fate);
    }

    /// The instance dies now: its work is dropped, its calls never return.
    pub fn kill(&self) {
        self.life.kill();
    }

    pub fn is_dead(&self) -> bool {
        self.life.is_dead()
    }

    /// Waits until all work of this instance, background work too, has ended.
    pub async fn idle(&self) {
        self.life.idle().await;
    }
}

impl Store for SimHost {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.life.call(self.world.shared_store().get(key)).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.life.call(self.world.shared_store().write(key, Some(value))).await
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.life.call(self.world.shared_store().write(key, None)).await
    }

    async fn increment(&self, key: &str, n: u64) -> Result<u64, StoreError> {
        self.life.call(self.world.shared_store().increment(key, n)).await
    }

    async fn counter(&self, key: &str) -> Result<u64, StoreError> {
        self.life.call(self.world.shared_store().counter(key)).await
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.life.call(self.world.shared_store().keys(prefix)).await
    }

    async fn store_capabilities(&self) -> Result<StoreCapabilities, StoreError> {
        Ok(StoreCapabilities { creates: self.world.shared_store().creates() })
    }

    async fn create(
        &self,
        key: &str,
        value: &[u8],
        lasts: Duration,
    ) -> Result<Option<Vec<u8>>, StoreError> {
        self.life.call(self.world.shared_store().create(key, value, lasts)).await
    }

    async fn set_for(&self, key: &str, value: &[u8], lasts: Duration) -> Result<(), StoreError> {
        self.life.call(self.world.shared_store().write_for(key, value, lasts)).await
    }
}

impl Clock for SimHost {
    fn now(&self) -> Millis {
        self.world.now() + self.skew.get()
    }

    fn monotonic(&self) -> Duration {
        self.world.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        self.life.rest(tokio::time::sleep(time)).await;
    }

    fn random(&self, buffer: &mut [u8]) {
        self.draws.set(self.draws.get() + 1);
        self.random.borrow_mut().fill(buffer);
    }
}

impl Host for SimHost {
    type Body = SimBody;
    type Wake = Wake;
    type Wait = Wait;

    fn capabilities(&self) -> HostCapabilities {
        self.world.capabilities()
    }

    fn outbound_calls_left(&self) -> Limit<u32> {
        let HostCapabilities { outbound_calls, instances_reused, .. } = self.capabilities();
        match outbound_calls {
            Limit::AtMost(most) if !instances_reused => {
                Limit::AtMost(most.saturating_sub(self.sent.get().0))
            }
            limit => limit,
        }
    }

    async fn send(&self, request: Outgoing) -> Result<Incoming<SimBody>, SendError> {
        self.spend()?;
        let timeout = request.read_timeout;
        let answer = (self.world.upstream())(request);
        let answer = async { tokio::time::timeout(timeout, answer).await };
        let answer = self.life.call(answer).await.unwrap_or_else(|_| Err(too_slow()))?;
        let Incoming { status, headers, body } = answer;
        Ok(Incoming { status, headers, body: body.read_by(self.life.clone(), timeout) })
    }

    async fn variable(&self, name: &str) -> Result<Option<String>, VariableError> {
        let value = self.life.call(async { self.world.variable(name) }).await;
        value.ok_or_else(|| VariableError("the simulated variables failed".into()))
    }

    fn spawn(&self, task: impl Future<Output = ()> + 'static) {
        if self.life.is_dead() {
            // Nothing of a dead instance runs any more, destructors included: there are
            // some that hand their work on to another task, without end.
            return std::mem::forget(task);
        }
        let (world, at_work) = (self.world.clone(), self.life.begin_work());
        let task = inheriting(task);
        let task = tokio::task::spawn_local(async move {
            let _at_work = at_work;
            if let Err(panic) = AssertUnwindSafe(task).catch_unwind().await {
                world.note_panic(text_of(&*panic));
            }
        });
        self.life.owns(task.abort_handle());
    }

    fn signal(&self) -> (Wake, Wait) {
        signal::pair()
    }

    fn report(&self, line: &str) {
        self.world.add_report(line);
    }
}

fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}
