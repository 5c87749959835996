//! Why a request is not done: an error of a service, or one of HTTP alone.

use crate::access::{AccessError, Denial};
use crate::error::Error;
use crate::services::credentials::CredentialError;
use crate::services::schema_registry::RegistryError;

/// An error on its way to becoming an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// A service, or a value that it would not take.
    Service(Error),
    /// The path is none of ours.
    NoSuchPath,
    /// The path is ours, the method is not: these are.
    Method { allowed: String },
    /// The caller is not known, or may not do this.
    Denied(Denial),
    /// A credential that cannot be made or deleted.
    Credential(CredentialError),
    /// A consumer instance that is not there, or is not any more.
    UnknownInstance,
    /// Not all records of a call were written: the first error, and how many
    /// were.
    NotAllWritten { error: Error, written: usize, of: usize },
    /// The schema registry gave no answer that could be passed on.
    Registry(RegistryError),
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
    /// The body is of a type that this call does not take; this one it takes.
    MediaType { taken: &'static str },
    /// The body broke off.
    BodyBroken,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Service(error)
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        Self::Denied(denial)
    }
}

impl From<AccessError> for Refusal {
    fn from(refused: AccessError) -> Self {
        match refused {
            AccessError::Denied(denial) => denial.into(),
            AccessError::Failed(error) => error.into(),
        }
    }
}

impl From<CredentialError> for Refusal {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Failed(error) => error.into(),
            error => Self::Credential(error),
        }
    }
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}
