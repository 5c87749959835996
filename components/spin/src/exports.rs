//! The exports of `wit/`, over the same services as the HTTP API.

#[cfg(feature = "actions")]
mod actions;
#[cfg(feature = "configuration")]
mod config;
mod consumer;
mod convert;
mod credentials;
#[cfg(feature = "destinations")]
mod destinations;
mod follower;
mod producer;
mod secrets;
#[cfg(feature = "sources")]
mod sources;
mod subscriptions;
#[cfg(not(feature = "actions"))]
mod without_actions;
#[cfg(not(feature = "configuration"))]
mod without_configuration;
#[cfg(not(feature = "destinations"))]
mod without_destinations;
#[cfg(not(feature = "sources"))]
mod without_sources;

use std::future::Future;

use kafka_edge::access::{AccessError, AllowedTopic, Grant};
use kafka_edge::telemetry::{Trace, with_trace};

use crate::app;
use kafka_edge_wasi03::starting_tasks;

/// Runs a call of another component. The call has no trace of its caller's, so
/// it begins one, to which all events belong that it causes.
async fn answering<F: Future>(call: F) -> F::Output {
    let app = app();
    let traced = async {
        // Settings that are not right are reported by this, and defaults apply.
        let _ = app.prepare_telemetry().await;
        let answer = with_trace(Some(Trace::begin(app.host())), call).await;
        app.go_on_delivering();
        answer
    };
    starting_tasks(traced).await
}

/// What the component that is composed with this one may do: everything. Its
/// deployer has trusted it with all topics.
fn grant() -> Grant {
    Grant::open()
}

fn topic(name: String) -> Result<AllowedTopic, AccessError> {
    grant().topic(name)
}

fn topics(names: Vec<String>) -> Result<Vec<AllowedTopic>, AccessError> {
    grant().topics(names)
}
