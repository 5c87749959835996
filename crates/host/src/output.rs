//! What guests print.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// Which of its two streams a guest wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Standard output.
    Stdout,
    /// Standard error; panics come here.
    Stderr,
}

/// One line from a guest, or about one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestLine {
    /// The instance it came from, counted from 1.
    pub instance: u64,
    /// Which stream.
    pub channel: Channel,
    /// The text, without its line end.
    pub text: String,
}

impl fmt::Display for GuestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "component #{} | {}", self.instance, self.text)
    }
}

/// Where the lines go.
pub type Output = Arc<dyn Fn(GuestLine) + Send + Sync>;

/// Prints each line on standard error.
pub fn to_stderr() -> Output {
    Arc::new(|line| eprintln!("{line}"))
}

/// A longer line is passed on in pieces, so that a guest cannot fill the
/// host's memory with one.
const MAX_LINE: usize = 16 * 1024;

/// One stream of one guest, cut into lines.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Stream>);

struct Stream {
    instance: u64,
    channel: Channel,
    output: Output,
    rest: Mutex<Vec<u8>>,
}

impl Lines {
    pub(crate) fn new(instance: u64, channel: Channel, output: Output) -> Self {
        Self(Arc::new(Stream { instance, channel, output, rest: Mutex::default() }))
    }
}

impl Stream {
    fn write(&self, bytes: &[u8]) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        rest.extend_from_slice(bytes);
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            self.pass_on(&line[..end]);
        }
        if rest.len() > MAX_LINE {
            let piece = std::mem::take(&mut *rest);
            self.pass_on(&piece);
        }
    }

    fn pass_on(&self, line: &[u8]) {
        (self.output)(GuestLine {
            instance: self.instance,
            channel: self.channel,
            text: String::from_utf8_lossy(line).trim_end_matches('\r').to_owned(),
        });
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let rest = std::mem::take(self.rest.get_mut().unwrap_or_else(PoisonError::into_inner));
        if !rest.is_empty() {
            self.pass_on(&rest);
        }
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.write(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
