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
pub struct AnswerBody(Reading);

#[derive(Debug)]
enum Reading {
    /// Not every answer is read, and opening one costs several calls of the host.
    Unopened(Option<Response>),
    Opened(Contents),
}

impl AnswerBody {
    pub(crate) fn new(response: Response) -> Self {
        Self(Reading::Unopened(Some(response)))
    }
}

impl Body for AnswerBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, SendError>> {
        let broken = |code| SendError { sent: Sent::Perhaps, ..from_error_code(code) };
        if let Reading::Unopened(response) = &mut self.0 {
            let (_consumed, result) = wit_future::new(|| Ok(()));
            let contents = Response::consume_body(response.take()?, result);
            self.0 = Reading::Opened(Contents::new(contents, ANSWER_PIECE));
        }
        match &mut self.0 {
            Reading::Opened(contents) => Some(contents.next().await?.map_err(broken)),
            Reading::Unopened(_) => None,
        }
    }
}
