//! Operators, by jq's precedences.

use super::Parser;
use crate::lex::Token;
use crate::term::{Arithmetic, Assignment, Comparison, Op, Term};

#[derive(Clone, Copy)]
pub(super) enum Operator {
    Alternative,
    Assign(Assignment),
    Or,
    And,
    Compare(Comparison),
    Arithmetic(Arithmetic),
}

#[derive(PartialEq)]
pub(super) enum Side {
    Left,
    Right,
    Neither,
}

impl Operator {
    pub(super) fn precedence(self) -> (u8, Side) {
        match self {
            Self::Alternative => (1, Side::Right),
            Self::Assign(_) => (2, Side::Neither),
            Self::Or => (3, Side::Left),
            Self::And => (4, Side::Left),
            Self::Compare(_) => (5, Side::Neither),
            Self::Arithmetic(Arithmetic::Add | Arithmetic::Subtract) => (6, Side::Left),
            Self::Arithmetic(_) => (7, Side::Left),
        }
    }

    pub(super) fn op(self, left: Box<Term>, right: Box<Term>) -> Op {
        match self {
            Self::Alternative => Op::Alternative(left, right),
            Self::Assign(kind) => Op::Assign(kind, left, right),
            Self::Or => Op::Or(left, right),
            Self::And => Op::And(left, right),
            Self::Compare(kind) => Op::Compare(kind, left, right),
            Self::Arithmetic(kind) => Op::Arithmetic(kind, left, right),
        }
    }
}

impl Parser<'_> {
    pub(super) fn operator(&self) -> Option<Operator> {
        Some(match self.peek()? {
            Token::Name(word) if word == "and" => Operator::And,
            Token::Name(word) if word == "or" => Operator::Or,
            Token::Sign(sign) => match *sign {
                "//" => Operator::Alternative,
                "=" => Operator::Assign(Assignment::Set),
                "|=" => Operator::Assign(Assignment::Update),
                "+=" => Operator::Assign(Assignment::Arithmetic(Arithmetic::Add)),
                "-=" => Operator::Assign(Assignment::Arithmetic(Arithmetic::Subtract)),
                "*=" => Operator::Assign(Assignment::Arithmetic(Arithmetic::Multiply)),
                "/=" => Operator::Assign(Assignment::Arithmetic(Arithmetic::Divide)),
                "%=" => Operator::Assign(Assignment::Arithmetic(Arithmetic::Remainder)),
                "//=" => Operator::Assign(Assignment::Alternative),
                "==" => Operator::Compare(Comparison::Equal),
                "!=" => Operator::Compare(Comparison::Unequal),
                "<" => Operator::Compare(Comparison::Less),
                "<=" => Operator::Compare(Comparison::LessOrEqual),
                ">" => Operator::Compare(Comparison::Greater),
                ">=" => Operator::Compare(Comparison::GreaterOrEqual),
                "+" => Operator::Arithmetic(Arithmetic::Add),
                "-" => Operator::Arithmetic(Arithmetic::Subtract),
                "*" => Operator::Arithmetic(Arithmetic::Multiply),
                "/" => Operator::Arithmetic(Arithmetic::Divide),
                "%" => Operator::Arithmetic(Arithmetic::Remainder),
                _ => return None,
            },
            _ => return None,
        })
    }
}
