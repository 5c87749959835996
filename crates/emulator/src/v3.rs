//! The v3 API: metadata, produce, batches.

mod batch;
mod brokers;
mod clusters;
mod configs;
mod groups;
mod links;
mod partitions;
mod records;
mod report;
mod stream;
mod topics;

use crate::core::Core;
use crate::http::{Call, JSON, Reply, RequestBody, RestError, negotiate};
use crate::router::{Api, Route};
use http::{Method, header};
use std::sync::Arc;

const fn route(path: &'static str, methods: &'static [Method], api: Api) -> Route {
    Route { path, methods, api }
}

const GET: &[Method] = &[Method::GET];
const POST: &[Method] = &[Method::POST];

/// All v3 calls, below the prefix.
pub(crate) const ROUTES: &[Route] = &[
    route("/clusters", GET, Api::V3Proxy),
    route("/clusters/{cluster}", GET, Api::V3),
    route("/clusters/{cluster}/brokers", GET, Api::V3Proxy),
    route("/clusters/{cluster}/brokers/{broker}", GET, Api::V3Proxy),
    route("/clusters/{cluster}/consumer-groups", GET, Api::V3),
    route("/clusters/{cluster}/consumer-groups/{group}", GET, Api::V3),
    route("/clusters/{cluster}/consumer-groups/{group}/lags", GET, Api::V3),
    route("/clusters/{cluster}/consumer-groups/{group}/lag-summary", GET, Api::V3),
    route(
        "/clusters/{cluster}/consumer-groups/{group}/lags/{topic}/partitions/{partition}",
        GET,
        Api::V3,
    ),
    route("/clusters/{cluster}/topics", &[Method::GET, Method::POST], Api::V3),
    route(
        "/clusters/{cluster}/topics/{topic}",
        &[Method::DELETE, Method::GET, Method::PATCH],
        Api::V3,
    ),
    route("/clusters/{cluster}/topics/{topic}/configs", GET, Api::V3),
    route("/clusters/{cluster}/topics/{topic}/configs/{name}", GET, Api::V3),
    route("/clusters/{cluster}/topics/{topic}/partitions", GET, Api::V3),
    route("/clusters/{cluster}/topics/{topic}/partitions/{partition}", GET, Api::V3),
    route("/clusters/{cluster}/topics/{topic}/partitions/{partition}/offset", GET, Api::V3Proxy),
    route("/clusters/{cluster}/topics/{topic}/partitions/{partition}/replicas", GET, Api::V3Proxy),
    route("/clusters/{cluster}/topics/{topic}/records", POST, Api::V3),
    route("/clusters/{cluster}/topics/{topic}/records:batch", POST, Api::V3Proxy),
];

pub(crate) async fn answer(core: Arc<Core>, path: &str, call: Call, body: RequestBody) -> Reply {
    let outcome = match negotiate(call.header(header::ACCEPT), &[JSON]) {
        Ok(_) => dispatch(core, path, call, body).await,
        Err(error) => Err(error),
    };
    outcome.unwrap_or_else(|error| error.into_reply(JSON))
}

async fn dispatch(
    core: Arc<Core>,
    path: &str,
    call: Call,
    body: RequestBody,
) -> Result<Reply, RestError> {
    let below_cluster = path.strip_prefix("/clusters/{cluster}").unwrap_or("");
    match (below_cluster, &call.method) {
        ("", _) if path == "/clusters" => clusters::list(&core, &call),
        ("", _) => clusters::get(&core, &call),
        ("/topics/{topic}/records", _) => records::produce(core, call, body).await,
        ("/topics/{topic}/records:batch", _) => batch::produce(&core, &call, body).await,
        ("/topics", &Method::GET) => topics::list(&core, &call),
        ("/topics", _) => topics::create(&core, &call, body).await,
        ("/topics/{topic}", &Method::GET) => topics::get(&core, &call),
        ("/topics/{topic}", &Method::DELETE) => topics::delete(&core, &call),
        ("/topics/{topic}", _) => topics::patch(&core, &call, body).await,
        ("/topics/{topic}/configs", _) => configs::list(&core, &call),
        ("/topics/{topic}/configs/{name}", _) => configs::get(&core, &call),
        ("/topics/{topic}/partitions", _) => partitions::list(&core, &call),
        ("/topics/{topic}/partitions/{partition}", _) => partitions::get(&core, &call),
        ("/topics/{topic}/partitions/{partition}/offset", _) => partitions::offset(&core, &call),
        ("/topics/{topic}/partitions/{partition}/replicas", _) => {
            partitions::replicas(&core, &call)
        }
        ("/brokers", _) => brokers::list(&core, &call),
        ("/brokers/{broker}", _) => brokers::get(&core, &call),
        ("/consumer-groups", _) => groups::list(&core, &call),
        ("/consumer-groups/{group}", _) => groups::get(&core, &call),
        ("/consumer-groups/{group}/lags/{topic}/partitions/{partition}", _) => {
            groups::lag(&core, &call)
        }
        ("/consumer-groups/{group}/lags", _) => groups::lags(&core, &call),
        ("/consumer-groups/{group}/lag-summary", _) => groups::lag_summary(&core, &call),
        _ => Err(RestError::no_such_call()),
    }
}
