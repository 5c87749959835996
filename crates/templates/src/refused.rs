//! Why a payload is not taken, and why one could not be rendered.

use kafka_edge_bounded_json::Exceeded;

/// Why a payload is not taken, and where: a JSON pointer (RFC 6901) into the payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct Refused {
    pub at: String,
    pub problem: Problem,
}

/// What is wrong with a string of a payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("the string has {0} bytes, and strings with expressions have at most {most}", most = crate::MAX_TEXT_BYTES)]
    TooLong(usize),
    #[error("the payload has more than {most} expressions", most = crate::MAX_ACTIONS)]
    TooManyActions,
    #[error("the payload is nested too deeply")]
    TooDeep,
    #[error("the expression is nested more deeply than {most} levels", most = crate::MAX_CALL_DEPTH)]
    TooNested,
    #[error("the expression has more than {most} arguments or fields in a row", most = crate::MAX_PARTS)]
    TooManyParts,
    #[error("`{0}` is not in the subset")]
    NotInSubset(String),
    #[error("`{name}` takes {takes}, and has {has}")]
    Arity { name: &'static str, takes: &'static str, has: usize },
    #[error("a value stands where a function is expected")]
    NoFunction,
    #[error("{0}")]
    Syntax(&'static str),
    #[error("an expression cannot be the name of a member")]
    InName,
}

/// Why a payload could not be rendered, and where: a JSON pointer into the payload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{failure}")]
pub struct RenderError {
    pub at: String,
    pub failure: Failure,
}

/// Why an expression gave no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error(
        "`.{0}` is missing or null, and a text has no place for it; `default` gives another value"
    )]
    Missing(String),
    #[error("there is nothing to write, and a text has no place for it; `default` gives a value")]
    Nothing,
    #[error("`.{path}` cannot be read: what it is looked for in is {found}, not an object")]
    NoObject { path: String, found: &'static str },
    #[error("`{name}` takes {takes}, not {found}")]
    Type { name: &'static str, takes: &'static str, found: &'static str },
    #[error("`date` is for the years 0 to 9999")]
    Year,
    #[error("`%{verb}` is for {takes}, not for {found}; `%v` is for everything")]
    Verb { verb: char, takes: &'static str, found: &'static str },
    #[error("{0}")]
    Exceeded(#[from] Exceeded),
}

/// A place in a payload, on the way to it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'p> {
    Root,
    Member(&'p Place<'p>, &'p str),
    Item(&'p Place<'p>, usize),
}

impl Place<'_> {
    /// As a JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Member(parent, name) => {
                let mut pointer = parent.pointer();
                pointer.push('/');
                for char in name.chars() {
                    match char {
                        '~' => pointer.push_str("~0"),
                        '/' => pointer.push_str("~1"),
                        other => pointer.push(other),
                    }
                }
                pointer
            }
            Self::Item(parent, index) => {
                let mut pointer = parent.pointer();
                pointer.push('/');
                pointer.push_str(&index.to_string());
                pointer
            }
        }
    }

    pub(crate) fn refused(&self, problem: Problem) -> Refused {
        Refused { at: self.pointer(), problem }
    }
}
