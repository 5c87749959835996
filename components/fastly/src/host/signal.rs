//! Signals: the tasks of an execution share one executor, so that a waker may pass between
//! them.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll, Waker};

/// Wakes its wait when it is dropped.
#[derive(Debug)]
pub(crate) struct FastlyWake {
    waiting: Rc<RefCell<Option<Waker>>>,
}

#[derive(Debug)]
pub(crate) struct FastlyWait(Weak<RefCell<Option<Waker>>>);

pub(super) fn new() -> (FastlyWake, FastlyWait) {
    let waiting = Rc::default();
    let wait = FastlyWait(Rc::downgrade(&waiting));
    (FastlyWake { waiting }, wait)
}

impl Drop for FastlyWake {
    fn drop(&mut self) {
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }
}

impl Future for FastlyWait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.upgrade() {
            Some(waiting) => {
                *waiting.borrow_mut() = Some(cx.waker().clone());
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}
