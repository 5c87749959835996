//! Evaluation, with a callback for each value that a term gives.
//!
//! A callback ends everything that called it by returning [`Stop`], so that what `first`
//! or `limit` cuts off is never made. Terms that give exactly one value are evaluated
//! without a callback, which is faster and keeps the stack flat along a pipe.
//!
//! Each level of recursion goes through [`Machine::each`], [`Machine::one`] or
//! [`Machine::nested`], which count it in the budget.

mod assign;
mod at;
mod bind;
mod build;
mod control;
mod filters;
mod generators;

use kafka_edge_bounded_json::{Array, Budget, Exceeded, VALUE_BYTES, Value};
use std::rc::Rc;

pub(crate) use at::{At, Path};

use crate::ops;
use crate::term::{Hops, Op, Term};

/// Why evaluation does not go on.
#[derive(Debug)]
pub(crate) enum Stop {
    /// An error of jq, which `try` catches.
    Error(Value),
    Exceeded(Exceeded),
    /// Goes up to the `label` with this number.
    Break(u64),
    /// Goes through a `try`, which knows the reason.
    Beyond,
}

impl From<Exceeded> for Stop {
    fn from(exceeded: Exceeded) -> Self {
        Self::Exceeded(exceeded)
    }
}

impl Stop {
    pub(crate) fn error(message: impl AsRef<str>) -> Self {
        Self::Error(Value::from(message.as_ref()))
    }
}

pub(crate) type Flow = Result<(), Stop>;
pub(crate) type Out<'o> = &'o mut dyn FnMut(&mut Machine<'_>, At) -> Flow;

/// The innermost entry of the environment. Entries lie on the stack.
pub(crate) type Scope<'e> = Option<&'e Env<'e>>;

pub(crate) struct Env<'e> {
    pub(crate) slot: Slot<'e>,
    pub(crate) next: Scope<'e>,
}

pub(crate) enum Slot<'e> {
    Value(Value),
    /// A filter that was given to a function, and where it was written.
    Filter(&'e Term, Scope<'e>),
    Label(u64),
}

pub(crate) struct Machine<'b> {
    pub(crate) budget: &'b mut Budget,
    labels: u64,
}

impl<'b> Machine<'b> {
    pub(crate) fn new(budget: &'b mut Budget) -> Self {
        Self { budget, labels: 0 }
    }

    /// Goes one level down in the stack.
    pub(crate) fn nested<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        self.budget.enter()?;
        let result = inside(self);
        self.budget.leave();
        result
    }

    fn entry<'e>(&mut self, mut env: Scope<'e>, hops: Hops) -> Result<Scope<'e>, Stop> {
        self.budget.spend_steps(hops as u64 / 16)?;
        for _ in 0..hops {
            env = env.and_then(|entry| entry.next);
        }
        Ok(env)
    }

    /// Calls back for each value that the term gives for this input.
    pub(crate) fn each<'e>(
        &mut self,
        term: &'e Term,
        at: At,
        env: Scope<'e>,
        out: Out<'_>,
    ) -> Flow {
        if term.single && is_direct(&term.op) {
            let value = self.one(term, at, env)?;
            return out(self, value);
        }
        self.budget.step()?;
        self.budget.enter()?;
        let flow = self.many(term, at, env, out);
        self.budget.leave();
        flow
    }

    /// The value of a term that gives exactly one.
    pub(crate) fn one<'e>(&mut self, term: &'e Term, at: At, env: Scope<'e>) -> Result<At, Stop> {
        self.budget.step()?;
        match &term.op {
            Op::Identity => return Ok(at),
            Op::Literal(value) => return Ok(at.computed(value.clone())),
            Op::Variable(hops) => return self.variable(*hops, &at, env),
            _ => {}
        }
        self.budget.enter()?;
        let result =
            if is_direct(&term.op) { self.direct(term, at, env) } else { self.only(term, at, env) };
        self.budget.leave();
        result
    }

    /// One value, without anything of where it was found.
    pub(crate) fn value<'e>(
        &mut self,
        term: &'e Term,
        at: &At,
        env: Scope<'e>,
    ) -> Result<Value, Stop> {
        Ok(self.one(term, at.plain(), env)?.value)
    }

    /// Calls back for each value, without anything of where it was found.
    pub(crate) fn values<'e>(
        &mut self,
        term: &'e Term,
        at: &At,
        env: Scope<'e>,
        out: &mut dyn FnMut(&mut Machine<'_>, Value) -> Flow,
    ) -> Flow {
        if term.single {
            let value = self.value(term, at, env)?;
            return out(self, value);
        }
        self.each(term, at.plain(), env, &mut |machine, found| out(machine, found.value))
    }

    #[inline(never)]
    fn only<'e>(&mut self, term: &'e Term, at: At, env: Scope<'e>) -> Result<At, Stop> {
        let mut last = None;
        self.many(term, at, env, &mut |_, found| {
            last = Some(found);
            Ok(())
        })?;
        Ok(last.unwrap_or_default())
    }

    #[inline(never)]
    fn variable(&mut self, hops: Hops, at: &At, env: Scope<'_>) -> Result<At, Stop> {
        match self.entry(env, hops)? {
            Some(Env { slot: Slot::Value(value), .. }) => Ok(at.computed(value.clone())),
            _ => Err(Stop::error("a variable is not there")),
        }
    }

    /// What [`is_direct`] names, where each operand gives one value.
    #[inline(never)]
    fn direct<'e>(&mut self, term: &'e Term, at: At, env: Scope<'e>) -> Result<At, Stop> {
        match &term.op {
            Op::Index { base, key, .. } => {
                let key = self.value(key, &at, env)?;
                let base = self.one(base, at, env)?;
                self.index(base, key)
            }
            Op::Pipe(stages) => stages.iter().try_fold(at, |at, stage| self.one(stage, at, env)),
            Op::Arithmetic(kind, left, right) => {
                let right = self.value(right, &at, env)?;
                let path = at.path.lost();
                let left = self.one(left, at.without_path(), env)?.value;
                Ok(At { value: ops::arithmetic(*kind, left, right, self.budget)?, path })
            }
            Op::Compare(kind, left, right) => {
                let right = self.value(right, &at, env)?;
                let path = at.path.lost();
                let left = self.one(left, at.without_path(), env)?.value;
                Ok(At { value: ops::comparison(*kind, &left, &right, self.budget)?, path })
            }
            Op::Negate(operand) => {
                let path = at.path.lost();
                let operand = self.one(operand, at.without_path(), env)?.value;
                Ok(At { value: ops::negate(&operand, self.budget)?, path })
            }
            Op::If { condition, then, otherwise } => {
                let truthy = self.value(condition, &at, env)?.is_truthy();
                match (truthy, otherwise) {
                    (true, _) => self.one(then, at, env),
                    (false, Some(otherwise)) => self.one(otherwise, at, env),
                    (false, None) => Ok(at),
                }
            }
            Op::Simple(simple, arguments) => {
                let mut values = [const { Value::Null }; 2];
                for (place, argument) in values.iter_mut().zip(arguments) {
                    *place = self.value(argument, &at, env)?;
                }
                let path = at.path.lost();
                let count = arguments.len();
                let value = self.simple(*simple, at.value, &values[..count.min(2)])?;
                Ok(At { value, path })
            }
            Op::Format(format) => {
                let path = at.path.lost();
                Ok(At { value: format.apply(&at.value, self.budget)?, path })
            }
            Op::Array(term) => self.collect(term.as_deref(), at, env),
            Op::Object(entries) => self.object(entries, at, env),
            _ => self.only(term, at, env),
        }
    }

    /// The number of a new label.
    fn label(&mut self) -> u64 {
        self.labels += 1;
        self.labels
    }

    /// Runs with a number that [`Stop::Break`] ends it with.
    pub(crate) fn breakable(&mut self, run: impl FnOnce(&mut Self, u64) -> Flow) -> Flow {
        let label = self.label();
        match run(self, label) {
            Err(Stop::Break(found)) if found == label => Ok(()),
            flow => flow,
        }
    }

    /// A copy of the items that are changed next, if others hold them too.
    pub(crate) fn own<'v>(&mut self, array: &'v mut Rc<Array>) -> Result<&'v mut Array, Stop> {
        if Rc::get_mut(array).is_none() {
            self.budget.spend_bytes(VALUE_BYTES * (2 + array.len() as u64))?;
        }
        Ok(Rc::make_mut(array))
    }
}

/// What [`Machine::direct`] evaluates.
fn is_direct(op: &Op) -> bool {
    matches!(
        op,
        Op::Identity
            | Op::Literal(_)
            | Op::Variable(_)
            | Op::Index { .. }
            | Op::Pipe(_)
            | Op::Arithmetic(..)
            | Op::Compare(..)
            | Op::Negate(_)
            | Op::If { .. }
            | Op::Simple(..)
            | Op::Format(_)
            | Op::Array(_)
            | Op::Object(_)
    )
}
