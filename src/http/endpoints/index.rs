//! `GET /`: what this is and where to go on.

use http::{Method, StatusCode};
use serde::Serialize;

use crate::http::answer::{Response, to_json};
use crate::http::query::Query;
use crate::http::refusal::Refusal;
use crate::http::request::Request;
use crate::http::routes::routes;

#[derive(Serialize)]
struct Index {
    name: &'static str,
    version: &'static str,
    about: &'static str,
    /// Those that can be followed as they are.
    links: Vec<String>,
    calls: Vec<Call>,
}

#[derive(Serialize)]
struct Call {
    method: &'static str,
    url: String,
    about: &'static str,
}

pub(in crate::http) fn list<B>(request: &Request<B>) -> Result<Response, Refusal> {
    Query::parse(request.query(), &[])?;
    let base = base_url(request);
    let mut links = Vec::new();
    let mut calls = Vec::new();
    for route in routes() {
        // In a link, a `*` before a name would be taken for a part of it.
        let url = format!("{base}{}", route.path.replace("{*", "{"));
        if route.method == Method::GET && !url.contains('{') && !url.contains("/upstash/") {
            links.push(url.clone());
        }
        calls.push(Call { method: route.method.as_str(), url, about: route.about });
    }
    let index = Index {
        name: "kafka-edge",
        version: env!("CARGO_PKG_VERSION"),
        about: "Kafka over HTTP, at the edge",
        links,
        calls,
    };
    // People look at this in a browser or a terminal: a line for each call.
    let text = String::from_utf8(to_json(&index)).unwrap_or_default();
    let text = text.replace("\"links\"", "\n\"links\"").replace("{\"method\"", "\n{\"method\"");
    Ok(Response::json_text(StatusCode::OK, text))
}

/// Where the caller reached us, empty when nobody can tell. It is for the
/// caller's own answer alone, so a caller who lies gets wrong links.
fn base_url<B>(request: &Request<B>) -> String {
    let text = |name| {
        let value = request.header(name)?;
        std::str::from_utf8(value).ok().filter(|text| !text.is_empty())
    };
    // The proxy in front of us, if there is one, knows what it was called by.
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
        base_url(&Request {
            method: http::Method::GET,
            target: "/".into(),
            headers: headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), Bytes::from_static(value.as_bytes())))
                .collect(),
            scheme: Some("http".into()),
            authority: authority.map(str::to_owned),
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
