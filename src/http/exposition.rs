//! Metrics as text: Prometheus' text format 0.0.4, and OpenMetrics 1.0.
//!
//! For what is here they differ in three things: the name of a counter's family has no
//! `_total` in OpenMetrics, its text ends with `# EOF`, and its content type.

use std::fmt::Display;

use super::request::Request;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    OpenMetrics,
}

impl Format {
    /// What the caller prefers; text if it does not say.
    pub(super) fn asked_for<B>(request: &Request<B>) -> Self {
        let mut weights = [0.0_f32, 0.0];
        for value in request.header_values("accept") {
            let value = String::from_utf8_lossy(value).to_ascii_lowercase();
            for range in value.split(',') {
                let mut parts = range.split(';').map(str::trim);
                let place = match parts.next() {
                    Some("application/openmetrics-text") => 0,
                    Some("text/plain" | "text/*" | "*/*") => 1,
                    _ => continue,
                };
                let weight = parts.find_map(|part| part.strip_prefix("q="));
                let weight = weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0));
                weights[place] = weights[place].max(weight);
            }
        }
        match weights[0] > 0.0 && weights[0] >= weights[1] {
            true => Self::OpenMetrics,
            false => Self::Text,
        }
    }

    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Gauge,
    Counter,
}

#[derive(Debug)]
pub(super) struct Exposition {
    format: Format,
    text: String,
    /// Of the family whose samples follow.
    name: &'static str,
    kind: Kind,
}

impl Exposition {
    pub(super) fn new(format: Format) -> Self {
        Self { format, text: String::new(), name: "", kind: Kind::Gauge }
    }

    /// Begins a family; `name` is without `_total`, and `help` has no line breaks.
    pub(super) fn family(&mut self, name: &'static str, kind: Kind, help: &str) {
        (self.name, self.kind) = (name, kind);
        let is_counter = kind == Kind::Counter;
        let end = if is_counter && self.format == Format::Text { "_total" } else { "" };
        let kind = if is_counter { "counter" } else { "gauge" };
        for piece in ["# HELP ", name, end, " ", help, "\n# TYPE ", name, end, " ", kind, "\n"] {
            self.text.push_str(piece);
        }
    }

    /// A sample of the family that was begun last.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: &dyn Display) {
        self.text.push_str(self.name);
        if self.kind == Kind::Counter {
            self.text.push_str("_total");
        }
        let mut before = '{';
        for (name, value) in labels {
            self.text.push(before);
            self.text.push_str(name);
            self.text.push_str("=\"");
            for letter in value.chars() {
                match letter {
                    '\\' => self.text.push_str("\\\\"),
                    '"' => self.text.push_str("\\\""),
                    '\n' => self.text.push_str("\\n"),
                    letter => self.text.push(letter),
                }
            }
            self.text.push('"');
            before = ',';
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        self.text.push(' ');
        self.text.push_str(&value.to_string());
        self.text.push('\n');
    }

    pub(super) fn finish(mut self) -> String {
        if self.format == Format::OpenMetrics {
            self.text.push_str("# EOF\n");
        }
        self.text
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn asked(accept: &[&'static str]) -> Format {
        let header =
            |value: &&'static str| ("Accept".to_owned(), Bytes::from_static(value.as_bytes()));
        Format::asked_for(&Request {
            method: http::Method::GET,
            target: "/metrics".into(),
            headers: accept.iter().map(header).collect(),
            scheme: None,
            authority: None,
            client: None,
            body: (),
        })
    }

    #[test]
    fn the_caller_chooses_the_format() {
        // As Prometheus 2.42 and 3 ask for it.
        let two = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
        let three = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        for (accept, format) in [
            (&[][..], Format::Text),
            (&["*/*"], Format::Text),
            (&["text/plain"], Format::Text),
            (&["text/html, application/openmetrics-text"], Format::OpenMetrics),
            (&["Application/OpenMetrics-Text; q=0.1", "text/plain;q=0.05"], Format::OpenMetrics),
            (&["application/openmetrics-text;q=0"], Format::Text),
            (&["application/openmetrics-text;q=x,text/plain;q=0.1"], Format::Text),
            (&["application/openmetrics-text;q=0.1,text/plain"], Format::Text),
            (&[two], Format::OpenMetrics),
            (&[three], Format::OpenMetrics),
        ] {
            assert_eq!(asked(accept), format, "{accept:?}");
        }
    }

    #[test]
    fn both_formats_are_written() {
        let write = |format| {
            let mut text = Exposition::new(format);
            text.family("a_lag", Kind::Gauge, "How far.");
            text.sample(&[("group", "a\"b\\c\nd"), ("topic", "t")], &7);
            text.family("events", Kind::Counter, "How many.");
            text.sample(&[], &1.5);
            text.finish()
        };
        let sample = "a_lag{group=\"a\\\"b\\\\c\\nd\",topic=\"t\"} 7\n";
        assert_eq!(
            write(Format::Text),
            format!(
                "# HELP a_lag How far.\n# TYPE a_lag gauge\n{sample}# HELP events_total How many.\n# TYPE events_total counter\nevents_total 1.5\n"
            )
        );
        assert_eq!(
            write(Format::OpenMetrics),
            format!(
                "# HELP a_lag How far.\n# TYPE a_lag gauge\n{sample}# HELP events How many.\n# TYPE events counter\nevents_total 1.5\n# EOF\n"
            )
        );
    }
}
