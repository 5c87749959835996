//! kafka-edge on Fastly Compute, which has no `wasi:http` of any version: a program for
//! `wasm32-wasip1` over the crate `fastly`.
//!
//! One execution serves one request. `executor` runs the core's tasks, `host` implements
//! the interfaces that the core needs, and `request` and `answer` pass a request to it.
//! This crate makes no decisions.

#![cfg_attr(not(all(target_os = "wasi", target_env = "p1")), allow(dead_code))]

mod count;
mod names;
mod url;

#[cfg(all(target_os = "wasi", target_env = "p1"))]
mod answer;
#[cfg(all(target_os = "wasi", target_env = "p1"))]
mod executor;
#[cfg(all(target_os = "wasi", target_env = "p1"))]
mod handles;
#[cfg(all(target_os = "wasi", target_env = "p1"))]
mod host;
#[cfg(all(target_os = "wasi", target_env = "p1"))]
mod request;

#[cfg(all(target_os = "wasi", target_env = "p1"))]
use kafka_edge::http as api;

#[cfg(all(target_os = "wasi", target_env = "p1"))]
fn main() {
    let host = host::FastlyHost::default();
    executor::run(host.time_left(), async move {
        let (request, is_head) = request::from_client();
        let response = respond_to(host, request).await;
        answer::send(response, is_head).await;
    });
}

#[cfg(all(target_os = "wasi", target_env = "p1", not(feature = "probe")))]
async fn respond_to(host: host::FastlyHost, request: request::Arrived) -> api::Response {
    use kafka_edge::app::App;
    use kafka_edge::kafka::confluent::ConfluentLog;

    api::handle(&App::new(host, ConfluentLog::new), request).await
}

#[cfg(all(target_os = "wasi", target_env = "p1", feature = "probe"))]
async fn respond_to(host: host::FastlyHost, request: request::Arrived) -> api::Response {
    let another = host::FastlyHost::default;
    kafka_edge_contract::probe::answer(host, another, &request.target).await
}

/// The workspace builds this crate natively, too, for the tests of what needs no host.
#[cfg(not(all(target_os = "wasi", target_env = "p1")))]
fn main() {}
