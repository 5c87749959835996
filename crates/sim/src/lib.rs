//! A host for tests of the kafka-edge core: several simulated instances over
//! one shared store, under tokio's clock, which a test may pause.
//!
//! It is not a model of any one platform. It does what platforms may do at
//! their worst: a store that answers late, stale or not at all, a number that is
//! drawn twice, an instance that dies at any of its calls, a network that
//! refuses, delays, cuts and forgets.
//!
//! ```
//! # use std::time::Duration;
//! use kafka_edge::host::{Clock, Store};
//! use kafka_edge_sim::{Fate, World, local};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(
//! local(async {
//!     let world = World::new(1);
//!     let (one, two) = (world.instance(), world.instance());
//!     one.kill_at(1, Fate::Done); // its first call has its effect and never returns
//!
//!     let host = one.clone();
//!     let died = one.run(async move {
//!         host.sleep(Duration::from_secs(60)).await; // takes no time at all
//!         host.set("key", b"value").await
//!     });
//!     assert!(died.await.is_none());
//!     assert_eq!(two.get("key").await, Ok(Some(b"value".to_vec())));
//! })
//! # );
//! ```

mod body;
mod emulator;
mod faults;
mod host;
mod life;
mod log;
mod script;
mod signal;
mod store;
mod world;

/// A key for the variable `secrets_key`.
pub const SECRETS_KEY: &str = "a2Fma2EtZWRnZSB0ZXN0czoga2V5IG9mIDMyIGJ5dGU=";

pub use body::{Piece, SimBody};
pub use emulator::emulator;
pub use faults::{Fault, Faults};
pub use host::SimHost;
pub use life::Fate;
pub use log::SimLog;
pub use script::{Answer, Script};
pub use signal::{Wait, Wake};
pub use store::{StoreCalls, StoreMode};
pub use world::{Upstream, World};

/// Runs a test with a place for the background work of its instances.
pub async fn local<T>(test: impl Future<Output = T>) -> T {
    tokio::task::LocalSet::new().run_until(test).await
}
