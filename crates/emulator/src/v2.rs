//! The v2 API: topics, produce, and consumer instances.

mod assignment;
mod commits;
mod consumers;
mod format;
mod groups;
mod instance;
mod positions;
mod produce;
mod read;
mod subscription;
mod topics;

pub(crate) use consumers::Consumers;
pub(crate) use groups::{GroupState, GroupView, MemberView};

use crate::core::Core;
use crate::http::{
    Call, Media, Reply, RequestBody, RestError, V2, collect, json, negotiate, require_content_type,
};
use crate::json::{Json, read_document};
use crate::router::{Api, Route};
use http::{Method, StatusCode, header};
use serde::Serialize;
use std::sync::Arc;

const fn route(path: &'static str, methods: &'static [Method]) -> Route {
    Route { path, methods, api: Api::V2 }
}

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];
const GET_POST: &[Method] = &[Method::GET, Method::POST];

const INSTANCE: &str = "/consumers/{group}/instances/{instance}";

/// All v2 calls.
pub(crate) const ROUTES: &[Route] = &[
    route("/", GET),
    route("/brokers", GET),
    route("/topics", GET),
    route("/topics/{topic}", GET_POST),
    route("/topics/{topic}/partitions", GET),
    route("/topics/{topic}/partitions/{partition}", GET_POST),
    route("/topics/{topic}/partitions/{partition}/offsets", GET),
    route("/consumers/{group}", POST),
    route("/consumers/{group}/instances/{instance}", &[Method::DELETE]),
    route(
        "/consumers/{group}/instances/{instance}/subscription",
        &[Method::DELETE, Method::GET, Method::POST],
    ),
    route("/consumers/{group}/instances/{instance}/assignments", GET_POST),
    route("/consumers/{group}/instances/{instance}/positions", POST),
    route("/consumers/{group}/instances/{instance}/positions/beginning", POST),
    route("/consumers/{group}/instances/{instance}/positions/end", POST),
    route("/consumers/{group}/instances/{instance}/records", GET),
    route("/consumers/{group}/instances/{instance}/offsets", GET_POST),
];

/// What the calls without records take.
const CONSUMED: &[&str] = &[
    V2,
    "application/vnd.kafka.binary.v2+json",
    "application/vnd.kafka.json.v2+json",
    "application/vnd.kafka.avro.v2+json",
    "application/vnd.kafka.jsonschema.v2+json",
    "application/vnd.kafka.protobuf.v2+json",
];

/// What a read can answer with.
const READABLE: &[Media] = &[
    "application/vnd.kafka.binary.v2+json",
    "application/vnd.kafka.json.v2+json",
    "application/vnd.kafka.avro.v2+json",
    "application/vnd.kafka.jsonschema.v2+json",
    "application/vnd.kafka.protobuf.v2+json",
    V2,
];

pub(crate) async fn answer(core: Arc<Core>, path: &str, call: Call, body: RequestBody) -> Reply {
    match choose_media(path, &call) {
        Ok(media) => dispatch(&core, path, &call, body, media)
            .await
            .unwrap_or_else(|error| error.into_reply(media)),
        Err(error) => error.into_reply(V2),
    }
}

/// The framework's own checks, in its order: content type, then `Accept`.
fn choose_media(path: &str, call: &Call) -> Result<Media, RestError> {
    let produces = call.method == Method::POST && path.starts_with("/topics");
    let consumed = if produces { format::PRODUCIBLE } else { CONSUMED };
    require_content_type(call.header(header::CONTENT_TYPE), consumed)?;
    let offered = if path.ends_with("/records") { READABLE } else { &[V2] };
    negotiate(call.header(header::ACCEPT), offered)
}

async fn dispatch(
    core: &Core,
    path: &str,
    call: &Call,
    body: RequestBody,
    media: Media,
) -> Result<Reply, RestError> {
    let is_get = call.method == Method::GET;
    if let Some(below_instance) = path.strip_prefix(INSTANCE) {
        return match (below_instance, &call.method) {
            ("", _) => consumers::delete(core, call),
            ("/subscription", &Method::GET) => subscription::get(core, call),
            ("/subscription", &Method::POST) => subscription::subscribe(core, call, body).await,
            ("/subscription", _) => subscription::unsubscribe(core, call),
            ("/assignments", &Method::GET) => assignment::get(core, call),
            ("/assignments", _) => assignment::assign(core, call, body).await,
            ("/positions", _) => positions::seek(core, call, body).await,
            ("/positions/beginning", _) => positions::seek_to_beginning(core, call, body).await,
            ("/positions/end", _) => positions::seek_to_end(core, call, body).await,
            ("/records", _) => read::records(core, call, media).await,
            ("/offsets", &Method::GET) => commits::committed(core, call, body).await,
            ("/offsets", _) => commits::commit(core, call, body).await,
            _ => Err(RestError::no_such_call()),
        };
    }
    match path {
        "/consumers/{group}" => consumers::create(core, call, body).await,
        "/topics/{topic}" | "/topics/{topic}/partitions/{partition}" if !is_get => {
            produce::produce(core, call, body).await
        }
        _ => topics::answer(core, path, call),
    }
}

fn ok(body: &impl Serialize) -> Reply {
    json(StatusCode::OK, Some(V2), body)
}

/// The body of a call as JSON; null if there is none.
async fn read_json(body: RequestBody) -> Result<Json, RestError> {
    Ok(read_document(&collect(body).await?)?)
}

/// The body of a call that needs one. `parameter` is what the proxy calls it.
async fn require_json(body: RequestBody, parameter: &str) -> Result<Json, RestError> {
    let json = read_json(body).await?;
    if json.is_null() {
        return Err(RestError::new(422, 422, format!("{parameter} must not be null (was null)")));
    }
    Ok(json)
}
