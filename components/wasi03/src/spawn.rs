//! Spawns tasks.
//!
//! The executor of wit-bindgen 0.57 adds spawned tasks only after it has polled
//! the others, and then waits for the host. So a spawned task would start only
//! when another event reaches the task that spawned it; if that task waits for
//! the spawned one, this never happens. Therefore a task that spawns another
//! one asks to be polled once more.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;

use kafka_edge::telemetry::inheriting;

thread_local! {
    /// Whether a task was spawned since the executor last polled.
    static SPAWNED: Cell<bool> = const { Cell::new(false) };
}

/// Runs a task beside the one that runs.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    SPAWNED.set(true);
    wit_bindgen::spawn(starting_tasks(inheriting(task)));
}

/// Runs a future that may spawn tasks. Every export and every spawned task has
/// to be wrapped in this.
pub async fn starting_tasks<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        let poll = future.as_mut().poll(cx);
        if SPAWNED.take() {
            cx.waker().wake_by_ref();
        }
        poll
    })
    .await
}
