//! kafka-edge on Spin, or on any host with Spin's interfaces: a WASI 0.3
//! component.
//!
//! `host` implements the interfaces that the core needs, `handler` passes HTTP
//! requests to it, and `exports` translates the calls of `wit/` into calls of
//! the same services. This crate makes no decisions.

#![cfg(all(target_os = "wasi", target_env = "p2"))]

mod bindings;
mod exports;
mod handler;
mod host;

use std::rc::Rc;

use crate::host::SpinHost;
use kafka_edge::app::App;
use kafka_edge::error::Result;
use kafka_edge::kafka::confluent::ConfluentLog;
use kafka_edge::services::Services;

type SpinLog = ConfluentLog<SpinHost>;

/// The type that has all exports.
struct Component;

/// The state of this instance.
fn app() -> Rc<App<SpinHost, SpinLog>> {
    thread_local! {
        static APP: Rc<App<SpinHost, SpinLog>> =
            Rc::new(App::new(SpinHost::default(), ConfluentLog::new));
    }
    APP.with(Rc::clone)
}

/// The services, for a call of another component.
async fn services() -> Result<Rc<Services<SpinHost, SpinLog>>> {
    let app = app();
    // Settings for reports that are not right are reported by this, and defaults apply.
    let _ = app.prepare_telemetry().await;
    app.services().await
}
