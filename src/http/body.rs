//! The body of an answer: complete, or generated while it is sent.

use std::fmt;

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;

pub enum Body {
    Whole(Bytes),
    /// Generated piece by piece.
    Stream(Box<dyn Source>),
}

/// Generates a body piece by piece, no faster than the host takes the pieces.
pub trait Source {
    /// The next piece; `None` at the end. This is called only after the host
    /// has taken the previous piece. If the source is dropped instead, its last
    /// piece did not arrive.
    fn next(&mut self) -> LocalBoxFuture<'_, Option<Bytes>>;
}

impl Body {
    /// Whether the body is known to be empty.
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }
}

impl Default for Body {
    fn default() -> Self {
        Self::Whole(Bytes::new())
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(bytes) => bytes.fmt(f),
            Self::Stream(_) => f.write_str("a stream"),
        }
    }
}
