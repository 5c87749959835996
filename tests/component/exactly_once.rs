//! Many callers of one group over several instances, on every kind of store
//! and through both ways to read.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge_emulator::Options;
use kafka_edge_host::kv::quirks::{DoubleClaim, Eventual, SpinRedis, SpinSqlite};
use kafka_edge_host::kv::{Memory, Store};
use kafka_edge_host::{Host, HostBuilder};

use crate::calling::{get, until};
use crate::consuming::{Id, all, counted, id, pages, rest};
use crate::world::{ConsumeApi, World};

const CALLERS: usize = 200;
/// As Spin spreads so many callers, by default.
const INSTANCES: usize = 13;
/// Where a store breaks its promises turns are slow.
const FEW_INSTANCES: usize = 4;

/// A topic of as many records as there are callers, in one partition or three,
/// and instances that share a store.
fn scene(api: ConsumeApi, topic: &str, store: impl Store) -> Host {
    gateway(api, topic, store).spread_over(INSTANCES).build().unwrap()
}

/// A few instances on a store without promises, with what they are told of how
/// old a read may be.
fn doubtful(api: ConsumeApi, store: impl Store, staleness: &str) -> Host {
    let gateway = gateway(api, "t", store).variable("store_staleness", staleness);
    gateway.spread_over(FEW_INSTANCES).build().unwrap()
}

fn gateway(api: ConsumeApi, topic: &str, store: impl Store) -> HostBuilder {
    let world = World::with(api, Options::quick());
    match topic {
        "t" => world.append("t", 0, CALLERS),
        _ => [(0, 100), (1, 60), (2, 40)].into_iter().for_each(|(p, n)| world.append(topic, p, n)),
    }
    world.gateway().store("default", store)
}

/// All callers at once, each with the record it got.
async fn ask(host: &Host, topic: &str) -> Vec<Id> {
    // Nobody waits so long but on a machine that is busy with other things.
    let target = format!("/consumer/{topic}?group=g&wait=30");
    let answers = join_all((0..CALLERS).map(|_| get(host, &target))).await;
    assert_eq!(host.stats().instances_started, INSTANCES as u64);
    answers.into_iter().map(|answer| id(&answer.ok()).expect("a record for each")).collect()
}

async fn each_record_goes_to_one_caller(api: ConsumeApi, store: impl Store) {
    let host = scene(api, "t", store);
    let counts = counted(ask(&host, "t").await);
    assert_eq!(counts.keys().copied().collect::<BTreeSet<_>>(), all(1, CALLERS as i64));
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    // And that was all.
    assert_eq!(rest(&host, "/consumer/t?group=g&wait=0").await, []);
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory() {
    each_record_goes_to_one_caller(ConsumeApi::V2, Memory::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_through_clouds_call() {
    each_record_goes_to_one_caller(ConsumeApi::Cloud, Memory::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_spins_sqlite() {
    let store = SpinSqlite::new();
    each_record_goes_to_one_caller(ConsumeApi::V2, store.clone()).await;
    assert!(!store.is_dead());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_spins_sqlite_through_clouds_call() {
    each_record_goes_to_one_caller(ConsumeApi::Cloud, SpinSqlite::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_spins_redis() {
    each_record_goes_to_one_caller(ConsumeApi::V2, SpinRedis::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_spins_redis_through_clouds_call() {
    each_record_goes_to_one_caller(ConsumeApi::Cloud, SpinRedis::new()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_several_partitions() {
    let host = scene(ConsumeApi::V2, "t3", Memory::new());
    let records = ask(&host, "t3").await;
    let counts = counted(records);
    assert_eq!(counts.len(), CALLERS, "{counts:?}");
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
    for (partition, records) in [(0, 100), (1, 60), (2, 40)] {
        assert_eq!(counts.keys().filter(|(p, _)| *p == partition).count(), records);
    }
}

/// Where a store shows old values, or gives a claim to two, records may come
/// twice. None is lost.
async fn no_record_is_lost(host: Host) {
    let mut got: BTreeSet<Id> =
        join_all((0..CALLERS).map(|_| insist(&host))).await.into_iter().collect();
    let repeated = CALLERS - got.len();
    let later = pages(&host, "/consumer/t?group=g&wait=2&max=500").await;
    got.extend(&later);
    println!("{repeated} of {CALLERS} came again, {} more answers after that", later.len());
    assert_eq!(got, all(1, CALLERS as i64));
    assert_eq!(host.stats().traps, 0);
}

/// A caller who comes again when told that others are in the way.
async fn insist(host: &Host) -> Id {
    until("a record", async || {
        let answer = get(host, "/consumer/t?group=g&wait=30").await;
        if answer.status == 503 && answer.header("retry-after").is_some() {
            return None;
        }
        Some(id(&answer.ok()).expect("a record for each"))
    })
    .await
}

fn stale() -> Eventual {
    Eventual::new(Duration::from_millis(300), 11)
}

fn doubled() -> DoubleClaim<Memory> {
    DoubleClaim::new(Memory::new(), 0.3, 12)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_store_with_stale_reads_none_is_lost() {
    no_record_is_lost(doubtful(ConsumeApi::V2, stale(), "")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_store_with_stale_reads_that_are_known_none_is_lost_through_clouds_call() {
    no_record_is_lost(doubtful(ConsumeApi::Cloud, stale(), "300ms")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_store_that_gives_claims_twice_none_is_lost() {
    no_record_is_lost(doubtful(ConsumeApi::V2, doubled(), "")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_store_that_gives_claims_twice_none_is_lost_through_clouds_call() {
    no_record_is_lost(doubtful(ConsumeApi::Cloud, doubled(), "")).await;
}
