//! A named subset of jq 1.8 whose cost is bounded: `docs/expressions.md` lists it.
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
