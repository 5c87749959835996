//! A named subset of jq 1.8 whose cost is bounded: `docs/expressions.md` lists it.
//!
//! [`Program::parse`] refuses by name what is outside, and [`Program::run`] spends from the
//! [`Budget`] of an event. Nothing here depends on the rest of the gateway.
//!
//! The parser is one of our own, because its recursion can be counted and what it builds
//! is what is evaluated. It and its tables of names take some 45 KiB, as much as jaq-core's
//! parser (44 KiB), which wants its nesting capped before and a translation behind it.
//!
//! Measured on 2026-11-29 with Rust 1.95, wasm32-wasip2 and the profile `component`, in a
//! program that reads and writes JSON with serde_json:
//!
//! | | KiB more |
//! |---|---|
//! | kafka-edge-bounded-json, with its parser | 45 |
//! | this crate, with opt-level "s" as in `Cargo.toml` | 251 |
//! | this crate, with opt-level 3 | 278 |
//!
//! Under wasmtime, a million steps took 25 to 45 ms on a quiet machine and twice as much
//! beside other work. Of 40 shapes of programs that go as deep as the default budget lets
//! them, the hungriest took 252 KiB of wasm stack, and no more than 256 KiB of the stack in
//! linear memory; 16 MiB of the budget were never more than 31 MiB of memory.
#![forbid(unsafe_code)]

mod builtins;
mod eval;
mod formats;
mod lex;
mod limits;
mod ops;
mod parse;
mod refused;
mod term;

use kafka_edge_bounded_json::{Budget, Exceeded, VALUE_BYTES, Value};

pub use limits::{MAX_DEPTH, MAX_NESTING, MAX_PROGRAM_BYTES, MAX_TERMS};
pub use refused::{Position, Refused};

use eval::{At, Env, Machine, Scope, Slot, Stop};

/// A program that was read, and is within the caps.
#[derive(Debug)]
pub struct Program {
    term: term::Term,
    variables: usize,
}

/// Why a program gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// An error of the program, in the words of jq. An error that is not a string is
    /// shown as JSON.
    #[error("{0}")]
    Error(String),
    #[error(transparent)]
    Exceeded(#[from] Exceeded),
}

impl Program {
    /// Reads a program. It may use the variables that are named, without their `$`.
    pub fn parse(text: &str, variables: &[&str]) -> Result<Self, Refused> {
        let term = parse::program(text, variables)?;
        Ok(Self { term, variables: variables.len() })
    }

    /// All values that the program gives for an input. The values of the variables are in
    /// the order in which they were named; one that is missing is `null`.
    pub fn run(
        &self,
        input: &Value,
        variables: &[Value],
        budget: &mut Budget,
    ) -> Result<Vec<Value>, RunError> {
        let mut results = Vec::new();
        let mut machine = Machine::new(budget);
        let given = Given { program: self, input, variables };
        match given.run(&mut machine, 0, None, &mut results) {
            Ok(()) => Ok(results),
            Err(Stop::Exceeded(exceeded)) => Err(exceeded.into()),
            Err(Stop::Error(Value::String(message))) => Err(RunError::Error(message.to_string())),
            Err(Stop::Error(value)) => {
                let message = value.to_vec(budget)?;
                Err(RunError::Error(String::from_utf8_lossy(&message).into_owned()))
            }
            Err(Stop::Break(_) | Stop::Beyond) => Err(RunError::Error("break".into())),
        }
    }
}

struct Given<'g> {
    program: &'g Program,
    input: &'g Value,
    variables: &'g [Value],
}

impl Given<'_> {
    fn run(
        &self,
        machine: &mut Machine<'_>,
        bound: usize,
        env: Scope<'_>,
        results: &mut Vec<Value>,
    ) -> Result<(), Stop> {
        if bound < self.program.variables {
            let value = self.variables.get(bound).cloned().unwrap_or_default();
            let env = Env { slot: Slot::Value(value), next: env };
            return self.run(machine, bound + 1, Some(&env), results);
        }
        machine.each(
            &self.program.term,
            At::from(self.input.clone()),
            env,
            &mut |machine, found| {
                machine.budget.spend_bytes(VALUE_BYTES)?;
                results.push(found.value);
                Ok(())
            },
        )
    }
}
