//! The report on one call of another server.

use std::time::Duration;

use http::{Method, StatusCode};

use super::{Field, Level, Report, Value, Work, count, is_on};
use crate::host::{Host, SendError, Sent};

/// A call is slow if it takes longer than this, not counting the time that the
/// server was asked to wait.
const SLOW: Duration = Duration::from_secs(1);

/// The server that is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Server {
    Kafka,
    SchemaRegistry,
}

impl Server {
    fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::SchemaRegistry => "schema-registry",
        }
    }
}

/// A call in progress. Its name is a path that we made, which may hold names of
/// topics, or a word for the kind of call.
pub struct CallReport<'a, H: Host> {
    host: &'a H,
    server: Server,
    method: &'a Method,
    path: &'a str,
    begun: Duration,
    /// How long the server was asked to wait.
    patience: Duration,
}

impl<H: Host> std::fmt::Debug for CallReport<'_, H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallReport").field("path", &self.path).finish_non_exhaustive()
    }
}

/// However the call has ended, it is one.
impl<H: Host> Drop for CallReport<'_, H> {
    fn drop(&mut self) {
        let work = match self.server {
            Server::Kafka => Work::Kafka,
            Server::SchemaRegistry => Work::SchemaRegistry,
        };
        count(work, self.took());
    }
}

impl<'a, H: Host> CallReport<'a, H> {
    pub fn begin(host: &'a H, server: Server, method: &'a Method, path: &'a str) -> Self {
        let begun = host.monotonic();
        Self { host, server, method, path, begun, patience: Duration::ZERO }
    }

    /// For a call whose server may wait this long before it answers.
    #[must_use]
    pub fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// The server did what it was asked.
    pub fn succeeded(&self) {
        match self.took() > self.patience + SLOW {
            true => self.event(Level::Warn, "call-slow", &[]),
            false => self.event(Level::Debug, "call-succeeded", &[]),
        }
    }

    /// The server refused. The text of its answer is not reported, because it may
    /// quote a record.
    pub fn refused(&self, status: StatusCode, code: Option<i64>) {
        let (level, name) = match status.as_u16() {
            401 | 403 | 429 => (Level::Warn, "call-refused"),
            // The caller asked for something missing or invalid.
            400..=499 => (Level::Info, "call-refused"),
            _ => (Level::Warn, "call-failed"),
        };
        let status = ("status", Value::Number(status.as_u16().into()));
        match code {
            Some(code) => self.event(level, name, &[status, ("code", Value::Number(code))]),
            None => self.event(level, name, &[status]),
        }
    }

    /// There was no answer, or only a part of one.
    pub fn unanswered(&self, error: &SendError) {
        let sent = match error.sent {
            Sent::Not => "no",
            Sent::Perhaps => "perhaps",
        };
        self.event(
            Level::Warn,
            "call-failed",
            &[("why", (&*error.to_string()).into()), ("sent", sent.into())],
        );
    }

    /// The answer is of no use. `why` is our own sentence, not the server's.
    pub fn failed(&self, why: &str) {
        self.event(Level::Warn, "call-failed", &[("why", why.into())]);
    }

    /// The call will be repeated after a pause.
    pub fn retried(&self, tries: u32, pause: Duration) {
        let fields = [("try", tries.into()), ("pause_millis", Value::millis(pause))];
        self.untimed(Level::Info, "call-retried", &fields);
    }

    fn took(&self) -> Duration {
        self.host.monotonic().saturating_sub(self.begun)
    }

    fn event(&self, level: Level, name: &'static str, more: &[Field<'_>]) {
        let millis = ("millis", Value::millis(self.took()));
        self.untimed(level, name, &[&[millis], more].concat());
    }

    fn untimed(&self, level: Level, name: &'static str, more: &[Field<'_>]) {
        if !is_on(level) {
            return;
        }
        let call = format!("{} {}", self.method, self.path);
        let fields = [("server", self.server.name().into()), ("call", call.as_str().into())];
        self.host.event(level, name, &[&fields, more].concat());
    }
}
