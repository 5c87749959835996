//! Objects, built and taken apart.

use kafka_edge_bounded_json::Value;

use super::{Parsed, Parser};
use crate::lex::Token;
use crate::term::{Member, Op, Term};

impl Parser<'_> {
    pub(super) fn object(&mut self) -> Parsed<Term> {
        self.expect_sign("{")?;
        let mut entries = Vec::new();
        while !self.take_sign("}") {
            entries.push(self.entry()?);
            if !self.is_sign("}") {
                self.expect_sign(",")?;
            }
        }
        self.term(Op::Object(entries))
    }

    fn entry(&mut self) -> Parsed<(Term, Term)> {
        let at = self.at;
        let token = self.peek().cloned();
        let shorthand = match token {
            Some(Token::Name(name)) => {
                self.at += 1;
                let key = self.literal(name.as_str())?;
                if self.take_sign(":") {
                    return Ok((key, self.entry_value()?));
                }
                let again = self.literal(name.as_str())?;
                (key, again)
            }
            Some(Token::Variable(name)) => {
                self.at += 1;
                let value = self.variable(&name, at)?;
                if self.take_sign(":") {
                    return Ok((value, self.entry_value()?));
                }
                return Ok((self.literal(name.as_str())?, value));
            }
            Some(Token::Open | Token::Format(_)) => {
                let start = self.at;
                let key = self.string()?;
                if self.take_sign(":") {
                    return Ok((key, self.entry_value()?));
                }
                // The key is read once more, as what is looked up.
                let end = self.at;
                self.at = start;
                let again = self.string()?;
                self.at = end;
                (key, again)
            }
            Some(Token::Sign("(")) => {
                self.at += 1;
                let key = self.query()?;
                self.expect_sign(")")?;
                self.expect_sign(":")?;
                return Ok((key, self.entry_value()?));
            }
            _ => return Err(self.unexpected()),
        };
        let (key, again) = shorthand;
        let base = self.boxed(Op::Identity)?;
        let value = self.term(Op::Index { base, key: Box::new(again), optional: false })?;
        Ok((key, value))
    }

    /// A value may have pipes in it, but no commas.
    fn entry_value(&mut self) -> Parsed<Term> {
        let first = self.expression(0)?;
        if !self.is_sign("|") {
            return Ok(first);
        }
        let mut stages = vec![first];
        while self.take_sign("|") {
            stages.push(self.expression(0)?);
        }
        self.term(Op::Pipe(stages))
    }

    /// A member of an object pattern.
    pub(super) fn member(&mut self, names: &mut Vec<String>) -> Parsed<Member> {
        let key = match self.peek().cloned() {
            Some(Token::Variable(name)) => {
                self.at += 1;
                let key = self.term(Op::Literal(Value::from(name.as_str())))?;
                names.push(name);
                let mut pattern = None;
                if self.take_sign(":") {
                    pattern = Some(self.pattern(names)?);
                }
                return Ok(Member { key, binds: true, pattern });
            }
            Some(Token::Name(name)) => {
                self.at += 1;
                self.literal(name.as_str())?
            }
            Some(Token::Open | Token::Format(_)) => self.string()?,
            Some(Token::Sign("(")) => {
                self.at += 1;
                let key = self.query()?;
                self.expect_sign(")")?;
                key
            }
            _ => return Err(self.unexpected()),
        };
        self.expect_sign(":")?;
        let pattern = Some(self.pattern(names)?);
        Ok(Member { key, binds: false, pattern })
    }
}
