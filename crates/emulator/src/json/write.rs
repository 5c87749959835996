//! Writing JSON compactly, as Jackson does.

use super::number::java_double;
use super::value::{Json, char_to_surrogate};
use std::fmt;
use std::fmt::Write;

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = String::new();
        write_json(&mut out, self);
        f.write_str(&out)
    }
}

fn write_json(out: &mut String, json: &Json) {
    match json {
        Json::Null => out.push_str("null"),
        Json::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Json::Int(digits) => out.push_str(digits),
        Json::Float(value) if value.is_finite() => out.push_str(&java_double(*value)),
        // JSON has no infinities: Jackson quotes them.
        Json::Float(value) => {
            out.push('"');
            out.push_str(&java_double(*value));
            out.push('"');
        }
        Json::String(text) => write_string(out, text),
        Json::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_json(out, item);
            }
            out.push(']');
        }
        Json::Object(entries) => {
            out.push('{');
            for (i, (key, value)) in entries.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write_json(out, value);
            }
            out.push('}');
        }
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    push_escaped(out, text);
    out.push('"');
}

/// Appends `text` escaped for the inside of a JSON string. Characters beyond
/// the basic plane become two `\u` escapes: that is what Jackson's byte
/// generator writes.
pub(crate) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            c if (c as u32) < 0x20 => push_unit(out, c as u16),
            c if (c as u32) < 0x1_0000 => out.push(c),
            c => match char_to_surrogate(c) {
                Some(unit) => push_unit(out, unit),
                None => {
                    let mut units = [0u16; 2];
                    for unit in c.encode_utf16(&mut units) {
                        push_unit(out, *unit);
                    }
                }
            },
        }
    }
}

fn push_unit(out: &mut String, unit: u16) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\u{unit:04X}");
}

/// Java's `String.getBytes(UTF_8)`: a lone surrogate becomes `?`.
pub(crate) fn unpaired_surrogates_as_question_marks(text: String) -> Vec<u8> {
    if text.chars().all(|c| char_to_surrogate(c).is_none()) {
        return text.into_bytes();
    }
    let replaced: String =
        text.chars().map(|c| if char_to_surrogate(c).is_some() { '?' } else { c }).collect();
    replaced.into_bytes()
}
