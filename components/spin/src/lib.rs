//! kafka-edge on Spin, or any host with the interfaces that Spin has: a WASI 0.3
//! component.
//!
//! `host` gives the core what it needs of the world, `handler` hands HTTP requests
//! to it, and `exports` translates the calls of `wit/` into calls of the same
//! services. Nothing is decided here.

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

/// The one thing that is exported.
struct Component;

/// What this instance keeps.
fn app() -> Rc<App<SpinHost, SpinLog>> {
    thread_local! {
        static APP: Rc<App<SpinHost, SpinLog>> =
            Rc::new(App::new(SpinHost::default(), ConfluentLog::new));
    }
    APP.with(Rc::clone)
}

async fn services() -> Result<Rc<Services<SpinHost, SpinLog>>> {
    app().services().await
}
