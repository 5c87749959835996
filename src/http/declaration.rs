//! The declaration of an endpoint, as data.
//!
//! Routing, `Allow`, the check of the caller, the reading of the query, `GET /`
//! and the API description all follow from it.

use http::Method;

use super::parameter::Parameter;
use crate::access::Permission;

/// One call of the API.
#[derive(Debug)]
pub struct Declaration {
    /// The call's name in the API description: `produceMessage`.
    pub name: &'static str,
    /// Several if they mean the same.
    pub methods: &'static [Method],
    /// `{name}` is one segment, `{*name}` the whole rest, both still encoded.
    pub path: &'static str,
    pub caller: Caller,
    /// Whether the call changes nothing, so that HEAD is allowed where GET is.
    pub safe: bool,
    /// A sentence for human readers, in `GET /` and in the API description.
    pub about: &'static str,
    pub query: QueryRule,
    pub body: BodyRule,
    /// Whether the query may hold a credential, as `user` and `pass`.
    pub credential_in_query: bool,
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Every caller, even one without a credential: for health checks.
    Anyone,
    /// Every caller; what the body asks for may need a credential.
    ByMessage,
    /// Every caller with a credential.
    Known,
    /// Every caller whose credential has this permission.
    Allowed(Permission),
}

/// Where a call names the topics that it involves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TopicPlace {
    /// The call involves no topic.
    None,
    /// The path names one.
    InPath,
    /// The path names one, or several with commas between them.
    ListInPath,
    /// The body names it, or each record in the body does.
    InBody,
    /// The query names it.
    InQuery,
    /// They are the topics of the consumer instance in the path.
    OfInstance,
    /// It is the topic of the subscription in the path.
    OfSubscription,
    /// They are all topics of the consumer group in the path.
    OfGroup,
    /// They are all topics that the source in the path can write to.
    OfSource,
    /// It is the topic of the action in the path.
    OfAction,
    /// It is the topic of the run in the path.
    OfRun,
    /// The answer leaves out topics that the caller may not see.
    Filtered,
}

/// How the query is read.
#[derive(Debug, Clone, Copy)]
pub enum QueryRule {
    /// These parameters, each at most once. Any other parameter is refused, so
    /// that a misspelt one is not silently ignored.
    Only(&'static [Parameter]),
    /// These parameters. Others are ignored; if one is repeated, its first value
    /// counts.
    Among(&'static [Parameter]),
    /// The query belongs to the value in the path.
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

/// Which body the call accepts, and up to how many bytes.
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
