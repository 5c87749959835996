//! The report on one request from a caller.

use std::time::Duration;

use http::{Method, StatusCode};

use super::{Level, Report, Trace, Value, Work, count};
use crate::host::Host;

/// A request in progress.
#[derive(Debug, Clone, Copy)]
pub struct RequestReport {
    trace: Trace,
    begun: Duration,
}

impl RequestReport {
    /// Continues the trace of a request that has exactly one `traceparent`, if it
    /// is valid. Otherwise a new trace begins.
    pub fn begin<'a>(host: &impl Host, mut traceparents: impl Iterator<Item = &'a [u8]>) -> Self {
        let named = match (traceparents.next(), traceparents.next()) {
            (Some(value), None) => Trace::parse(value),
            _ => None,
        };
        let trace = named.unwrap_or_else(|| Trace::begin(host));
        Self { trace, begun: host.monotonic() }
    }

    /// The trace for [`with_trace`](super::with_trace).
    pub fn trace(&self) -> Trace {
        self.trace
    }

    /// Reports the answer once its status is known. `route` is the pattern of the
    /// route, such as `/producer/{topic}/{message}`, because the path itself may
    /// hold a message.
    pub fn finished(self, host: &impl Host, method: &Method, route: &str, status: StatusCode) {
        let level = match status.as_u16() {
            500.. => Level::Warn,
            401 | 403 | 429 => Level::Info,
            _ => Level::Debug,
        };
        super::task::for_trace(self.trace, || {
            let took = host.monotonic().saturating_sub(self.begun);
            count(Work::Request, took);
            let fields = [
                ("method", Value::Text(method.as_str())),
                ("route", Value::Text(route)),
                ("status", Value::Number(status.as_u16().into())),
                ("millis", Value::millis(took)),
            ];
            host.event(level, "request-finished", &fields);
        });
    }
}
