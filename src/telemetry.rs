//! What operators see: events with a level, a name and fields, one line each.
//!
//! An event is reported through the host, which every part of the gateway has
//! anyway ([`Report::event`]). The format of lines and the lowest level are set
//! once per instance ([`configure`]). Until the configuration has been read, the
//! defaults apply. A task carries the trace of the request that it works for
//! ([`with_trace`]), and each of its lines names that trace.
//!
//! No field may hold a secret, a key, a URL that may hold credentials (which
//! every callback URL may), or any part of a record. The text of an upstream's
//! error counts as part of a record, because servers quote what they could not
//! read. Fields are therefore names of topics, groups and calls, numbers, and
//! sentences written in this project.

mod call;
mod change;
mod done;
mod line;
mod request;
mod task;
mod trace;

use std::cell::Cell;
use std::time::Duration;

pub use self::call::{CallReport, Server};
pub use self::change::{AdministrativeCall, Change, Making, report_change};
pub use self::done::{Done, Work, count, done, has_answered};
pub use self::line::{Field, Level, LogFormat, Value};
pub use self::request::RequestReport;
pub use self::task::{WithTrace, current_trace, for_trace, inheriting, with_trace};
pub use self::trace::{TRACEPARENT, Trace};
use crate::error::{Error, ErrorKind};
use crate::host::Host;
use crate::render;

/// The format of lines, and the lowest level that is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    pub format: LogFormat,
    pub level: Level,
}

impl Settings {
    pub const DEFAULT: Self = Self { format: LogFormat::Logfmt, level: Level::Info };
}

thread_local! {
    /// An instance of the component has one thread. Simulated instances on the
    /// same thread share these settings.
    static SETTINGS: Cell<Settings> = const { Cell::new(Settings::DEFAULT) };
}

/// Sets how this instance reports from now on.
pub fn configure(settings: Settings) {
    SETTINGS.set(settings);
}

/// Whether events of this level are written. Check this before computing fields
/// that are expensive.
pub fn is_on(level: Level) -> bool {
    level <= SETTINGS.get().level
}

/// Reporting, for everything that has a host.
pub trait Report {
    /// Reports an event. Its name is in kebab case.
    fn event(&self, level: Level, name: &'static str, fields: &[Field<'_>]);
}

impl<H: Host> Report for H {
    fn event(&self, level: Level, name: &'static str, fields: &[Field<'_>]) {
        if is_on(level) {
            let (format, time) = (SETTINGS.get().format, render::timestamp(self.now()));
            self.report(&line::of(format, &time, level, name, current_trace(), fields));
        }
    }
}

impl<'a> Value<'a> {
    pub fn millis(time: Duration) -> Self {
        Self::Number(i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
    }

    pub fn count(count: usize) -> Self {
        Self::Number(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

/// The level of a service's error. A caller's mistake does not concern the
/// operator.
pub fn level_of(error: &Error) -> Level {
    match &**error {
        ErrorKind::UnknownTopic(_)
        | ErrorKind::UnknownSubscription(_)
        | ErrorKind::UnknownGroup(_)
        | ErrorKind::UnknownSource(_)
        | ErrorKind::UnknownDestination(_)
        | ErrorKind::UnknownAction(_)
        | ErrorKind::UnknownRun(_)
        | ErrorKind::Unprocessable { .. }
        | ErrorKind::Invalid { .. }
        | ErrorKind::InvalidField { .. }
        | ErrorKind::NameTaken(_)
        | ErrorKind::Changed(_)
        | ErrorKind::InvalidCallback { .. }
        | ErrorKind::TooLarge { .. }
        | ErrorKind::Unsupported(_) => Level::Debug,
        ErrorKind::Busy(_) | ErrorKind::LimitReached(_) => Level::Info,
        ErrorKind::Unconfigured(_) => Level::Error,
        ErrorKind::Destination { .. } => Level::Warn,
        ErrorKind::Throttled { .. }
        | ErrorKind::PermissionDenied { .. }
        | ErrorKind::Unreachable { .. }
        | ErrorKind::Upstream { .. }
        | ErrorKind::Timeout
        | ErrorKind::OutcomeUnknown { .. }
        | ErrorKind::Store { .. } => Level::Warn,
    }
}
