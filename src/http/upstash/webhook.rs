//! `/webhook`: whatever some other service sends becomes a record.

use bytes::Bytes;
use http::header::AUTHORIZATION;

use super::produce::produce;
use crate::access::{Grant, Presented};
use crate::app::App;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::limits;
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;
use crate::record::{Header, NewRecord};

/// Who calls. Many of the services that send webhooks can set nothing but the
/// URL, so here a credential may stand in the query, and only here.
pub(in crate::http) fn presented<B>(request: &Request<B>) -> Result<Presented, Refusal> {
    let query = Query::parse_known(request.query(), &["user", "pass"])?;
    let header = Presented::from_headers(request.header_values(AUTHORIZATION.as_str()));
    Ok(match (query.text("user")?, query.text("pass")?) {
        (None, None) => header,
        // Two credentials in one call are as good as none.
        _ if header != Presented::Nothing => Presented::Malformed,
        (user, pass) => Presented::pair(user.unwrap_or_default(), pass.unwrap_or_default()),
    })
}

pub(super) async fn receive<H: Host, L: Log, B: RequestBody>(
    app: &App<H, L>,
    request: &mut Request<B>,
    grant: &Grant,
) -> Result<Response, Refusal> {
    let query = Query::parse_known(request.query(), &["topic"])?;
    let topic = query.text("topic")?.unwrap_or_default().to_owned();
    crate::names::check_topic(&topic)?;
    grant.permits_topic(&topic).map_err(Refusal::from)?;
    let headers = record_headers(&request.headers);
    let value = request.read_body(limits::RECORD_BYTES).await?;
    let record = NewRecord { value: Some(value), headers, ..NewRecord::default() };
    produce(app, grant, [(topic, record)]).await
}

/// The request's headers but those that HTTP and what lies between the sender
/// and us have put there.
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

/// Spin's own are among them: `spin-full-url` holds the query, and with it the
/// credential.
const PREFIXES: [&str; 8] =
    ["accept", "content-", "if-", "proxy-", "sec-", "x-forwarded-", "access-control-", "spin-"];

/// The others of HTTP's own, and what is usual in front of servers.
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
            header("spin-full-url", b"http://h/upstash/webhook?user=u&pass=p"),
            header("event-origin", b"my-app"),
            header("X-GitHub-Event", b"push"),
            header("authorization", b"Basic x"),
            header("event-origin", b"\xff"),
        ];
        let found = record_headers(&headers);
        let names: Vec<_> = found.iter().map(|header| header.name.as_str()).collect();
        assert_eq!(names, ["event-origin", "X-GitHub-Event", "event-origin"]);
    }

    #[test]
    fn a_credential_in_the_query_is_the_only_one() {
        let request = |target: &str, headers| Request {
            method: http::Method::POST,
            target: target.into(),
            headers,
            scheme: None,
            authority: None,
            body: Bytes::new(),
        };
        let target = "/upstash/webhook?topic=t&user=a%40b&pass=x+y&more=1";
        assert_eq!(presented(&request(target, Vec::new())), Ok(Presented::pair("a@b", "x y")));
        let header = ("Authorization".to_owned(), Bytes::from_static(b"Basic dXNlcjpwYXNz"));
        let both = presented(&request(target, vec![header.clone()]));
        assert_eq!(both, Ok(Presented::Malformed));
        let basic = presented(&request("/upstash/webhook?topic=t", vec![header]));
        assert_eq!(basic, Ok(Presented::pair("user", "pass")));
    }
}
