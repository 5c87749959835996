//! Wakes the tasks that wait for an event; costs nothing if there are none.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use tokio::sync::Notify;

/// Waiters of one thing. Each has a permit of its own, so that a change
/// between its look and its wait is not missed.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    count: AtomicUsize,
    list: Mutex<Vec<Weak<Notify>>>,
}

impl Waiters {
    /// Wakes `waiter` at every change from now on, as long as it lives.
    pub(crate) fn add(&self, waiter: &Arc<Notify>) {
        let mut list = self.list.lock();
        let known = list.iter().any(|w| w.as_ptr() == Arc::as_ptr(waiter));
        if !known {
            list.push(Arc::downgrade(waiter));
        }
        self.count.store(list.len(), Ordering::Release);
    }

    pub(crate) fn notify(&self) {
        if self.count.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut list = self.list.lock();
        list.retain(|waiter| match waiter.upgrade() {
            Some(waiter) => {
                waiter.notify_one();
                true
            }
            None => false,
        });
        self.count.store(list.len(), Ordering::Release);
    }
}
