//! From text to tokens. Nothing here recurses.

use crate::refused::{Position, Refused};

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    /// A name or a keyword.
    Name(String),
    /// `.name`
    Field(String),
    /// `$name`
    Variable(String),
    /// `@name`
    Format(String),
    Number(String),
    /// Punctuation and operators.
    Sign(&'static str),
    /// `"`, before the parts of a string.
    Open,
    /// A part of a string between interpolations.
    Text(String),
    /// `\(`
    Inside,
    /// `)` that ends an interpolation.
    Outside,
    /// `"`, behind the parts.
    Close,
}

pub(crate) struct Lexed {
    pub(crate) tokens: Vec<(Token, usize)>,
}

/// The longest come first.
const SIGNS: [&str; 34] = [
    "?//", "//=", "..", "!=", "==", "//", "|=", "+=", "-=", "*=", "/=", "%=", "<=", ">=", ".", "?",
    "=", ";", ",", ":", "|", "+", "-", "*", "/", "%", "<", ">", "[", "]", "{", "}", "(", ")",
];

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    tokens: Vec<(Token, usize)>,
    /// What is open: brackets, strings and interpolations.
    open: Vec<u8>,
}

pub(crate) fn lex(text: &str) -> Result<Lexed, Refused> {
    let mut lexer = Lexer { text, at: 0, tokens: Vec::new(), open: Vec::new() };
    while lexer.at < text.len() {
        if lexer.open.last() == Some(&b'"') {
            lexer.string()?;
        } else {
            lexer.token()?;
        }
    }
    if lexer.open.is_empty() { Ok(Lexed { tokens: lexer.tokens }) } else { Err(Refused::EndsEarly) }
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn position(&self) -> Position {
        Position::of(self.text, self.at)
    }

    /// The length of the longest piece at the start of which each byte does.
    fn run(text: &str, does: impl Fn(u8) -> bool) -> usize {
        text.bytes().take_while(|&byte| does(byte)).count()
    }

    fn push(&mut self, token: Token, length: usize) {
        self.tokens.push((token, self.at));
        self.at += length;
    }

    fn token(&mut self) -> Result<(), Refused> {
        let rest = self.rest();
        let bytes = rest.as_bytes();
        let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
        let begins =
            |at: usize| bytes.get(at).is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_');
        match bytes[0] {
            b' ' | b'\t' | b'\r' | b'\n' => {
                self.at += 1;
                Ok(())
            }
            b'#' => {
                self.comment();
                Ok(())
            }
            b'"' => {
                self.open.push(b'"');
                self.push(Token::Open, 1);
                Ok(())
            }
            b'0'..=b'9' => self.number(),
            b'.' if bytes.get(1).is_some_and(u8::is_ascii_digit) => self.number(),
            b'.' | b'$' | b'@'
                if begins(1) || (bytes[0] == b'@' && bytes.get(1).is_some_and(|b| word(*b))) =>
            {
                let length = Self::run(&rest[1..], word);
                let name = rest[1..=length].to_owned();
                let token = match bytes[0] {
                    b'.' => Token::Field(name),
                    b'$' => Token::Variable(name),
                    _ => Token::Format(name),
                };
                self.push(token, length + 1);
                Ok(())
            }
            _ if begins(0) => {
                // Names of modules have colons in them, and are refused as a whole.
                let mut length = Self::run(rest, word);
                while rest[length..].starts_with("::") && begins(length + 2) {
                    length += 2 + Self::run(&rest[length + 2..], word);
                }
                let name = rest[..length].to_owned();
                self.push(Token::Name(name), length);
                Ok(())
            }
            _ => self.sign(),
        }
    }

    /// A backslash at the end of a line takes the comment on to the next line.
    fn comment(&mut self) {
        let mut escaped = false;
        let mut length = 0;
        for byte in self.rest().bytes() {
            if byte == b'\n' && !escaped {
                break;
            }
            escaped = (byte == b'\\' && !escaped) || (byte == b'\r' && escaped);
            length += 1;
        }
        self.at += length;
    }

    fn number(&mut self) -> Result<(), Refused> {
        let rest = self.rest();
        let digits = |from: usize| Self::run(&rest[from..], |b| b.is_ascii_digit());
        let whole = digits(0);
        let mut length = whole;
        if rest[length..].starts_with('.') {
            length += 1 + digits(length + 1);
        }
        let mantissa = length;
        if rest[length..].starts_with(['e', 'E']) {
            let sign = usize::from(rest[length + 1..].starts_with(['+', '-']));
            let exponent = digits(length + 1 + sign);
            if exponent > 0 {
                length += 1 + sign + exponent;
            }
        }
        // JSON has neither zeros in front nor a point without digits on both sides.
        let int = rest[..whole].trim_start_matches('0');
        let fraction = rest[whole..mantissa].trim_start_matches('.');
        let mut number = String::from(if int.is_empty() { "0" } else { int });
        if !fraction.is_empty() {
            number.push('.');
            number.push_str(fraction);
        }
        number.push_str(&rest[mantissa..length]);
        self.push(Token::Number(number), length);
        Ok(())
    }

    fn sign(&mut self) -> Result<(), Refused> {
        let Some(sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) else {
            let found = self.rest().chars().take(1).collect();
            return Err(Refused::Unexpected { found, at: self.position() });
        };
        match *sign {
            "[" | "{" | "(" => self.open.push(sign.as_bytes()[0]),
            "]" | "}" | ")" => match (self.open.pop(), *sign) {
                (Some(b'['), "]") | (Some(b'{'), "}") | (Some(b'('), ")") => {}
                (Some(b'\\'), ")") => {
                    self.push(Token::Outside, 1);
                    return Ok(());
                }
                _ => {
                    let found = (*sign).to_owned();
                    return Err(Refused::Unexpected { found, at: self.position() });
                }
            },
            _ => {}
        }
        self.push(Token::Sign(sign), sign.len());
        Ok(())
    }

    fn string(&mut self) -> Result<(), Refused> {
        let start = self.at;
        let mut text = String::new();
        while let Some(next) = self.rest().chars().next() {
            let ends = next == '"' || self.rest().starts_with("\\(");
            if ends {
                if !text.is_empty() {
                    self.tokens.push((Token::Text(std::mem::take(&mut text)), start));
                }
                if next == '"' {
                    self.open.pop();
                    self.push(Token::Close, 1);
                } else {
                    self.open.push(b'\\');
                    self.push(Token::Inside, 2);
                }
                return Ok(());
            }
            if next == '\\' {
                text.push(self.escape()?);
            } else {
                text.push(next);
                self.at += next.len_utf8();
            }
        }
        Err(Refused::EndsEarly)
    }

    fn escape(&mut self) -> Result<char, Refused> {
        let wrong = Refused::Syntax { what: "The escape is unknown", at: self.position() };
        let made = match self.rest().as_bytes().get(1) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex().ok_or(wrong.clone())?;
                let mut point = first;
                if (0xd800..0xdc00).contains(&first) {
                    let second = self.hex().and_then(|low| low.checked_sub(0xdc00));
                    let second = second.filter(|low| *low < 0x400).ok_or(wrong.clone())?;
                    point = 0x10000 + ((first - 0xd800) << 10) + second;
                }
                return char::from_u32(point).ok_or(wrong);
            }
            _ => return Err(wrong),
        };
        self.at += 2;
        Ok(made)
    }

    /// `\u` and four digits.
    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest().strip_prefix("\\u")?.get(..4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let point = u32::from_str_radix(digits, 16).ok()?;
        self.at += 6;
        Some(point)
    }
}
