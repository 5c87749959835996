//! Calls `POST /webhooks/deliver` every second, as an outside scheduler does
//! for a gateway on Spin.

use kafka_edge_host::{Host, body};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

const DELIVERY_INTERVAL: Duration = Duration::from_secs(1);

/// The maximum number of concurrent calls. A call that waits for a callback
/// which does not answer must not delay deliveries to the others.
const MAX_DELIVERY_CALLS: usize = 20;

/// Runs until it is dropped, and its calls with it.
pub(crate) async fn deliver(host: Host) {
    let mut ticks = tokio::time::interval(DELIVERY_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut calls = JoinSet::new();
    loop {
        ticks.tick().await;
        while calls.try_join_next().is_some() {}
        if calls.len() < MAX_DELIVERY_CALLS {
            calls.spawn(call(host.clone()));
        }
    }
}

/// A refusal or failure of a call is ignored: the next call or the component's
/// own lines on the terminal will show it.
async fn call(host: Host) {
    let request = http::Request::post("http://localhost/webhooks/deliver").body(body::empty());
    if let Ok(request) = request {
        drop(host.respond(request).await);
    }
}
