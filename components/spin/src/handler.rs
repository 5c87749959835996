//! The export of `wasi:http/handler@0.3.0`.

use kafka_edge::http as api;
use kafka_edge_wasi_http::of_spin;
use kafka_edge_wasi03::Ending;
use spin_sdk::wasip3::http::types::{ErrorCode, Request, Response};

use super::bindings::exports::wasi::http::handler::Guest;
use super::{Component, app};

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let answer = async |request| api::handle(&app(), request).await;
        kafka_edge_wasi03::handle(request, Ending::GoesOn, of_spin::take_headers, answer).await
    }
}
