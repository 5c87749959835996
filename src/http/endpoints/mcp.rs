//! `POST /mcp`: the Model Context Protocol. `src/mcp.rs` has the protocol and the tools;
//! here are the request, its caller, and the status of the answer.

use http::header::{HOST, ORIGIN};
use http::{HeaderName, Method, StatusCode};

use crate::access::{AccessError, Denial, Missing};
use crate::config::{GatewayConfig, OriginAccess};
use crate::error::ErrorKind;
use crate::host::Host;
use crate::http::admission;
#[cfg(feature = "description")]
use crate::http::answer::ErrorBody;
use crate::http::answer::{Response, Told};
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, Filtered};
use crate::http::limits::MESSAGE_BYTES;
use crate::http::refusal::{Refusal, RefusalKind};
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;
use crate::mcp::{self, Decision, Headers, Posted, Reply, What, code};
use crate::services::credentials::Counted;

pub(super) struct Mcp;

impl Endpoint for Mcp {
    const DECLARATION: Declaration = Declaration {
        name: "mcp",
        methods: &[Method::POST],
        path: "/mcp",
        caller: Caller::ByMessage,
        safe: false,
        about: "Tools for models: the Model Context Protocol, without sessions",
        query: QueryRule::NONE,
        body: BodyRule::Json { limit: MESSAGE_BYTES },
        credential_in_query: false,
    };

    type Topics = Filtered;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        _: Filtered,
    ) -> Result<Response, Refusal> {
        let body = match before(&mut call).await {
            Ok(body) => body,
            Err(refusal) => {
                let told = Told::from(refusal);
                let reply = refuse(told.status.as_u16(), None, &told);
                return Ok(response(reply, told.header));
            }
        };
        let value = |name: &str| Headers::value(call.request.header_values(name));
        let headers = Headers {
            version: value("mcp-protocol-version"),
            method: value("mcp-method"),
            name: value("mcp-name"),
        };
        let mut answering = Answering { call: &call, on_sent: Vec::new(), header: None };
        let reply = match mcp::decide_all(&body, &headers) {
            Posted::One(decision) => answering.reply(decision).await,
            Posted::Many(decisions) => {
                let mut replies = Vec::new();
                for decision in decisions {
                    replies.push(answering.reply(decision).await);
                }
                mcp::all(replies)
            }
        };
        let Answering { on_sent, header, .. } = answering;
        let mut response = response(reply, header);
        if !on_sent.is_empty() {
            response.on_sent = Some(Box::new(|| on_sent.into_iter().for_each(|sent| sent())));
        }
        Ok(response)
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        let either = "The request or the message is refused";
        operation
            .detail(
                "`server/discover`, `tools/list` and `tools/call` of 2026-07-28, and `initialize`, \
                 `ping`, `tools/list` and `tools/call` of 2025-11-25, 2025-06-18, 2025-03-26 and \
                 2024-11-05. Only the two about tools need a credential, which decides what is \
                 listed. Until 2025-03-26 the body may be an array of messages, and then the \
                 answer is one. docs/mcp.md has the tools.",
            )
            .takes::<Messages>()
            .gives::<Answers>(200, "A result, or an error of the call")
            .gives_nothing_at(202, "A notification was taken")
            .gives_either::<ErrorBody, Answers>(400, either)
            .gives_either::<ErrorBody, Answers>(401, "A credential is needed, or is not known")
            .gives_either::<ErrorBody, Answers>(403, "Pages of this origin may not call")
            .gives_either::<ErrorBody, Answers>(404, "From 2026-07-28 on: no such method")
            .gives_either::<ErrorBody, Answers>(413, "The body is too large")
            .gives_either::<ErrorBody, Answers>(415, "The body has an encoding that is not taken")
            .gives_either::<ErrorBody, Answers>(429, "Too many requests")
            .gives_either::<ErrorBody, Answers>(503, "The caller cannot be found out for now")
            .example_with(
                "/mcp",
                r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"list_topics","arguments":{}}}"#,
            );
    }
}

/// A message of JSON-RPC 2.0.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "McpMessage")]
#[allow(dead_code)]
struct Message {
    jsonrpc: String,
    /// A string or an integer; a notification has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<serde_json::Value>,
    method: String,
    #[serde(default)]
    params: std::collections::BTreeMap<String, serde_json::Value>,
}

/// One message, or until 2025-03-26 several.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "McpMessages")]
#[serde(untagged)]
#[allow(dead_code)]
enum Messages {
    One(Message),
    Several(Vec<Message>),
}

/// The answer to one message, or to each of several.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "McpAnswers")]
#[serde(untagged)]
#[allow(dead_code)]
enum Answers {
    One(Answer),
    Several(Vec<Answer>),
}

/// An answer of JSON-RPC 2.0, with a result or an error.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "McpAnswer")]
#[allow(dead_code)]
struct Answer {
    jsonrpc: String,
    /// That of the message, if it could be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<std::collections::BTreeMap<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<McpError>,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
struct McpError {
    /// A code of JSON-RPC or of MCP, or the HTTP status.
    code: i32,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<serde_json::Value>,
}

/// What comes before any message is looked at. Returns the body.
async fn before<H: Host, L: Log, B: RequestBody>(
    call: &mut Call<'_, H, L, B>,
) -> Result<bytes::Bytes, Refusal> {
    if !is_allowed(call.request, &*call.app.gateway().await?) {
        return Err(RefusalKind::Origin.into());
    }
    call.body().await
}

/// Whether a request may come from the page that it comes from, if it comes from one. The
/// names of a host and of a page are the same where a page has made its name one of this
/// machine (DNS rebinding), so that this proves nothing but for the names that are always
/// this machine's.
fn is_allowed<B>(request: &Request<B>, gateway: &GatewayConfig) -> bool {
    let Some(origin) = request.header(ORIGIN.as_str()) else { return true };
    if gateway.origins().access(origin) != OriginAccess::None {
        return true;
    }
    let Ok(origin) = std::str::from_utf8(origin) else { return false };
    let of_gateway = gateway.public_url().and_then(|url| {
        let (start, rest) = url.split_at_checked(origin.len())?;
        Some(start.eq_ignore_ascii_case(origin) && (rest.is_empty() || rest.starts_with('/')))
    });
    let host = request.header(HOST.as_str()).and_then(|host| std::str::from_utf8(host).ok());
    let host = host.or(request.authority.as_deref());
    let page = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
    of_gateway == Some(true) || (page.is_some_and(is_local) && host.is_some_and(is_local))
}

/// Whether the host of an authority is this machine.
fn is_local(authority: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| {
        let rest = authority.strip_prefix(local);
        rest.is_some_and(|rest| {
            let port = rest.strip_prefix(':');
            rest.is_empty() || port.is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()))
        })
    })
}

/// The messages of a request on their way to their answer.
struct Answering<'a, 'r, H: Host, L, B> {
    call: &'a Call<'r, H, L, B>,
    on_sent: Vec<Box<dyn FnOnce()>>,
    /// Of the answer as a whole.
    header: Option<(HeaderName, String)>,
}

impl<H: Host, L: Log, B> Answering<'_, '_, H, L, B> {
    async fn reply(&mut self, decision: Decision<'_>) -> Reply {
        let (era, id, what) = match decision {
            Decision::Done(reply) => return reply,
            Decision::Ask { era, id, what } => (era, id, what),
        };
        // A client may list the tools after each call, and loses the call's result if it
        // is refused then (PyPI mcp 2.3.0).
        let counted = match what {
            What::ListTools => Counted::No,
            What::CallTool { .. } => Counted::Yes,
        };
        let caller = match self.caller(counted).await {
            Ok(caller) => caller,
            Err(refusal) => {
                if let (Counted::Yes, RefusalKind::Service(error)) = (counted, refusal.kind())
                    && matches!(**error, ErrorKind::Throttled { .. })
                {
                    return Reply::failed(era, id, &sentence(&error.clone().into(), None));
                }
                let told = Told::from(refusal);
                let status = match told.status {
                    StatusCode::UNAUTHORIZED => 401,
                    passing => era.status(passing.as_u16()),
                };
                let reply = refuse(status, Some(id), &told);
                self.header = told.header;
                return reply;
            }
        };
        let (name, arguments) = match what {
            What::ListTools => return mcp::tools(era, id, &mcp::listed(&caller.grant)),
            What::CallTool { name, arguments } => (name, arguments),
        };
        if !mcp::is_tool(&name) {
            let sentence = "Unknown tool: tools/list names those that there are";
            return Reply::error(200, Some(id), code::WRONG_PARAMS, sentence, None);
        }
        match mcp::call(&caller, &name, arguments).await {
            Ok(called) => {
                self.on_sent.extend(called.on_sent);
                Reply::called(era, id, &called.json)
            }
            Err(refused) => {
                let key = caller.grant.key().map(|_| &caller.grant);
                Reply::failed(era, id, &sentence(&refused, key))
            }
        }
    }

    async fn caller(&self, counted: Counted) -> Result<mcp::Caller<H, L>, Refusal> {
        let Call { app, request, .. } = self.call;
        let presented = admission::presented(request, &Mcp::DECLARATION)?;
        let grant = app.credentials().await?.check_call(&presented, counted).await?;
        Ok(mcp::Caller { app: app.on_behalf_of(&grant), grant })
    }
}

/// A refusal as an error of JSON-RPC; its code is the status that it has over HTTP.
#[inline(never)]
fn refuse(status: u16, id: Option<&str>, told: &Told) -> Reply {
    let message = match &told.detail {
        Some(detail) => format!("{} ({detail})", told.error),
        None => told.error.clone(),
    };
    Reply::error(status, id, told.status.as_u16().into(), &message, None)
}

#[inline(never)]
fn response(reply: Reply, header: Option<(HeaderName, String)>) -> Response {
    let status = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = match reply.json {
        Some(json) => Response::json_text(status, json),
        None => Response { status, ..Response::empty() },
    };
    response.headers.extend(header);
    response
}

/// Why a tool did not do it, and what to do about it. With `key`, the caller's own key is
/// what Kafka refuses.
#[inline(never)]
fn sentence(refused: &AccessError, key: Option<&crate::access::Grant>) -> String {
    let refusal = Refusal::from(refused.clone());
    let told = Told::from(key.map_or(refusal.clone(), |grant| admission::explain(refusal, grant)));
    let failed = match refused {
        AccessError::Failed(error) => Some(&**error),
        AccessError::Denied(_) => None,
    };
    let detail = match failed {
        Some(
            ErrorKind::UnknownTopic(name)
            | ErrorKind::UnknownGroup(name)
            | ErrorKind::UnknownSource(name),
        ) => Some(name.as_str()),
        _ => told.detail.as_deref(),
    };
    let what = match (failed, detail) {
        (Some(ErrorKind::Invalid { field, message }), _) => {
            format!("{field}: {message}")
        }
        (_, Some(detail)) => format!("{}: {detail}", told.error),
        (_, None) => told.error,
    };
    let wait = told.header.map(|(_, seconds)| {
        let unit = if seconds == "1" { "second" } else { "seconds" };
        format!("Try again in {seconds} {unit}.")
    });
    const TOPICS: &str = "list_topics names your topics.";
    let advice = match (refused, failed) {
        (_, Some(ErrorKind::UnknownTopic(_))) => TOPICS,
        (AccessError::Denied(denial), _)
            if matches!(**denial, Denial::Forbidden(Missing::Topic(_))) =>
        {
            TOPICS
        }
        (_, Some(ErrorKind::UnknownGroup(_))) => "group_lag without a group names those.",
        (_, Some(ErrorKind::UnknownSource(_))) => "list_sources without a name names those.",
        (_, Some(ErrorKind::OutcomeUnknown { .. })) => {
            "Call again with the same idempotency_key; if there was none, look with read_records \
             first."
        }
        (AccessError::Failed(error), _) if error.is_passing() => {
            wait.as_deref().unwrap_or("Try again a little later.")
        }
        _ => "",
    };
    format!("{what}. {advice}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::error::Error;

    fn allowed(gateway: &GatewayConfig, origin: Option<&str>, host: &str) -> bool {
        let header = |name: &str, value: &str| (name.to_owned(), Bytes::from(value.to_owned()));
        let mut headers = vec![header("Host", host)];
        headers.extend(origin.map(|origin| header("Origin", origin)));
        let request = Request {
            method: Method::POST,
            target: "/mcp".into(),
            headers,
            scheme: None,
            authority: None,
            client: None,
            body: (),
        };
        is_allowed(&request, gateway)
    }

    #[test]
    fn pages_of_other_places_may_not_call() {
        let gateway = |origins: &str| {
            GatewayConfig::parse(None, Some("https://Edge.test/kafka"), Some(origins)).unwrap()
        };
        for (origins, origin, host, expected) in [
            ("", None, "evil.test", true),
            ("", Some("http://localhost:6274"), "127.0.0.1:3000", true),
            ("", Some("http://[::1]"), "localhost", true),
            ("", Some("https://edge.test"), "edge.test", true),
            ("", Some("https://edge.tes"), "edge.test", false),
            ("", Some("https://edge.test.evil.test"), "edge.test", false),
            // A name that its owner has pointed at this machine.
            ("", Some("http://evil.test:3000"), "evil.test:3000", false),
            ("", Some("http://localhost:6274"), "evil.test", false),
            ("", Some("http://localhost.evil.test"), "localhost", false),
            ("", Some("http://localhost:1@evil.test"), "localhost", false),
            ("", Some("null"), "localhost", false),
            ("", Some(""), "localhost", false),
            ("https://app.test", Some("https://app.test"), "edge.test", true),
            ("https://app.test", Some("https://other.test"), "edge.test", false),
            ("*", Some("https://other.test"), "edge.test", true),
        ] {
            let is_allowed = allowed(&gateway(origins), origin, host);
            assert_eq!(is_allowed, expected, "{origins} {origin:?} {host}");
        }
        assert!(!allowed(&GatewayConfig::default(), Some("https://edge.test"), "edge.test"));
    }

    #[test]
    fn a_failure_says_what_to_do() {
        let text = || String::from("x");
        for (refused, expected) in [
            (Error::invalid("max", "Too many").into(), "max: Too many."),
            (
                ErrorKind::UnknownTopic(text()).into(),
                "Topic not found: x. list_topics names your topics.",
            ),
            (
                ErrorKind::Throttled { retry_after: Duration::from_millis(1500) }.into(),
                "Too many requests. Try again in 2 seconds.",
            ),
            (
                ErrorKind::Unreachable { detail: text() }.into(),
                "The Kafka server cannot be reached: x. Try again a little later.",
            ),
            (
                Denial::Forbidden(Missing::Topic(text())).into(),
                "The credential does not allow this: The topic \"x\" is none of those of this \
                 credential. list_topics names your topics.",
            ),
            (ErrorKind::Unsupported("Not offered".into()).into(), "Not offered."),
        ] {
            assert_eq!(sentence(&refused, None), expected);
        }
        let unknown = sentence(&ErrorKind::OutcomeUnknown { detail: text() }.into(), None);
        assert!(unknown.contains("idempotency_key"), "{unknown}");
    }
}
