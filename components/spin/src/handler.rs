//! The export of `wasi:http/handler@0.3.0`.

use kafka_edge::http as api;
use kafka_edge_wasi_http::of_spin;
use kafka_edge_wasi03::{Ending, WasiBody};
use spin_sdk::wasip3::http::types::{ErrorCode, Request, Response};

use super::Component;
use super::bindings::exports::wasi::http::handler::Guest;

#[cfg(not(feature = "probe"))]
async fn answer(request: api::Request<WasiBody>) -> api::Response {
    api::handle(&super::app(), request).await
}

#[cfg(feature = "probe")]
async fn answer(request: api::Request<WasiBody>) -> api::Response {
    let another = crate::host::SpinHost::default;
    kafka_edge_contract::probe::answer(another(), another, &request.target).await
}

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        kafka_edge_wasi03::handle(request, Ending::GoesOn, of_spin::take_headers, answer).await
    }
}
