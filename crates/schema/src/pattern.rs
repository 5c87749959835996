//! Regular expressions: ECMA-262's, matched by `regex-lite`.
//!
//! A pattern is read and written anew, because the two dialects give other
//! meanings to the same characters (`.`, `\s`, `[[:x:]]`, `(?i)`), and because
//! reading it says how many states it comes to. `regex-lite` does not say that,
//! and each of them may be looked at for each character of the text.

mod class;
mod escape;
mod reader;
mod size;

use kafka_edge_bounded_json::{Budget, Exceeded};
use regex_lite::RegexBuilder;
use thiserror::Error;

/// How many states one pattern may have.
pub const MOST_STATES: u32 = 2_000;

/// How deep groups may be nested. `regex-lite` reads them by recursion.
const DEEPEST_GROUP: usize = 20;

/// What `regex-lite` may allocate for one pattern: 64 bytes a state.
const COMPILED_BYTES: usize = 64 * MOST_STATES as usize;

/// How many states are looked at in the time of one step.
const STATES_PER_STEP: u64 = 4;

/// Why a pattern is not taken.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum BadPattern {
    #[error("uses a lookahead, which is not supported")]
    Lookahead,
    #[error("uses a lookbehind, which is not supported")]
    Lookbehind,
    #[error("uses a backreference, which is not supported")]
    Backreference,
    #[error("uses \\p or \\P, which is not supported")]
    Property,
    #[error("sets flags in a group, which is not supported")]
    Flags,
    #[error("has an escape that ECMA-262 does not know")]
    Escape,
    #[error("escapes half of a surrogate pair")]
    Surrogate,
    #[error("has a class without an end")]
    OpenClass,
    #[error("has a range whose end is before its start")]
    BackwardRange,
    #[error("has a group without an end")]
    OpenGroup,
    #[error("has a ')' without a group")]
    LoneParenthesis,
    #[error("has a '{{', '}}' or ']' that needs a '\\' before it")]
    LoneBracket,
    #[error("has a quantifier with nothing before it")]
    NothingToRepeat,
    #[error("has a quantifier whose end is below its start")]
    BackwardQuantifier,
    #[error("nests its groups more than {DEEPEST_GROUP} deep")]
    TooDeep,
    #[error("comes to more than {MOST_STATES} states")]
    TooLarge,
}

/// A pattern, ready to be matched.
#[derive(Debug)]
pub(crate) struct Pattern {
    regex: regex_lite::Regex,
    size: size::Size,
}

impl Pattern {
    pub(crate) fn new(ecma: &str) -> Result<Pattern, BadPattern> {
        let read = reader::read(ecma)?;
        let regex = RegexBuilder::new(&read.text)
            .size_limit(COMPILED_BYTES)
            .nest_limit(2 * DEEPEST_GROUP as u32)
            .build()
            // The reader refuses all that is wrong in itself. What is left is
            // the limit on memory.
            .map_err(|_| BadPattern::TooLarge)?;
        Ok(Pattern { regex, size: read.size })
    }

    /// How many states it has, at most.
    pub(crate) fn states(&self) -> u64 {
        self.size.states
    }

    /// Whether it matches anywhere in the text. What that can cost at most is
    /// taken from the budget before.
    pub(crate) fn matches(&self, text: &str, budget: &mut Budget) -> Result<bool, Exceeded> {
        let looks = (text.len() as u64 + 1).saturating_mul(self.size.active + 1);
        budget.spend_steps(1 + looks / STATES_PER_STEP)?;
        Ok(self.regex.is_match(text))
    }
}

#[cfg(test)]
mod tests;
