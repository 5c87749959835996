//! What a program is made of.

use std::rc::Rc;

use kafka_edge_bounded_json::Value;

use crate::builtins::{Filter, Simple};
use crate::formats::Format;

/// A term, and what the parser found out about it.
#[derive(Debug)]
pub(crate) struct Term {
    pub(crate) op: Op,
    /// Whether it gives exactly one value, or an error.
    pub(crate) single: bool,
    /// How many terms lie in each other here.
    pub(crate) depth: usize,
}

/// How many entries of the environment lie above the one that is meant.
pub(crate) type Hops = usize;

#[derive(Debug)]
pub(crate) enum Op {
    Identity,
    Literal(Value),
    Variable(Hops),
    /// `base[key]`; with `?`, an error of the access itself is left out.
    Index {
        base: Box<Term>,
        key: Box<Term>,
        optional: bool,
    },
    Slice {
        base: Box<Term>,
        from: Option<Box<Term>>,
        to: Option<Box<Term>>,
        optional: bool,
    },
    Iterate {
        base: Box<Term>,
        optional: bool,
    },
    Pipe(Vec<Term>),
    Comma(Vec<Term>),
    Bind {
        source: Box<Term>,
        pattern: Pattern,
        body: Box<Term>,
    },
    Reduce(Box<Fold>),
    Foreach(Box<Fold>),
    If {
        condition: Box<Term>,
        then: Box<Term>,
        otherwise: Option<Box<Term>>,
    },
    Try {
        body: Box<Term>,
        catch: Option<Box<Term>>,
    },
    Arithmetic(Arithmetic, Box<Term>, Box<Term>),
    Compare(Comparison, Box<Term>, Box<Term>),
    And(Box<Term>, Box<Term>),
    Or(Box<Term>, Box<Term>),
    Alternative(Box<Term>, Box<Term>),
    Negate(Box<Term>),
    Assign(Assignment, Box<Term>, Box<Term>),
    Array(Option<Box<Term>>),
    Object(Vec<(Term, Term)>),
    Interpolation(Format, Vec<Part>),
    Format(Format),
    Simple(Simple, Vec<Term>),
    Filter(Filter, Vec<Term>),
    /// A call of a function of the program, or of one that is defined in jq.
    Call {
        hops: Hops,
        function: Rc<Function>,
        arguments: Vec<Term>,
    },
    /// A parameter that is a filter, and whether it gives exactly one value.
    Parameter(Hops, bool),
    Label(Box<Term>),
    Break(Hops),
}

/// `reduce` and `foreach`.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) source: Term,
    pub(crate) pattern: Pattern,
    pub(crate) init: Term,
    pub(crate) update: Term,
    pub(crate) extract: Option<Term>,
}

#[derive(Debug)]
pub(crate) struct Function {
    /// For each parameter, whether it is a value (`$name`) besides being a filter.
    pub(crate) values: Vec<bool>,
    pub(crate) body: Term,
}

#[derive(Debug)]
pub(crate) enum Pattern {
    Variable,
    Array(Vec<Pattern>),
    Object(Vec<Member>),
}

#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) key: Term,
    /// `$name` in the place of the key binds the value as well.
    pub(crate) binds: bool,
    pub(crate) pattern: Option<Pattern>,
}

#[derive(Debug)]
pub(crate) enum Part {
    Text(Rc<str>),
    Inside(Term),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assignment {
    /// `=`
    Set,
    /// `|=`
    Update,
    /// `+=` and its like
    Arithmetic(Arithmetic),
    /// `//=`
    Alternative,
}

impl Term {
    pub(crate) fn new(op: Op) -> Self {
        let mut depth = 0;
        op.children(&mut |child| depth = depth.max(child.depth));
        if let Op::Call { function, .. } = &op {
            depth = depth.max(function.body.depth);
        }
        let single = op.is_single();
        Self { op, single, depth: depth + 1 }
    }
}

impl Op {
    fn is_single(&self) -> bool {
        let mut all = true;
        match self {
            Self::Iterate { .. }
            | Self::Comma(_)
            | Self::Foreach(_)
            | Self::Try { catch: None, .. }
            | Self::Label(_)
            | Self::Break(_)
            | Self::Index { optional: true, .. }
            | Self::Slice { optional: true, .. } => return false,
            Self::Array(_) | Self::Assign(Assignment::Update, ..) => return true,
            Self::Assign(_, _, value) => return value.single,
            Self::Reduce(fold) => return fold.init.single,
            Self::Parameter(_, single) => return *single,
            Self::Filter(filter, arguments) => return filter.is_single(arguments),
            Self::Call { function, arguments, .. } => {
                let values = function.values.iter().zip(arguments);
                let values = values.filter(|(value, _)| **value).all(|(_, term)| term.single);
                return values && function.body.single;
            }
            _ => {}
        }
        self.children(&mut |child| all &= child.single);
        all
    }

    /// Calls back for each term in this one, but not for those in the body of a function.
    fn children(&self, seen: &mut dyn FnMut(&Term)) {
        match self {
            Self::Identity
            | Self::Literal(_)
            | Self::Variable(_)
            | Self::Format(_)
            | Self::Parameter(..)
            | Self::Break(_) => {}
            Self::Index { base, key, .. } => {
                seen(base);
                seen(key);
            }
            Self::Slice { base, from, to, .. } => {
                seen(base);
                from.iter().chain(to).for_each(|term| seen(term));
            }
            Self::Iterate { base, .. } => seen(base),
            Self::Negate(term) | Self::Label(term) => seen(term),
            Self::Array(term) => term.iter().for_each(|term| seen(term)),
            Self::Pipe(terms)
            | Self::Comma(terms)
            | Self::Simple(_, terms)
            | Self::Filter(_, terms)
            | Self::Call { arguments: terms, .. } => terms.iter().for_each(seen),
            Self::Bind { source, pattern, body } => {
                seen(source);
                pattern.keys(seen);
                seen(body);
            }
            Self::Reduce(fold) | Self::Foreach(fold) => {
                seen(&fold.source);
                fold.pattern.keys(seen);
                seen(&fold.init);
                seen(&fold.update);
                fold.extract.iter().for_each(seen);
            }
            Self::If { condition, then, otherwise } => {
                seen(condition);
                seen(then);
                otherwise.iter().for_each(|term| seen(term));
            }
            Self::Try { body, catch } => {
                seen(body);
                catch.iter().for_each(|term| seen(term));
            }
            Self::Arithmetic(_, a, b)
            | Self::Compare(_, a, b)
            | Self::And(a, b)
            | Self::Or(a, b)
            | Self::Alternative(a, b)
            | Self::Assign(_, a, b) => {
                seen(a);
                seen(b);
            }
            Self::Object(entries) => {
                for (key, value) in entries {
                    seen(key);
                    seen(value);
                }
            }
            Self::Interpolation(_, parts) => {
                for part in parts {
                    if let Part::Inside(term) = part {
                        seen(term);
                    }
                }
            }
        }
    }
}

impl Pattern {
    fn keys(&self, seen: &mut dyn FnMut(&Term)) {
        match self {
            Self::Variable => {}
            Self::Array(items) => items.iter().for_each(|item| item.keys(seen)),
            Self::Object(members) => {
                for member in members {
                    seen(&member.key);
                    if let Some(pattern) = &member.pattern {
                        pattern.keys(seen);
                    }
                }
            }
        }
    }
}
