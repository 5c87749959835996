//! The keys of a store on their way to the guest that lists them.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::vec;
use wasmtime::StoreContextMut;
use wasmtime::component::{Destination, StreamProducer, StreamResult};

/// Held while a guest has keys to read.
///
/// Spin's sqlite store is locked while a guest reads a stream of its keys
/// (4.1.0-pre, `reference/hosts.md`). Another store call of the same instance
/// then blocks the thread that has to produce the next key, so neither call
/// ends, and soon no call of any instance does. Here such a call traps.
#[derive(Clone, Default)]
pub(crate) struct Unread(Arc<()>);

impl Unread {
    /// Fails if a listing is in progress.
    pub(super) fn check(&self) -> wasmtime::Result<()> {
        wasmtime::ensure!(
            Arc::strong_count(&self.0) == 1,
            "a store was called while the keys of a listing were unread; on Spin it is locked then"
        );
        Ok(())
    }
}

/// Returns one key at a time, each after a moment, as from another thread.
pub(super) struct Listing {
    keys: vec::IntoIter<String>,
    is_there: bool,
    _unread: Unread,
}

impl Listing {
    pub(super) fn new(keys: Vec<String>, unread: Unread) -> Self {
        Self { keys: keys.into_iter(), is_there: false, _unread: unread }
    }
}

impl<D> StreamProducer<D> for Listing {
    type Item = String;
    type Buffer = Option<String>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        _store: StoreContextMut<'a, D>,
        mut destination: Destination<'a, String, Option<String>>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        self.is_there = !self.is_there;
        if self.is_there {
            if finish {
                return Poll::Ready(Ok(StreamResult::Cancelled));
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(Ok(match self.keys.next() {
            Some(key) => {
                destination.set_buffer(Some(key));
                StreamResult::Completed
            }
            None => StreamResult::Dropped,
        }))
    }
}
