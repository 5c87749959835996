//! A component-model stream that never carries anything, as a signal.
//!
//! Its end reaches the waiter through the host, so that no Rust waker passes
//! from one request to another. With wit-bindgen 0.57 that would trap the
//! instance (`reference/hosts.md`, tried with wasmtime 47.0.4 and 48.0.8).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use spin_sdk::wasip3::wit_stream;
use spin_sdk::wit_bindgen::StreamWriter;

/// Ends the stream when it is dropped.
#[derive(Debug)]
pub(crate) struct SpinWake {
    _end: StreamWriter<u8>,
}

/// A read that ends with the stream. It belongs to the request that polls it
/// first, and only that request may drop it.
pub(crate) struct SpinWait(Pin<Box<dyn Future<Output = ()>>>);

pub(super) fn new() -> (SpinWake, SpinWait) {
    let (writer, mut reader) = wit_stream::new::<u8>();
    let read = async move {
        // A read of zero bytes would end at once, so this requests one byte,
        // although none ever comes.
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
