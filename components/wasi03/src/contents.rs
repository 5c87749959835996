//! The contents of a request or a response while they arrive.

use std::fmt;

use bytes::Bytes;
use wasip3::http::types::{ErrorCode, Trailers};
use wit_bindgen::{FutureReader, StreamReader, StreamResult};

/// Dropping the contents before their end refuses the rest.
pub(crate) struct Contents {
    stream: StreamReader<u8>,
    /// Reports how the contents ended; taken once it has.
    end: Option<FutureReader<Result<Option<Trailers>, ErrorCode>>>,
    piece: usize,
}

impl Contents {
    /// `piece` is the size of a read; the host returns what it has.
    pub(crate) fn new(
        (stream, end): (StreamReader<u8>, FutureReader<Result<Option<Trailers>, ErrorCode>>),
        piece: usize,
    ) -> Self {
        Self { stream, end: Some(end), piece }
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, ErrorCode>> {
        while self.end.is_some() {
            let (result, bytes) = self.stream.read(Vec::with_capacity(self.piece)).await;
            if !bytes.is_empty() {
                return Some(Ok(bytes.into()));
            }
            if result == StreamResult::Dropped {
                break;
            }
        }
        // The stream of contents that were cut short ends like that of complete
        // ones. Only this future distinguishes the two.
        match self.end.take()?.await {
            Ok(_trailers) => None,
            Err(code) => Some(Err(code)),
        }
    }
}

impl fmt::Debug for Contents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Contents").finish_non_exhaustive()
    }
}
