//! The body of an answer while it arrives.

use bytes::Bytes;

use crate::contents::Contents;
use crate::wasi::from_error_code;
use kafka_edge::host::{Body, SendError, Sent};

/// Dropping the body before its end closes the connection.
pub(crate) struct AnswerBody(pub(super) Contents);

impl Body for AnswerBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, SendError>> {
        let broken = |code| SendError { sent: Sent::Perhaps, ..from_error_code(code) };
        Some(self.0.next().await?.map_err(broken))
    }
}

impl std::fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AnswerBody")
    }
}
