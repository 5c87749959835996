//! The beginnings of values, and the errors for bytes that begin none.

use super::{Kind, Parser, Stop, Token, VALID_TOKENS};
use crate::options::Version;

impl Parser {
    pub(super) fn control_character(&self, byte: u8) -> Stop {
        let hint = match (self.version, byte) {
            (Version::V8_3_1, 0x1E) => {
                " (consider enabling `JsonReadFeature.ALLOW_RS_CONTROL_CHAR` to allow use of Record Separators (\\u001E))"
            }
            _ => "",
        };
        Stop::Syntax(format!(
            "Illegal character ((CTRL-CHAR, code {byte})): only regular white space (\\r, \\n, \\t) is allowed between tokens{hint}"
        ))
    }

    pub(super) fn unexpected(&mut self, byte: u8, why: &str) -> Stop {
        let what = self.describe(byte);
        Stop::Syntax(format!("Unexpected character ({what}): {why}"))
    }

    /// Jackson's description of a character whose first byte was consumed.
    pub(super) fn describe(&mut self, byte: u8) -> String {
        let c = self.rest_of_char(byte);
        match c as u32 {
            code @ 0..0x20 => format!("(CTRL-CHAR, code {code})"),
            code @ 0..256 => format!("'{c}' (code {code})"),
            code => format!("'{c}' (code {code} / 0x{code:x})"),
        }
    }

    pub(super) fn rest_of_char(&mut self, byte: u8) -> char {
        let more = match byte {
            0xC0..0xE0 => 1,
            0xE0..0xF0 => 2,
            0xF0..0xF8 => 3,
            _ => return byte as char,
        };
        let whole = self.buf.get(self.pos - 1..self.pos + more);
        match whole.and_then(|b| std::str::from_utf8(b).ok()).and_then(|s| s.chars().next()) {
            Some(c) => {
                self.pos += more;
                c
            }
            None => byte as char,
        }
    }

    pub(super) fn value_start(&mut self, byte: u8) -> Result<Token, Stop> {
        match byte {
            b'"' => {
                self.string_open = true;
                Ok(Token::String)
            }
            b'{' => self.open(Kind::Object).map(|()| Token::StartObject),
            b'[' => self.open(Kind::Array).map(|()| Token::StartArray),
            b't' => self.literal("true", Token::True),
            b'f' => self.literal("false", Token::False),
            b'n' => self.literal("null", Token::Null),
            b'-' | b'0'..=b'9' => self.number(byte),
            b'+' => Err(Stop::Syntax(
                "Unexpected character ('+' (code 43)) in numeric value: JSON spec does not allow numbers to have plus signs: enable `JsonReadFeature.ALLOW_LEADING_PLUS_SIGN_FOR_NUMBERS` to allow".into(),
            )),
            b',' | b'}' => Err(self.unexpected(byte, "expected a value")),
            b']' if self.context().kind == Kind::Array => {
                Err(self.unexpected(byte, "expected a value"))
            }
            _ => {
                let c = self.rest_of_char(byte);
                if c.is_alphabetic() || matches!(c, '_' | '$') {
                    return Err(self.invalid_token(c.to_string())?);
                }
                let what = match c as u32 {
                    code @ 0..256 => format!("'{c}' (code {code})"),
                    code => format!("'{c}' (code {code} / 0x{code:x})"),
                };
                Err(Stop::Syntax(format!(
                    "Unexpected character ({what}): expected a valid value {VALID_TOKENS}"
                )))
            }
        }
    }

    pub(super) fn literal(&mut self, word: &'static str, token: Token) -> Result<Token, Stop> {
        for (i, expected) in word.bytes().enumerate().skip(1) {
            if self.peek()? != Some(expected) {
                return Err(self.invalid_token(word[..i].to_owned())?);
            }
            self.pos += 1;
        }
        match self.peek()? {
            Some(byte) if byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') => {
                Err(self.invalid_token(word.to_owned())?)
            }
            _ => Ok(token),
        }
    }

    /// Consumes the rest of the word, and the first byte after it too, as
    /// Jackson does: a brace right behind the word is gone.
    pub(super) fn invalid_token(&mut self, mut word: String) -> Result<Stop, Stop> {
        while let Some(byte) = self.peek()? {
            self.pos += 1;
            let c = self.rest_of_char(byte);
            if !(c.is_alphanumeric() || matches!(c, '_' | '$')) {
                break;
            }
            word.push(c);
            if word.len() >= 256 {
                word.push_str("...");
                break;
            }
        }
        Ok(Stop::Syntax(format!("Unrecognized token '{word}': was expecting {VALID_TOKENS}")))
    }
}
