//! Writes the body of a request or of an answer.

use wasip2::http::types::OutgoingBody;
use wasip2::io::streams::{OutputStream, StreamError};

use crate::executor::Ready;

/// A body that the host takes piece by piece.
///
/// The stream belongs to the body and must be dropped before it: the fields are in this
/// order.
pub(crate) struct Writer {
    stream: OutputStream,
    body: OutgoingBody,
}

impl Writer {
    /// None: the body was taken before.
    pub(crate) fn new(body: OutgoingBody) -> Option<Self> {
        let stream = body.write().ok()?;
        Some(Self { stream, body })
    }

    /// Returns once the host has taken all of it. Whoever reads it is gone if that fails.
    pub(crate) async fn write(&self, bytes: &[u8]) -> Result<(), StreamError> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(self.room().await?.min(rest.len()));
            self.stream.write(now)?;
            rest = later;
        }
        self.stream.flush()?;
        self.room().await.map(drop)
    }

    /// How many bytes the host takes; it waits until it takes some.
    async fn room(&self) -> Result<usize, StreamError> {
        loop {
            match self.stream.check_write()? {
                0 => Ready::new(self.stream.subscribe()).await,
                room => return Ok(usize::try_from(room).unwrap_or(usize::MAX)),
            }
        }
    }

    /// Ends a body that is complete. One that is dropped instead breaks off.
    pub(crate) fn finish(self) -> bool {
        let Self { stream, body } = self;
        drop(stream);
        OutgoingBody::finish(body, None).is_ok()
    }
}
