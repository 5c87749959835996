//! Lets one request of an instance at a time do something.

use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::host::Host;

/// Requests of one instance must not share a Rust waker
/// ([`Host::signal`](crate::host::Host::signal)), so that whoever leaves wakes all who
/// wait, and the first of them enters.
#[derive(Default, Clone)]
pub(crate) struct Gate(Rc<RefCell<Waiting>>);

#[derive(Default)]
struct Waiting {
    is_closed: bool,
    /// Whatever wakes a waiting request when it is dropped.
    wakes: Vec<Box<dyn Any>>,
}

/// The gate is closed for others until this is dropped.
pub(crate) struct Entered(Rc<RefCell<Waiting>>);

impl Gate {
    /// Whether somebody has a clone of it.
    pub(crate) fn is_used(&self) -> bool {
        Rc::strong_count(&self.0) > 1
    }

    /// Whether nobody is inside.
    pub(crate) fn is_open(&self) -> bool {
        !self.0.borrow().is_closed
    }

    /// Enters when nobody else is inside; `None` if that takes longer.
    pub(crate) async fn enter(&self, host: &impl Host, longest: Duration) -> Option<Entered> {
        // Most gates are open, and a look at the clock is a call of the host.
        let mut give_up = None;
        loop {
            let woken = {
                let mut waiting = self.0.borrow_mut();
                if !waiting.is_closed {
                    waiting.is_closed = true;
                    return Some(Entered(self.0.clone()));
                }
                let (wake, woken) = host.signal();
                waiting.wakes.push(Box::new(wake));
                woken
            };
            let now = host.monotonic();
            let left = give_up.get_or_insert(now + longest).saturating_sub(now);
            let limit = Box::pin(host.sleep(left));
            if left.is_zero() || matches!(select(woken, limit).await, Either::Right(_)) {
                return None;
            }
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let wakes = {
            let mut waiting = self.0.borrow_mut();
            waiting.is_closed = false;
            std::mem::take(&mut waiting.wakes)
        };
        drop(wakes);
    }
}
