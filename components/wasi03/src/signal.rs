//! A component-model stream that never carries anything, as a signal.
//!
//! Its end reaches the waiter through the host, so that no Rust waker passes
//! from one request to another. With wit-bindgen 0.57 that would trap the
//! instance (`reference/hosts.md`, tried with wasmtime 47.0.4 and 48.0.8).

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use wasip3::wit_stream;
use wit_bindgen::StreamWriter;

/// Ends the stream when it is dropped.
#[derive(Debug)]
pub struct Wake {
    _end: StreamWriter<u8>,
}

/// A read that ends with the stream. It belongs to the request that polls it
/// first, and only that request may drop it.
pub struct Wait(Pin<Box<dyn Future<Output = ()>>>);

/// A signal from one request of an instance to another.
pub fn signal() -> (Wake, Wait) {
    let (writer, mut reader) = wit_stream::new::<u8>();
    let read = async move {
        // A read of zero bytes would end at once, so this requests one byte,
        // although none ever comes.
        reader.read(Vec::with_capacity(1)).await;
    };
    (Wake { _end: writer }, Wait(Box::pin(read)))
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wait")
    }
}
