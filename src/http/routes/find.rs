//! Which call a request makes.

use http::Method;

use super::pattern::Params;
use super::{Route, routes};
use crate::http::refusal::Refusal;

/// A route that a request took, with the pieces of its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) struct Found<'p> {
    pub route: &'static Route,
    /// The topic or whatever else the call is about, still encoded; empty when
    /// there is no such segment.
    pub segment: &'p str,
    /// The rest of the path, still encoded.
    pub rest: &'p str,
    /// All that varies, by the names that the table gives.
    pub params: Params<'p>,
}

/// What a request's method and path lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::http) enum Lead<'p> {
    To(Found<'p>),
    /// OPTIONS of a path that has these methods.
    Options {
        allowed: String,
    },
}

/// Finds the route of a request.
pub(in crate::http) fn find<'p>(method: &Method, path: &'p str) -> Result<Lead<'p>, Refusal> {
    let fitting = routes().iter().filter_map(|route| Some((route, Params::of(route.path, path)?)));
    // `/webhooks/deliver` is not the webhook of that name.
    let found = fitting.min_by_key(|(_, params)| params.len());
    let (like, params) = found.ok_or(Refusal::NoSuchPath)?;
    let same_path = || routes().iter().filter(|route| route.path == like.path);
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    let route = same_path().find(|route| {
        route.method == wanted && (method != Method::HEAD || route.endpoint.is_safe())
    });
    let Some(route) = route else {
        let allowed = allowed(same_path());
        return match *method {
            Method::OPTIONS => Ok(Lead::Options { allowed }),
            _ => Err(Refusal::Method { allowed }),
        };
    };
    let mut segment = "";
    let mut rest = "";
    for (name, value) in params.iter() {
        match name {
            "message" | "callback_url" | "path" => rest = value,
            "partition" | "consumer_group" | "instance" | "time" => {}
            _ => segment = value,
        }
    }
    Ok(Lead::To(Found { route, segment, rest, params }))
}

fn allowed(routes: impl Iterator<Item = &'static Route>) -> String {
    let mut methods = Vec::new();
    for route in routes {
        methods.push(route.method.as_str());
        if route.method == Method::GET && route.endpoint.is_safe() {
            methods.push("HEAD");
        }
    }
    methods.push("OPTIONS");
    methods.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::{Caller, Endpoint};
    use super::*;

    fn to(method: Method, path: &str) -> (Endpoint, &str, &str) {
        match find(&method, path) {
            Ok(Lead::To(found)) => (found.route.endpoint, found.segment, found.rest),
            other => panic!("{method} {path}: {other:?}"),
        }
    }

    #[test]
    fn every_route_is_found() {
        for route in routes() {
            let path = route
                .path
                .replace("{topic}", "t")
                .replace("{id}", "webhook_1")
                .replace("{name}", "writer")
                .replace("{group}", "g")
                .replace("{partition}", "0")
                .replace("{consumer_group}", "g")
                .replace("{instance}", "i")
                .replace("{time}", "latest")
                .replace("{*path}", "subjects")
                .replace("{*message}", "m")
                .replace("{*callback_url}", "https://x");
            assert_eq!(to(route.method.clone(), &path).0, route.endpoint, "{path}");
        }
    }

    #[test]
    fn the_rest_of_a_path_is_left_as_it_is() {
        use Endpoint::{ProduceMessage, RegisterByPath};
        for (path, segment, rest) in [
            ("/producer/t/a", "t", "a"),
            ("/producer/t/a/b//c/", "t", "a/b//c/"),
            ("/producer/t//", "t", "/"),
            ("/producer/t/", "t", ""),
            ("/producer/%74%2F/%ff%00/{x}", "%74%2F", "%ff%00/{x}"),
            ("/producer/../..", "..", ".."),
            ("/producer/t/ü", "t", "ü"),
        ] {
            assert_eq!(to(Method::GET, path), (ProduceMessage, segment, rest), "{path}");
        }
        for rest in ["https://h/a//b", "https:/h", "https%3A%2F%2Fh", ""] {
            let path = format!("/webhook/t/{rest}");
            assert_eq!(to(Method::GET, &path), (RegisterByPath, "t", rest));
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
            assert_eq!(find(&Method::GET, path), Err(Refusal::NoSuchPath), "{path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_the_right_ones() {
        let allowed = |method: Method, path| match find(&method, path) {
            Err(Refusal::Method { allowed }) => allowed,
            other => panic!("{method} {path}: {other:?}"),
        };
        assert_eq!(allowed(Method::DELETE, "/"), "GET, HEAD, OPTIONS");
        assert_eq!(allowed(Method::GET, "/producer/t"), "POST, OPTIONS");
        assert_eq!(allowed(Method::GET, "/webhooks/deliver"), "POST, OPTIONS");
        assert_eq!(allowed(Method::PUT, "/webhooks"), "POST, GET, HEAD, OPTIONS");
        assert_eq!(allowed(Method::PATCH, "/webhooks/x"), "GET, HEAD, DELETE, OPTIONS");
        // HEAD must change nothing, and these GETs do.
        assert_eq!(allowed(Method::HEAD, "/producer/t/m"), "GET, OPTIONS");
        assert_eq!(allowed(Method::HEAD, "/consumer/t"), "GET, OPTIONS");
        assert_eq!(allowed(Method::HEAD, "/webhook/t/https://h"), "GET, OPTIONS");

        let allowed = "GET, HEAD, OPTIONS".to_owned();
        assert_eq!(find(&Method::OPTIONS, "/topics"), Ok(Lead::Options { allowed }));
        assert_eq!(to(Method::HEAD, "/topics").0, Endpoint::ListTopics);
    }

    #[test]
    fn only_health_checks_need_no_permission() {
        let open: Vec<_> = routes()
            .iter()
            .filter(|route| route.caller == Caller::Anyone)
            .map(|route| route.path)
            .collect();
        assert_eq!(open, ["/healthz", "/readyz"]);
    }
}
