//! The export of `wasi:http/handler@0.3.0`.

use kafka_edge_wasi_http::of_spin;
use kafka_edge_wasi03::Ending;
use spin_sdk::wasip3::http::types::{ErrorCode, Request, Response};

use super::bindings::exports::wasi::http::handler::Guest;
use super::{Component, app};

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        kafka_edge_wasi03::handle(&app(), request, Ending::GoesOn, of_spin::take_headers).await
    }
}
