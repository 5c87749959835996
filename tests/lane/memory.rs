//! A store in memory with clocks that stand until they are moved. Each call
//! takes one turn of [`run`], so a test can count round trips.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use kafka_edge::host::{Clock, Millis, Store, StoreError, decode_counter};

/// The world that the instances of a test share.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) values: RefCell<BTreeMap<String, Vec<u8>>>,
    /// Every call, in order, as `op key`.
    pub(crate) calls: RefCell<Vec<String>>,
    now: Cell<u64>,
    /// The next `set` of a key that contains this fails, after it was done or
    /// not.
    fail: RefCell<Option<(String, bool)>>,
    /// How long the next `set` takes.
    slow: Cell<u64>,
}

/// One instance.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    pub(crate) world: Rc<World>,
    /// What its wall clock is ahead, in milliseconds.
    pub(crate) ahead: Rc<Cell<i64>>,
}

impl Memory {
    /// Another instance in the same world.
    pub(crate) fn beside(&self) -> Self {
        Self { world: self.world.clone(), ahead: Rc::default() }
    }

    pub(crate) fn pass(&self, millis: u64) {
        self.world.now.set(self.world.now.get() + millis);
    }

    pub(crate) fn fail_next_set(&self, key: &str, done: bool) {
        *self.world.fail.borrow_mut() = Some((key.into(), done));
    }

    pub(crate) fn slow_next_set(&self, millis: u64) {
        self.world.slow.set(millis);
    }

    /// The calls since the last time, without the name of the lane.
    pub(crate) fn calls(&self, lane: &str) -> Vec<String> {
        self.world.calls.take().iter().map(|call| call.replace(lane, "")).collect()
    }

    pub(crate) fn put(&self, key: &str, value: &str) {
        self.world.values.borrow_mut().insert(key.into(), value.into());
    }

    async fn call(&self, op: &str, key: &str) {
        self.world.calls.borrow_mut().push(format!("{op} {key}"));
        turn().await;
    }
}

/// Pending once.
async fn turn() {
    let mut first = true;
    std::future::poll_fn(
        |_| {
            if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }
        },
    )
    .await;
}

/// Runs a future to its end; the number of turns that it waited comes with
/// its output.
pub(crate) fn run<F: Future>(future: F) -> (F::Output, u32) {
    let mut future = pin!(future);
    for turns in 0..10_000 {
        let poll = future.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        if let Poll::Ready(output) = poll {
            return (output, turns);
        }
    }
    panic!("it never ends");
}

impl Store for Memory {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.call("get", key).await;
        Ok(self.world.values.borrow().get(key).cloned())
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.call("set", key).await;
        self.pass(self.world.slow.take());
        let fail = self.world.fail.borrow_mut().take_if(|(part, _)| key.contains(part.as_str()));
        if fail.as_ref().is_none_or(|(_, done)| *done) {
            self.world.values.borrow_mut().insert(key.into(), value.into());
        }
        fail.map_or(Ok(()), |_| Err(StoreError::unknown("no answer")))
    }

    async fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.call("delete", key).await;
        self.world.values.borrow_mut().remove(key);
        Ok(())
    }

    async fn increment(&self, key: &str, n: u64) -> Result<u64, StoreError> {
        self.call("increment", key).await;
        let mut values = self.world.values.borrow_mut();
        let count = decode_counter(values.get(key).map(Vec::as_slice))? + n;
        values.insert(key.into(), count.to_string().into());
        Ok(count)
    }

    async fn counter(&self, key: &str) -> Result<u64, StoreError> {
        self.call("counter", key).await;
        decode_counter(self.world.values.borrow().get(key).map(Vec::as_slice))
    }

    async fn claim(&self, key: &str) -> Result<bool, StoreError> {
        self.call("claim", key).await;
        Ok(self.world.values.borrow_mut().insert(key.into(), b"1".into()).is_none())
    }

    async fn keys(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        self.call("keys", prefix).await;
        let values = self.world.values.borrow();
        Ok(values.keys().filter(|key| key.starts_with(prefix)).cloned().collect())
    }
}

impl Clock for Memory {
    fn now(&self) -> Millis {
        1_700_000_000_000 + self.world.now.get() as i64 + self.ahead.get()
    }

    fn monotonic(&self) -> Duration {
        // Instances count from different beginnings; zero means nothing.
        Duration::from_millis(500 + self.world.now.get())
    }

    async fn sleep(&self, time: Duration) {
        self.pass(time.as_millis() as u64);
    }

    fn random(&self, buffer: &mut [u8]) {
        buffer.fill(0x55);
    }
}
