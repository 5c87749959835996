//! Instances that die while they hand out a record, at each of their calls to
//! the host in turn.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use kafka_edge_emulator::Options;
use kafka_edge_host::kv::Memory;

use crate::calling::get;
use crate::consuming::{Id, all, id, rest, try_next};
use crate::dying::{Life, NOWHERE, Place, doomed, heir, places, settle};
use crate::world::{ConsumeApi, World};

const RECORDS: i64 = 4;

/// Two callers, of whom one may lose its answer, then everybody else.
async fn run(api: ConsumeApi, place: Place) -> Life {
    let (world, store) = (World::with(api, Options::quick()), Memory::new());
    world.append("t", 0, RECORDS as usize);
    let (host, life) = doomed(&world, &store, place);
    let mut got: Vec<Id> = Vec::new();
    let mut victims = 0;
    for _ in 0..2 {
        match try_next(&host, "/consumer/t?group=g&wait=5").await {
            Ok(record) => got.extend(record),
            Err(_) => victims += 1,
        }
    }
    // The position is written after the answer, and so may the death be.
    settle(host).await;
    // The first of the rest comes once the dead one is followed.
    let heir = heir(&world, &store);
    let mut later: Vec<Id> =
        id(&get(&heir, "/consumer/t?group=g&wait=20").await.ok()).into_iter().collect();
    later.extend(rest(&heir, "/consumer/t?group=g&wait=2").await);

    let context = format!("{api:?}, {place:?}: {got:?}, then {later:?}");
    assert!(victims <= usize::from(life.died()), "{context}");
    let handed: BTreeSet<Id> = got.iter().chain(&later).copied().collect();
    assert_eq!(handed, all(1, RECORDS), "{context}");
    assert!(later.is_sorted_by(|a, b| a < b), "{context}");
    if !life.died() {
        assert_eq!(got.len() + later.len(), RECORDS as usize, "{context}");
    }
    life
}

async fn a_death_loses_nothing(api: ConsumeApi) {
    let calls = run(api, NOWHERE).await.calls();
    let runs = stream::iter(places(calls)).map(|place| run(api, place));
    let lives: Vec<Life> = runs.buffered(16).collect().await;
    let deaths = lives.iter().filter(|life| life.died()).count();
    println!("{api:?}: {calls} calls, died at {deaths} of {} places", lives.len());
    assert!(deaths > 20, "{deaths}");
    assert!(lives.last().is_some_and(|life| !life.died()), "there are more calls to die at");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_call_loses_no_record() {
    a_death_loses_nothing(ConsumeApi::V2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_call_loses_no_record_read_through_clouds_call() {
    a_death_loses_nothing(ConsumeApi::Cloud).await;
}
