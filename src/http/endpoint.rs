//! What an endpoint is, and what it is given.
//!
//! An endpoint's file owns everything about it: its path and method, who may
//! call, the place of its topic, its parameters and body, its answer and its
//! handler. `endpoints.rs` only lists them.

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

/// One call of the API. Its caller has been admitted before it is asked.
pub(super) trait Endpoint {
    const DECLARATION: Declaration;

    /// Where its topics are named, and what of them the handler is given. No
    /// service takes a topic that did not come out of this.
    type Topics: Topics;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        topics: Self::Topics,
    ) -> Result<Response, Refusal>;

    /// The rest of what the API description says: bodies, answers, an example.
    /// Not compiled into the component.
    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation);
}

/// A request on its way to its endpoint.
pub(super) struct Call<'r, H: Host, L, B> {
    /// As it is for this caller.
    pub(super) app: App<H, L>,
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

    /// A part of the path, as it came.
    pub(super) fn path_raw(&self, name: &'static str) -> &str {
        self.path.get(name).unwrap_or_default()
    }
}

impl<H: Host, L: Log, B: RequestBody> Call<'_, H, L, B> {
    /// The whole body, up to the limit that the endpoint declares.
    pub(super) async fn body(&mut self) -> Result<Bytes, Refusal> {
        self.request.read_body(self.body_limit).await
    }
}

/// The topics of a call, once the caller is known to be allowed them.
pub(super) trait Topics: Sized {
    const PLACE: TopicPlace;

    /// `in_path` are those that the path names.
    fn new(in_path: Vec<AllowedTopic>, grant: Grant) -> Result<Self>;
}

/// The call is about no topic.
pub(super) struct NoTopic;

impl Topics for NoTopic {
    const PLACE: TopicPlace = TopicPlace::None;

    fn new(_: Vec<AllowedTopic>, _: Grant) -> Result<Self> {
        Ok(Self)
    }
}

/// The topic that the path names.
pub(super) struct InPath(pub(super) AllowedTopic);

impl Topics for InPath {
    const PLACE: TopicPlace = TopicPlace::InPath;

    fn new(mut in_path: Vec<AllowedTopic>, _: Grant) -> Result<Self> {
        let topic = in_path.pop();
        topic.map(Self).ok_or_else(|| Error::invalid("topic", "The path names no topic"))
    }
}

/// The topics that the path names.
pub(super) struct ListInPath(pub(super) Vec<AllowedTopic>);

impl Topics for ListInPath {
    const PLACE: TopicPlace = TopicPlace::ListInPath;

    fn new(in_path: Vec<AllowedTopic>, _: Grant) -> Result<Self> {
        Ok(Self(in_path))
    }
}

/// Types of topics that only the handler can find: it gets the grant, and has
/// to ask it for an [`AllowedTopic`] or to hand it to a service.
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
    /// The body names them.
    InBody,
    /// The query names it.
    InQuery,
    /// Those of the consumer instance that the path names.
    OfInstance,
    /// That of the subscription that the path names.
    OfSubscription,
    /// All of the consumer group that the path names.
    OfGroup,
    /// All, of which those of others are left out of the answer.
    Filtered,
}
