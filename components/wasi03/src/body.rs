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
pub struct AnswerBody {
    /// Not every answer is read, and opening one costs several calls of the host.
    unopened: Option<Response>,
    opened: Option<Contents>,
}

impl AnswerBody {
    pub(crate) fn new(response: Response) -> Self {
        Self { unopened: Some(response), opened: None }
    }
}

impl Body for AnswerBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, SendError>> {
        if let Some(response) = self.unopened.take() {
            let (_consumed, result) = wit_future::new(|| Ok(()));
            let contents = Response::consume_body(response, result);
            self.opened = Some(Contents::new(contents, ANSWER_PIECE));
        }
        let broken = |code| SendError { sent: Sent::Perhaps, ..from_error_code(code) };
        Some(self.opened.as_mut()?.next().await?.map_err(broken))
    }
}
