//! A text that is JSON, and where its values lie. Nothing is kept of them: a text of 16 MiB
//! costs no memory beside its own, however many values it holds.

use std::cell::Cell;

use serde::de::Error as _;
use serde_json::Error;

/// Where a value lies: from its first byte to behind its last one.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A text that is known to be JSON.
#[derive(Debug)]
pub(crate) struct Text<'de> {
    text: &'de str,
    /// How far it was read: errors say it.
    read: Cell<usize>,
}

impl<'de> Text<'de> {
    pub(crate) fn of(text: &'de str) -> Self {
        Self { text, read: Cell::default() }
    }

    /// Where the next value or key lies, from here on; `None` before a closing bracket and
    /// at the end.
    #[inline(never)]
    pub(crate) fn next(&self, from: usize) -> Option<Span> {
        let bytes = self.text.as_bytes();
        let is_between = |byte: &u8| b" \n\r\t,:".contains(byte);
        let start = from + bytes.get(from..)?.iter().take_while(|&byte| is_between(byte)).count();
        let rest = bytes.get(start..)?;
        let length = match rest.first()? {
            b'}' | b']' => return None,
            b'"' => string(rest),
            b'{' | b'[' => nested(rest),
            _ => word(rest),
        };
        Some(Span { start, end: start + length })
    }

    /// The first byte of a value tells what it is.
    pub(crate) fn first(&self, place: Span) -> u8 {
        self.text.as_bytes().get(place.start).copied().unwrap_or_default()
    }

    /// The text of a value, from its first character to its last.
    pub(crate) fn of_value(&self, place: Span) -> &'de str {
        self.text.get(place.start..place.end).unwrap_or_default()
    }

    /// An error from here on is at the end of this value, or behind the bracket that begins
    /// it.
    pub(crate) fn reads(&self, place: Span) {
        let opens = matches!(self.first(place), b'{' | b'[');
        self.read.set(if opens { place.start + 1 } else { place.end });
    }

    /// An error from here on is at this place.
    pub(crate) fn has_read(&self, end: usize) {
        self.read.set(end);
    }

    /// The error with its place in the text, unless it has one.
    pub(crate) fn placed(&self, error: Error) -> Error {
        if error.line() > 0 {
            return error;
        }
        let (line, column) = place(self.text.as_bytes(), self.read.get());
        // serde_json takes the place out of the text again.
        Error::custom(format_args!("{error} at line {line} column {column}"))
    }
}

/// How long the string is that begins here.
fn string(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        at += 1;
        match byte {
            b'"' => break,
            b'\\' => at += 1,
            _ => {}
        }
    }
    at
}

/// How long the array or the object is that begins here.
fn nested(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'"' => {
                at += string(&rest[at..]);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            break;
        }
    }
    at
}

/// How long the number, `true`, `false` or `null` is that begins here.
fn word(rest: &[u8]) -> usize {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    rest.iter().take_while(|&byte| is_part(byte)).count()
}

/// The line and the column of a byte, as serde_json counts them: lines from 1, and the
/// column is the number of bytes of the line before it.
pub(crate) fn place(text: &[u8], at: usize) -> (usize, usize) {
    let before = &text[..at.min(text.len())];
    let line = 1 + before.iter().filter(|&&byte| byte == b'\n').count();
    let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count();
    (line, column)
}
