//! What only a connection shows: pipelining, HTTP/1.0, half-closed and idle
//! connections, `Expect: 100-continue`. A connection in memory, in virtual
//! time.

use crate::compare::{Given, differences, mask};
use crate::recording::Exchange;
use crate::requests::{Step, sending};
use kafka_edge_emulator::{Emulator, serve_connection};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, sleep, timeout};

const AUTHORITY: &str = "127.0.0.1:8082";

struct Connection {
    io: DuplexStream,
    buffer: Vec<u8>,
    start: Instant,
}

/// Performs an exchange over a connection.
pub(crate) async fn perform(emulator: &Emulator, exchange: &Exchange) -> Vec<String> {
    let (io, server) = tokio::io::duplex(1024 * 1024);
    let serving = tokio::spawn(serve_connection(server, emulator.clone()));
    let connection = Connection { io, buffer: Vec::new(), start: Instant::now() };
    let json = &exchange.answer.json;
    let found = match exchange.name.as_str() {
        name if name.starts_with("connection cut") => cut(connection, emulator, exchange).await,
        "idle keep-alive connection" => idle(connection, exchange).await,
        name if name.starts_with("five pipelined") => pipelined(connection, exchange).await,
        _ if json["first"].is_string() => expect_at_once(connection, exchange).await,
        _ if json["before_body"].is_string() => expect_and_wait(connection, exchange).await,
        _ => plain(connection, exchange).await,
    };
    serving.abort();
    found
}

impl Connection {
    async fn write(&mut self, text: &str) {
        self.io.write_all(text.as_bytes()).await.expect("a connection that takes bytes");
    }

    /// Reads until `enough` says so, or until the other side closes.
    async fn read_until(&mut self, enough: impl Fn(&[u8]) -> bool) {
        while !enough(&self.buffer) {
            let mut piece = [0; 4096];
            match self.io.read(&mut piece).await {
                Ok(0) | Err(_) => return,
                Ok(n) => self.buffer.extend_from_slice(&piece[..n]),
            }
        }
    }

    /// One whole answer.
    async fn answer(&mut self) -> Given {
        self.read_until(|bytes| position(bytes, b"\r\n\r\n").is_some()).await;
        let end = position(&self.buffer, b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        self.buffer.drain(..end + 4);
        let mut lines = head.lines();
        let status =
            lines.next().and_then(|l| l.split(' ').nth(1)?.parse().ok()).expect("a status");
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(n, v)| (n.to_owned(), v.to_owned()))
            .collect();
        let mut given = Given { status, headers, ..Given::default() };
        let header = |name: &str| {
            let found = given.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
            found.map(|(_, v)| v.clone())
        };
        let length: Option<usize> = header("content-length").and_then(|l| l.parse().ok());
        if header("transfer-encoding").as_deref() == Some("chunked") {
            given.pieces = self.chunks().await;
        } else if let Some(length) = length {
            self.read_until(|bytes| bytes.len() >= length).await;
            given.pieces = vec![self.buffer.drain(..length).collect()];
            given.length = Some(length as u64);
        } else {
            self.read_until(|_| false).await;
            given.pieces = vec![std::mem::take(&mut self.buffer)];
        }
        given.ms = self.start.elapsed().as_secs_f64() * 1000.0;
        given
    }

    async fn chunks(&mut self) -> Vec<Vec<u8>> {
        let mut chunks = Vec::new();
        loop {
            self.read_until(|bytes| position(bytes, b"\r\n").is_some()).await;
            let line = position(&self.buffer, b"\r\n").expect("a chunk's size");
            let text = String::from_utf8_lossy(&self.buffer[..line]).into_owned();
            let size = usize::from_str_radix(&text, 16).expect("a chunk's size");
            self.read_until(|bytes| bytes.len() >= line + 2 + size + 2).await;
            let chunk: Vec<u8> = self.buffer.drain(..line + 2 + size + 2).collect();
            if size == 0 {
                return chunks;
            }
            chunks.push(chunk[line + 2..line + 2 + size].to_vec());
        }
    }
}

fn position(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes.windows(needle.len()).position(|window| window == needle)
}

fn head(exchange: &Exchange, version: &str, more: &str) -> String {
    let mut head =
        format!("{} {} HTTP/{version}\r\nHost: {AUTHORITY}\r\n", exchange.method, exchange.path);
    for (name, value) in &exchange.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if exchange.method == "POST" && !exchange.headers.iter().any(|(n, _)| n == "Content-Type") {
        head.push_str("Content-Type: application/json\r\n");
    }
    head + more + "\r\n"
}

fn body(exchange: &Exchange) -> String {
    String::from_utf8(exchange.body.clone().unwrap_or_default()).expect("text")
}

fn sized_head(exchange: &Exchange, version: &str) -> String {
    head(exchange, version, &format!("Content-Length: {}\r\n", body(exchange).len()))
}

async fn plain(mut connection: Connection, exchange: &Exchange) -> Vec<String> {
    let version = if exchange.sent_as == "HTTP/1.0" { "1.0" } else { "1.1" };
    connection.write(&(sized_head(exchange, version) + &body(exchange))).await;
    let given = connection.answer().await;
    differences(&exchange.answer, &given, false)
}

async fn pipelined(mut connection: Connection, exchange: &Exchange) -> Vec<String> {
    let one = sized_head(exchange, "1.1") + &body(exchange);
    connection.write(&one.repeat(5)).await;
    let mut found = Vec::new();
    for recorded in exchange.answer.json["responses"].as_array().expect("five answers") {
        let given = connection.answer().await;
        let text = String::from_utf8_lossy(&given.body()).into_owned();
        let expected = recorded["body"].as_str().expect("a body");
        if Some(u64::from(given.status)) != recorded["status"].as_u64() {
            found.push(format!("status {}", given.status));
        }
        if mask(&text) != mask(expected) {
            found.push(format!("body {text:?}, recorded {expected:?}"));
        }
    }
    found
}

/// The caller goes away. Complete records are in the log all the same.
async fn cut(mut connection: Connection, emulator: &Emulator, exchange: &Exchange) -> Vec<String> {
    let before = emulator.end_offset("green", 0).expect("a topic");
    connection.write(&head(exchange, "1.1", "Transfer-Encoding: chunked\r\n")).await;
    for (_, step) in sending(exchange).steps {
        if let Step::Piece(piece) = step {
            let text = String::from_utf8_lossy(&piece).into_owned();
            connection.write(&format!("{:x}\r\n{text}\r\n", text.len())).await;
        }
    }
    connection.read_until(|bytes| !bytes.is_empty()).await;
    let answered = String::from_utf8_lossy(&connection.buffer).into_owned();
    drop(connection);
    sleep(Duration::from_millis(500)).await;
    let written = emulator.end_offset("green", 0).expect("a topic") - before;
    let mut found = Vec::new();
    if !answered.starts_with("HTTP/1.1 200 OK") {
        found.push(format!("answered {answered:?}"));
    }
    let note = format!("records in the log: {written}");
    if !exchange.note.contains(&note) {
        found.push(format!("{note}, recorded {:?}", exchange.note));
    }
    found
}

async fn idle(mut connection: Connection, exchange: &Exchange) -> Vec<String> {
    connection.write(&head(exchange, "1.1", "")).await;
    let given = connection.answer().await;
    let mut found = differences(&exchange.answer, &given, false);
    let answered = Instant::now();
    let closed = timeout(Duration::from_secs(60), connection.read_until(|_| false)).await;
    let after = answered.elapsed().as_secs_f64();
    if closed.is_err() || !(29.0..31.0).contains(&after) {
        found.push(format!("closed after {after} s: {}", closed.is_ok()));
    }
    found
}

/// The body comes right behind the head.
async fn expect_at_once(mut connection: Connection, exchange: &Exchange) -> Vec<String> {
    connection.write(&(sized_head(exchange, "1.1") + &body(exchange))).await;
    connection.read_until(|bytes| position(bytes, b"\r\n").is_some()).await;
    let text = String::from_utf8_lossy(&connection.buffer).into_owned();
    let first = text.lines().next().unwrap_or_default().to_owned();
    let recorded = exchange.answer.json["first"].as_str().expect("a line");
    if first == recorded { vec![] } else { vec![format!("{first:?}, recorded {recorded:?}")] }
}

/// The body comes half a second after the head.
async fn expect_and_wait(mut connection: Connection, exchange: &Exchange) -> Vec<String> {
    connection.write(&sized_head(exchange, "1.1")).await;
    let _ = timeout(Duration::from_millis(500), connection.read_until(|_| false)).await;
    let before = String::from_utf8_lossy(&connection.buffer).into_owned();
    connection.buffer.clear();
    // The other side may have closed.
    let _ = connection.io.write_all(body(exchange).as_bytes()).await;
    let _ = timeout(Duration::from_millis(500), connection.read_until(|_| false)).await;
    let after = String::from_utf8_lossy(&connection.buffer).into_owned();
    let mut found = Vec::new();
    for (name, given) in [("before_body", before), ("after_body", after)] {
        let recorded = exchange.answer.json[name].as_str().unwrap_or_default();
        if comparable(&given) != comparable(recorded) {
            found.push(format!("{name} {given:?}, recorded {recorded:?}"));
        }
    }
    found
}

/// Status line, and JSON without the framing around it.
fn comparable(text: &str) -> (Option<&str>, String) {
    let status = text.lines().next().filter(|line| line.starts_with("HTTP/"));
    let json = match (text.find('{'), text.rfind('}')) {
        (Some(start), Some(end)) => mask(&text[start..=end]),
        _ => String::new(),
    };
    (status, json)
}
