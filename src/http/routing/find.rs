//! Finds the endpoint of a request.

use http::Method;

use super::pattern::Params;
use crate::http::endpoints::{ENDPOINTS, Listed};
use crate::http::refusal::{Refusal, RefusalKind};

/// The result for a request's method and path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) enum Found<'p> {
    /// The endpoint at this place in the list, with the parts of the path.
    To { place: usize, path: Params<'p> },
    /// OPTIONS for a path that has these methods.
    Options { allowed: String },
}

pub(in crate::http) fn find<'p>(method: &Method, path: &'p str) -> Result<Found<'p>, Refusal> {
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    // `/webhooks/deliver` is a call, not a webhook named `deliver`: the fewest parts count.
    let mut found: Option<(&str, Params<'p>)> = None;
    let mut place = None;
    for (at, listed) in ENDPOINTS.iter().enumerate() {
        let declaration = &listed.declaration;
        let Some(params) = Params::of(declaration.path, path) else { continue };
        if found.as_ref().is_none_or(|(_, known)| params.len() < known.len()) {
            (found, place) = (Some((declaration.path, params)), None);
        }
        let is_of_this_path = found.as_ref().is_some_and(|(like, _)| *like == declaration.path);
        let takes_method =
            declaration.methods.contains(wanted) && (method != Method::HEAD || declaration.safe);
        if place.is_none() && is_of_this_path && takes_method {
            place = Some(at);
        }
    }
    let (like, params) = found.ok_or_else(|| no_such(path))?;
    let same_path = || ENDPOINTS.iter().filter(|listed| listed.declaration.path == like);
    match place {
        Some(place) => Ok(Found::To { place, path: params }),
        None if method == Method::OPTIONS => Ok(Found::Options { allowed: allowed(same_path()) }),
        None => Err(RefusalKind::Method { allowed: allowed(same_path()) }.into()),
    }
}

/// Two calls share the beginning `/webhook`, and whoever confuses them is told of
/// both. Clients of MCP that are set up for OAuth show their user what they read at the
/// paths of RFC 9728, RFC 8414 and RFC 7591.
fn no_such(path: &str) -> RefusalKind {
    match path {
        _ if path.starts_with("/webhook/") => RefusalKind::NoSuchWebhookPath,
        #[cfg(feature = "mcp")]
        _ if path == "/register" || path.starts_with("/.well-known/") => {
            RefusalKind::NoAuthorizationServer
        }
        _ => RefusalKind::NoSuchPath,
    }
}

fn allowed<'l>(endpoints: impl Iterator<Item = &'l Listed>) -> String {
    let mut allowed = Vec::new();
    for listed in endpoints {
        for method in listed.declaration.methods {
            allowed.push(method.as_str());
            if *method == Method::GET && listed.declaration.safe {
                allowed.push("HEAD");
            }
        }
    }
    if !allowed.contains(&"OPTIONS") {
        allowed.push("OPTIONS");
    }
    allowed.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::declaration::Caller;

    fn to(method: Method, path: &str) -> (&'static str, Params<'_>) {
        match find(&method, path) {
            Ok(Found::To { place, path }) => (ENDPOINTS[place].declaration.name, path),
            other => panic!("{method} {path}: {other:?}"),
        }
    }

    #[test]
    fn every_endpoint_is_found() {
        for Listed { declaration, .. } in ENDPOINTS {
            let path = declaration
                .path
                .replace("{topic}", "t")
                .replace("{id}", "webhook_1")
                .replace("{name}", "writer")
                .replace("{identifier}", "a")
                .replace("{run_id}", "r")
                .replace("{node_run_id}", "n")
                .replace("{group}", "g")
                .replace("{partition}", "0")
                .replace("{consumer_group}", "g")
                .replace("{instance}", "i")
                .replace("{file}", "console.css")
                .replace("{time}", "latest")
                .replace("{*path}", "subjects")
                .replace("{*message}", "m")
                .replace("{*callback_url}", "https://x");
            for method in declaration.methods {
                assert_eq!(to(method.clone(), &path).0, declaration.name, "{path}");
            }
        }
    }

    #[test]
    fn the_rest_of_a_path_is_left_as_it_is() {
        for (path, topic, rest) in [
            ("/producer/t/a", "t", "a"),
            ("/producer/t/a/b//c/", "t", "a/b//c/"),
            ("/producer/t//", "t", "/"),
            ("/producer/t/", "t", ""),
            ("/producer/%74%2F/%ff%00/{x}", "%74%2F", "%ff%00/{x}"),
            ("/producer/../..", "..", ".."),
            ("/producer/t/ü", "t", "ü"),
        ] {
            let (name, params) = to(Method::GET, path);
            assert_eq!(name, "produceMessage", "{path}");
            assert_eq!((params.get("topic"), params.get("message")), (Some(topic), Some(rest)));
        }
        for rest in ["https://h/a//b", "https:/h", "https%3A%2F%2Fh", ""] {
            let path = format!("/webhook/t/{rest}");
            let (name, params) = to(Method::GET, &path);
            assert_eq!((name, params.get("callback_url")), ("registerWebhookByPath", Some(rest)));
        }
    }

    #[test]
    fn what_is_none_of_ours_is_not_found() {
        for path in [
            "",
            "x",
            "//",
            "/producer",
            "/producer/",
            "/producer//m",
            "/consumer/t/x",
            "/topics/",
            "/Topics",
            "/webhooks/a/b",
            "*",
        ] {
            assert_eq!(find(&Method::GET, path), Err(RefusalKind::NoSuchPath.into()), "{path}");
        }
    }

    #[test]
    fn who_confuses_the_two_calls_at_webhook_is_told_of_both() {
        for path in ["/webhook/orders", "/webhook/", "/webhook//https://h"] {
            for method in [Method::GET, Method::POST, Method::OPTIONS] {
                assert_eq!(
                    find(&method, path),
                    Err(RefusalKind::NoSuchWebhookPath.into()),
                    "{path}"
                );
            }
        }
        assert_eq!(to(Method::POST, "/webhook").0, "receiveWebhook");
        assert_eq!(to(Method::GET, "/webhook").0, "receiveWebhook");
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let allowed = |method: Method, path| match find(&method, path).map_err(Refusal::into_kind) {
            Err(RefusalKind::Method { allowed }) => allowed,
            other => panic!("{method} {path}: {other:?}"),
        };
        assert_eq!(allowed(Method::DELETE, "/"), "GET, HEAD, OPTIONS");
        assert_eq!(allowed(Method::GET, "/producer/t"), "POST, OPTIONS");
        assert_eq!(allowed(Method::GET, "/webhooks/deliver"), "POST, OPTIONS");
        assert_eq!(allowed(Method::PUT, "/webhooks"), "POST, GET, HEAD, OPTIONS");
        assert_eq!(allowed(Method::PATCH, "/webhooks/x"), "GET, HEAD, DELETE, OPTIONS");
        // This endpoint takes OPTIONS itself.
        #[cfg(feature = "sources")]
        assert_eq!(allowed(Method::PUT, "/in/s"), "POST, GET, OPTIONS");
        // HEAD must change nothing, but these GETs do.
        assert_eq!(allowed(Method::HEAD, "/producer/t/m"), "GET, OPTIONS");
        assert_eq!(allowed(Method::HEAD, "/consumer/t"), "GET, OPTIONS");
        assert_eq!(allowed(Method::HEAD, "/webhook/t/https://h"), "GET, OPTIONS");

        let allowed = "GET, HEAD, OPTIONS".to_owned();
        assert_eq!(find(&Method::OPTIONS, "/topics"), Ok(Found::Options { allowed }));
        assert_eq!(to(Method::HEAD, "/topics").0, "listTopics");
    }

    #[test]
    fn only_health_checks_events_and_the_console_need_no_credential() {
        let open: Vec<_> = ENDPOINTS
            .iter()
            .filter(|listed| listed.declaration.caller == Caller::Anyone)
            .map(|listed| listed.declaration.path)
            .collect();
        let console = ["/console", "/console/{file}"];
        assert_eq!(open, ["/healthz", "/readyz", console[0], console[1], "/in/{source}"]);
    }
}
