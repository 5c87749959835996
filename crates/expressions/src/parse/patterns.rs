//! Folds, and the patterns behind `as`.

use super::{Parsed, Parser};
use crate::lex::Token;
use crate::refused::Refused;
use crate::term::{Fold, Op, Pattern, Term};

impl Parser<'_> {
    /// `reduce` or `foreach`, behind the word.
    pub(super) fn fold(&mut self, foreach: bool) -> Parsed<Term> {
        let source = self.expression(0)?;
        self.expect_word("as")?;
        let (pattern, names) = self.patterns()?;
        self.expect_sign("(")?;
        let init = self.query()?;
        self.expect_sign(";")?;
        let count = names.len();
        self.scope.push_variables(names);
        let update = self.query()?;
        let mut extract = None;
        if foreach && self.take_sign(";") {
            extract = Some(self.query()?);
        }
        self.scope.pop(count);
        self.expect_sign(")")?;
        let fold = Box::new(Fold { source, pattern, init, update, extract });
        self.term(if foreach { Op::Foreach(fold) } else { Op::Reduce(fold) })
    }

    /// A pattern behind `as`, and the variables that it binds, in their order.
    pub(super) fn patterns(&mut self) -> Parsed<(Pattern, Vec<String>)> {
        let mut names = Vec::new();
        let pattern = self.pattern(&mut names)?;
        if self.is_sign("?//") {
            return Err(Refused::NotInSubset { name: "?//".into(), at: self.position() });
        }
        Ok((pattern, names))
    }

    pub(super) fn pattern(&mut self, names: &mut Vec<String>) -> Parsed<Pattern> {
        self.nested(|parser| {
            parser.terms += 1;
            if let Some(Token::Variable(_)) = parser.peek() {
                names.push(parser.variable_name()?);
                return Ok(Pattern::Variable);
            }
            if parser.take_sign("[") {
                let mut items = Vec::new();
                loop {
                    items.push(parser.pattern(names)?);
                    if parser.take_sign("]") {
                        return Ok(Pattern::Array(items));
                    }
                    parser.expect_sign(",")?;
                }
            }
            parser.expect_sign("{")?;
            let mut members = Vec::new();
            loop {
                members.push(parser.member(names)?);
                if parser.take_sign("}") {
                    return Ok(Pattern::Object(members));
                }
                parser.expect_sign(",")?;
            }
        })
    }
}
