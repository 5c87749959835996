//! A webhook that is written as it comes: the body is the value, and the sender's
//! headers are the record's. `/webhook` and `/upstash/webhook` share it.

use super::answer::Response;
use super::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use super::description::Operation;
use super::endpoint::{Call, InQuery};
use super::limits;
use super::parameter::{Kind, Parameter};
use super::refusal::Refusal;
use super::request::RequestBody;
use super::upstash::produce;
use crate::access::Permission;
use crate::error::Error;
use crate::host::Host;
use crate::kafka::Log;
use crate::record::NewRecord;
use crate::record_headers;

const TOPIC: Parameter = Parameter::new("topic", Kind::Text, "The topic to write to");

/// Parameters that the sender adds to its URL are ignored.
pub(super) const DECLARATION: Declaration = Declaration {
    name: "receiveWebhook",
    methods: &[http::Method::GET, http::Method::POST],
    path: "/webhook",
    caller: Caller::Allowed(Permission::Produce),
    safe: false,
    about: "Writes the body as a record, and the sender's headers with it",
    query: QueryRule::Among(&[TOPIC]),
    body: BodyRule::Bytes { limit: limits::RECORD_BYTES },
    credential_in_query: true,
};

/// What a GET without a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BareGet {
    /// An empty event.
    Event,
    /// A mistake: somebody opens the URL in a browser.
    Refused,
}

/// Writes the event. The answer is that of Upstash's `/produce`.
pub(super) async fn answer<H: Host, L: Log, B: RequestBody>(
    mut call: Call<'_, H, L, B>,
    InQuery(grant): InQuery,
    bare_get: BareGet,
) -> Result<Response, Refusal> {
    let topic = grant.topic(call.query.text(TOPIC.name)?.unwrap_or_default())?;
    let headers = record_headers::of_request(&call.request.headers);
    let value = call.body().await?;
    let is_bare = value.is_empty() && call.request.method == http::Method::GET;
    if is_bare && bare_get == BareGet::Refused {
        let sentence = "A GET without a body holds no event: the body becomes the record's value";
        return Err(Error::invalid("body", sentence).into());
    }
    let record = NewRecord { value: Some(value), headers, ..NewRecord::default() };
    produce::produce(&call, vec![(topic, record)]).await
}

#[cfg(feature = "description")]
pub(super) fn describe(operation: &mut Operation) -> &mut Operation {
    operation
        .requires(TOPIC.name)
        .takes_bytes(&["application/json", "application/octet-stream"])
        .gives::<Vec<produce::Metadata<'_>>>(200, "The record is written")
        .produces()
}
