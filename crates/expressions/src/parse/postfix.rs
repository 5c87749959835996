//! Terms: what operators stand between.

use super::{Parsed, Parser};
use crate::builtins::Filter;
use crate::formats::Format;
use crate::lex::Token;
use crate::refused::Refused;
use crate::term::{Op, Part, Term};

impl Parser<'_> {
    /// A term with the accesses behind it.
    pub(super) fn postfix(&mut self) -> Parsed<Term> {
        let mut term = self.primary()?;
        loop {
            if let Some(Token::Field(name)) = self.peek() {
                let name = name.clone();
                self.at += 1;
                let key = self.literal(name.as_str())?;
                term = self.index(term, key)?;
            } else if self.is_sign("?") {
                self.at += 1;
                term = self.term(Op::Try { body: Box::new(term), catch: None })?;
            } else if self.is_sign("[") {
                term = self.bracket(term)?;
            } else if self.is_sign(".") {
                self.at += 1;
                term = match self.peek() {
                    Some(Token::Sign("[")) => self.bracket(term)?,
                    Some(Token::Open | Token::Format(_)) => {
                        let key = self.string()?;
                        self.index(term, key)?
                    }
                    _ => return Err(self.unexpected()),
                };
            } else {
                return Ok(term);
            }
        }
    }

    fn index(&mut self, base: Term, key: Term) -> Parsed<Term> {
        let optional = self.take_sign("?");
        self.term(Op::Index { base: Box::new(base), key: Box::new(key), optional })
    }

    /// `[…]` behind a term.
    fn bracket(&mut self, base: Term) -> Parsed<Term> {
        self.expect_sign("[")?;
        let base = Box::new(base);
        if self.take_sign("]") {
            let optional = self.take_sign("?");
            return self.term(Op::Iterate { base, optional });
        }
        let mut from = None;
        if !self.is_sign(":") {
            let key = self.query()?;
            if self.take_sign("]") {
                return self.index(*base, key);
            }
            from = Some(Box::new(key));
        }
        self.expect_sign(":")?;
        let mut to = None;
        if from.is_none() || !self.is_sign("]") {
            to = Some(Box::new(self.query()?));
        }
        self.expect_sign("]")?;
        let optional = self.take_sign("?");
        self.term(Op::Slice { base, from, to, optional })
    }

    fn primary(&mut self) -> Parsed<Term> {
        let at = self.at;
        let Some(token) = self.peek().cloned() else { return Err(Refused::EndsEarly) };
        match token {
            Token::Number(text) => {
                self.at += 1;
                self.number(&text)
            }
            Token::Open | Token::Format(_) => self.string(),
            Token::Field(name) => {
                self.at += 1;
                let base = self.term(Op::Identity)?;
                let key = self.literal(name.as_str())?;
                self.index(base, key)
            }
            Token::Variable(name) => {
                self.at += 1;
                self.variable(&name, at)
            }
            Token::Name(name) => {
                self.at += 1;
                self.nested(|parser| parser.named(&name, at))
            }
            Token::Sign(sign) => self.nested(|parser| parser.signed(sign)),
            _ => Err(self.unexpected()),
        }
    }

    /// A variable; `at` is its token.
    pub(super) fn variable(&mut self, name: &str, at: usize) -> Parsed<Term> {
        if let Some(hops) = self.scope.variable(name) {
            return self.term(Op::Variable(hops));
        }
        let at = self.position_of(at);
        let name = format!("${name}");
        Err(match name.as_str() {
            "$ENV" | "$__loc__" | "$__prog_args" => Refused::NotInSubset { name, at },
            _ => Refused::NotDefined { name, at },
        })
    }

    fn signed(&mut self, sign: &str) -> Parsed<Term> {
        match sign {
            "." => {
                self.at += 1;
                let base = self.term(Op::Identity)?;
                match self.peek() {
                    Some(Token::Open | Token::Format(_)) => {
                        let key = self.string()?;
                        self.index(base, key)
                    }
                    _ => Ok(base),
                }
            }
            ".." => {
                self.at += 1;
                self.term(Op::Filter(Filter::Recurse, Vec::new()))
            }
            "-" => {
                self.at += 1;
                let operand = self.postfix()?;
                self.term(Op::Negate(Box::new(operand)))
            }
            "(" => {
                self.at += 1;
                let inner = self.query()?;
                self.expect_sign(")")?;
                Ok(inner)
            }
            "[" => {
                self.at += 1;
                if self.take_sign("]") {
                    return self.term(Op::Array(None));
                }
                let inner = self.query()?;
                self.expect_sign("]")?;
                self.term(Op::Array(Some(Box::new(inner))))
            }
            "{" => self.object(),
            _ => Err(self.unexpected()),
        }
    }

    /// A keyword or a call, behind the name.
    fn named(&mut self, name: &str, at: usize) -> Parsed<Term> {
        match name {
            "null" => self.term(Op::Literal(Default::default())),
            "true" => self.literal(true),
            "false" => self.literal(false),
            "if" => self.condition(),
            "try" => {
                let body = Box::new(self.postfix()?);
                let catch = match self.take_word("catch") {
                    true => Some(Box::new(self.postfix()?)),
                    false => None,
                };
                self.term(Op::Try { body, catch })
            }
            "reduce" => self.fold(false),
            "foreach" => self.fold(true),
            "break" => {
                let label = self.variable_name()?;
                match self.scope.label(&label) {
                    Some(hops) => self.term(Op::Break(hops)),
                    None => {
                        let at = self.position_of(at);
                        Err(Refused::NotDefined { name: format!("${label}"), at })
                    }
                }
            }
            "import" | "include" | "module" => {
                let at = self.position_of(at);
                Err(Refused::NotInSubset { name: name.to_owned(), at })
            }
            "def" | "then" | "else" | "elif" | "end" | "as" | "and" | "or" | "catch" | "label" => {
                self.at -= 1;
                Err(self.unexpected())
            }
            _ => self.call(name, at),
        }
    }

    fn condition(&mut self) -> Parsed<Term> {
        let condition = Box::new(self.query()?);
        self.expect_word("then")?;
        let then = Box::new(self.query()?);
        let otherwise = if self.take_word("elif") {
            Some(Box::new(self.nested(Self::condition)?))
        } else if self.take_word("else") {
            let otherwise = Box::new(self.query()?);
            self.expect_word("end")?;
            Some(otherwise)
        } else {
            self.expect_word("end")?;
            None
        };
        self.term(Op::If { condition, then, otherwise })
    }

    /// A string with what is interpolated, or a format alone.
    pub(super) fn string(&mut self) -> Parsed<Term> {
        let mut format = Format::Text;
        if let Some(Token::Format(name)) = self.peek() {
            let Some(found) = Format::named(name) else {
                let (name, at) = (format!("@{name}"), self.position());
                return Err(Refused::NotInSubset { name, at });
            };
            format = found;
            self.at += 1;
            if self.peek() != Some(&Token::Open) {
                return self.term(Op::Format(format));
            }
        }
        self.at += 1;
        let mut parts = Vec::new();
        loop {
            match self.peek().cloned() {
                Some(Token::Text(text)) => {
                    self.at += 1;
                    parts.push(Part::Text(text.into()));
                }
                Some(Token::Inside) => {
                    self.at += 1;
                    parts.push(Part::Inside(self.query()?));
                    if self.peek() != Some(&Token::Outside) {
                        return Err(self.unexpected());
                    }
                    self.at += 1;
                }
                Some(Token::Close) => {
                    self.at += 1;
                    break;
                }
                _ => return Err(self.unexpected()),
            }
        }
        match parts.as_slice() {
            [] => self.literal(""),
            [Part::Text(text)] => self.literal(&**text),
            _ => self.term(Op::Interpolation(format, parts)),
        }
    }
}
