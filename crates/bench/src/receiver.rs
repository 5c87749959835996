//! A server for callbacks, over TCP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A request to a callback.
pub(crate) struct Request {
    pub(crate) path: String,
    /// Its `webhook-id`.
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
}

/// What the server does with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reaction {
    Status(u16),
    /// The same after this time.
    Late(Duration, u16),
    /// The connection is closed without an answer.
    Close,
    /// It never answers.
    Hang,
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    open: Arc<AtomicUsize>,
}

/// A connection that is counted while it is open.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Receiver {
    pub(crate) async fn start(
        react: impl Fn(&Request) -> Reaction + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (open, react) = (Arc::new(AtomicUsize::new(0)), Arc::new(react));
        let count = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let (open, react) = (Open(Arc::clone(&count)), Arc::clone(&react));
                tokio::spawn(async move {
                    let _open = open;
                    serve(stream, &*react).await
                });
            }
        });
        Ok(Self { url, open })
    }

    /// Connections that are open now.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

/// Answers the requests of a connection.
async fn serve(
    mut stream: TcpStream,
    react: &(impl Fn(&Request) -> Reaction + Sync),
) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let request = read(&mut stream, &mut buffer).await?;
        let status = match react(&request) {
            Reaction::Status(status) => status,
            Reaction::Late(time, status) => {
                tokio::time::sleep(time).await;
                status
            }
            Reaction::Close => return None,
            Reaction::Hang => {
                // Whoever gives up closes the connection.
                while stream.read_buf(&mut buffer).await.ok()? > 0 {}
                return None;
            }
        };
        let answer = format!("HTTP/1.1 {status} -\r\ncontent-length: 0\r\n\r\n");
        let answer = if status == 204 { "HTTP/1.1 204 -\r\n\r\n".to_owned() } else { answer };
        stream.write_all(answer.as_bytes()).await.ok()?;
    }
}

/// The next request, whose body has a length.
async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
    let header = |name: &str| {
        let fields = head.lines().filter_map(|line| line.split_once(':'));
        fields
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.trim())
    };
    let path = head.split(' ').nth(1)?.to_owned();
    let length: usize = header("content-length")?.parse().ok()?;
    while buffer.len() < end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let id = header("webhook-id").unwrap_or_default().to_owned();
    let body = buffer[end..end + length].to_vec();
    buffer.drain(..end + length);
    Some(Request { path, id, body })
}
