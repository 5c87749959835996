//! The key-value interfaces over each kind of store, through a guest.

use crate::common::{get, get_with_status, host, until};
use kafka_edge_host::Host;
use kafka_edge_host::kv::quirks::{DoubleClaim, Eventual, SpinRedis, SpinSqlite};
use kafka_edge_host::kv::{Database, Durability, Memory, Store};
use std::time::Duration;

fn with_store(store: impl Store) -> Host {
    host().store("default", store).build().unwrap()
}

async fn kv(host: &Host, call: &str) -> String {
    get(host, &format!("/kv/default/{call}")).await
}

/// What every store has to do, through both interfaces.
async fn does_the_simple_things(host: &Host) {
    for interface in ["spin", "wasi"] {
        let call = async |call: &str| kv(host, &format!("{interface}/{call}")).await;
        assert_eq!(call("get/key").await, "nothing");
        assert_eq!(call("exists/key").await, "false");
        assert_eq!(call("set/key/value").await, "()");
        assert_eq!(call("get/key").await, "value");
        assert_eq!(call("exists/key").await, "true");
        assert!(call("keys").await.contains(r#"["key"]"#));
        assert_eq!(call("delete/key").await, "()");
        assert_eq!(call("delete/key").await, "()");
        assert_eq!(call("get/key").await, "nothing");
    }
    // Each interface sees what the other wrote.
    assert_eq!(kv(host, "wasi/set/key/value").await, "()");
    assert_eq!(kv(host, "spin/get/key").await, "value");
    assert_eq!(kv(host, "spin/delete/key").await, "()");
}

/// Two increments never give the same number.
async fn counts(host: &Host) {
    assert_eq!(kv(host, "wasi/increment/counter/1").await, "1");
    assert_eq!(kv(host, "wasi/increment/counter/5").await, "6");
    assert_eq!(kv(host, "wasi/increment/counter/-2").await, "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_and_the_database_keep_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(folder.path().join("kv"), Durability::Process).unwrap();
    for host in [with_store(Memory::new()), with_store(database)] {
        does_the_simple_things(&host).await;
        counts(&host).await;
        assert_eq!(kv(&host, "wasi/swap/absent/a").await, "won lost");
        assert_eq!(kv(&host, "spin/get/absent").await, "a-1");
        assert_eq!(kv(&host, "wasi/swap/absent/b").await, "won lost");
        assert_eq!(kv(&host, "wasi/set-many/x/y").await, "()");
        let many = kv(&host, "wasi/get-many/y/none/x").await;
        assert!(
            many.starts_with(r#"[("y", Some("#) && many.contains(r#"("none", None)"#),
            "{many}"
        );
        assert_eq!(kv(&host, "wasi/delete-many/x/y/none").await, "()");
        assert_eq!(kv(&host, "spin/exists/x").await, "false");
        assert_eq!(kv(&host, "spin/set/text/four").await, "()");
        assert!(kv(&host, "wasi/increment/text/1").await.contains("not a counter"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_is_unknown_is_no_store() {
    let host = host().without_store("default").store("other", Memory::new()).build().unwrap();
    for interface in ["spin", "wasi"] {
        assert!(kv(&host, &format!("{interface}/get/key")).await.contains("NoSuchStore"));
        assert_eq!(get(&host, &format!("/kv/other/{interface}/get/key")).await, "nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spins_sqlite_lets_every_creator_win_and_can_be_killed() {
    let store = SpinSqlite::new();
    let host = with_store(store.clone());
    does_the_simple_things(&host).await;
    counts(&host).await;
    assert_eq!(kv(&host, "wasi/swap/absent/a").await, "won won");
    assert_eq!(kv(&host, "spin/get/absent").await, "a-2");
    assert_eq!(kv(&host, "wasi/swap/absent/b").await, "won lost");
    assert!(kv(&host, "wasi/keys/cursor").await.contains("Other"));
    kv(&host, "wasi/set-many/x/y").await;
    let many = kv(&host, "wasi/get-many/y/none/x").await;
    assert!(many.starts_with(r#"[("x", Some("#) && !many.contains("none"), "{many}");
    assert!(kv(&host, "wasi/increment/x/1").await.contains("Other"));
    assert!(store.is_dead());
    assert!(kv(&host, "spin/get/x").await.contains("Other"));
    store.restart();
    assert_eq!(kv(&host, "spin/get/x").await, "many");
}

#[tokio::test(flavor = "multi_thread")]
async fn spins_redis_writes_and_says_failed() {
    let host = with_store(SpinRedis::new());
    does_the_simple_things(&host).await;
    counts(&host).await;
    assert_eq!(kv(&host, "spin/get/counter").await, "4");
    assert_eq!(kv(&host, "wasi/swap/absent/a").await, "lost lost");
    assert_eq!(kv(&host, "spin/get/absent").await, "a-2");
    assert!(kv(&host, "wasi/get-many/absent").await.contains("Other"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_eventual_store_is_stale_up_to_its_bound() {
    let bound = Duration::from_secs(2);
    let store = Eventual::new(bound, 7);
    let host = with_store(store.clone());
    counts(&host).await;
    store.set("key", b"old".to_vec()).await.unwrap();
    tokio::time::sleep(bound).await;
    store.set("key", b"new".to_vec()).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..50 {
        seen.push(kv(&host, "spin/get/key").await);
    }
    assert!(seen.contains(&"old".to_owned()), "{seen:?}");
    tokio::time::sleep(bound).await;
    for _ in 0..50 {
        assert_eq!(kv(&host, "spin/get/key").await, "new");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_can_be_won_twice() {
    let host = with_store(DoubleClaim::new(Memory::new(), 0.5, 3));
    let mut twice = 0;
    for claim in 0..20 {
        let call = format!("wasi/increment/claim-{claim}/1");
        assert_eq!(kv(&host, &call).await, "1");
        twice += usize::from(kv(&host, &call).await == "1");
    }
    assert!((1..20).contains(&twice), "{twice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_is_no_ones_while_its_keys_are_read() {
    let host = with_store(SpinSqlite::new());
    let (status, _) = get_with_status(&host, "/kv/default/spin/keys-then-get/key").await;
    assert_eq!(status, 500);
    until(async || (host.stats().traps == 1).then_some(())).await;
}
