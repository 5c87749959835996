//! The least that a component can do for a produce: it makes one upstream
//! call and passes the answer on. What our component costs is measured
//! against this one, under the same host.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

use bytes::Bytes;
use spin_sdk::http::{self, FullBody, IntoResponse, Request};
use spin_sdk::{http_service, variables};

#[http_service]
async fn produce(_: Request) -> http::Result<impl IntoResponse> {
    let url = variables::get("records_url").await.map_err(|error| error.to_string())?;
    let record = Bytes::from_static(br#"{"value":{"type":"STRING","data":"hello"}}"#);
    let request = ::http::Request::post(url)
        .header("content-type", "application/json")
        .body(FullBody::new(record))
        .map_err(|error| error.to_string())?;
    Ok(http::send(request).await?)
}
