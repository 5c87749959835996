//! Which calls there are. All about them follows from one table: routing,
//! `Allow`, who may call, and what `GET /` lists.

mod find;
mod pattern;
mod table;

use std::sync::OnceLock;

use http::Method;

pub(super) use self::find::{Found, Lead, find};
use super::upstash;
use crate::access::Permission;

/// One call of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    /// `{name}` is one segment, `{*name}` the whole rest, both as they came.
    pub path: &'static str,
    pub caller: Caller,
    pub topic: Topic,
    pub endpoint: Endpoint,
    /// For people, in `GET /`.
    pub about: &'static str,
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Even who presents nothing: for health checks.
    Anyone,
    /// Whoever has a credential.
    Known,
    /// Whose credential allows this.
    Allowed(Permission),
}

/// Which topics of the caller's are looked at, and where they are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The call is about no topic.
    None,
    /// The path names one, or several with commas between them. They are
    /// checked before the endpoint is asked; the others are the endpoint's.
    InPath,
    /// The body names it, or the bodies' records do.
    InBody,
    /// The query names it.
    InQuery,
    /// They are the topics of the consumer instance that the path names.
    OfInstance,
    /// It is the topic of the webhook that the path names.
    OfWebhook,
    /// They are all topics of the consumer group that the path names.
    OfGroup,
    /// What is about topics of others is left out of the answer.
    Filtered,
}

/// What answers a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Index,
    Healthz,
    Readyz,
    ProduceMessage,
    ProduceBody,
    Consume,
    Acknowledge,
    GiveBack,
    ListGroups,
    GetGroup,
    SeekGroup,
    DeleteGroup,
    RegisterByPath,
    RegisterByBody,
    ListWebhooks,
    GetWebhook,
    DeleteWebhook,
    Deliver,
    ListTopics,
    DescribeTopic,
    ReadPartition,
    ListCredentials,
    CreateCredential,
    DeleteCredential,
    /// A call of the Upstash API.
    Upstash(upstash::Endpoint),
}

impl Endpoint {
    /// Whether a GET of it changes nothing, so that HEAD may stand for it.
    fn is_safe(self) -> bool {
        match self {
            Self::ProduceMessage | Self::Consume | Self::RegisterByPath => false,
            Self::Upstash(endpoint) => endpoint.is_safe(),
            _ => true,
        }
    }
}

/// All calls.
pub fn routes() -> &'static [Route] {
    static ROUTES: OnceLock<Vec<Route>> = OnceLock::new();
    ROUTES.get_or_init(|| [table::routes(), upstash::routes()].concat())
}
