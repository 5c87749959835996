//! The body of an answer.

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The body of an answer: one piece, or pieces as they come.
///
/// Each frame is one piece that the real proxy writes as a chunk of its own.
/// A body whose length is known in advance was sent with a length by the real
/// proxy, one without was sent chunked.
#[derive(Debug)]
pub struct ResponseBody(Inner);

#[derive(Debug)]
enum Inner {
    /// Sent with its length.
    Sized(Option<Bytes>),
    /// Sent chunked, in one piece.
    Whole(Option<Bytes>),
    /// Sent chunked, piece by piece.
    Stream(mpsc::UnboundedReceiver<Bytes>),
}

impl ResponseBody {
    pub(crate) fn empty() -> ResponseBody {
        ResponseBody(Inner::Sized(None))
    }

    pub(crate) fn sized(bytes: impl Into<Bytes>) -> ResponseBody {
        ResponseBody(Inner::Sized(Some(bytes.into())))
    }

    pub(crate) fn whole(bytes: impl Into<Bytes>) -> ResponseBody {
        ResponseBody(Inner::Whole(Some(bytes.into())))
    }

    /// A gzip stream, of which the header is a piece of its own.
    pub(crate) fn gzipped(bytes: Vec<u8>) -> ResponseBody {
        let (sender, body) = ResponseBody::stream();
        sender.send_gzipped(bytes);
        body
    }

    /// The bytes of a body that is sent chunked and in one piece.
    pub(crate) fn into_whole(self) -> Result<Bytes, ResponseBody> {
        match self.0 {
            Inner::Whole(bytes) => Ok(bytes.unwrap_or_default()),
            other => Err(ResponseBody(other)),
        }
    }

    pub(crate) fn stream() -> (FrameSender, ResponseBody) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (FrameSender(sender), ResponseBody(Inner::Stream(receiver)))
    }
}

/// The sending side of a streamed answer.
#[derive(Debug)]
pub(crate) struct FrameSender(mpsc::UnboundedSender<Bytes>);

impl FrameSender {
    /// Sends a piece. A receiver that is gone does not matter: records that
    /// were read are produced all the same.
    pub(crate) fn send(&self, bytes: impl Into<Bytes>) {
        let _ = self.0.send(bytes.into());
    }

    /// The proxy writes the header of a gzip stream as a piece of its own.
    pub(crate) fn send_gzipped(&self, bytes: Vec<u8>) {
        const HEADER_LENGTH: usize = 10;
        let mut header = Bytes::from(bytes);
        let rest = header.split_off(HEADER_LENGTH.min(header.len()));
        self.send(header);
        self.send(rest);
    }

    /// Waits until the receiver is gone.
    pub(crate) async fn hung_up(&self) {
        self.0.closed().await;
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Inner::Sized(bytes) | Inner::Whole(bytes) => {
                Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b))))
            }
            Inner::Stream(receiver) => {
                receiver.poll_recv(cx).map(|piece| piece.map(|b| Ok(Frame::data(b))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Inner::Sized(None))
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Inner::Sized(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64))
            }
            _ => SizeHint::default(),
        }
    }
}
