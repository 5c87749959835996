//! The body of an answer while it arrives.

use std::fmt;

use bytes::Bytes;
use spin_sdk::wasip3::http::types::{ErrorCode, Response, Trailers};
use spin_sdk::wasip3::wit_future;
use spin_sdk::wit_bindgen::{FutureReader, StreamReader, StreamResult};

use super::send::from_error_code;
use crate::host::{Body, SendError, Sent};

/// How much is asked for at a time; the host gives what it has.
const PIECE: usize = 16 * 1024;

/// Dropped before its end, it closes the connection.
pub struct SpinBody {
    contents: StreamReader<u8>,
    /// Tells how the body ended; taken when it has.
    end: Option<FutureReader<Result<Option<Trailers>, ErrorCode>>>,
}

impl SpinBody {
    pub(super) fn new(response: Response) -> Self {
        let (_consumed, result) = wit_future::new(|| Ok(()));
        let (contents, end) = Response::consume_body(response, result);
        Self { contents, end: Some(end) }
    }
}

impl Body for SpinBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, SendError>> {
        while self.end.is_some() {
            let (result, bytes) = self.contents.read(Vec::with_capacity(PIECE)).await;
            if !bytes.is_empty() {
                return Some(Ok(bytes.into()));
            }
            if result == StreamResult::Dropped {
                break;
            }
        }
        // A body that was cut ends the stream as a whole one does; only this
        // tells them apart.
        match self.end.take()?.await {
            Ok(_trailers) => None,
            Err(code) => Some(Err(SendError { sent: Sent::Perhaps, ..from_error_code(code) })),
        }
    }
}

impl fmt::Debug for SpinBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpinBody").finish_non_exhaustive()
    }
}
