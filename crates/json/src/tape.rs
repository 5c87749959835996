//! Where each value of a text lies.

use std::cell::Cell;

use serde::de::Error as _;
use serde_json::Error;

/// A value or a key, in the order of the text. What an array or an object holds follows it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Token {
    start: u32,
    end: u32,
    /// Which token comes after it and all that it holds.
    pub(crate) next: u32,
    /// Its first byte tells what it is.
    pub(crate) first: u8,
}

/// A text that is JSON, with its tokens.
#[derive(Debug)]
pub(crate) struct Tape<'de> {
    text: &'de str,
    tokens: Vec<Token>,
    /// How far the text was read: errors say it.
    read: Cell<u32>,
}

impl<'de> Tape<'de> {
    /// The tokens of a text that is known to be JSON; none, if it has 4 GiB or more.
    pub(crate) fn of(text: &'de str) -> Option<Self> {
        u32::try_from(text.len()).ok()?;
        let bytes = text.as_bytes();
        let mut tokens: Vec<Token> = Vec::new();
        let mut open = Vec::new();
        let mut at = 0;
        while let Some(&byte) = bytes.get(at) {
            let start = at;
            at += 1;
            match byte {
                b'{' | b'[' => open.push(tokens.len()),
                b'}' | b']' => {
                    let next = tokens.len() as u32;
                    if let Some(token) = open.pop().and_then(|begun| tokens.get_mut(begun)) {
                        (token.end, token.next) = (at as u32, next);
                    }
                    continue;
                }
                b'"' => at += string(&bytes[at..]),
                b' ' | b'\n' | b'\r' | b'\t' | b',' | b':' => continue,
                _ => at += word(&bytes[at..]),
            }
            let next = tokens.len() as u32 + 1;
            tokens.push(Token { start: start as u32, end: at as u32, next, first: byte });
        }
        Some(Self { text, tokens, read: Cell::default() })
    }

    pub(crate) fn token(&self, at: u32) -> Option<Token> {
        self.tokens.get(at as usize).copied()
    }

    /// The text of a token, from its first character to its last.
    pub(crate) fn text(&self, token: Token) -> &'de str {
        self.text.get(token.start as usize..token.end as usize).unwrap_or_default()
    }

    /// An error from here on is at the end of this token, or behind the bracket that
    /// begins it.
    pub(crate) fn reads(&self, token: Token) {
        let opens = matches!(token.first, b'{' | b'[');
        self.read.set(if opens { token.start + 1 } else { token.end });
    }

    /// An error from here on is at the end of this token, with all that it holds.
    pub(crate) fn has_read(&self, token: Token) {
        self.read.set(token.end);
    }

    /// The error with its place in the text, unless it has one.
    pub(crate) fn placed(&self, error: Error) -> Error {
        if error.line() > 0 {
            return error;
        }
        let (line, column) = place(self.text.as_bytes(), self.read.get() as usize);
        // serde_json takes the place out of the text again.
        Error::custom(format_args!("{error} at line {line} column {column}"))
    }
}

/// How many bytes of a string come after its first quotation mark.
fn string(rest: &[u8]) -> usize {
    let mut at = 0;
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

/// How many bytes of a number, `true`, `false` or `null` come after its first.
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
