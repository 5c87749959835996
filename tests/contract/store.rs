//! What every [`Store`] promises.
//!
//! The first list holds on every store, also where reads are stale. The second
//! one holds where they are fresh: where a read shows all that was written
//! before it began, by whichever instance.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge::host::Store;
use kafka_edge::state::keys::MAX_KEY_BYTES;
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
    (@fresh $open:expr) => {
        store_contract!(@promises $open =>
            what_was_set_is_read_as_it_was_set
            an_empty_value_is_a_value
            the_last_value_counts
            a_deleted_key_has_no_value
            an_instance_reads_what_another_one_wrote
            a_counter_is_read_as_it_stands
            eight_digits_of_a_counter_are_a_number
            counters_and_values_stand_side_by_side
            keys_are_listed_by_their_prefix_counters_too
            a_long_key_is_taken
            a_value_of_a_million_bytes_is_taken
        );
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
            store_contract!(@promises $open =>
                it_states_that_it_creates_keys
                one_of_many_creates_a_key
                a_key_that_has_a_value_keeps_it_and_shows_it
                a_created_key_ends
                a_value_for_a_time_ends_and_one_without_does_not
                a_deleted_key_can_be_created_again
            );
        }
    };
    (@wherever $open:expr) => {
        store_contract!(@promises $open =>
            a_key_that_was_never_set_has_no_value
            deleting_what_is_not_there_is_no_error
            a_counter_that_was_never_incremented_stands_at_zero
            increment_gives_the_new_value
            increment_by_zero_gives_the_value
            no_two_increments_give_the_same_number
            a_counter_goes_as_far_as_tickets_go
            a_deleted_counter_begins_at_zero
        );
    };
    (@promises $open:expr => $($promise:ident)*) => {
        $(#[tokio::test(start_paused = true)]
        async fn $promise() {
            if let Some(open) = $open {
                local(promises::$promise(open)).await;
            }
        })*
    };
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

mod promises {
    use super::*;

    pub(super) async fn a_key_that_was_never_set_has_no_value<S: Store>(open: impl Fn() -> S) {
        assert_eq!(open().get("k").await, Ok(None));
    }

    pub(super) async fn deleting_what_is_not_there_is_no_error<S: Store>(open: impl Fn() -> S) {
        assert_eq!(open().delete("k").await, Ok(()));
    }

    pub(super) async fn what_was_set_is_read_as_it_was_set<S: Store>(open: impl Fn() -> S) {
        let store = open();
        let bytes: Vec<u8> = (0..=255).collect();
        for (key, value) in [("text", &b"{}"[..]), ("eight", b"12345678"), ("bytes", &bytes)] {
            store.set(key, value).await.unwrap();
            assert_eq!(store.get(key).await, Ok(Some(value.to_vec())), "{key}");
        }
    }

    pub(super) async fn an_empty_value_is_a_value<S: Store>(open: impl Fn() -> S) {
        let store = open();
        store.set("k", b"").await.unwrap();
        assert_eq!(store.get("k").await, Ok(Some(Vec::new())));
    }

    pub(super) async fn the_last_value_counts<S: Store>(open: impl Fn() -> S) {
        let store = open();
        for value in ["one", "two", "three"] {
            store.set("k", value.as_bytes()).await.unwrap();
        }
        assert_eq!(store.get("k").await, Ok(Some(b"three".to_vec())));
    }

    pub(super) async fn a_deleted_key_has_no_value<S: Store>(open: impl Fn() -> S) {
        let store = open();
        store.set("k", b"v").await.unwrap();
        store.delete("k").await.unwrap();
        assert_eq!(store.get("k").await, Ok(None));
        assert_eq!(store.keys("").await, Ok(Vec::new()));
    }

    pub(super) async fn an_instance_reads_what_another_one_wrote<S: Store>(open: impl Fn() -> S) {
        let (one, two) = (open(), open());
        one.set("k", b"v").await.unwrap();
        assert_eq!(two.get("k").await, Ok(Some(b"v".to_vec())));
        two.delete("k").await.unwrap();
        assert_eq!(one.get("k").await, Ok(None));
    }

    pub(super) async fn a_counter_that_was_never_incremented_stands_at_zero<S: Store>(
        open: impl Fn() -> S,
    ) {
        assert_eq!(open().counter("t").await, Ok(0));
    }

    pub(super) async fn increment_gives_the_new_value<S: Store>(open: impl Fn() -> S) {
        let (one, two) = (open(), open());
        assert_eq!(one.increment("t", 1).await, Ok(1));
        assert_eq!(two.increment("t", 1).await, Ok(2));
        assert_eq!(one.increment("t", 40).await, Ok(42));
        assert_eq!(two.increment("other", 7).await, Ok(7));
    }

    pub(super) async fn increment_by_zero_gives_the_value<S: Store>(open: impl Fn() -> S) {
        let store = open();
        assert_eq!(store.increment("t", 0).await, Ok(0));
        store.increment("t", 5).await.unwrap();
        assert_eq!(store.increment("t", 0).await, Ok(5));
    }

    pub(super) async fn no_two_increments_give_the_same_number<S: Store>(open: impl Fn() -> S) {
        let instances: Vec<_> = (0..5).map(|_| open()).collect();
        let draws = (0..50).map(|n| instances[n % 5].increment("t", 1));
        let drawn = join_all(draws).await.into_iter().collect::<Result<Vec<_>, _>>();
        let mut drawn = drawn.unwrap();
        drawn.sort_unstable();
        assert_eq!(drawn, (1..=50).collect::<Vec<_>>());
    }

    pub(super) async fn a_counter_goes_as_far_as_tickets_go<S: Store>(open: impl Fn() -> S) {
        let store = open();
        // An era is 2³² (state protocol 2, section 1).
        assert_eq!(store.increment("t", 1 << 32).await, Ok(1 << 32));
        assert_eq!(store.increment("t", 45).await, Ok((1 << 32) + 45));
        assert_eq!(store.increment("t", 1 << 61).await, Ok((1 << 61) + (1 << 32) + 45));
    }

    pub(super) async fn a_counter_is_read_as_it_stands<S: Store>(open: impl Fn() -> S) {
        let (one, two) = (open(), open());
        let mut expected = 0;
        for n in [1, 8, 90, 1 << 16, 1 << 32, 1 << 61] {
            expected += n;
            one.increment("t", n).await.unwrap();
            assert_eq!(two.counter("t").await, Ok(expected));
        }
    }

    pub(super) async fn eight_digits_of_a_counter_are_a_number<S: Store>(open: impl Fn() -> S) {
        let store = open();
        for number in [10_000_000, 12_345_678, 99_999_999, 100_000_000] {
            store.increment("t", number - store.counter("t").await.unwrap()).await.unwrap();
            assert_eq!(store.counter("t").await, Ok(number));
        }
    }

    pub(super) async fn a_deleted_counter_begins_at_zero<S: Store>(open: impl Fn() -> S) {
        let store = open();
        store.increment("t", 3).await.unwrap();
        store.delete("t").await.unwrap();
        assert_eq!(store.increment("t", 1).await, Ok(1));
    }

    pub(super) async fn counters_and_values_stand_side_by_side<S: Store>(open: impl Fn() -> S) {
        let store = open();
        store.set("lane/d", b"document").await.unwrap();
        store.increment("lane/t", 1).await.unwrap();
        store.set("lane/w", b"watch").await.unwrap();
        store.increment("lane/t", 1).await.unwrap();
        store.delete("lane/w").await.unwrap();
        assert_eq!(store.get("lane/d").await, Ok(Some(b"document".to_vec())));
        assert_eq!(store.counter("lane/t").await, Ok(2));
    }

    pub(super) async fn keys_are_listed_by_their_prefix_counters_too<S: Store>(
        open: impl Fn() -> S,
    ) {
        let store = open();
        for key in ["a/1", "a/2", "ab", "b/1"] {
            store.set(key, b"").await.unwrap();
        }
        store.increment("a/t", 1).await.unwrap();
        store.increment("a/c", 1).await.unwrap();
        assert_eq!(listed(&store, "a/").await, ["a/1", "a/2", "a/c", "a/t"]);
        assert_eq!(listed(&store, "").await.len(), 6);
        assert_eq!(listed(&store, "c").await, [""; 0]);
        // More than what a store hands out with one call.
        for n in 0..1_100 {
            store.set(&format!("many/{n}"), b"").await.unwrap();
        }
        assert_eq!(listed(&store, "many/").await.len(), 1_100);
    }

    /// A key may be listed twice.
    async fn listed(store: &impl Store, prefix: &str) -> Vec<String> {
        let mut keys = store.keys(prefix).await.unwrap();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    pub(super) async fn a_long_key_is_taken<S: Store>(open: impl Fn() -> S) {
        let store = open();
        let key = "%41".repeat(MAX_KEY_BYTES / 3);
        store.set(&key, b"v").await.unwrap();
        assert_eq!(store.get(&key).await, Ok(Some(b"v".to_vec())));
        assert_eq!(store.get(&key[1..]).await, Ok(None));
        let counter = format!("{}t", &key[1..]);
        assert_eq!(store.increment(&counter, 1).await, Ok(1));
    }

    pub(super) async fn a_value_of_a_million_bytes_is_taken<S: Store>(open: impl Fn() -> S) {
        let store = open();
        let value = vec![b'x'; 1_000_000];
        store.set("k", &value).await.unwrap();
        assert_eq!(store.get("k").await.unwrap().map(|value| value.len()), Some(1_000_000));
    }

    const A_MINUTE: Duration = Duration::from_secs(60);
    const A_MOMENT: Duration = Duration::from_millis(100);

    /// Longer than a moment, by the clock of a simulated store and by that of a real one.
    async fn more_than_a_moment() {
        let time = 2 * A_MOMENT;
        tokio::time::sleep(time).await;
        std::thread::sleep(time);
    }

    pub(super) async fn it_states_that_it_creates_keys<S: Store>(open: impl Fn() -> S) {
        assert!(open().store_capabilities().await.unwrap().creates);
    }

    pub(super) async fn one_of_many_creates_a_key<S: Store>(open: impl Fn() -> S) {
        let instances: Vec<_> = (0..20).map(|_| open()).collect();
        let tries = instances.iter().enumerate().map(async |(number, store)| {
            let value = [number as u8];
            store.create("k", &value, A_MINUTE).await.unwrap()
        });
        let told = join_all(tries).await;
        let creators: Vec<_> = (0..20).filter(|number| told[*number].is_none()).collect();
        let [creator] = creators[..] else { panic!("{creators:?}") };
        let others = told.into_iter().flatten();
        assert!(others.into_iter().all(|value| value == [creator as u8]));
        assert_eq!(open().get("k").await, Ok(Some(vec![creator as u8])));
    }

    pub(super) async fn a_key_that_has_a_value_keeps_it_and_shows_it<S: Store>(
        open: impl Fn() -> S,
    ) {
        let (one, two) = (open(), open());
        for value in [&b"v"[..], b"", b"12345678"] {
            one.set("k", value).await.unwrap();
            assert_eq!(two.create("k", b"other", A_MINUTE).await, Ok(Some(value.to_vec())));
            assert_eq!(one.get("k").await, Ok(Some(value.to_vec())));
        }
    }

    pub(super) async fn a_created_key_ends<S: Store>(open: impl Fn() -> S) {
        let store = open();
        assert_eq!(store.create("k", b"one", A_MOMENT).await, Ok(None));
        more_than_a_moment().await;
        assert_eq!(store.get("k").await, Ok(None));
        assert_eq!(store.create("k", b"two", A_MINUTE).await, Ok(None));
        more_than_a_moment().await;
        assert_eq!(store.get("k").await, Ok(Some(b"two".to_vec())));
    }

    pub(super) async fn a_value_for_a_time_ends_and_one_without_does_not<S: Store>(
        open: impl Fn() -> S,
    ) {
        let store = open();
        store.create("k", b"one", A_MOMENT).await.unwrap();
        store.set_for("k", b"two", A_MINUTE).await.unwrap();
        store.set_for("short", b"v", A_MOMENT).await.unwrap();
        store.set_for("kept", b"v", A_MOMENT).await.unwrap();
        store.set("kept", b"w").await.unwrap();
        more_than_a_moment().await;
        assert_eq!(store.get("k").await, Ok(Some(b"two".to_vec())));
        assert_eq!(store.get("short").await, Ok(None));
        assert_eq!(store.get("kept").await, Ok(Some(b"w".to_vec())));
        assert_eq!(listed(&store, "").await, ["k", "kept"]);
    }

    pub(super) async fn a_deleted_key_can_be_created_again<S: Store>(open: impl Fn() -> S) {
        let store = open();
        store.create("k", b"one", A_MINUTE).await.unwrap();
        store.delete("k").await.unwrap();
        assert_eq!(store.create("k", b"two", A_MINUTE).await, Ok(None));
    }
}
