//! Calls and definitions of functions.

use std::rc::Rc;

use super::scope::{Callee, Entry};
use super::{Parsed, Parser};
use crate::builtins::{self, Found};
use crate::lex::Token;
use crate::refused::Refused;
use crate::term::{Function, Op, Term};

impl Parser<'_> {
    pub(super) fn call(&mut self, name: &str, at: usize) -> Parsed<Term> {
        let mut arguments = Vec::new();
        if self.take_sign("(") {
            loop {
                arguments.push(self.query()?);
                if self.take_sign(")") {
                    break;
                }
                self.expect_sign(";")?;
            }
        }
        if let Some(entry) = self.scope.function(name, arguments.len()) {
            return match entry {
                Callee::Function(hops, function) => {
                    self.term(Op::Call { hops, function, arguments })
                }
                Callee::Parameter(hops, single) => self.term(Op::Parameter(hops, single)),
                Callee::Itself => {
                    let at = self.position_of(at);
                    Err(Refused::Recursive { name: name.to_owned(), at })
                }
            };
        }
        match builtins::find(name, arguments.len()) {
            Found::Simple(simple) => self.term(Op::Simple(simple, arguments)),
            Found::Filter(filter) => self.term(Op::Filter(filter, arguments)),
            Found::Defined(parameters, body) => self.defined(parameters, body, arguments),
            Found::OtherArity => {
                let at = self.position_of(at);
                Err(Refused::Arity { name: name.to_owned(), arguments: arguments.len(), at })
            }
            Found::Outside => {
                let at = self.position_of(at);
                Err(Refused::NotInSubset { name: name.to_owned(), at })
            }
            Found::Nowhere => {
                let at = self.position_of(at);
                Err(Refused::NotDefined { name: name.to_owned(), at })
            }
        }
    }

    /// A call of what is defined in jq here. The definition is read for each call, so
    /// that it is known whether it gives one value.
    fn defined(&mut self, parameters: &[&str], body: &str, arguments: Vec<Term>) -> Parsed<Term> {
        let mut entries = Vec::new();
        let mut values = Vec::new();
        for (name, argument) in parameters.iter().zip(&arguments) {
            let plain = name.trim_start_matches('$').to_owned();
            entries.push(Entry::Parameter(plain, argument.single));
            values.push(name.starts_with('$'));
        }
        for name in parameters.iter().filter_map(|name| name.strip_prefix('$')) {
            entries.push(Entry::Variable(name.to_owned()));
        }
        let mut inner = Parser::new(body, super::Scope::new(entries), self.terms, self.nesting)?;
        let body = inner.whole()?;
        self.terms = inner.terms;
        let function = Rc::new(Function { values, body });
        self.term(Op::Call { hops: self.scope.slots(), function, arguments })
    }

    /// `def …: …;` and what it is defined for. A function is not in scope in its own
    /// body, so nothing recurses.
    pub(super) fn definition(&mut self) -> Parsed<Term> {
        self.expect_word("def")?;
        let Some(Token::Name(name)) = self.peek().cloned() else { return Err(self.unexpected()) };
        self.at += 1;
        let mut parameters = Vec::new();
        let mut values = Vec::new();
        if self.take_sign("(") {
            loop {
                match self.peek().cloned() {
                    Some(Token::Variable(name)) => {
                        parameters.push(name);
                        values.push(true);
                    }
                    Some(Token::Name(name)) => {
                        parameters.push(name);
                        values.push(false);
                    }
                    _ => return Err(self.unexpected()),
                }
                self.at += 1;
                if self.take_sign(")") {
                    break;
                }
                self.expect_sign(";")?;
            }
        }
        self.expect_sign(":")?;
        self.scope.push(Entry::Defining(name.clone(), values.len()));
        let mut entries = parameters.len() + 1;
        for parameter in &parameters {
            self.scope.push(Entry::Parameter(parameter.clone(), false));
        }
        for (parameter, _) in parameters.iter().zip(&values).filter(|(_, value)| **value) {
            self.scope.push(Entry::Variable(parameter.clone()));
            entries += 1;
        }
        let body = self.query()?;
        self.scope.pop(entries);
        self.expect_sign(";")?;
        let function = Rc::new(Function { values, body });
        self.scope.push(Entry::Function(name, function));
        let rest = self.query()?;
        self.scope.pop(1);
        Ok(rest)
    }
}
