//! A signal between two tasks of one request.
//!
//! Each request has its executor and its app, so that the waker never passes from one
//! request to another.

use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

#[derive(Default)]
struct Signal {
    is_given: Cell<bool>,
    waker: Cell<Option<Waker>>,
}

/// Gives the signal when it is dropped.
pub(crate) struct LocalWake(Rc<Signal>);

pub(crate) struct LocalWait(Rc<Signal>);

pub(super) fn new() -> (LocalWake, LocalWait) {
    let signal = Rc::new(Signal::default());
    (LocalWake(signal.clone()), LocalWait(signal))
}

impl Drop for LocalWake {
    fn drop(&mut self) {
        self.0.is_given.set(true);
        if let Some(waker) = self.0.waker.take() {
            waker.wake();
        }
    }
}

impl Future for LocalWait {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.is_given.get() {
            return Poll::Ready(());
        }
        self.0.waker.set(Some(cx.waker().clone()));
        Poll::Pending
    }
}
