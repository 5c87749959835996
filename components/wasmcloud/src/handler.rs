//! The export of `wasi:http/handler@0.3.0`.

use wasip3::http::types::{ErrorCode, Request, Response};

use super::Component;
use super::bindings::exports::wasi::http::handler::Guest;
use crate::host::WasmCloudHost;
use kafka_edge::http as api;
use kafka_edge_wasi03::{Ending, WasiBody};

#[cfg(not(feature = "probe"))]
async fn answer(request: api::Request<WasiBody>) -> api::Response {
    use kafka_edge::app::App;
    use kafka_edge::kafka::confluent::ConfluentLog;
    use std::rc::Rc;

    type WasmCloudLog = ConfluentLog<WasmCloudHost>;
    thread_local! {
        /// The state of this instance.
        static APP: Rc<App<WasmCloudHost, WasmCloudLog>> =
            Rc::new(App::new(WasmCloudHost::default(), ConfluentLog::new));
    }
    let app = APP.with(Rc::clone);
    api::handle(&app, request).await
}

#[cfg(feature = "probe")]
async fn answer(request: api::Request<WasiBody>) -> api::Response {
    let another = WasmCloudHost::default;
    kafka_edge_contract::probe::answer(another(), another, &request.target).await
}

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        // wasmCloud drops an instance with its answer, unless the workload has a pool of
        // instances and this is one of it (wash 2.10.3 tried, and its source of 2.7). It
        // adds no header that tells the client's address.
        kafka_edge_wasi03::handle(request, Ending::WithTheAnswer, |_| None, answer).await
    }
}
