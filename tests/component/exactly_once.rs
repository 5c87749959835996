//! Many callers of one group over several instances, on every kind of store
//! and through both ways to read.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use kafka_edge_emulator::Options;
use kafka_edge_host::kv::quirks::{DoubleClaim, Eventual, SpinRedis, SpinSqlite};
use kafka_edge_host::kv::{Memory, Store};
use kafka_edge_host::{Host, HostBuilder};

use crate::calling::{get, until};
use crate::consuming::{Id, all, counted, id, pages, rest};
use crate::stalls::{GRACE, Stalls};
use crate::world::{ConsumeApi, World};

const CALLERS: usize = 200;
/// As Spin spreads so many callers, by default.
pub(crate) const INSTANCES: usize = 13;
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
    filled(api, topic).gateway().store("default", store)
}

pub(crate) fn filled(api: ConsumeApi, topic: &str) -> World {
    let world = World::with(api, Options::quick());
    match topic {
        "t" => world.append("t", 0, CALLERS),
        _ => [(0, 100), (1, 60), (2, 40)].into_iter().for_each(|(p, n)| world.append(topic, p, n)),
    }
    world
}

/// All callers at once get each record once, and that was all; unless a holder of a turn can
/// have stood still for longer than its ticket is good for. Then records come again, and
/// some callers get these in place of others.
pub(crate) async fn each_record_goes_to_one_caller(
    host: &Host,
    topic: &str,
) -> BTreeMap<Id, usize> {
    let stalls = Stalls::start();
    // Nobody waits so long but on a machine that is busy with other things.
    let target = format!("/consumer/{topic}?group=g&wait=30");
    let answers = join_all((0..CALLERS).map(|_| get(host, &target))).await;
    let got = answers.into_iter().map(|answer| id(&answer.ok()).expect("a record for each"));
    let rest = rest(host, &format!("/consumer/{topic}?group=g&wait=0")).await;
    let stall = stalls.stop().await;
    assert_eq!(host.stats().instances_started, INSTANCES as u64);
    assert_eq!(host.stats().traps, 0);
    let counts = counted(got.chain(rest));
    let repeats: usize = counts.values().map(|count| count - 1).sum();
    println!("{topic}: {repeats} records came again, the longest stall was {stall:?}");
    assert_eq!(counts.len(), CALLERS, "nothing is left out");
    assert!(repeats == 0 || stall > GRACE, "{repeats} records came again: {counts:?}");
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory() {
    each_record_goes_to_one_caller(&scene(ConsumeApi::V2, "t", Memory::new()), "t").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_memory_through_clouds_call() {
    each_record_goes_to_one_caller(&scene(ConsumeApi::Cloud, "t", Memory::new()), "t").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_spins_sqlite() {
    let store = SpinSqlite::new();
    each_record_goes_to_one_caller(&scene(ConsumeApi::V2, "t", store.clone()), "t").await;
    assert!(!store.is_dead());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_spins_sqlite_through_clouds_call() {
    each_record_goes_to_one_caller(&scene(ConsumeApi::Cloud, "t", SpinSqlite::new()), "t").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_spins_redis() {
    each_record_goes_to_one_caller(&scene(ConsumeApi::V2, "t", SpinRedis::new()), "t").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_spins_redis_through_clouds_call() {
    each_record_goes_to_one_caller(&scene(ConsumeApi::Cloud, "t", SpinRedis::new()), "t").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_several_partitions() {
    let host = scene(ConsumeApi::V2, "t3", Memory::new());
    let counts = each_record_goes_to_one_caller(&host, "t3").await;
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
