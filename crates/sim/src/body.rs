//! Bodies of answers, piece by piece.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::{self, LocalBoxStream, Stream};
use kafka_edge::host::{Body, SendError, SendErrorKind, Sent};

use crate::life::Life;

/// A piece of a scripted body.
#[derive(Debug, Clone)]
pub enum Piece {
    Data(Bytes),
    /// No data for this time.
    Wait(Duration),
    /// The connection breaks.
    Cut,
    /// No more data, and no end.
    Hang,
}

impl From<&str> for Piece {
    fn from(text: &str) -> Self {
        Piece::Data(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// The body of an answer of a simulated upstream.
pub struct SimBody {
    pieces: LocalBoxStream<'static, Result<Bytes, SendError>>,
    reader: Option<Reader>,
}

/// The instance whose body it is, once the host has passed it on.
struct Reader {
    life: Life,
    timeout: Duration,
}

impl fmt::Debug for SimBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SimBody")
    }
}

impl SimBody {
    /// A body that comes as `stream` says.
    pub fn new(stream: impl Stream<Item = Result<Bytes, SendError>> + 'static) -> Self {
        Self { pieces: stream.boxed_local(), reader: None }
    }

    /// A body that comes in one piece.
    pub fn full(bytes: impl Into<Bytes>) -> Self {
        Self::scripted(vec![Piece::Data(bytes.into())])
    }

    pub fn scripted(pieces: Vec<Piece>) -> Self {
        Self::new(stream::unfold(pieces.into_iter(), async |mut rest| {
            loop {
                match rest.next()? {
                    Piece::Data(bytes) if bytes.is_empty() => {}
                    Piece::Data(bytes) => return Some((Ok(bytes), rest)),
                    Piece::Wait(time) => tokio::time::sleep(time).await,
                    Piece::Cut => return Some((Err(broken()), Vec::new().into_iter())),
                    Piece::Hang => std::future::pending().await,
                }
            }
        }))
    }

    /// Cut after `limit` bytes; a body that is no longer than that is cut
    /// before its end all the same.
    pub(crate) fn cut_after(self, limit: usize) -> Self {
        Self::new(stream::unfold((self.pieces, Some(limit)), async |(mut pieces, left)| {
            let left = left?;
            match pieces.next().await {
                Some(Ok(bytes)) if bytes.len() < left => {
                    let left = left - bytes.len();
                    Some((Ok(bytes), (pieces, Some(left))))
                }
                Some(Ok(bytes)) if left > 0 => Some((Ok(bytes.slice(..left)), (pieces, Some(0)))),
                _ => Some((Err(broken()), (pieces, None))),
            }
        }))
    }

    pub(crate) fn read_by(mut self, life: Life, timeout: Duration) -> Self {
        self.reader = Some(Reader { life, timeout });
        self
    }
}

pub(crate) fn broken() -> SendError {
    SendError { sent: Sent::Perhaps, kind: SendErrorKind::Broken }
}

pub(crate) fn too_slow() -> SendError {
    SendError { sent: Sent::Perhaps, kind: SendErrorKind::Timeout }
}

impl Body for SimBody {
    async fn chunk(&mut self) -> Option<Result<Bytes, SendError>> {
        let next = self.pieces.next();
        let Some(Reader { life, timeout }) = &self.reader else { return next.await };
        let next = async { tokio::time::timeout(*timeout, next).await };
        life.call(next).await.unwrap_or_else(|_| Some(Err(too_slow())))
    }
}
