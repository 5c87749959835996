//! An event as one line of text.

use std::fmt::Write;

use super::trace::{TRACEPARENT, Trace};

/// The maximum length of an escaped value in bytes. Longer values are cut.
const MAX_VALUE: usize = 300;
/// The maximum length of a line in bytes. Fields that do not fit are left out.
const MAX_LINE: usize = 2_000;

/// How much an event matters to operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The operator has to act.
    Error,
    /// Something failed, but may recover by itself.
    Warn,
    Info,
    /// Routine events.
    Debug,
}

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// `name=value`, separated by spaces.
    Logfmt,
    /// A JSON object.
    Json,
}

/// A field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    Text(&'a str),
    Number(i64),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

/// A name and a value.
pub type Field<'a> = (&'static str, Value<'a>);

/// The line of an event, without a line break.
pub(super) fn of(
    format: LogFormat,
    time: &str,
    level: Level,
    name: &'static str,
    trace: Option<Trace>,
    fields: &[Field<'_>],
) -> String {
    let mut line = Line { format, text: String::with_capacity(160) };
    line.put("time", Value::Text(time));
    line.put("level", Value::Text(level.name()));
    line.put("event", Value::Text(name));
    if let Some(trace) = trace {
        line.put(TRACEPARENT, Value::Text(trace.as_str()));
    }
    for (name, value) in fields {
        line.put(name, *value);
    }
    if format == LogFormat::Json {
        line.text.push('}');
    }
    line.text
}

struct Line {
    format: LogFormat,
    text: String,
}

impl Line {
    fn put(&mut self, name: &'static str, value: Value<'_>) {
        let before = self.text.len();
        match (self.format, before) {
            (LogFormat::Logfmt, 0) => {}
            (LogFormat::Logfmt, _) => self.text.push(' '),
            (LogFormat::Json, 0) => self.text.push('{'),
            (LogFormat::Json, _) => self.text.push(','),
        }
        match self.format {
            LogFormat::Logfmt => {
                self.text.push_str(name);
                self.text.push('=');
            }
            LogFormat::Json => {
                self.quote(name);
                self.text.push(':');
            }
        }
        match value {
            Value::Number(number) => {
                // Writing to a string does not fail.
                let _ = write!(self.text, "{number}");
            }
            Value::Text(text) if self.format == LogFormat::Logfmt && is_bare(text) => {
                self.text.push_str(text);
            }
            Value::Text(text) => self.quote(text),
        }
        if self.text.len() > MAX_LINE {
            self.text.truncate(before);
        }
    }

    /// Quotes a text with JSON's escapes, which logfmt shares.
    fn quote(&mut self, text: &str) {
        self.text.push('"');
        let end = self.text.len() + MAX_VALUE;
        for c in text.chars() {
            if self.text.len() >= end {
                self.text.push('…');
                break;
            }
            match c {
                '"' => self.text.push_str("\\\""),
                '\\' => self.text.push_str("\\\\"),
                '\n' => self.text.push_str("\\n"),
                c if is_hidden(c) => {
                    // Writing to a string does not fail.
                    let _ = write!(self.text, "\\u{:04x}", u32::from(c));
                }
                c => self.text.push(c),
            }
        }
        self.text.push('"');
    }
}

/// Whether a value needs no quotes in logfmt.
fn is_bare(text: &str) -> bool {
    let bare = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'\\');
    (1..MAX_VALUE).contains(&text.len()) && text.bytes().all(bare)
}

/// Whether a character could break a line, or make it look like a different one.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: &str = "2026-03-01T10:15:30.250Z";

    fn line(format: LogFormat, fields: &[Field<'_>]) -> String {
        of(format, TIME, Level::Warn, "call-failed", None, fields)
    }

    #[test]
    fn an_event_is_one_line_in_either_format() {
        let fields = [
            ("server", "kafka".into()),
            ("call", "GET /v3/topics?a=b".into()),
            ("millis", 12.into()),
            ("why", "".into()),
        ];
        assert_eq!(
            line(LogFormat::Logfmt, &fields),
            r#"time=2026-03-01T10:15:30.250Z level=warn event=call-failed server=kafka call="GET /v3/topics?a=b" millis=12 why="""#
        );
        assert_eq!(
            line(LogFormat::Json, &fields),
            r#"{"time":"2026-03-01T10:15:30.250Z","level":"warn","event":"call-failed","server":"kafka","call":"GET /v3/topics?a=b","millis":12,"why":""}"#
        );
    }

    #[test]
    fn the_trace_is_in_the_line() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let trace = Trace::parse(text.as_bytes());
        let line = of(LogFormat::Logfmt, TIME, Level::Info, "e", trace, &[]);
        assert_eq!(line, format!("time={TIME} level=info event=e traceparent={text}"));
    }

    #[test]
    fn nothing_in_a_value_makes_another_line_or_another_field() {
        let hostile = "a\r\nlevel=error \"x\" \\ \u{1b}[31m\u{85}\u{2028}\u{202e}\u{0}end";
        let fields = [("topic", hostile.into())];
        for format in [LogFormat::Logfmt, LogFormat::Json] {
            let line = line(format, &fields);
            assert!(!line.chars().any(is_hidden), "{line}");
        }
        let json = line(LogFormat::Json, &fields);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["topic"], hostile);
        assert_eq!(json["level"], "warn");
        let logfmt = line(LogFormat::Logfmt, &fields);
        assert!(logfmt.ends_with(
            r#"topic="a\u000d\nlevel=error \"x\" \\ \u001b[31m\u0085\u2028\u202e\u0000end""#
        ));
        assert!(line(LogFormat::Logfmt, &[("t", "a=b".into())]).ends_with(r#" t="a=b""#));
    }

    #[test]
    fn values_and_lines_are_capped_and_stay_whole() {
        for filler in ["x", "ü", "\u{1}", "\""] {
            let long = filler.repeat(10_000);
            let fields = [("why", Value::from(long.as_str())); 40];
            for format in [LogFormat::Logfmt, LogFormat::Json] {
                let line = line(format, &fields);
                assert!((600..=MAX_LINE + 1).contains(&line.len()), "{}", line.len());
                assert!(line.contains('…'));
            }
            let json = line(LogFormat::Json, &fields);
            assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json}");
        }
    }

    #[test]
    fn an_error_matters_most() {
        assert!(Level::Error < Level::Warn && Level::Info < Level::Debug);
    }
}
