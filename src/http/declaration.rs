//! What an endpoint says of itself, as data.
//!
//! Routing, `Allow`, who may call, the query that is taken, `GET /` and the API
//! description all follow from this.

use http::Method;

use super::parameter::Parameter;
use crate::access::Permission;

/// One call of the API.
#[derive(Debug)]
pub struct Declaration {
    /// What the API description calls it: `produceMessage`.
    pub name: &'static str,
    /// More than one where they mean the same.
    pub methods: &'static [Method],
    /// `{name}` is one segment, `{*name}` the whole rest, both as they came.
    pub path: &'static str,
    pub caller: Caller,
    /// Whether the call changes nothing, so that HEAD may stand for a GET of
    /// it.
    pub safe: bool,
    /// A sentence for people, in `GET /` and in the API description.
    pub about: &'static str,
    pub query: QueryRule,
    pub body: BodyRule,
    /// Whether a credential may stand in the query, as `user` and `pass`.
    pub credential_in_query: bool,
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Every caller, even one that presents nothing: for health checks.
    Anyone,
    /// Every caller with a credential.
    Known,
    /// Every caller whose credential allows this.
    Allowed(Permission),
}

/// Which of the caller's topics a call is about, and where they are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicPlace {
    /// The call is about no topic.
    None,
    /// The path names one.
    InPath,
    /// The path names one, or several with commas between them.
    ListInPath,
    /// The body names it, or the bodies' records do.
    InBody,
    /// The query names it.
    InQuery,
    /// They are the topics of the consumer instance that the path names.
    OfInstance,
    /// It is the topic of the subscription that the path names.
    OfSubscription,
    /// They are all topics of the consumer group that the path names.
    OfGroup,
    /// What is about topics of others is left out of the answer.
    Filtered,
}

/// How the query is read.
#[derive(Debug, Clone, Copy)]
pub enum QueryRule {
    /// These parameters, each at most once. Another one is refused: a misspelt
    /// parameter would otherwise be lost without a word.
    Only(&'static [Parameter]),
    /// These parameters. Others are passed over, and of two the first one
    /// counts.
    Among(&'static [Parameter]),
    /// It is a part of what the path holds.
    PartOfPath,
}

impl QueryRule {
    pub const NONE: Self = Self::Only(&[]);

    pub fn parameters(self) -> &'static [Parameter] {
        match self {
            Self::Only(parameters) | Self::Among(parameters) => parameters,
            Self::PartOfPath => &[],
        }
    }
}

/// What body is taken, and how many bytes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyRule {
    Ignored,
    Json { limit: usize },
    Bytes { limit: usize },
}

impl BodyRule {
    pub fn limit(self) -> usize {
        match self {
            Self::Ignored => 0,
            Self::Json { limit } | Self::Bytes { limit } => limit,
        }
    }
}
