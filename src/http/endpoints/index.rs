//! `GET /`: what this gateway is, and links to its calls.

use http::{Method, StatusCode};
use serde::Serialize;

use super::ENDPOINTS;
use crate::host::Host;
use crate::http::answer::{Response, to_json};
use crate::http::declaration::{BodyRule, Caller, Declaration, QueryRule};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::endpoint::{Call, Endpoint, NoTopic};
use crate::http::refusal::Refusal;
use crate::http::request::{Request, RequestBody};
use crate::kafka::Log;

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct IndexJson {
    name: &'static str,
    version: &'static str,
    about: &'static str,
    /// The calls that can be followed as they are.
    links: Vec<String>,
    calls: Vec<CallJson>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct CallJson {
    method: &'static str,
    url: String,
    about: &'static str,
}

pub(super) struct Index;

impl Endpoint for Index {
    const DECLARATION: Declaration = Declaration {
        name: "index",
        methods: &[Method::GET],
        path: "/",
        caller: Caller::Known,
        safe: true,
        about: "This list",
        query: QueryRule::NONE,
        body: BodyRule::Ignored,
        credential_in_query: false,
    };

    type Topics = NoTopic;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        call: Call<'_, H, L, B>,
        _: NoTopic,
    ) -> Result<Response, Refusal> {
        let gateway = call.app.gateway().await?;
        let base = match gateway.public_url() {
            Some(url) => url.to_owned(),
            None => format!("{}{}", origin(call.request), gateway.base_path()),
        };
        let mut links = Vec::new();
        let mut calls = Vec::new();
        for declaration in ENDPOINTS.iter().map(|listed| &listed.declaration) {
            // In a link, a `*` before a name would look like a part of the name.
            let url = format!("{base}{}", declaration.path.replace("{*", "{"));
            for method in declaration.methods {
                let is_ours = !url.contains('{') && !url.contains("/upstash/");
                if method == Method::GET && declaration.safe && is_ours {
                    links.push(url.clone());
                }
                let method = method.as_str();
                calls.push(CallJson { method, url: url.clone(), about: declaration.about });
            }
        }
        let index = IndexJson {
            name: "kafka-edge",
            version: env!("CARGO_PKG_VERSION"),
            about: "Kafka over HTTP, at the edge",
            links,
            calls,
        };
        // One line per call, for people who read this in a browser or a terminal.
        let text = String::from_utf8(to_json(&index)).unwrap_or_default();
        let text = text.replace("\"links\"", "\n\"links\"").replace("{\"method\"", "\n{\"method\"");
        Ok(Response::json_text(StatusCode::OK, text))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation.gives::<IndexJson>(200, "All calls, with links").example("/");
    }
}

/// The origin under which the caller reached the gateway; empty if it is not
/// known. Only the caller's own answer uses it, so a caller that lies merely gets
/// wrong links.
fn origin<B>(request: &Request<B>) -> String {
    let text = |name| {
        let value = request.header(name)?;
        std::str::from_utf8(value).ok().filter(|text| !text.is_empty())
    };
    // If there is a proxy in front of us, it knows the address that was called.
    let scheme = text("x-forwarded-proto")
        .filter(|scheme| matches!(*scheme, "http" | "https"))
        .or(request.scheme.as_deref())
        .unwrap_or("http");
    match text("host").or(request.authority.as_deref()) {
        Some(authority) => format!("{scheme}://{authority}"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    fn base(authority: Option<&str>, headers: &[(&str, &'static str)]) -> String {
        origin(&Request {
            method: http::Method::GET,
            target: "/".into(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Bytes::from_static(value.as_bytes())))
                .collect(),
            scheme: Some("http".into()),
            authority: authority.map(str::to_owned),
            client: None,
            body: (),
        })
    }

    #[test]
    fn links_lead_back_to_where_the_caller_came_from() {
        assert_eq!(base(Some("127.0.0.1:3000"), &[]), "http://127.0.0.1:3000");
        assert_eq!(base(None, &[("Host", "edge.test")]), "http://edge.test");
        let forwarded = [("x-forwarded-proto", "https"), ("host", "edge.test")];
        assert_eq!(base(Some("inside"), &forwarded), "https://edge.test");
        assert_eq!(base(Some("a"), &[("x-forwarded-proto", "javascript:")]), "http://a");
        assert_eq!(base(None, &[]), "");
    }
}
