//! What every [`Store`] promises, over the stores that are there natively. Their promises are
//! in `crates/contract`.

use std::sync::Arc;
use std::time::Duration;

use kafka_edge::host::Store;
use kafka_edge_contract::{Stores, store, with_promises};
use kafka_edge_host::kv::{self, Database, Durability, Memory, quirks};
use kafka_edge_sim::{SimHost, StoreMode, World, local};

use crate::native::Native;

/// The tests of one implementation, whose reads are fresh or stale. `$open`
/// makes an empty store and gives a function that makes a handle to it for one
/// more instance.
macro_rules! store_contract {
    ($name:ident, fresh, $open:expr) => {
        mod $name {
            use super::*;
            store_contract!(@wherever Some($open));
            store_contract!(@fresh Some($open));
        }
    };
    ($name:ident, stale, $open:expr) => {
        mod $name {
            use super::*;
            store_contract!(@wherever Some($open));
        }
    };
    // The same for a store that is fresh, states that it creates keys, and is no more than a
    // name where its program is absent.
    ($name:ident, creating, $open:expr) => {
        mod $name {
            use super::*;
            store_contract!(@wherever $open);
            store_contract!(@fresh $open);
            with_promises!(store_creating, each, $open);
        }
    };
    (@wherever $open:expr) => {
        with_promises!(store_wherever, each, $open);
        with_promises!(store_counters, each, $open);
    };
    (@fresh $open:expr) => {
        with_promises!(store_fresh, each, $open);
        with_promises!(store_counters_fresh, each, $open);
    };
}

/// A test of each promise.
macro_rules! each {
    ($open:expr => $($promise:ident)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $promise() {
            if let Some(open) = $open {
                let played = local(store::play(stringify!($promise), Opened(open))).await;
                assert!(played, "there is no such promise");
            }
        })*
    };
}

/// A store that is empty at first.
struct Opened<F>(F);

impl<S: Store, F: Fn() -> S> Stores for Opened<F> {
    type Store = S;

    fn open(&self) -> S {
        (self.0)()
    }

    /// By the clock of a simulated store, and by that of a real one.
    async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
        std::thread::sleep(time);
    }
}

store_contract!(simulated, fresh, simulated(StoreMode::default()));
store_contract!(simulated_slow, fresh, simulated(SLOW));
store_contract!(simulated_creating, creating, Some(simulated(CREATING)));
store_contract!(simulated_stale, stale, simulated(STALE));
store_contract!(memory, fresh, native(Memory::new()));
store_contract!(database, fresh, database());
store_contract!(spin_sqlite, fresh, native(quirks::SpinSqlite::new()));
store_contract!(spin_redis, fresh, native(quirks::SpinRedis::new()));
store_contract!(redis, creating, crate::redis::open());
store_contract!(eventual, stale, native(quirks::Eventual::new(Duration::from_millis(50), 1)));

const SLOW: StoreMode = StoreMode { latency: Duration::from_millis(40), ..STEADY };
const CREATING: StoreMode = StoreMode { creates: true, ..STEADY };
const STALE: StoreMode = StoreMode { stale: Duration::from_secs(10), ..STEADY };
const STEADY: StoreMode = StoreMode {
    write_time: Duration::ZERO,
    creates: false,
    latency: Duration::ZERO,
    stale: Duration::ZERO,
    double_draws: 0.0,
    failures: 0.0,
    refusals: 0.0,
};

fn simulated(mode: StoreMode) -> impl Fn() -> SimHost {
    let world = World::new(1);
    world.set_store_mode(mode);
    move || world.instance()
}

fn native(store: impl kv::Store) -> impl Fn() -> Native {
    let store = Native(Arc::new(store));
    move || store.clone()
}

fn database() -> impl Fn() -> Native {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.redb");
    let open = native(Database::open(file, Durability::Process).unwrap());
    move || {
        // The folder is there as long as the store is.
        let _ = &folder;
        open()
    }
}
