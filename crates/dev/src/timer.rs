//! Calls the gateway's `kafka-edge:api/subscriptions.deliver` every second, as an
//! outside scheduler does for a gateway on Spin.
//!
//! It calls the export and not `POST /webhooks/deliver`, since HTTP requests may
//! go to somebody else's component, or need a credential.

use kafka_edge_host::wasmtime::component::Val;
use kafka_edge_host::{Export, Host};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

/// The interface, with the version of `wit/`.
pub(crate) const INTERFACE: &str = "kafka-edge:api/subscriptions@0.2.0";

const DELIVERY_INTERVAL: Duration = Duration::from_secs(1);

/// What one call may take, in milliseconds; as much as over HTTP.
const BUDGET: u32 = 10_000;

/// Calls that may be under way at once. One that waits for a callback which
/// does not answer must not keep what is due to the others waiting.
const MAX_DELIVERY_CALLS: usize = 20;

/// The function that delivers, in an instance of its own; `None` where the
/// component exports no such thing.
pub(crate) fn export(host: &Host) -> Option<Export> {
    host.export(Some(INTERFACE), "deliver")
}

/// Runs until it is dropped, and its calls with it.
pub(crate) async fn deliver(host: Host, mut export: Export) {
    let mut ticks = tokio::time::interval(DELIVERY_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut calls = JoinSet::new();
    loop {
        ticks.tick().await;
        while calls.try_join_next().is_some() {}
        if export.has_ended()
            && let Some(another) = self::export(&host)
        {
            export = another;
        }
        if calls.len() < MAX_DELIVERY_CALLS {
            calls.spawn(call(export.clone()));
        }
    }
}

/// A call that fails says nothing that the next one, or the component's own
/// lines on the terminal, would not say.
async fn call(export: Export) {
    drop(export.call(vec![Val::U32(BUDGET)]).await);
}
