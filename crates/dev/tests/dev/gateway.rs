//! The program as a process, and short ways to talk to it.

use serde_json::Value;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_kafka-edge-dev"));
    program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    program
}

/// Runs it where it cannot start.
pub(crate) fn refused(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// A gateway that runs; it is killed when it is dropped.
pub(crate) struct Gateway {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) banner: String,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Gateway {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_telling(arguments, Stdio::inherit())
    }

    /// Starts it with more in its environment.
    pub(crate) fn start_in(environment: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut program = program();
        program.envs(environment.iter().copied());
        Self::start_program(program, arguments, Stdio::inherit())
    }

    /// Starts it with another place for what it has to say beside the banner.
    pub(crate) fn start_telling(arguments: &[&str], place: Stdio) -> Self {
        Self::start_program(program(), arguments, place)
    }

    fn start_program(mut program: Command, arguments: &[&str], place: Stdio) -> Self {
        let mut child = program
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stderr(place)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut banner = String::new();
        while !banner.contains("Ctrl-C") {
            let line = lines.next().expect("a banner").unwrap();
            banner.push_str(&line);
            banner.push('\n');
        }
        let (_, rest) = banner.split_once("http://").unwrap();
        let address = rest.split_whitespace().next().unwrap().to_owned();
        Self { child, address, banner, lines }
    }

    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self::start(&["--data-dir", folder.to_str().unwrap()])
    }

    /// Sends a GET; the answer is still to be read.
    pub(crate) fn ask(&self, path: &str, accept: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        // HTTP/1.0: the answer ends with the connection, not in chunks.
        let host = &self.address;
        let request = format!("GET {path} HTTP/1.0\r\nhost: {host}\r\naccept: {accept}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    /// A GET with the JSON of the answer.
    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        let mut stream = self.ask(path, "*/*");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (status, serde_json::from_str(body).unwrap_or(Value::Null))
    }

    /// A request with a body, and the text of the answer.
    pub(crate) fn send(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let (host, length) = (&self.address, body.len());
        let head = format!("{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {length}");
        stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer.split_once("\r\n\r\n").unwrap().1.to_owned())
    }

    pub(crate) fn produce(&self, message: &str) {
        let (status, report) = self.get(&format!("/producer/test-topic/{message}?partition=0"));
        assert_eq!(status, 200, "{report}");
        assert_eq!(report["message"], message);
    }

    /// Writes a record to the REST server behind it, of which it hears nothing.
    pub(crate) fn write_behind_it(&self, message: &str) {
        let (_, rest) = self.banner.split_once("embedded, on http://").unwrap();
        let address = rest.split_whitespace().next().unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        let body = format!(r#"{{"value":{{"type":"STRING","data":"{message}"}}}}"#);
        let request = format!(
            "POST /v3/clusters/any/topics/test-topic/records HTTP/1.0\r\nhost: {address}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("\"offset\""), "{answer}");
    }

    pub(crate) fn consume(&self) -> Value {
        let (status, record) = self.get("/consumer/test-topic?wait=5");
        assert_eq!(status, 200, "{record}");
        record["message"].clone()
    }

    /// Reads what it prints until there is such a line.
    pub(crate) fn until_line(&mut self, wanted: impl Fn(&str) -> bool) {
        for line in &mut self.lines {
            if wanted(&line.unwrap()) {
                return;
            }
        }
        panic!("it ended without that line");
    }

    /// What Ctrl-C does.
    pub(crate) fn interrupt(self) -> ExitStatus {
        self.end("-INT")
    }

    /// What `kill` does, and how the program ends then.
    pub(crate) fn terminate(self) -> ExitStatus {
        self.end("-TERM")
    }

    fn end(mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < Duration::from_secs(30), "it goes on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
