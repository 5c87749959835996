//! The body of an answer while it arrives.

use bytes::Bytes;
use spin_sdk::wasip3::http::types::Response;
use spin_sdk::wasip3::wit_future;

use super::contents::Contents;
use super::send::from_error_code;
use kafka_edge::host::{Body, SendError, Sent};

/// The size of a read, in bytes.
const CHUNK_BYTES: usize = 16 * 1024;

/// Dropping the body before its end closes the connection.
#[derive(Debug)]
pub(crate) struct SpinBody(Contents);

impl SpinBody {
    pub(super) fn new(response: Response) -> Self {
        let (_consumed, result) = wit_future::new(|| Ok(()));
        Self(Contents::new(Response::consume_body(response, result), CHUNK_BYTES))
    }
}

impl Body for SpinBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, SendError>> {
        let broken = |code| SendError { sent: Sent::Perhaps, ..from_error_code(code) };
        Some(self.0.next().await?.map_err(broken))
    }
}
