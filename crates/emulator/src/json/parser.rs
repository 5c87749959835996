//! A pull tokenizer with the errors and the recovery of Jackson's byte parser.
//!
//! Input may arrive in pieces. When the bytes run out and more may come, a
//! call stops with [`Stop::NeedMore`]; the caller goes back to its
//! [`Parser::mark`] and tries again with more. After a [`Stop::Syntax`] the
//! parser stands where Jackson's stands, and can be asked to go on: the
//! second error of a broken record in a stream comes from there.

mod number;
mod text;
mod value;

use crate::json::value::{Json, put};
use crate::options::Version;

const MAX_DEPTH: usize = 1000;
/// How Jackson names a source that it is told not to show.
pub(crate) const SOURCE: &str =
    "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); ";
const VALID_TOKENS: &str =
    "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Token {
    StartObject,
    EndObject,
    StartArray,
    EndArray,
    FieldName,
    String,
    Int,
    Float,
    True,
    False,
    Null,
}

/// Why the parser stopped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stop {
    /// More bytes are needed to go on.
    NeedMore,
    /// The text is not JSON; the message is Jackson's.
    Syntax(String),
    /// A limit of the parser itself was passed.
    Limit(String),
    /// The bytes could not be read.
    Input(String),
}

/// What follows the bytes that have arrived.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum InputEnd {
    /// Perhaps more.
    Open,
    /// Nothing: the input is complete.
    Complete,
    /// An error of the reader, with its text.
    Broken(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Root,
    Array,
    Object,
}

impl Kind {
    fn describe(self) -> &'static str {
        match self {
            Kind::Root => "root",
            Kind::Array => "Array",
            Kind::Object => "Object",
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Context {
    kind: Kind,
    entries: u32,
    line: u64,
    column: u64,
}

/// A place to go back to.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pos: usize,
    stack: Vec<Context>,
    current: Option<Token>,
    ahead: Option<Token>,
    string_open: bool,
    line: u64,
    line_start: u64,
}

#[derive(Debug)]
pub(crate) struct Parser {
    version: Version,
    buf: Vec<u8>,
    pos: usize,
    /// How many bytes were dropped from the front of `buf`.
    dropped: u64,
    end: InputEnd,
    stack: Vec<Context>,
    current: Option<Token>,
    ahead: Option<Token>,
    /// The opening quote of a string was read, the rest was not.
    string_open: bool,
    name: String,
    text: String,
    line: u64,
    line_start: u64,
}

impl Parser {
    /// A parser of input that arrives through [`Parser::feed`].
    pub(crate) fn streaming(version: Version) -> Parser {
        Parser {
            version,
            buf: Vec::new(),
            pos: 0,
            dropped: 0,
            end: InputEnd::Open,
            stack: vec![Context { kind: Kind::Root, entries: 0, line: 1, column: 1 }],
            current: None,
            ahead: None,
            string_open: false,
            name: String::new(),
            text: String::new(),
            line: 1,
            line_start: 0,
        }
    }

    /// A parser of a complete document.
    pub(crate) fn complete(bytes: &[u8]) -> Parser {
        let mut parser = Parser::streaming(Version::default());
        parser.feed(bytes);
        parser.finish(InputEnd::Complete);
        parser
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.pos > 64 * 1024 || self.pos == self.buf.len() {
            self.buf.drain(..self.pos);
            self.dropped += self.pos as u64;
            self.pos = 0;
        }
        self.buf.extend_from_slice(bytes);
    }

    pub(crate) fn finish(&mut self, end: InputEnd) {
        self.end = end;
    }

    pub(crate) fn is_open(&self) -> bool {
        self.end == InputEnd::Open
    }

    /// Bytes that were fed and not read yet.
    pub(crate) fn unread(&self) -> usize {
        self.buf.len() - self.pos
    }

    /// Position from the beginning of the input.
    pub(crate) fn position(&self) -> u64 {
        self.dropped + self.pos as u64
    }

    /// Line and column of the last byte that was read.
    pub(crate) fn location(&self) -> (u64, u64) {
        (self.line, self.position() - self.line_start)
    }

    pub(crate) fn mark(&self) -> Mark {
        Mark {
            pos: self.pos,
            stack: self.stack.clone(),
            current: self.current,
            ahead: self.ahead,
            string_open: self.string_open,
            line: self.line,
            line_start: self.line_start,
        }
    }

    pub(crate) fn reset(&mut self, mark: Mark) {
        self.pos = mark.pos;
        self.stack = mark.stack;
        self.current = mark.current;
        self.ahead = mark.ahead;
        self.string_open = mark.string_open;
        self.line = mark.line;
        self.line_start = mark.line_start;
    }

    pub(crate) fn at_root(&self) -> bool {
        self.stack.len() == 1
    }

    pub(crate) fn current(&self) -> Option<Token> {
        self.current
    }

    pub(crate) fn clear_current(&mut self) {
        self.current = None;
    }

    /// The digits of the current number.
    pub(crate) fn number_text(&self) -> &str {
        &self.text
    }

    /// The next token, or none at the end of the input.
    pub(crate) fn next_token(&mut self) -> Result<Option<Token>, Stop> {
        if self.current == Some(Token::FieldName) {
            self.current = self.ahead.take();
            return Ok(self.current);
        }
        if self.string_open {
            self.finish_string()?;
        }
        if self.position() == 0 {
            self.skip_byte_order_mark()?;
        }
        let Some(mut byte) = self.skip_space()? else {
            return self.end_of_input();
        };
        match byte {
            b']' => return self.close(Kind::Array, byte),
            b'}' => return self.close(Kind::Object, byte),
            _ => {}
        }
        let context = self.context();
        if context.kind != Kind::Root {
            if context.entries > 0 {
                if byte != b',' {
                    let why = format!(
                        "was expecting comma to separate {} entries",
                        context.kind.describe()
                    );
                    return Err(self.unexpected(byte, &why));
                }
                byte = self.skip_space_inside()?;
            }
            self.context_mut().entries += 1;
        }
        if context.kind != Kind::Object {
            let token = self.value_start(byte)?;
            self.current = Some(token);
            return Ok(self.current);
        }
        self.name = self.read_name(byte)?;
        self.current = Some(Token::FieldName);
        let byte = self.skip_colon()?;
        // A field's value is read together with its name, so an error in the
        // value is reported with the name.
        self.ahead = Some(self.value_start(byte)?);
        Ok(self.current)
    }

    /// The current field's name. Call it once per field name token.
    pub(crate) fn take_name(&mut self) -> String {
        std::mem::take(&mut self.name)
    }

    /// The text of the current string token.
    pub(crate) fn read_string(&mut self) -> Result<String, Stop> {
        if self.string_open {
            self.finish_string()?;
        }
        Ok(std::mem::take(&mut self.text))
    }

    /// The value that begins with the current token, as a tree.
    pub(crate) fn read_tree(&mut self) -> Result<Json, Stop> {
        match self.current {
            Some(Token::StartObject) => {
                let mut entries = Vec::new();
                loop {
                    match self.next_token()? {
                        Some(Token::FieldName) => {
                            let name = self.take_name();
                            self.next_token()?;
                            let value = self.read_tree()?;
                            put(&mut entries, name, value);
                        }
                        _ => return Ok(Json::Object(entries)),
                    }
                }
            }
            Some(Token::StartArray) => {
                let mut items = Vec::new();
                loop {
                    match self.next_token()? {
                        Some(Token::EndArray) | None => return Ok(Json::Array(items)),
                        _ => items.push(self.read_tree()?),
                    }
                }
            }
            Some(Token::String) => Ok(Json::String(self.read_string()?)),
            Some(Token::Int) => Ok(Json::Int(match self.text.as_str() {
                "-0" => "0".into(),
                _ => std::mem::take(&mut self.text),
            })),
            Some(Token::Float) => Ok(Json::Float(self.text.parse().unwrap_or(f64::NAN))),
            Some(Token::True) => Ok(Json::Bool(true)),
            Some(Token::False) => Ok(Json::Bool(false)),
            _ => Ok(Json::Null),
        }
    }

    /// Skips to the end of the array or object that the current token opened.
    pub(crate) fn skip_children(&mut self) -> Result<(), Stop> {
        if !matches!(self.current, Some(Token::StartArray | Token::StartObject)) {
            return Ok(());
        }
        let depth = self.stack.len();
        while self.next_token()?.is_some() {
            if self.stack.len() < depth {
                break;
            }
        }
        Ok(())
    }

    fn context(&self) -> Context {
        self.stack[self.stack.len() - 1]
    }

    fn context_mut(&mut self) -> &mut Context {
        let last = self.stack.len() - 1;
        &mut self.stack[last]
    }

    fn peek(&self) -> Result<Option<u8>, Stop> {
        match self.buf.get(self.pos) {
            Some(byte) => Ok(Some(*byte)),
            None => match &self.end {
                InputEnd::Open => Err(Stop::NeedMore),
                InputEnd::Complete => Ok(None),
                InputEnd::Broken(why) => Err(Stop::Input(why.clone())),
            },
        }
    }

    fn skip_byte_order_mark(&mut self) -> Result<(), Stop> {
        if self.peek()? == Some(0xEF)
            && self.buf.get(self.pos..self.pos + 3) == Some(b"\xEF\xBB\xBF")
        {
            self.pos += 3;
        }
        Ok(())
    }

    /// The next byte that is not white space, already consumed.
    fn skip_space(&mut self) -> Result<Option<u8>, Stop> {
        while let Some(byte) = self.peek()? {
            self.pos += 1;
            match byte {
                b' ' | b'\t' => {}
                b'\n' => self.new_line(),
                b'\r' => {
                    if self.peek()? == Some(b'\n') {
                        self.pos += 1;
                    }
                    self.new_line();
                }
                b'/' => {
                    return Err(self.unexpected(
                        byte,
                        "maybe a (non-standard) comment? (not recognized as one since Feature 'ALLOW_COMMENTS' not enabled for parser)",
                    ));
                }
                0..0x20 => return Err(self.control_character(byte)),
                _ => return Ok(Some(byte)),
            }
        }
        Ok(None)
    }

    /// The same where the input must not end.
    fn skip_space_inside(&mut self) -> Result<u8, Stop> {
        self.skip_space()?.ok_or_else(|| {
            let kind = self.context().kind.describe();
            Stop::Syntax(format!("Unexpected end-of-input within/between {kind} entries"))
        })
    }

    fn skip_colon(&mut self) -> Result<u8, Stop> {
        let byte = self.skip_space_inside()?;
        if byte != b':' {
            return Err(
                self.unexpected(byte, "was expecting a colon to separate field name and value")
            );
        }
        self.skip_space_inside()
    }

    fn new_line(&mut self) {
        self.line += 1;
        self.line_start = self.position();
    }

    fn end_of_input(&mut self) -> Result<Option<Token>, Stop> {
        let context = self.context();
        if context.kind == Kind::Root {
            self.current = None;
            return Ok(None);
        }
        Err(Stop::Syntax(format!(
            "Unexpected end-of-input: expected close marker for {} (start marker at {SOURCE}line: {}, column: {}])",
            context.kind.describe(),
            context.line,
            context.column
        )))
    }

    fn open(&mut self, kind: Kind) -> Result<(), Stop> {
        let column = self.position() - self.line_start;
        self.stack.push(Context { kind, entries: 0, line: self.line, column });
        let depth = self.stack.len() - 1;
        if depth > MAX_DEPTH {
            return Err(Stop::Limit(format!(
                "Document nesting depth ({depth}) exceeds the maximum allowed ({MAX_DEPTH}, from `StreamReadConstraints.getMaxNestingDepth()`)"
            )));
        }
        Ok(())
    }

    fn close(&mut self, kind: Kind, byte: u8) -> Result<Option<Token>, Stop> {
        let context = self.context();
        if context.kind != kind {
            let expected = if kind == Kind::Array { '}' } else { ']' };
            return Err(Stop::Syntax(format!(
                "Unexpected close marker '{}': expected '{expected}' (for {} starting at {SOURCE}line: {}, column: {}])",
                byte as char,
                context.kind.describe(),
                context.line,
                context.column
            )));
        }
        self.stack.pop();
        let token = if kind == Kind::Array { Token::EndArray } else { Token::EndObject };
        self.current = Some(token);
        Ok(self.current)
    }
}
