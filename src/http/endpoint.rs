//! What an endpoint is, and what it is given.
//!
//! Everything about an endpoint is in its own file: its path and method, who may
//! call it, where its topic is named, its parameters and body, its answer and
//! its handler. `endpoints.rs` only lists the endpoints.

use bytes::Bytes;

use super::answer::Response;
use super::declaration::{Declaration, TopicPlace};
#[cfg(feature = "description")]
use super::description::Operation;
use super::percent;
use super::query::Query;
use super::refusal::Refusal;
use super::request::{Request, RequestBody};
use super::routing::Params;
use crate::access::{AllowedTopic, Grant};
use crate::app::App;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;

/// One call of the API. Callers are admitted before [`answer`](Self::answer).
pub(super) trait Endpoint {
    const DECLARATION: Declaration;

    /// Whether the call changes what the gateway is set up to do. Its services report what
    /// it changes, and each such event names the caller.
    const ADMINISTRATIVE: bool = false;

    /// Where the call's topics are named, and what the handler receives of them.
    /// Every topic that a service is given comes from here.
    type Topics: Topics;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        topics: Self::Topics,
    ) -> Result<Response, Refusal>;

    /// The rest of the API description: bodies, answers, an example. It is not
    /// compiled into the component.
    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation);
}

/// A request on its way to its endpoint.
pub(super) struct Call<'r, H: Host, L, B> {
    /// With this caller's key in pass-through mode.
    pub(super) app: App<H, L>,
    pub(super) caller: Grant,
    pub(super) request: &'r mut Request<B>,
    pub(super) path: Params<'r>,
    pub(super) query: Query,
    pub(super) body_limit: usize,
}

impl<H: Host, L: Log, B> Call<'_, H, L, B> {
    /// A part of the path, decoded.
    pub(super) fn path_text(&self, name: &'static str) -> Result<String> {
        percent::decode_text(name, self.path_raw(name))
    }

    /// A part of the path, still encoded.
    pub(super) fn path_raw(&self, name: &'static str) -> &str {
        self.path.get(name).unwrap_or_default()
    }
}

impl<H: Host, L: Log, B: RequestBody> Call<'_, H, L, B> {
    /// The whole body, up to the limit that the endpoint declares.
    pub(super) fn body(&mut self) -> impl Future<Output = Result<Bytes, Refusal>> {
        self.request.read_body(self.body_limit)
    }
}

/// The topics of a call, all of which the caller may use.
pub(super) trait Topics: Sized {
    const PLACE: TopicPlace;

    /// `in_path` holds the topics in the path.
    fn new(in_path: Vec<AllowedTopic>, grant: Grant) -> Result<Self>;
}

/// The call involves no topic.
pub(super) struct NoTopic;

impl Topics for NoTopic {
    const PLACE: TopicPlace = TopicPlace::None;

    fn new(_: Vec<AllowedTopic>, _: Grant) -> Result<Self> {
        Ok(Self)
    }
}

/// The topic in the path.
pub(super) struct InPath(pub(super) AllowedTopic);

impl Topics for InPath {
    const PLACE: TopicPlace = TopicPlace::InPath;

    fn new(mut in_path: Vec<AllowedTopic>, _: Grant) -> Result<Self> {
        let topic = in_path.pop();
        topic.map(Self).ok_or_else(|| Error::invalid("topic", "The path names no topic"))
    }
}

/// The topics in the path.
pub(super) struct ListInPath(pub(super) Vec<AllowedTopic>);

impl Topics for ListInPath {
    const PLACE: TopicPlace = TopicPlace::ListInPath;

    fn new(in_path: Vec<AllowedTopic>, _: Grant) -> Result<Self> {
        Ok(Self(in_path))
    }
}

/// Types for topics that only the handler can find. The handler gets the grant:
/// it has to ask it for an [`AllowedTopic`], or hand it to a service.
macro_rules! found_later {
    ($($(#[$about:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$about])*
        pub(super) struct $name(pub(super) Grant);

        impl Topics for $name {
            const PLACE: TopicPlace = TopicPlace::$name;

            fn new(_: Vec<AllowedTopic>, grant: Grant) -> Result<Self> {
                Ok(Self(grant))
            }
        }
    )+};
}

found_later! {
    /// The topics that the body names.
    InBody,
    /// The topic that the query names.
    InQuery,
    /// The topics of the consumer instance in the path.
    OfInstance,
    /// The topic of the subscription in the path.
    OfSubscription,
    /// All topics of the consumer group in the path.
    OfGroup,
    /// All topics. The answer leaves out those that the caller may not see.
    Filtered,
}

#[cfg(feature = "actions")]
found_later! {
    /// The topic of the action in the path.
    OfAction,
    /// The topic of the run in the path.
    OfRun,
}

#[cfg(feature = "sources")]
found_later! {
    /// All topics that the source in the path can write to.
    OfSource,
}
