//! The export of `wasi:http/handler@0.3.0`.

use std::rc::Rc;

use wasip3::http::types::{ErrorCode, Request, Response};

use super::Component;
use super::bindings::exports::wasi::http::handler::Guest;
use crate::host::WasmCloudHost;
use kafka_edge::app::App;
use kafka_edge::kafka::confluent::ConfluentLog;
use kafka_edge_wasi03::Ending;

type WasmCloudLog = ConfluentLog<WasmCloudHost>;

/// The state of this instance.
fn app() -> Rc<App<WasmCloudHost, WasmCloudLog>> {
    thread_local! {
        static APP: Rc<App<WasmCloudHost, WasmCloudLog>> =
            Rc::new(App::new(WasmCloudHost::default(), ConfluentLog::new));
    }
    APP.with(Rc::clone)
}

impl Guest for Component {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        // wasmCloud drops an instance with its answer, unless the workload has a pool of
        // instances and this is one of it (wash 2.10.3 tried, and its source of 2.7). It
        // adds no header that tells the client's address.
        kafka_edge_wasi03::handle(&app(), request, Ending::WithTheAnswer, |_| None).await
    }
}
