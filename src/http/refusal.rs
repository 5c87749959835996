//! Why a request is not done: an error of a service, or one of HTTP alone.

use crate::error::Error;

/// An error on its way to becoming an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A service, or a value that it would not take.
    Service(Error),
    /// The path is none of ours.
    NoSuchPath,
    /// The path is ours, the method is not: these are.
    Method { allowed: String },
    /// Nobody may call yet.
    Closed,
    /// A query parameter that this call does not have.
    UnknownParameter(String),
    /// A parameter's name that cannot be decoded.
    MalformedQuery,
    /// Path and query are too long.
    TargetTooLong,
    /// Too many headers, or too much in them.
    HeadersTooLarge { limit: String },
    /// The body goes beyond what this call takes.
    BodyTooLarge { limit: String },
    /// The body broke off.
    BodyBroken,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}
