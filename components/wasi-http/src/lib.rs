//! What the components have in common that speak a version of `wasi:http`.
//!
//! The versions 0.2 and 0.3 have the same methods, schemes and errors, each as types of its
//! own; [`translations`] makes the functions for either. What is decided here is decided
//! for all of them: which headers a host adds, which length is stated, what an error means.

#[cfg(any(target_family = "wasm", test))]
mod blocks;
pub mod headers;
pub mod of_spin;
mod stock;
mod translations;

pub use stock::Stock;

use std::time::Duration;

use kafka_edge::host::{SendError, SendErrorKind, Sent};

/// The size of a read of a request's body, in bytes.
pub const REQUEST_PIECE: usize = 64 * 1024;

/// The size of a read of an answer's body, in bytes.
pub const ANSWER_PIECE: usize = 16 * 1024;

/// As hosts take times.
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A request that cannot be expressed in the host's types was not sent.
pub fn unsendable<E>(_: E) -> SendError {
    SendError { sent: Sent::Not, kind: SendErrorKind::Protocol }
}

/// An answer that is none.
pub fn nonsense<E>(_: E) -> SendError {
    SendError { sent: Sent::Perhaps, kind: SendErrorKind::Protocol }
}
