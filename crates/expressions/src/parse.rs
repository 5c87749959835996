//! The grammar of jq 1.8, from its `parser.y`: precedences, what a body extends over, and
//! what may stand where. All recursion goes through [`Parser::nested`].

mod functions;
mod objects;
mod operators;
mod patterns;
mod postfix;
mod scope;

use kafka_edge_bounded_json::{Number, Value};

use crate::lex::{Token, lex};
use crate::limits::{MAX_DEPTH, MAX_NESTING, MAX_PROGRAM_BYTES, MAX_TERMS};
use crate::refused::{Position, Refused};
use crate::term::{Op, Term};
use operators::Side;
use scope::{Entry, Scope};

pub(crate) struct Parser<'t> {
    text: &'t str,
    tokens: Vec<(Token, usize)>,
    at: usize,
    scope: Scope,
    terms: usize,
    nesting: usize,
}

type Parsed<T> = Result<T, Refused>;

/// Reads a whole program. The variables are those that the caller gives.
pub(crate) fn program(text: &str, variables: &[&str]) -> Parsed<Term> {
    if text.len() > MAX_PROGRAM_BYTES {
        return Err(Refused::TooLong { length: text.len(), most: MAX_PROGRAM_BYTES });
    }
    let entries = variables.iter().map(|name| Entry::Variable((*name).to_owned())).collect();
    Parser::new(text, Scope::new(entries), 0, 0)?.whole()
}

impl<'t> Parser<'t> {
    fn new(text: &'t str, scope: Scope, terms: usize, nesting: usize) -> Parsed<Self> {
        Ok(Self { text, tokens: lex(text)?.tokens, at: 0, scope, terms, nesting })
    }

    fn whole(&mut self) -> Parsed<Term> {
        let term = self.query()?;
        if self.at < self.tokens.len() { Err(self.unexpected()) } else { Ok(term) }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn position(&self) -> Position {
        self.position_of(self.at)
    }

    /// Where a token is. This looks through the text, so only errors ask.
    fn position_of(&self, token: usize) -> Position {
        let byte = self.tokens.get(token).map_or(self.text.len(), |(_, byte)| *byte);
        Position::of(self.text, byte)
    }

    fn unexpected(&self) -> Refused {
        let Some((_, byte)) = self.tokens.get(self.at) else { return Refused::EndsEarly };
        let end = self.tokens.get(self.at + 1).map_or(self.text.len(), |(_, byte)| *byte);
        let found = self.text[*byte..end].trim().chars().take(20).collect();
        Refused::Unexpected { found, at: self.position() }
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Token::Sign(found)) if *found == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(found)) if found == word)
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect_sign(&mut self, sign: &str) -> Parsed<()> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    fn variable_name(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Variable(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected()),
        }
    }

    fn nested<T>(&mut self, inside: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= MAX_NESTING {
            return Err(Refused::TooDeep { most: MAX_NESTING, at: self.position() });
        }
        self.nesting += 1;
        let result = inside(self);
        self.nesting -= 1;
        result
    }

    /// Makes a term, and counts it.
    fn term(&mut self, op: Op) -> Parsed<Term> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(Refused::TooManyTerms { most: MAX_TERMS });
        }
        let term = Term::new(op);
        if term.depth > MAX_DEPTH {
            return Err(Refused::TooDeep { most: MAX_DEPTH, at: self.position() });
        }
        Ok(term)
    }

    fn boxed(&mut self, op: Op) -> Parsed<Box<Term>> {
        self.term(op).map(Box::new)
    }

    fn literal(&mut self, value: impl Into<Value>) -> Parsed<Term> {
        self.term(Op::Literal(value.into()))
    }

    /// Pipes and commas, with what may stand before them: `def`, `label` and `as`.
    fn query(&mut self) -> Parsed<Term> {
        self.nested(|parser| {
            let mut stages = Vec::new();
            loop {
                let mut branches = vec![parser.branch()?];
                while parser.take_sign(",") {
                    branches.push(parser.branch()?);
                }
                let stage = match branches.len() {
                    1 => branches.pop(),
                    _ => Some(parser.term(Op::Comma(branches))?),
                };
                stages.extend(stage);
                if !parser.take_sign("|") {
                    break;
                }
            }
            match stages.len() {
                1 => stages.pop().ok_or(Refused::EndsEarly),
                _ => parser.term(Op::Pipe(stages)),
            }
        })
    }

    /// What stands between commas. A body behind `as`, `label` or `def` takes all that
    /// follows, pipes and commas too.
    fn branch(&mut self) -> Parsed<Term> {
        if self.is_word("def") {
            return self.nested(Self::definition);
        }
        if self.take_word("label") {
            let name = self.variable_name()?;
            self.expect_sign("|")?;
            self.scope.push(Entry::Label(name));
            let body = self.query()?;
            self.scope.pop(1);
            return self.term(Op::Label(Box::new(body)));
        }
        let source = self.expression(0)?;
        if !self.take_word("as") {
            return Ok(source);
        }
        let (pattern, names) = self.patterns()?;
        self.expect_sign("|")?;
        let count = names.len();
        self.scope.push_variables(names);
        let body = self.query()?;
        self.scope.pop(count);
        self.term(Op::Bind { source: Box::new(source), pattern, body: Box::new(body) })
    }

    /// Operators, by precedence climbing.
    fn expression(&mut self, least: u8) -> Parsed<Term> {
        self.nested(|parser| {
            let mut left = parser.postfix()?;
            loop {
                let Some(operator) = parser.operator() else { return Ok(left) };
                let (level, side) = operator.precedence();
                if level < least {
                    return Ok(left);
                }
                parser.at += 1;
                let right = parser.expression(level + u8::from(side != Side::Right))?;
                left = parser.term(operator.op(Box::new(left), Box::new(right)))?;
                let again = parser.operator().map(|next| next.precedence().0);
                if side == Side::Neither && again == Some(level) {
                    return Err(parser.unexpected());
                }
            }
        })
    }

    fn number(&mut self, text: &str) -> Parsed<Term> {
        let number = Number::parse(text);
        let what = "The number is malformed";
        let number = number.ok_or(Refused::Syntax { what, at: self.position() })?;
        self.term(Op::Literal(Value::Number(number)))
    }
}
