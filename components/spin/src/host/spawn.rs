//! Tasks beside the one that spawns them.
//!
//! The executor of wit-bindgen 0.57 takes in what was spawned only after it
//! has polled the rest, and then waits for the host: a spawned task would not
//! begin before something else happens to the task that spawned it. If that
//! one waits for the spawned one, nothing ever does. So whoever spawns asks to
//! be polled once more.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;

use kafka_edge::telemetry::inheriting;
use spin_sdk::wit_bindgen;

thread_local! {
    /// Something was spawned, and the executor has not polled since.
    static SPAWNED: Cell<bool> = const { Cell::new(false) };
}

pub(super) fn spawn(task: impl Future<Output = ()> + 'static) {
    SPAWNED.set(true);
    wit_bindgen::spawn(starting_tasks(inheriting(task)));
}

/// Runs a future in which tasks may be spawned. Every export and every
/// spawned task is one.
pub(crate) async fn starting_tasks<F: Future>(future: F) -> F::Output {
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
