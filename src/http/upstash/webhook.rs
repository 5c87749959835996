//! `/webhook`: events from other services become records.

use bytes::Bytes;

use super::GET_OR_POST;
use super::produce::produce;
use crate::access::Permission;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, InQuery};
use crate::http::limits;
use crate::http::parameter::{Kind, Parameter};
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::record::{Header, NewRecord};

const TOPIC: Parameter = Parameter::new("topic", Kind::Text, "The topic to write to");

pub(in crate::http) struct Webhook;

impl Endpoint for Webhook {
    const DECLARATION: Declaration = Declaration {
        name: "upstashWebhook",
        methods: GET_OR_POST,
        path: "/upstash/webhook",
        caller: Caller::Allowed(Permission::Produce),
        safe: false,
        about: "Upstash: writes the body as a record, and the headers with it",
        query: QueryRule::Among(&[TOPIC]),
        body: BodyRule::Bytes { limit: limits::RECORD_BYTES },
        credential_in_query: true,
    };

    type Topics = InQuery;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        InQuery(grant): InQuery,
    ) -> Result<Response, Refusal> {
        let topic = grant.topic(call.query.text(TOPIC.name)?.unwrap_or_default())?;
        let headers = record_headers(&call.request.headers);
        let value = call.body().await?;
        let record = NewRecord { value: Some(value), headers, ..NewRecord::default() };
        produce(&call, vec![(topic, record)]).await
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .requires(TOPIC.name)
            .takes_bytes(&["application/json", "application/octet-stream"])
            .gives::<Vec<super::produce::Metadata<'_>>>(200, "The record is written")
            .writes_to_kafka()
            .example_with("/upstash/webhook?topic=orders", r#"{"event":"paid"}"#);
    }
}

/// The request's headers, without those that HTTP itself or a server on the way
/// has added.
fn record_headers(headers: &[(String, Bytes)]) -> Vec<Header> {
    let own = headers.iter().filter(|(name, _)| !is_standard(name));
    let header =
        |(name, value): &(String, Bytes)| Header { name: name.clone(), value: Some(value.clone()) };
    own.map(header).collect()
}

fn is_standard(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    STANDARD.contains(&name.as_str()) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Prefixes of standard headers, and of those of proxies.
const PREFIXES: [&str; 7] =
    ["accept", "content-", "if-", "proxy-", "sec-", "x-forwarded-", "access-control-"];

/// The other headers of HTTP itself, and those that proxies usually add.
const STANDARD: [&str; 31] = [
    "authorization",
    "cache-control",
    "connection",
    "cookie",
    "date",
    "dnt",
    "expect",
    "forwarded",
    "from",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "prefer",
    "priority",
    "range",
    "referer",
    "save-data",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "warning",
    "x-real-ip",
    "x-request-id",
    "x-requested-with",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_sender_adds_becomes_a_record_header() {
        let header =
            |name: &str, value: &'static [u8]| (name.to_owned(), Bytes::from_static(value));
        let headers = [
            header("Host", b"h"),
            header("content-type", b"text/plain"),
            header("Accept-Encoding", b"gzip"),
            header("X-Forwarded-For", b"::1"),
            header("event-origin", b"my-app"),
            header("X-GitHub-Event", b"push"),
            header("authorization", b"Basic x"),
            header("event-origin", b"\xff"),
        ];
        let found = record_headers(&headers);
        let names: Vec<_> = found.iter().map(|header| header.name.as_str()).collect();
        assert_eq!(names, ["event-origin", "X-GitHub-Event", "event-origin"]);
    }
}
