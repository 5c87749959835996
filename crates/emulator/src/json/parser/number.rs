//! Numbers.

use super::{Kind, Parser, Stop, Token};

impl Parser {
    pub(super) fn number(&mut self, first: u8) -> Result<Token, Stop> {
        let start = self.pos - 1;
        if first == b'-' {
            match self.peek()? {
                Some(b'0'..=b'9') => self.pos += 1,
                Some(byte) => {
                    self.pos += 1;
                    let what = self.describe(byte);
                    return Err(Stop::Syntax(format!(
                        "Unexpected character ({what}) in numeric value: expected digit (0-9) to follow minus sign, for valid numeric value"
                    )));
                }
                None => {
                    return Err(Stop::Syntax(
                        "Unexpected end-of-input: was expecting digit (0-9) to follow minus sign"
                            .into(),
                    ));
                }
            }
        }
        if self.buf[self.pos - 1] == b'0' && matches!(self.peek()?, Some(b'0'..=b'9')) {
            return Err(Stop::Syntax("Invalid numeric value: Leading zeroes not allowed".into()));
        }
        self.digits()?;
        let mut token = Token::Int;
        if self.peek()? == Some(b'.') {
            self.pos += 1;
            token = Token::Float;
            self.some_digits("Decimal point not followed by a digit")?;
        }
        if matches!(self.peek()?, Some(b'e' | b'E')) {
            self.pos += 1;
            token = Token::Float;
            if matches!(self.peek()?, Some(b'+' | b'-')) {
                self.pos += 1;
            }
            self.some_digits("Exponent indicator not followed by a digit")?;
        }
        self.text = String::from_utf8_lossy(&self.buf[start..self.pos]).into_owned();
        if self.context().kind == Kind::Root {
            match self.peek()? {
                None | Some(b' ' | b'\t' | b'\r' | b'\n') => {}
                Some(byte) => {
                    self.pos += 1;
                    return Err(
                        self.unexpected(byte, "Expected space separating root-level values")
                    );
                }
            }
        }
        Ok(token)
    }

    pub(super) fn digits(&mut self) -> Result<usize, Stop> {
        let start = self.pos;
        while matches!(self.peek()?, Some(b'0'..=b'9')) {
            self.pos += 1;
        }
        Ok(self.pos - start)
    }

    pub(super) fn some_digits(&mut self, why: &str) -> Result<(), Stop> {
        if self.digits()? > 0 {
            return Ok(());
        }
        match self.peek()? {
            Some(byte) => {
                self.pos += 1;
                let what = self.describe(byte);
                Err(Stop::Syntax(format!("Unexpected character ({what}) in numeric value: {why}")))
            }
            None => Err(Stop::Syntax(format!("Unexpected end-of-input in numeric value: {why}"))),
        }
    }
}
