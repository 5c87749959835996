//! What every [`Host`] promises beside its [`Store`](crate::store), and that it
//! does what its capabilities state: over the simulated ones. The promises are in
//! `crates/contract`.

use std::future::Future;
use std::time::Duration;

use kafka_edge::host::{AfterAnswer, Host, HostCapabilities, Limit};
use kafka_edge_contract::{Serves, host, with_promises};
use kafka_edge_sim::{SimHost, World, local};

/// The tests of one implementation. `$open` gives an instance.
macro_rules! host_contract {
    ($name:ident, $open:expr) => {
        mod $name {
            use super::*;
            with_promises!(host, each, $open);
            with_promises!(host_served, each, $open);
        }
    };
}

/// A test of each promise.
macro_rules! each {
    ($open:expr => $($promise:ident)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $promise() {
            let played = local(async { host::play(stringify!($promise), Simulated($open)).await });
            assert!(played.await, "there is no such promise");
        })*
    };
}

host_contract!(simulated, World::new(1).instance());
host_contract!(simulated_ending_with_the_answer, ending_with_the_answer());

fn ending_with_the_answer() -> SimHost {
    let world = World::new(1);
    let host = world.instance();
    world.set_capabilities(HostCapabilities {
        after_answer: AfterAnswer::Ends,
        wall_time: Limit::AtMost(Duration::from_secs(30)),
        ..host.capabilities()
    });
    host
}

struct Simulated(SimHost);

impl Serves for Simulated {
    type Host = SimHost;

    fn host(&self) -> SimHost {
        self.0.clone()
    }

    async fn serve(&self, request: impl Future<Output = ()> + 'static) {
        self.0.run(request).await.expect("nothing kills this instance");
    }
}
