use std::rc::Rc;

use crate::{Budget, Exceeded, MAX_DEPTH, Number, Object, VALUE_BYTES, Value, number};

/// Why bytes are not JSON that is read here, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    #[error("{what} at byte {position}")]
    Syntax { what: &'static str, position: usize },
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
}

/// Reads one JSON text (RFC 8259) with nothing around it but white space. Of a repeated
/// key the last value counts. Half of a surrogate pair alone is refused, because no UTF-8 text
/// can hold it.
pub fn parse(bytes: &[u8], budget: &mut Budget) -> Result<Value, ParseError> {
    let text = str::from_utf8(bytes).map_err(|error| ParseError::Syntax {
        what: "the text is not UTF-8",
        position: error.valid_up_to(),
    })?;
    let mut parser = Parser { text, at: 0, budget };
    let value = parser.value(0)?;
    parser.space();
    if parser.at < bytes.len() {
        return Err(parser.wrong("there is more text behind the value"));
    }
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    budget: &'a mut Budget,
}

impl Parser<'_> {
    fn wrong(&self, what: &'static str) -> ParseError {
        ParseError::Syntax { what, position: self.at }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn value(&mut self, depth: u16) -> Result<Value, ParseError> {
        self.budget.step()?;
        self.budget.spend_bytes(VALUE_BYTES)?;
        self.space();
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.wrong("there is no JSON value")),
            None => Err(self.wrong("the text ends where a value is expected")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, ParseError> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.wrong("there is no JSON value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Value, ParseError> {
        let rest = &self.text[self.at..];
        let number = number::scan(rest.as_bytes()).and_then(|length| {
            self.at += length;
            Some((length, Number::read(&rest[..length])?))
        });
        let (length, number) = number.ok_or_else(|| self.wrong("the number is malformed"))?;
        self.budget.spend_bytes(length as u64)?;
        Ok(Value::Number(number))
    }

    fn deeper(&self, depth: u16) -> Result<u16, ParseError> {
        if depth >= MAX_DEPTH { Err(Exceeded::Depth.into()) } else { Ok(depth + 1) }
    }

    fn array(&mut self, depth: u16) -> Result<Value, ParseError> {
        let depth = self.deeper(depth)?;
        self.budget.spend_bytes(VALUE_BYTES)?;
        self.at += 1;
        let mut items = Vec::new();
        self.space();
        if self.take(b']') {
            return Ok(Value::from(items));
        }
        loop {
            items.push(self.value(depth)?);
            self.space();
            if self.take(b']') {
                return Ok(Value::from(items));
            }
            if !self.take(b',') {
                return Err(self.wrong("a comma or a bracket is missing"));
            }
        }
    }

    fn object(&mut self, depth: u16) -> Result<Value, ParseError> {
        let depth = self.deeper(depth)?;
        self.budget.spend_bytes(2 * VALUE_BYTES)?;
        self.at += 1;
        let mut object = Object::new();
        self.space();
        if self.take(b'}') {
            return Ok(Value::from(object));
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a key in quotation marks is missing"));
            }
            let key = self.string()?;
            self.space();
            if !self.take(b':') {
                return Err(self.wrong("a colon is missing"));
            }
            let value = self.value(depth)?;
            object.insert(key, value);
            self.space();
            if self.take(b'}') {
                return Ok(Value::from(object));
            }
            if !self.take(b',') {
                return Err(self.wrong("a comma or a brace is missing"));
            }
        }
    }

    fn string(&mut self) -> Result<Rc<str>, ParseError> {
        self.at += 1;
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        let plain = rest.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20);
        self.at += plain.unwrap_or(rest.len());
        if self.peek() == Some(b'"') {
            let text = &self.text[start..self.at];
            self.budget.spend_bytes(VALUE_BYTES + text.len() as u64)?;
            self.at += 1;
            return Ok(text.into());
        }
        let mut made = String::from(&self.text[start..self.at]);
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => made.push(self.escape()?),
                Some(byte) if byte >= 0x20 => {
                    let rest = &self.text[self.at..];
                    let end = rest.bytes().position(|b| b == b'"' || b == b'\\' || b < 0x20);
                    let plain = &rest[..end.unwrap_or(rest.len())];
                    made.push_str(plain);
                    self.at += plain.len();
                }
                Some(_) => return Err(self.wrong("a control character is not escaped")),
                None => return Err(self.wrong("the text ends within a string")),
            }
        }
        self.at += 1;
        self.budget.spend_bytes(VALUE_BYTES + made.len() as u64)?;
        Ok(made.into())
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        self.at += 1;
        let byte = self.peek();
        let made = match byte {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.wrong("the escape is unknown")),
        };
        self.at += 1;
        Ok(made)
    }

    fn unicode(&mut self) -> Result<char, ParseError> {
        let half = "half of a surrogate pair stands alone";
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.wrong(half));
        }
        if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            return Err(self.wrong(half));
        }
        self.at += 2;
        let second = self.hex()?.wrapping_sub(0xdc00);
        if second >= 0x400 {
            return Err(self.wrong(half));
        }
        let point = 0x10000 + ((first - 0xd800) << 10) + second;
        char::from_u32(point).ok_or_else(|| self.wrong(half))
    }

    fn hex(&mut self) -> Result<u32, ParseError> {
        let mut point = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            point = point * 16 + digit.ok_or_else(|| self.wrong("an escape needs four digits"))?;
            self.at += 1;
        }
        Ok(point)
    }
}
