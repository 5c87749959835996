//! Calls `POST /webhooks/deliver` every second, as an outside scheduler does
//! for a gateway on Spin.

use kafka_edge_host::{Host, body};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

const PERIOD: Duration = Duration::from_secs(1);

/// Runs until it is dropped. One call is over before the next begins.
pub(crate) async fn deliver(host: Host) {
    let mut ticks = tokio::time::interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A call that is refused or fails says nothing that the next one, or
        // the component's own lines on the terminal, would not say.
        if let Ok(request) =
            http::Request::post("http://localhost/webhooks/deliver").body(body::empty())
        {
            drop(host.respond(request).await);
        }
    }
}
