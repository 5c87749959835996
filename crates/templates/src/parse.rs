//! Reads the expressions of a string.
//!
//! The grammar is that of Go's package text/template/parse, as far as the subset goes.

use kafka_edge_bounded_json::{Number, Value};

use crate::format;
use crate::limits::{MAX_CALL_DEPTH, MAX_PARTS, MAX_TEXT_BYTES};
use crate::refused::Problem;
use crate::term::{Function, Term};

const LEFT: &str = "{{";
const RIGHT: &str = "}}";

/// A part of a string.
#[derive(Debug, Clone)]
pub(crate) enum Piece {
    Text(String),
    Action(Term),
}

/// The parts of a string; none if there is no expression in it.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece>, Problem> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find(LEFT) {
        if text.len() > MAX_TEXT_BYTES {
            return Err(Problem::TooLong(text.len()));
        }
        if at > 0 {
            pieces.push(Piece::Text(rest[..at].to_owned()));
        }
        let mut parser = Parser { rest: &rest[at + LEFT.len()..] };
        let term = parser.action()?;
        pieces.push(Piece::Action(term));
        rest = parser.rest;
    }
    if !pieces.is_empty() && !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

pub(crate) fn has_action(text: &str) -> bool {
    text.contains(LEFT)
}

struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    /// Everything up to `}}`, which is taken too.
    fn action(&mut self) -> Result<Term, Problem> {
        for (start, name) in [("/*", "/* */"), ("- ", "{{-")] {
            if self.rest.starts_with(start) {
                return Err(not_in_subset(name));
            }
        }
        let term = self.pipe(0)?;
        if self.rest.starts_with("- }}") || self.rest.starts_with("-}}") {
            return Err(not_in_subset("-}}"));
        }
        match self.rest.strip_prefix(RIGHT) {
            Some(rest) => {
                self.rest = rest;
                Ok(term)
            }
            None if self.rest.is_empty() => Err(Problem::Syntax("an expression is not closed")),
            None => Err(Problem::Syntax("a bracket is closed that was not opened")),
        }
    }

    /// Commands with `|` between them, up to what closes them.
    fn pipe(&mut self, depth: usize) -> Result<Term, Problem> {
        let mut value = None;
        for stage in depth.. {
            if stage >= MAX_CALL_DEPTH {
                return Err(Problem::TooNested);
            }
            let term = self.command(value.take(), stage)?;
            if !self.take('|') {
                return Ok(term);
            }
            value = Some(term);
        }
        Err(Problem::TooNested)
    }

    /// One command. The value of the command before it is its last argument.
    fn command(&mut self, piped: Option<Term>, depth: usize) -> Result<Term, Problem> {
        self.space();
        let Some(operand) = self.operand(depth)? else {
            return Err(Problem::Syntax("an expression, or a part of one, is empty"));
        };
        let mut arguments = Vec::new();
        while let Some(argument) = self.argument(depth)? {
            if arguments.len() >= MAX_PARTS {
                return Err(Problem::TooManyParts);
            }
            arguments.push(argument);
        }
        let is_piped = piped.is_some();
        arguments.extend(piped);
        match operand {
            Operand::Function(function) => call(function, arguments),
            Operand::Value(Term::Literal(Value::Null)) => {
                Err(Problem::Syntax("`nil` is an argument only"))
            }
            Operand::Value(term) if arguments.is_empty() => Ok(term),
            Operand::Value(_) if is_piped && arguments.len() == 1 => Err(Problem::NoFunction),
            Operand::Value(_) => Err(Problem::Syntax("a value that is no function has arguments")),
        }
    }

    fn argument(&mut self, depth: usize) -> Result<Option<Term>, Problem> {
        let spaced = self.space();
        let before = self.rest;
        match self.operand(depth)? {
            None => Ok(None),
            Some(_) if !spaced => {
                let found: String = before.chars().take(1).collect();
                Err(Problem::NotInSubset(found))
            }
            Some(Operand::Value(term)) => Ok(Some(term)),
            Some(Operand::Function(function)) => call(function, Vec::new()).map(Some),
        }
    }

    /// A value or a function; nothing at what ends a command.
    fn operand(&mut self, depth: usize) -> Result<Option<Operand>, Problem> {
        let Some(first) = self.rest.chars().next() else { return Ok(None) };
        let term = match first {
            '|' | ')' => return Ok(None),
            '}' if self.rest.starts_with(RIGHT) => return Ok(None),
            '-' if self.rest.starts_with("-}}") => return Ok(None),
            '.' => self.field()?,
            '"' => Term::Literal(self.quoted()?),
            '`' => Term::Literal(self.raw()?),
            '0'..='9' | '+' | '-' => Term::Literal(self.number()?),
            '(' => {
                self.rest = &self.rest[1..];
                if depth + 1 >= MAX_CALL_DEPTH {
                    return Err(Problem::TooNested);
                }
                let inner = self.pipe(depth + 1)?;
                if !self.take(')') {
                    return Err(Problem::Syntax("a bracket is not closed"));
                }
                inner
            }
            '$' => {
                let name = self.word(1);
                return Err(not_in_subset(name));
            }
            first if first.is_alphabetic() || first == '_' => {
                let word = self.word(0);
                match word {
                    "true" => Term::Literal(true.into()),
                    "false" => Term::Literal(false.into()),
                    "nil" => Term::Literal(Value::Null),
                    name => {
                        let function = Function::named(name);
                        let function = function.ok_or_else(|| not_in_subset(name))?;
                        return Ok(Some(Operand::Function(function)));
                    }
                }
            }
            other => return Err(Problem::NotInSubset(other.into())),
        };
        if self.rest.starts_with('.') && first != '.' {
            return Err(not_in_subset("(…).field"));
        }
        Ok(Some(Operand::Value(term)))
    }

    /// `.`, `.a`, `.a.b`.
    fn field(&mut self) -> Result<Term, Problem> {
        let mut names = Vec::new();
        while self.rest.starts_with('.') {
            self.rest = &self.rest[1..];
            let name = self.word(0);
            if name.is_empty() {
                // The dot alone is everything; two dots in a row are nothing.
                if names.is_empty() && !self.rest.starts_with('.') {
                    return Ok(Term::Field(names));
                }
                return Err(Problem::Syntax("a dot is not followed by a name"));
            }
            if name.starts_with(|first: char| first.is_numeric()) {
                // Go takes `.5` for a number.
                return Err(not_in_subset(&format!(".{name}")));
            }
            if names.len() >= MAX_PARTS {
                return Err(Problem::TooManyParts);
            }
            names.push(name.to_owned());
        }
        Ok(Term::Field(names))
    }

    /// Letters, digits and underscores, behind so many bytes that belong to it.
    fn word(&mut self, from: usize) -> &'t str {
        let rest = self.rest;
        let is_part = |char: char| char.is_alphanumeric() || char == '_';
        let end = rest[from..].find(|char| !is_part(char)).map_or(rest.len(), |end| from + end);
        self.rest = &rest[end..];
        &rest[..end]
    }

    /// A number as JSON has it, or with a plus.
    fn number(&mut self) -> Result<Value, Problem> {
        let rest = self.rest;
        let is_part = |char: char| char.is_alphanumeric() || matches!(char, '_' | '+' | '-' | '.');
        let mut end = rest.find(|char| !is_part(char)).unwrap_or(rest.len());
        if rest[..end].ends_with('-') && rest[end..].starts_with(RIGHT) {
            end -= 1;
        }
        let text = &rest[..end];
        self.rest = &rest[end..];
        let number = Number::parse(text.strip_prefix('+').unwrap_or(text));
        let number = number.ok_or_else(|| not_in_subset(text))?;
        // The digits of a literal mean nothing beyond its value.
        let is_float = text.contains(['.', 'e', 'E']);
        Ok(Value::Number(if is_float { Number::Float(number.as_f64()) } else { number }))
    }

    /// A string with backquotes, in which nothing is escaped.
    fn raw(&mut self) -> Result<Value, Problem> {
        let inside = &self.rest[1..];
        let end = inside.find('`').ok_or(Problem::Syntax("a string is not closed"))?;
        self.rest = &inside[end + 1..];
        Ok(inside[..end].into())
    }

    /// A string with the escapes of Go.
    fn quoted(&mut self) -> Result<Value, Problem> {
        const UNKNOWN: Problem = Problem::Syntax("an escape is not one of Go's for a character");
        let mut made = String::new();
        let mut chars = self.rest[1..].chars();
        loop {
            match chars.next() {
                None | Some('\n') => return Err(Problem::Syntax("a string is not closed")),
                Some('"') => break,
                Some('\\') => {
                    let escaped = chars.next().ok_or(UNKNOWN)?;
                    made.push(match escaped {
                        'a' => '\u{7}',
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'n' => '\n',
                        'r' => '\r',
                        't' => '\t',
                        'v' => '\u{b}',
                        '\\' | '"' => escaped,
                        'u' | 'U' => {
                            let count = if escaped == 'u' { 4 } else { 8 };
                            let mut point = 0_u32;
                            for _ in 0..count {
                                let digit = chars.next().and_then(|char| char.to_digit(16));
                                let digit = digit.ok_or(UNKNOWN)?;
                                point = point.wrapping_mul(16).wrapping_add(digit);
                            }
                            char::from_u32(point).ok_or(UNKNOWN)?
                        }
                        // `\x41` and `\101` are bytes, which need not be characters.
                        _ => return Err(UNKNOWN),
                    });
                }
                Some(char) => made.push(char),
            }
        }
        self.rest = chars.as_str();
        Ok(made.as_str().into())
    }

    /// Whether there was any space.
    fn space(&mut self) -> bool {
        let rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        let spaced = rest.len() < self.rest.len();
        self.rest = rest;
        spaced
    }

    fn take(&mut self, char: char) -> bool {
        self.space();
        match self.rest.strip_prefix(char) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }
}

/// What is not in the subset is named, and not repeated at any length.
fn not_in_subset(name: &str) -> Problem {
    Problem::NotInSubset(name.chars().take(64).collect())
}

enum Operand {
    Value(Term),
    Function(Function),
}

fn call(function: Function, mut arguments: Vec<Term>) -> Result<Term, Problem> {
    let (fixed, takes) = function.arity();
    let has = arguments.len();
    let wrong = Problem::Arity { name: function.name(), takes, has };
    if fixed.map_or(has == 0, |fixed| fixed != has) {
        return Err(wrong);
    }
    if function != Function::Printf {
        return Ok(Term::Call(function, arguments));
    }
    let Term::Literal(Value::String(format)) = arguments.remove(0) else {
        return Err(Problem::Syntax("the format of `printf` is to be a string as it is"));
    };
    let parts = format::parts(&format)?;
    let verbs = parts.iter().filter(|part| matches!(part, format::Part::Verb(_))).count();
    if verbs != arguments.len() {
        return Err(wrong);
    }
    Ok(Term::Printf(parts, arguments))
}
