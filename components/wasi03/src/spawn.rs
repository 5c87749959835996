//! Spawns tasks.
//!
//! The executor of wit-bindgen 0.57 adds spawned tasks only after it has polled
//! the others, and then waits for the host. So a spawned task would start only
//! when another event reaches the task that spawned it; if that task waits for
//! the spawned one, this never happens. Therefore a task that spawns another
//! one asks to be polled once more.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use kafka_edge::telemetry::inheriting;

use crate::clock;
use crate::signal::{Wake, signal};

thread_local! {
    /// Whether a task was spawned since the executor last polled.
    static SPAWNED: Cell<bool> = const { Cell::new(false) };
    /// How many of the tasks that were spawned have not ended.
    static UNFINISHED: Cell<usize> = const { Cell::new(0) };
    /// Dropped when all have ended. They may belong to another request than those who
    /// wait for it.
    static WAITING: RefCell<Vec<Wake>> = const { RefCell::new(Vec::new()) };
}

/// Runs a task beside the one that runs.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    spawn_boxed(Box::pin(task));
}

/// This is in a component once, and not once for each type of task.
fn spawn_boxed(task: Pin<Box<dyn Future<Output = ()>>>) {
    SPAWNED.set(true);
    UNFINISHED.set(UNFINISHED.get() + 1);
    let unfinished = Unfinished;
    let task = inheriting(task);
    wit_bindgen::spawn(starting_tasks(async move {
        let _unfinished = unfinished;
        task.await;
    }));
}

/// A task that has not ended.
struct Unfinished;

impl Drop for Unfinished {
    fn drop(&mut self) {
        UNFINISHED.set(UNFINISHED.get() - 1);
        if !has_unfinished() {
            let_go();
        }
    }
}

pub(crate) fn has_unfinished() -> bool {
    UNFINISHED.get() > 0
}

/// Ends the waits of [`finished`].
pub(crate) fn let_go() {
    WAITING.take();
}

/// Waits until all tasks have ended, or until [`let_go`], and no longer than `limit`.
pub(crate) async fn finished(limit: Duration) {
    if !has_unfinished() {
        return;
    }
    let (wake, wait) = signal();
    WAITING.with_borrow_mut(|waiting| waiting.push(wake));
    let mut wait = pin!(wait);
    let mut end = pin!(clock::sleep(limit));
    poll_fn(|cx| match wait.as_mut().poll(cx) {
        Poll::Pending => end.as_mut().poll(cx),
        ended => ended,
    })
    .await;
}

/// Runs a future that may spawn tasks. Every export and every spawned task has
/// to be wrapped in this.
pub async fn starting_tasks<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let poll = future.as_mut().poll(cx);
        start_tasks(cx);
        poll
    })
    .await
}

/// What [`starting_tasks`] does after each poll, for futures that are polled by hand.
pub fn start_tasks(cx: &mut Context<'_>) {
    if SPAWNED.take() {
        cx.waker().wake_by_ref();
    }
}
