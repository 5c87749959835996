//! Why a request is refused: an error from a service, or from the HTTP layer.

use crate::access::{AccessError, Denial};
use crate::error::{Error, ErrorKind};
use crate::services::credentials::CredentialError;
use crate::services::schema_registry::RegistryError;

/// An error on its way to becoming an answer: one pointer, as [`Error`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(Box<RefusalKind>);

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefusalKind {
    /// A service failed, or would not accept a value.
    Service(Error),
    /// The gateway does not have this path.
    NoSuchPath,
    /// The path looks like one of a webhook, and is none of the two calls there.
    NoSuchWebhookPath,
    /// The path is one at which clients of MCP look for an authorization server.
    #[cfg(feature = "mcp")]
    NoAuthorizationServer,
    /// The request comes from a page that may not use MCP.
    #[cfg(feature = "mcp")]
    Origin,
    /// The path does not have this method; it has the `allowed` ones.
    Method { allowed: String },
    /// The caller is unknown, or may not do this.
    Denied(Denial),
    /// A page of another origin uses the credentials that a browser remembers.
    ForeignPage,
    /// The credential cannot be created or deleted.
    Credential(CredentialError),
    /// The consumer instance does not exist, or no longer exists.
    UnknownInstance,
    /// Some records of a call were not written: the first error, and the number
    /// of records that were written.
    NotAllWritten { error: Error, written: usize, of: usize },
    /// The schema registry gave no answer that can be passed on.
    Registry(RegistryError),
    /// This call does not have this query parameter.
    UnknownParameter(String),
    /// A parameter's name cannot be decoded.
    MalformedQuery,
    /// The path and query are too long.
    TargetTooLong,
    /// There are too many headers, or they are too large.
    HeadersTooLarge { limit: String },
    /// The body is larger than this call accepts.
    BodyTooLarge { limit: String },
    /// The body is of a type that this call does not take; this one it takes.
    MediaType { taken: &'static str },
    /// The body is encoded in a way that cannot be decoded.
    ContentEncoding,
    /// The body is not what its encoding says.
    BodyUndecodable,
    /// The body broke off.
    BodyBroken,
}

impl Refusal {
    pub(super) fn kind(&self) -> &RefusalKind {
        &self.0
    }

    pub(super) fn into_kind(self) -> RefusalKind {
        *self.0
    }
}

impl From<RefusalKind> for Refusal {
    fn from(kind: RefusalKind) -> Self {
        Self(kind.into())
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        RefusalKind::Service(error).into()
    }
}

impl From<ErrorKind> for Refusal {
    fn from(kind: ErrorKind) -> Self {
        Error::from(kind).into()
    }
}

impl From<Denial> for Refusal {
    fn from(denial: Denial) -> Self {
        RefusalKind::Denied(denial).into()
    }
}

impl From<AccessError> for Refusal {
    fn from(refused: AccessError) -> Self {
        match refused {
            AccessError::Denied(denial) => (*denial).into(),
            AccessError::Failed(error) => error.into(),
        }
    }
}

impl From<CredentialError> for Refusal {
    fn from(error: CredentialError) -> Self {
        match error {
            CredentialError::Failed(error) => error.into(),
            error => RefusalKind::Credential(error).into(),
        }
    }
}

impl From<RegistryError> for Refusal {
    fn from(error: RegistryError) -> Self {
        RefusalKind::Registry(error).into()
    }
}
