//! Lets one request of an instance at a time do something.

use std::any::Any;
use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};

use crate::host::Host;
use crate::sorted::SortedMap;

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

/// Gates by name, each of which is there while somebody is at it.
pub(crate) struct Gates<N>(RefCell<SortedMap<N, Gate>>);

/// Somebody at a gate, who waits, is inside, or is about to leave. Whoever has entered leaves
/// before this is dropped.
pub(crate) struct AtGate<'g, N: Ord> {
    gates: &'g Gates<N>,
    name: N,
    gate: Gate,
}

impl<N: Ord> Default for Gates<N> {
    fn default() -> Self {
        Self(RefCell::new(SortedMap::new()))
    }
}

impl<N: Ord + Copy> Gates<N> {
    pub(crate) fn at(&self, name: N) -> AtGate<'_, N> {
        let gate = self.0.borrow_mut().get_or_default(name).clone();
        AtGate { gates: self, name, gate }
    }
}

impl<N: Ord> Deref for AtGate<'_, N> {
    type Target = Gate;

    fn deref(&self) -> &Gate {
        &self.gate
    }
}

impl<N: Ord> Drop for AtGate<'_, N> {
    fn drop(&mut self) {
        // One is in the map, and one is this.
        if Rc::strong_count(&self.gate.0) == 2 {
            self.gates.0.borrow_mut().remove(&self.name);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_is_there_while_somebody_is_at_it() {
        let gates = Gates::default();
        let (one, two, other) = (gates.at(1), gates.at(1), gates.at(2));
        assert!(Rc::ptr_eq(&one.gate.0, &two.gate.0) && !Rc::ptr_eq(&one.gate.0, &other.gate.0));
        let left = || gates.0.borrow().len();
        assert_eq!(left(), 2);
        drop(one);
        assert_eq!(left(), 2, "the second one is still there");
        drop(other);
        assert_eq!(left(), 1);
        drop(two);
        assert_eq!(left(), 0);
    }
}
