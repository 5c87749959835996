//! Finds the call of a path.

use crate::cloud;
use crate::core::Core;
use crate::gate;
use crate::http::{
    Call, JSON, Media, Reply, RequestBody, ResponseBody, RestError, V2, accepts_gzip, compress,
};
use crate::java_order::{sort_as_hash_map, string_hash};
use crate::options::Offer;
use crate::{v2, v3};
use http::{HeaderValue, Method, header};
use std::sync::Arc;

/// A call: the path it answers, its methods and whose API it is.
pub(crate) struct Route {
    /// The path without prefix. `{x}` stands for any one segment.
    pub(crate) path: &'static str,
    pub(crate) methods: &'static [Method],
    pub(crate) api: Api,
}

/// Which API a call belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    /// v3 of the proxy and of Cloud.
    V3,
    /// v3 that Cloud does not have.
    V3Proxy,
    /// v2, at the root.
    V2,
    /// Cloud's internal calls.
    CloudInternal,
}

impl Api {
    fn is_offered(self, offer: Offer) -> bool {
        match offer {
            Offer::Everything => true,
            Offer::Cloud => matches!(self, Api::V3 | Api::CloudInternal),
            Offer::Proxy => self != Api::CloudInternal,
        }
    }

    fn media(self) -> Media {
        if self == Api::V2 { V2 } else { JSON }
    }
}

fn find(call: &Call, offer: Offer) -> Option<&'static Route> {
    let tables: &[&'static [Route]] =
        if call.prefix.is_empty() { &[v2::ROUTES] } else { &[v3::ROUTES, cloud::ROUTES] };
    tables
        .iter()
        .flat_map(|table| table.iter())
        .filter(|route| route.api.is_offered(offer))
        .find(|route| matches(route.path, &call.segments))
}

fn matches(pattern: &str, segments: &[String]) -> bool {
    let mut parts = pattern.split('/').filter(|p| !p.is_empty());
    let fits = segments.iter().all(|segment| match parts.next() {
        Some(part) if part.starts_with('{') => !segment.is_empty(),
        Some(part) => part == segment,
        None => false,
    });
    fits && parts.next().is_none()
}

/// Answers one request.
pub(crate) async fn answer(core: Arc<Core>, call: Call, body: RequestBody) -> Reply {
    if let Some(refusal) = gate::malformed(&core, &call) {
        return refusal;
    }
    let compressed = accepts_gzip(call.header(header::ACCEPT_ENCODING));
    let reply = answer_plainly(core, call, body).await;
    if compressed { compress(reply) } else { reply }
}

async fn answer_plainly(core: Arc<Core>, mut call: Call, body: RequestBody) -> Reply {
    let Some(route) = find(&call, core.options.offer) else {
        return RestError::no_such_call().into_reply(JSON);
    };
    core.counters.count(&call.method, route.path);
    if let Err(refusal) = gate::admit(&core, &call, route.path) {
        return refusal.into_reply(route.api.media());
    }
    let head = call.method == Method::HEAD && route.methods.contains(&Method::GET);
    if head {
        call.method = Method::GET;
    }
    if call.method == Method::OPTIONS {
        return options(route);
    }
    if !route.methods.contains(&call.method) {
        return RestError::method_not_allowed().into_reply(JSON);
    }
    core.options.costs.spend_on_call(route.path);
    let reply = dispatch(core, route, call, body).await;
    if head { without_body(reply) } else { reply }
}

async fn dispatch(core: Arc<Core>, route: &Route, call: Call, body: RequestBody) -> Reply {
    match route.api {
        Api::V3 | Api::V3Proxy => v3::answer(core, route.path, call, body).await,
        Api::V2 => v2::answer(core, route.path, call, body).await,
        Api::CloudInternal => cloud::answer(&core, route.path, call, body)
            .await
            .unwrap_or_else(|error| error.into_reply(route.api.media())),
    }
}

fn options(route: &Route) -> Reply {
    let mut methods: Vec<&str> = route.methods.iter().map(Method::as_str).collect();
    if methods.contains(&"GET") {
        methods.push("HEAD");
    }
    methods.push("OPTIONS");
    sort_as_hash_map(&mut methods, |method| string_hash(method));
    let mut reply = Reply::new(ResponseBody::whole(methods.join(", ")));
    let text = HeaderValue::from_static("text/plain");
    reply.headers_mut().insert(header::CONTENT_TYPE, text);
    let allow = methods.join(",");
    if let Ok(value) = HeaderValue::from_str(&allow) {
        reply.headers_mut().insert(header::ALLOW, value);
    }
    reply
}

/// The answer to HEAD: that of GET, with a length of 0.
fn without_body(mut reply: Reply) -> Reply {
    *reply.body_mut() = ResponseBody::sized(bytes::Bytes::new());
    reply
}
