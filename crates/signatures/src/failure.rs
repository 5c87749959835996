//! Why a request is not believed, and why settings cannot be used.

/// Why a request is not believed. The text is for the sender, who may be anyone:
/// it names headers and fields, and never quotes a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    #[error("The header {0} is missing")]
    MissingHeader(String),
    #[error("The header {0} is not what this sender writes")]
    UnexpectedHeader(String),
    #[error("The body has no field {0}")]
    MissingField(String),
    #[error("There is no signature in the expected form")]
    NoSignature,
    #[error("The time of the signature cannot be read")]
    UnreadableTime,
    #[error("The signature is too old")]
    TooOld,
    #[error("The time of the signature is in the future")]
    InTheFuture,
    #[error("The signature does not match")]
    Mismatch,
    #[error("The body is not what its digest says")]
    BodyDigest,
    #[error("The body is no form of at most 1000 fields")]
    NoForm,
    #[error("The token is malformed")]
    MalformedToken,
    #[error("The token is for somebody else")]
    ForeignToken,
    /// The token names a key that is not among the known ones: the set may have to be
    /// fetched again.
    #[error("The token was signed with an unknown key")]
    UnknownKey,
}

impl Failure {
    /// What kind of failure it is, in kebab case, for statistics.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::MissingHeader(_) => "missing-header",
            Self::UnexpectedHeader(_) => "unexpected-header",
            Self::MissingField(_) => "missing-field",
            Self::NoSignature => "no-signature",
            Self::UnreadableTime => "unreadable-time",
            Self::TooOld => "too-old",
            Self::InTheFuture => "in-the-future",
            Self::Mismatch => "mismatch",
            Self::BodyDigest => "body-digest",
            Self::NoForm => "no-form",
            Self::MalformedToken => "malformed-token",
            Self::ForeignToken => "foreign-token",
            Self::UnknownKey => "unknown-key",
        }
    }
}

/// Why settings cannot be used: the field, and a sentence that quotes no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {sentence}")]
pub struct Unusable {
    pub field: String,
    pub sentence: String,
}

impl Unusable {
    pub(crate) fn new(field: impl Into<String>, sentence: impl Into<String>) -> Self {
        Self { field: field.into(), sentence: sentence.into() }
    }
}
