//! The report on one call of another server.

use std::time::Duration;

use http::{Method, StatusCode};

use super::{Field, Level, Report, Value, is_on};
use crate::host::{Host, SendError, Sent};

/// A call that takes longer than this, beyond what the server was asked to
/// wait, is slow.
const SLOW: Duration = Duration::from_secs(1);

/// Who is called.
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

/// A call under way. What is called is a path of ours, with names of topics
/// in it, or a word for the kind of call.
pub struct CallReport<'a, H> {
    host: &'a H,
    server: Server,
    method: &'a Method,
    path: &'a str,
    begun: Duration,
    /// How long the server was asked to wait.
    patience: Duration,
}

impl<H> std::fmt::Debug for CallReport<'_, H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CallReport").field("path", &self.path).finish_non_exhaustive()
    }
}

impl<'a, H: Host> CallReport<'a, H> {
    pub fn begin(host: &'a H, server: Server, method: &'a Method, path: &'a str) -> Self {
        let begun = host.monotonic();
        Self { host, server, method, path, begun, patience: Duration::ZERO }
    }

    /// The same, for a call whose server may wait that long before it answers.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The server did what it was asked.
    pub fn succeeded(&self) {
        match self.took() > self.patience + SLOW {
            true => self.event(Level::Warn, "call-slow", &[]),
            false => self.event(Level::Debug, "call-succeeded", &[]),
        }
    }

    /// The server said no. Its own words are not reported: they may quote a
    /// record.
    pub fn refused(&self, status: StatusCode, code: Option<i64>) {
        let (level, name) = match status.as_u16() {
            401 | 403 | 429 => (Level::Warn, "call-refused"),
            // What was asked for is not there, or not right: a caller's matter.
            400..=499 => (Level::Info, "call-refused"),
            _ => (Level::Warn, "call-failed"),
        };
        let status = ("status", Value::Number(status.as_u16().into()));
        match code {
            Some(code) => self.event(level, name, &[status, ("code", Value::Number(code))]),
            None => self.event(level, name, &[status]),
        }
    }

    /// There was no answer, or not a whole one.
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

    /// There was an answer that is of no use. `why` is a sentence of ours.
    pub fn failed(&self, why: &str) {
        self.event(Level::Warn, "call-failed", &[("why", why.into())]);
    }

    /// It is to be made again after a pause.
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
