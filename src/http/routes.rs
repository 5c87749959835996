//! Which calls there are. Everything else about them follows from this table:
//! routing, `Allow`, who may call, and what `GET /` lists.

use std::sync::OnceLock;

use http::Method;

use super::pattern::Params;
use super::refusal::Refusal;
use super::upstash;
use crate::access::Permission;

/// One call of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    pub method: Method,
    /// `{name}` is one segment, `{*name}` the whole rest, both as they came.
    pub path: &'static str,
    pub caller: Caller,
    pub topic: Topic,
    pub endpoint: Endpoint,
    /// For people, in `GET /`.
    pub about: &'static str,
}

/// Who may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    /// Even who presents nothing: for health checks.
    Anyone,
    /// Whoever has a credential.
    Known,
    /// Whose credential allows this.
    Allowed(Permission),
}

/// Which topics of the caller's are looked at, and where they are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// The call is about no topic.
    None,
    /// The path names one, or several with commas between them. They are
    /// checked before the endpoint is asked; the others are the endpoint's.
    InPath,
    /// The body names it, or the bodies' records do.
    InBody,
    /// The query names it.
    InQuery,
    /// They are the topics of the consumer instance that the path names.
    OfInstance,
    /// It is the topic of the webhook that the path names.
    OfWebhook,
    /// They are all topics of the consumer group that the path names.
    OfGroup,
    /// What is about topics of others is left out of the answer.
    Filtered,
}

/// What answers a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Index,
    Healthz,
    Readyz,
    ProduceMessage,
    ProduceBody,
    Consume,
    Acknowledge,
    GiveBack,
    ListGroups,
    GetGroup,
    SeekGroup,
    DeleteGroup,
    RegisterByPath,
    RegisterByBody,
    ListWebhooks,
    GetWebhook,
    DeleteWebhook,
    Deliver,
    ListTopics,
    DescribeTopic,
    ReadPartition,
    ListCredentials,
    CreateCredential,
    DeleteCredential,
    /// A call of the Upstash API.
    Upstash(upstash::Endpoint),
}

impl Endpoint {
    /// Whether a GET of it changes nothing, so that HEAD may stand for it.
    fn is_safe(self) -> bool {
        match self {
            Self::ProduceMessage | Self::Consume | Self::RegisterByPath => false,
            Self::Upstash(endpoint) => endpoint.is_safe(),
            _ => true,
        }
    }
}

/// All calls.
pub fn routes() -> &'static [Route] {
    static ROUTES: OnceLock<Vec<Route>> = OnceLock::new();
    ROUTES.get_or_init(|| [table(), upstash::routes()].concat())
}

fn table() -> Vec<Route> {
    use Endpoint as E;
    let route = |method, path, caller, topic, endpoint, about| Route {
        method,
        path,
        caller,
        topic,
        endpoint,
        about,
    };
    let may = Caller::Allowed;
    vec![
        route(Method::GET, "/", Caller::Known, Topic::None, E::Index, "This list"),
        route(Method::GET, "/healthz", Caller::Anyone, Topic::None, E::Healthz, "Alive"),
        route(
            Method::GET,
            "/readyz",
            Caller::Anyone,
            Topic::None,
            E::Readyz,
            "Kafka answers, the store reads and writes",
        ),
        route(
            Method::GET,
            "/producer/{topic}/{*message}",
            may(Permission::Produce),
            Topic::InPath,
            E::ProduceMessage,
            "Writes the rest of the path as a record",
        ),
        route(
            Method::POST,
            "/producer/{topic}",
            may(Permission::Produce),
            Topic::InPath,
            E::ProduceBody,
            "Writes the body as a record, or each line of it",
        ),
        route(
            Method::GET,
            "/consumer/{topic}",
            may(Permission::Consume),
            Topic::InPath,
            E::Consume,
            "The next record of a consumer group",
        ),
        route(
            Method::POST,
            "/consumer/{topic}/ack",
            may(Permission::Consume),
            Topic::InPath,
            E::Acknowledge,
            "Acknowledges records by their receipts",
        ),
        route(
            Method::POST,
            "/consumer/{topic}/nack",
            may(Permission::Consume),
            Topic::InPath,
            E::GiveBack,
            "Gives records back, to be handed out again",
        ),
        route(
            Method::GET,
            "/groups",
            may(Permission::Consume),
            Topic::Filtered,
            E::ListGroups,
            "All consumer groups",
        ),
        route(
            Method::GET,
            "/groups/{group}",
            may(Permission::Consume),
            Topic::Filtered,
            E::GetGroup,
            "Where a consumer group stands",
        ),
        route(
            Method::POST,
            "/groups/{group}/seek",
            may(Permission::Consume),
            Topic::InBody,
            E::SeekGroup,
            "Moves a consumer group on a topic",
        ),
        route(
            Method::DELETE,
            "/groups/{group}",
            may(Permission::Consume),
            Topic::OfGroup,
            E::DeleteGroup,
            "Forgets a consumer group",
        ),
        route(
            Method::GET,
            "/webhook/{topic}/{*callback_url}",
            may(Permission::Webhooks),
            Topic::InPath,
            E::RegisterByPath,
            "Has each new record of a topic POSTed to the URL in the rest of the path",
        ),
        route(
            Method::POST,
            "/webhooks",
            may(Permission::Webhooks),
            Topic::InBody,
            E::RegisterByBody,
            "The same with a JSON body",
        ),
        route(
            Method::GET,
            "/webhooks",
            may(Permission::Webhooks),
            Topic::Filtered,
            E::ListWebhooks,
            "All webhooks",
        ),
        route(
            Method::GET,
            "/webhooks/{id}",
            may(Permission::Webhooks),
            Topic::OfWebhook,
            E::GetWebhook,
            "A webhook and how far it is",
        ),
        route(
            Method::DELETE,
            "/webhooks/{id}",
            may(Permission::Webhooks),
            Topic::OfWebhook,
            E::DeleteWebhook,
            "Removes a webhook",
        ),
        route(
            Method::POST,
            "/webhooks/deliver",
            may(Permission::Webhooks),
            Topic::Filtered,
            E::Deliver,
            "Delivers what is due now",
        ),
        route(Method::GET, "/topics", Caller::Known, Topic::Filtered, E::ListTopics, "All topics"),
        route(
            Method::GET,
            "/topics/{topic}",
            Caller::Known,
            Topic::InPath,
            E::DescribeTopic,
            "A topic's partitions and offsets",
        ),
        route(
            Method::GET,
            "/topics/{topic}/partitions/{partition}/records",
            may(Permission::Consume),
            Topic::InPath,
            E::ReadPartition,
            "Reads records at an offset, for no group",
        ),
        route(
            Method::GET,
            "/credentials",
            may(Permission::Admin),
            Topic::None,
            E::ListCredentials,
            "All credentials, without their secrets",
        ),
        route(
            Method::POST,
            "/credentials",
            may(Permission::Admin),
            Topic::None,
            E::CreateCredential,
            "Makes a credential; its secret is shown once",
        ),
        route(
            Method::DELETE,
            "/credentials/{name}",
            may(Permission::Admin),
            Topic::None,
            E::DeleteCredential,
            "Removes a credential",
        ),
    ]
}

/// A route that a request took, with the pieces of its path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found<'p> {
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
pub(super) enum Lead<'p> {
    To(Found<'p>),
    /// OPTIONS of a path that has these methods.
    Options {
        allowed: String,
    },
}

/// Finds the route of a request.
pub(super) fn find<'p>(method: &Method, path: &'p str) -> Result<Lead<'p>, Refusal> {
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
