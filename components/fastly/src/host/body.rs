//! The body of an answer while it arrives.

use std::io::Read;
use std::time::Duration;

use bytes::Bytes;
use fastly::handle::BodyHandle;
use futures_util::future::{Either, select};

use crate::executor;
use crate::handles::Handle;
use kafka_edge::host::{Body, SendError, SendErrorKind, Sent};

/// The size of a read, in bytes.
const CHUNK_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct FastlyBody {
    body: BodyHandle,
    /// The longest wait for a piece: the limit of the backend is coarser.
    timeout: Duration,
}

impl FastlyBody {
    pub(super) fn new(body: BodyHandle, timeout: Duration) -> Self {
        Self { body, timeout }
    }
}

impl Body for FastlyBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, SendError>> {
        let broken = |kind| Some(Err(SendError { sent: Sent::Perhaps, kind }));
        let ready = Box::pin(executor::ready(Handle::of_body(&self.body)));
        if let Either::Right(_) = select(ready, Box::pin(executor::sleep(self.timeout))).await {
            return broken(SendErrorKind::Timeout);
        }
        let mut piece = vec![0; CHUNK_BYTES];
        match self.body.read(&mut piece) {
            Ok(0) => None,
            Ok(length) => {
                piece.truncate(length);
                Some(Ok(piece.into()))
            }
            Err(_) => broken(SendErrorKind::Broken),
        }
    }
}
