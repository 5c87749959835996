//! The body of an answer while it arrives.

use bytes::Bytes;
use kafka_edge_wasi_http::ANSWER_PIECE;
use wasip3::http::types::Response;
use wasip3::wit_future;

use crate::contents::Contents;
use crate::wasi::from_error_code;
use kafka_edge::host::{Body, SendError, Sent};

/// Dropping the body before its end closes the connection.
#[derive(Debug)]
pub struct AnswerBody(Contents);

impl AnswerBody {
    pub(crate) fn new(response: Response) -> Self {
        let (_consumed, result) = wit_future::new(|| Ok(()));
        Self(Contents::new(Response::consume_body(response, result), ANSWER_PIECE))
    }
}

impl Body for AnswerBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, SendError>> {
        let broken = |code| SendError { sent: Sent::Perhaps, ..from_error_code(code) };
        Some(self.0.next().await?.map_err(broken))
    }
}
