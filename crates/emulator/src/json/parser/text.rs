//! Strings and field names.

use super::{Parser, Stop};
use crate::json::value::surrogate_to_char;

impl Parser {
    pub(super) fn read_name(&mut self, byte: u8) -> Result<String, Stop> {
        if byte != b'"' {
            return Err(self.unexpected(byte, "was expecting double-quote to start field name"));
        }
        self.read_quoted("name", "Unexpected end-of-input in field name")?;
        Ok(std::mem::take(&mut self.text))
    }

    pub(super) fn finish_string(&mut self) -> Result<(), Stop> {
        let outcome = self.read_quoted("string value", "Unexpected end-of-input in VALUE_STRING");
        if outcome != Err(Stop::NeedMore) {
            self.string_open = false;
        }
        outcome
    }

    /// Reads to the closing quote into `text`.
    pub(super) fn read_quoted(&mut self, what: &str, at_end: &str) -> Result<(), Stop> {
        self.text.clear();
        loop {
            let rest = &self.buf[self.pos..];
            let plain =
                rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)).unwrap_or(rest.len());
            match std::str::from_utf8(&rest[..plain]) {
                Ok(text) => self.text.push_str(text),
                // A character may be cut at the end of what has arrived.
                Err(e) if e.error_len().is_none() && plain == rest.len() && self.is_open() => {
                    return Err(Stop::NeedMore);
                }
                Err(e) => {
                    let bad = rest[e.valid_up_to()];
                    let (at, kind) = match bad {
                        0xC2..=0xF4 => (e.valid_up_to() + 1, "middle"),
                        _ => (e.valid_up_to(), "start"),
                    };
                    let byte = rest.get(at).copied().unwrap_or(bad);
                    self.pos += at + 1;
                    return Err(Stop::Syntax(format!("Invalid UTF-8 {kind} byte 0x{byte:x}")));
                }
            }
            self.pos += plain;
            match self.peek()? {
                None => return Err(Stop::Syntax(at_end.to_owned())),
                Some(b'"') => {
                    self.pos += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.pos += 1;
                    self.escape(at_end)?;
                }
                Some(byte) => {
                    self.pos += 1;
                    return Err(Stop::Syntax(format!(
                        "Illegal unquoted character ((CTRL-CHAR, code {byte})): has to be escaped using backslash to be included in {what}"
                    )));
                }
            }
        }
    }

    pub(super) fn escape(&mut self, at_end: &str) -> Result<(), Stop> {
        let Some(byte) = self.peek()? else {
            return Err(Stop::Syntax(at_end.to_owned()));
        };
        self.pos += 1;
        let c = match byte {
            b'"' | b'\\' | b'/' => byte as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let unit = self.hex4(at_end)?;
                return self.push_unit(unit, at_end);
            }
            _ => {
                let what = self.describe(byte);
                return Err(Stop::Syntax(format!("Unrecognized character escape {what}")));
            }
        };
        self.text.push(c);
        Ok(())
    }

    pub(super) fn push_unit(&mut self, unit: u16, at_end: &str) -> Result<(), Stop> {
        if (0xD800..0xDC00).contains(&unit) {
            let next = match (self.buf.get(self.pos), self.buf.get(self.pos + 1)) {
                (Some(b'\\'), Some(b'u')) => true,
                (None, _) | (Some(b'\\'), None) if self.is_open() => return Err(Stop::NeedMore),
                _ => false,
            };
            if next {
                self.pos += 2;
                let low = self.hex4(at_end)?;
                if (0xDC00..0xE000).contains(&low) {
                    let code =
                        0x1_0000 + ((u32::from(unit) - 0xD800) << 10) + (u32::from(low) - 0xDC00);
                    self.text.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    return Ok(());
                }
                self.text.push(surrogate_to_char(unit));
                return self.push_unit(low, at_end);
            }
        }
        let c = char::from_u32(u32::from(unit)).unwrap_or_else(|| surrogate_to_char(unit));
        self.text.push(c);
        Ok(())
    }

    pub(super) fn hex4(&mut self, at_end: &str) -> Result<u16, Stop> {
        let mut unit = 0u16;
        for _ in 0..4 {
            let Some(byte) = self.peek()? else {
                return Err(Stop::Syntax(at_end.to_owned()));
            };
            self.pos += 1;
            let Some(digit) = (byte as char).to_digit(16) else {
                let why = "expected a hex-digit for character escape sequence";
                return Err(self.unexpected(byte, why));
            };
            unit = unit << 4 | digit as u16;
        }
        Ok(unit)
    }
}
