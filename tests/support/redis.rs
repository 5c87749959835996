//! A real Redis, or a Valkey, that a test may do anything to.
//!
//! `KAFKA_EDGE_REDIS_SERVER` names the program; without it `redis-server` is run, and where
//! there is none the tests say that they are skipped.

#![allow(dead_code, reason = "each suite needs another part of it")]

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Once;
use std::time::{Duration, Instant};

/// How long a server may take until it answers.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server of its own, with a folder of its own. It ends with this value.
pub(crate) struct Redis {
    child: Child,
    port: u16,
    folder: tempfile::TempDir,
    arguments: Vec<String>,
}

fn program() -> String {
    std::env::var("KAFKA_EDGE_REDIS_SERVER").unwrap_or_else(|_| "redis-server".into())
}

fn is_there() -> bool {
    let mut version = Command::new(program());
    version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    let there = version.status().is_ok_and(|status| status.success());
    static TOLD: Once = Once::new();
    if !there {
        // The test harness would swallow what a macro prints.
        TOLD.call_once(|| {
            _ = writeln!(std::io::stderr(), "skipped: tests over Redis ({} is absent)", program());
        });
    }
    there
}

impl Redis {
    /// Keeps everything in memory. `None`: there is no such program here.
    pub(crate) fn start() -> Option<Self> {
        Self::with(&[])
    }

    pub(crate) fn with(arguments: &[&str]) -> Option<Self> {
        if !is_there() {
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let arguments: Vec<_> = arguments.iter().map(|part| (*part).to_owned()).collect();
        // Somebody else may take the port before the server does.
        for _ in 0..5 {
            let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
            let port = free.local_addr().expect("its address").port();
            drop(free);
            let mut child = run(port, &folder, &arguments);
            if answers(&mut child, port) {
                return Some(Self { child, port, folder, arguments });
            }
        }
        panic!("{} does not start", program());
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends a command of words without spaces, and returns the answer as it came.
    pub(crate) fn command(&self, words: &str) -> String {
        ask(self.port, words).unwrap_or_else(|error| panic!("{words}: {error}"))
    }

    /// What `INFO` says under this name.
    pub(crate) fn info(&self, name: &str) -> String {
        let info = self.command("INFO everything");
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.unwrap_or_else(|| panic!("no {name} in {info}")).trim().to_owned()
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &id]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// It does not answer any more, and its connections stay open.
    pub(crate) fn freeze(&self) {
        self.signal("-STOP");
    }

    pub(crate) fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it is there");
        self.child.wait().expect("it ends");
    }

    /// Starts it again, with what is in its folder.
    pub(crate) fn restart(&mut self) {
        self.restart_with(&[]);
    }

    pub(crate) fn restart_with(&mut self, more: &[&str]) {
        let more = more.iter().map(|part| (*part).to_owned());
        let arguments: Vec<_> = self.arguments.iter().cloned().chain(more).collect();
        self.child = run(self.port, &self.folder, &arguments);
        assert!(answers(&mut self.child, self.port), "it starts again");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn run(port: u16, folder: &tempfile::TempDir, arguments: &[String]) -> Child {
    let mut server = Command::new(program());
    server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""]);
    server.arg("--dir").arg(folder.path()).args(arguments);
    server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    server.spawn().expect("it is there")
}

/// Whether it answers, be it with an error, before it ends.
fn answers(child: &mut Child, port: u16) -> bool {
    let begun = Instant::now();
    loop {
        // Somebody else's server would not know this word.
        if ask(port, "PING").is_ok_and(|answer| answer.starts_with(['+', '-'])) {
            return child.try_wait().is_ok_and(|ended| ended.is_none());
        }
        if child.try_wait().is_ok_and(|ended| ended.is_some()) {
            return false;
        }
        assert!(begun.elapsed() < PATIENCE, "{} does not answer", program());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// One answer of a line, or a text with its length before it.
fn ask(port: u16, words: &str) -> std::io::Result<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port))?;
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.write_all(format!("{words}\r\n").as_bytes())?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = connection.read(&mut buffer)?;
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer).into_owned();
        let Some((head, rest)) = text.split_once("\r\n") else {
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            continue;
        };
        match head.strip_prefix('$').map(str::parse::<usize>) {
            Some(Ok(length)) if rest.len() < length && count > 0 => {}
            Some(Ok(_)) => return Ok(rest.to_owned()),
            _ => return Ok(head.to_owned()),
        }
    }
}
