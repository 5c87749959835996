//! What every [`Store`] promises.

use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge::host::Store;
use kafka_edge::state::keys::MAX_KEY_BYTES;

use crate::names::play;
use crate::{Stores, with_promises};

/// Plays the promise of this name. Returns whether there is one.
pub async fn play(name: &str, world: impl Stores) -> bool {
    with_promises!(store_wherever, play, name, world);
    with_promises!(store_fresh, play, name, world);
    with_promises!(store_counters, play, name, world);
    with_promises!(store_counters_fresh, play, name, world);
    with_promises!(store_creating, play, name, world);
    false
}

async fn a_key_that_was_never_set_has_no_value(world: impl Stores) {
    assert_eq!(world.open().get("k").await, Ok(None));
}

async fn deleting_what_is_not_there_is_no_error(world: impl Stores) {
    assert_eq!(world.open().delete("k").await, Ok(()));
}

async fn what_was_set_is_read_as_it_was_set(world: impl Stores) {
    let store = world.open();
    let bytes: Vec<u8> = (0..=255).collect();
    for (key, value) in [("text", &b"{}"[..]), ("eight", b"12345678"), ("bytes", &bytes)] {
        store.set(key, value).await.unwrap();
        assert_eq!(store.get(key).await, Ok(Some(value.to_vec())), "{key}");
    }
}

async fn an_empty_value_is_a_value(world: impl Stores) {
    let store = world.open();
    store.set("k", b"").await.unwrap();
    assert_eq!(store.get("k").await, Ok(Some(Vec::new())));
}

async fn the_last_value_counts(world: impl Stores) {
    let store = world.open();
    for value in ["one", "two", "three"] {
        store.set("k", value.as_bytes()).await.unwrap();
    }
    assert_eq!(store.get("k").await, Ok(Some(b"three".to_vec())));
}

async fn a_deleted_key_has_no_value(world: impl Stores) {
    let store = world.open();
    store.set("k", b"v").await.unwrap();
    store.delete("k").await.unwrap();
    assert_eq!(store.get("k").await, Ok(None));
    assert_eq!(store.keys("").await, Ok(Vec::new()));
}

async fn an_instance_reads_what_another_one_wrote(world: impl Stores) {
    let (one, two) = (world.open(), world.open());
    one.set("k", b"v").await.unwrap();
    assert_eq!(two.get("k").await, Ok(Some(b"v".to_vec())));
    two.delete("k").await.unwrap();
    assert_eq!(one.get("k").await, Ok(None));
}

async fn a_counter_that_was_never_incremented_stands_at_zero(world: impl Stores) {
    assert_eq!(world.open().counter("t").await, Ok(0));
}

async fn increment_gives_the_new_value(world: impl Stores) {
    let (one, two) = (world.open(), world.open());
    assert_eq!(one.increment("t", 1).await, Ok(1));
    assert_eq!(two.increment("t", 1).await, Ok(2));
    assert_eq!(one.increment("t", 40).await, Ok(42));
    assert_eq!(two.increment("other", 7).await, Ok(7));
}

async fn increment_by_zero_gives_the_value(world: impl Stores) {
    let store = world.open();
    assert_eq!(store.increment("t", 0).await, Ok(0));
    store.increment("t", 5).await.unwrap();
    assert_eq!(store.increment("t", 0).await, Ok(5));
}

async fn no_two_increments_give_the_same_number(world: impl Stores) {
    let instances: Vec<_> = (0..5).map(|_| world.open()).collect();
    let draws = (0..50).map(|n| instances[n % 5].increment("t", 1));
    let drawn = join_all(draws).await.into_iter().collect::<Result<Vec<_>, _>>();
    let mut drawn = drawn.unwrap();
    drawn.sort_unstable();
    assert_eq!(drawn, (1..=50).collect::<Vec<_>>());
}

async fn a_counter_goes_as_far_as_tickets_go(world: impl Stores) {
    let store = world.open();
    // An era is 2³² (state protocol 2, section 1).
    assert_eq!(store.increment("t", 1 << 32).await, Ok(1 << 32));
    assert_eq!(store.increment("t", 45).await, Ok((1 << 32) + 45));
    assert_eq!(store.increment("t", 1 << 61).await, Ok((1 << 61) + (1 << 32) + 45));
}

async fn a_counter_is_read_as_it_stands(world: impl Stores) {
    let (one, two) = (world.open(), world.open());
    let mut expected = 0;
    for n in [1, 8, 90, 1 << 16, 1 << 32, 1 << 61] {
        expected += n;
        one.increment("t", n).await.unwrap();
        assert_eq!(two.counter("t").await, Ok(expected));
    }
}

async fn eight_digits_of_a_counter_are_a_number(world: impl Stores) {
    let store = world.open();
    for number in [10_000_000, 12_345_678, 99_999_999, 100_000_000] {
        store.increment("t", number - store.counter("t").await.unwrap()).await.unwrap();
        assert_eq!(store.counter("t").await, Ok(number));
    }
}

async fn a_deleted_counter_begins_at_zero(world: impl Stores) {
    let store = world.open();
    store.increment("t", 3).await.unwrap();
    store.delete("t").await.unwrap();
    assert_eq!(store.increment("t", 1).await, Ok(1));
}

async fn counters_and_values_stand_side_by_side(world: impl Stores) {
    let store = world.open();
    store.set("lane/d", b"document").await.unwrap();
    store.increment("lane/t", 1).await.unwrap();
    store.set("lane/w", b"watch").await.unwrap();
    store.increment("lane/t", 1).await.unwrap();
    store.delete("lane/w").await.unwrap();
    assert_eq!(store.get("lane/d").await, Ok(Some(b"document".to_vec())));
    assert_eq!(store.counter("lane/t").await, Ok(2));
}

async fn keys_are_listed_by_their_prefix(world: impl Stores) {
    let store = world.open();
    for key in ["a/1", "a/2", "ab", "b/1"] {
        store.set(key, b"").await.unwrap();
    }
    assert_eq!(listed(&store, "a/").await, ["a/1", "a/2"]);
    assert_eq!(listed(&store, "").await.len(), 4);
    assert_eq!(listed(&store, "c").await, [""; 0]);
    // More than what a store hands out with one call.
    for n in 0..1_100 {
        store.set(&format!("many/{n}"), b"").await.unwrap();
    }
    assert_eq!(listed(&store, "many/").await.len(), 1_100);
}

async fn counters_are_listed_too(world: impl Stores) {
    let store = world.open();
    store.set("a/1", b"").await.unwrap();
    store.increment("a/t", 1).await.unwrap();
    store.increment("a/c", 1).await.unwrap();
    store.increment("b/t", 1).await.unwrap();
    assert_eq!(listed(&store, "a/").await, ["a/1", "a/c", "a/t"]);
}

/// A key may be listed twice.
async fn listed(store: &impl Store, prefix: &str) -> Vec<String> {
    let mut keys = store.keys(prefix).await.unwrap();
    keys.sort_unstable();
    keys.dedup();
    keys
}

async fn a_long_key_is_taken(world: impl Stores) {
    let store = world.open();
    let key = "%41".repeat(MAX_KEY_BYTES / 3);
    store.set(&key, b"v").await.unwrap();
    assert_eq!(store.get(&key).await, Ok(Some(b"v".to_vec())));
    assert_eq!(store.get(&key[1..]).await, Ok(None));
    // The longest keys are those of documents, `…/d/4294967295`. The counter beside one ends
    // in `…/t`, and a store may put something of its own before it.
    let lane = &key[..key.len() - "/d/4294967295".len()];
    let counter = format!("{lane}/t");
    assert_eq!(store.increment(&counter, 1).await, Ok(1));
}

async fn a_value_of_a_million_bytes_is_taken(world: impl Stores) {
    let store = world.open();
    let value = vec![b'x'; 1_000_000];
    store.set("k", &value).await.unwrap();
    assert_eq!(store.get("k").await.unwrap().map(|value| value.len()), Some(1_000_000));
}

const A_MINUTE: Duration = Duration::from_secs(60);
const A_MOMENT: Duration = Duration::from_millis(100);

async fn it_states_that_it_creates_keys(world: impl Stores) {
    assert!(world.open().store_capabilities().await.unwrap().creates);
}

async fn one_of_many_creates_a_key(world: impl Stores) {
    let instances: Vec<_> = (0..20).map(|_| world.open()).collect();
    let tries = instances.iter().enumerate().map(async |(number, store)| {
        let value = [number as u8];
        store.create("k", &value, A_MINUTE).await.unwrap()
    });
    let told = join_all(tries).await;
    let creators: Vec<_> = (0..20).filter(|number| told[*number].is_none()).collect();
    let [creator] = creators[..] else { panic!("{creators:?}") };
    let others = told.into_iter().flatten();
    assert!(others.into_iter().all(|value| value == [creator as u8]));
    assert_eq!(world.open().get("k").await, Ok(Some(vec![creator as u8])));
}

async fn a_key_that_has_a_value_keeps_it_and_shows_it(world: impl Stores) {
    let (one, two) = (world.open(), world.open());
    for value in [&b"v"[..], b"", b"12345678"] {
        one.set("k", value).await.unwrap();
        assert_eq!(two.create("k", b"other", A_MINUTE).await, Ok(Some(value.to_vec())));
        assert_eq!(one.get("k").await, Ok(Some(value.to_vec())));
    }
}

async fn a_created_key_ends(world: impl Stores) {
    let store = world.open();
    assert_eq!(store.create("k", b"one", A_MOMENT).await, Ok(None));
    world.pass(2 * A_MOMENT).await;
    assert_eq!(store.get("k").await, Ok(None));
    assert_eq!(store.create("k", b"two", A_MINUTE).await, Ok(None));
    world.pass(2 * A_MOMENT).await;
    assert_eq!(store.get("k").await, Ok(Some(b"two".to_vec())));
}

async fn a_value_for_a_time_ends_and_one_without_does_not(world: impl Stores) {
    let store = world.open();
    store.create("k", b"one", A_MOMENT).await.unwrap();
    store.set_for("k", b"two", A_MINUTE).await.unwrap();
    store.set_for("short", b"v", A_MOMENT).await.unwrap();
    store.set_for("kept", b"v", A_MOMENT).await.unwrap();
    store.set("kept", b"w").await.unwrap();
    world.pass(2 * A_MOMENT).await;
    assert_eq!(store.get("k").await, Ok(Some(b"two".to_vec())));
    assert_eq!(store.get("short").await, Ok(None));
    assert_eq!(store.get("kept").await, Ok(Some(b"w".to_vec())));
    // What has ended may be listed for a while.
    let mut keys = listed(&store, "").await;
    keys.retain(|key| key != "short");
    assert_eq!(keys, ["k", "kept"]);
}

async fn a_deleted_key_can_be_created_again(world: impl Stores) {
    let store = world.open();
    store.create("k", b"one", A_MINUTE).await.unwrap();
    store.delete("k").await.unwrap();
    assert_eq!(store.create("k", b"two", A_MINUTE).await, Ok(None));
}
