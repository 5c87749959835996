//! A component that answers without any upstream call: what a request costs by
//! itself, under the same host.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

use bytes::Bytes;
use spin_sdk::http::{self, FullBody, IntoResponse, Request};
use spin_sdk::http_service;

/// A report, as the REST server gives it.
const REPORT: Bytes = Bytes::from_static(br#"{"partition_id":0,"offset":0}"#);

#[http_service]
async fn answer(_: Request) -> http::Result<impl IntoResponse> {
    Ok(::http::Response::new(FullBody::new(REPORT)))
}
