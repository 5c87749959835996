//! A component-model stream that never carries anything, as a signal.
//!
//! Its end reaches the waiter through the host. No Rust waker crosses from
//! one request to another, which would trap the instance.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use spin_sdk::wasip3::wit_stream;
use spin_sdk::wit_bindgen::StreamWriter;

/// Dropping it ends the stream.
#[derive(Debug)]
pub(crate) struct SpinWake {
    _end: StreamWriter<u8>,
}

/// A read that ends with the stream. It belongs to the request that polls it
/// first, which has to be the one that drops it.
pub(crate) struct SpinWait(Pin<Box<dyn Future<Output = ()>>>);

pub(super) fn new() -> (SpinWake, SpinWait) {
    let (writer, mut reader) = wit_stream::new::<u8>();
    let read = async move {
        // A read of nothing would be answered at once; one byte has to be
        // asked for, although none ever comes.
        reader.read(Vec::with_capacity(1)).await;
    };
    (SpinWake { _end: writer }, SpinWait(Box::pin(read)))
}

impl Future for SpinWait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for SpinWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SpinWait")
    }
}
