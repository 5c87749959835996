//! What every [`Log`](kafka_edge::kafka::Log) promises, over the logs that are there
//! natively. Their promises are in `crates/contract`.

use kafka_edge_contract::{log, with_promises};
use kafka_edge_emulator::Version;
use kafka_edge_sim::local;

use crate::logs::{Simulated, confluent_cloud, confluent_v2};

/// The tests of one implementation. `$open` gives a server with an empty topic.
macro_rules! log_contract {
    ($name:ident, $open:expr) => {
        mod $name {
            use super::*;
            with_promises!(log, each, $open);
        }
    };
}

/// A test of each promise.
macro_rules! each {
    ($open:expr => $($promise:ident)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $promise() {
            let played = local(async { log::play(stringify!($promise), $open).await });
            assert!(played.await, "there is no such promise");
        })*
    };
}

log_contract!(simulated, Simulated::new());
log_contract!(simulated_in_places, Simulated::read_in_places());
log_contract!(confluent_v2_of_7_9_9, confluent_v2(Version::V7_9_9));
log_contract!(confluent_v2_of_8_3_1, confluent_v2(Version::V8_3_1));
log_contract!(confluent_in_the_cloud, confluent_cloud());
