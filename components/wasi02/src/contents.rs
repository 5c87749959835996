//! The contents of a request or of an answer while they arrive.

use bytes::Bytes;
use wasip2::http::types::{ErrorCode, IncomingBody, http_error_code};
use wasip2::io::streams::{InputStream, StreamError};

use crate::executor::Ready;

/// Dropping the contents before their end refuses the rest.
///
/// The stream belongs to the body and must be dropped before it: the fields are in this
/// order.
pub(crate) struct Contents {
    stream: Option<InputStream>,
    _body: IncomingBody,
    piece: u64,
}

impl Contents {
    /// `piece` is the size of a read; the host returns what it has.
    pub(crate) fn new(body: IncomingBody, piece: usize) -> Result<Self, ErrorCode> {
        let stream = body.stream().map_err(|()| ErrorCode::InternalError(None))?;
        Ok(Self { stream: Some(stream), _body: body, piece: piece as u64 })
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, ErrorCode>> {
        loop {
            let stream = self.stream.as_ref()?;
            let end = match stream.read(self.piece) {
                Ok(bytes) if bytes.is_empty() => {
                    Ready::new(stream.subscribe()).await;
                    continue;
                }
                Ok(bytes) => return Some(Ok(bytes.into())),
                Err(StreamError::Closed) => None,
                Err(StreamError::LastOperationFailed(error)) => {
                    let code = http_error_code(&error);
                    Some(Err(code.unwrap_or(ErrorCode::InternalError(None))))
                }
            };
            self.stream = None;
            return end;
        }
    }
}
