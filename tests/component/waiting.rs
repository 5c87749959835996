//! Callers who wait for a record, through the built component.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use kafka_edge_emulator::Options;
use kafka_edge_host::kv::Memory;

use crate::calling::{get, until};
use crate::consuming::id;
use crate::world::{ConsumeApi, World};

/// Calls that ask the server where partitions end.
fn looks(world: &World, api: ConsumeApi) -> u64 {
    match api {
        // One for each of the three partitions.
        ConsumeApi::V2 => world.kafka.calls_of("GET /topics/{topic}/partitions/{partition}/offsets") / 3,
        ConsumeApi::Cloud => world.kafka.calls_of(
            "POST /clusters/{cluster}/internal/topics/{topic}/partitions/-/records:consume_guarantee_progress",
        ),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_wait_the_server_is_asked_as_for_one() {
    for api in [ConsumeApi::V2, ConsumeApi::Cloud] {
        let world = World::with(api, Options::quick());
        let host = world.gateway().spread_over(1).build().unwrap();
        let callers = (0..40).map(|caller| {
            let target = format!("/consumer/t3?group=g{}&wait=4", caller % 5);
            let host = host.clone();
            async move { get(&host, &target).await.ok() }
        });
        let start = Instant::now();
        for answer in join_all(callers).await {
            assert_eq!(id(&answer), None);
        }
        let took = start.elapsed();
        assert!(took >= Duration::from_secs(4), "{took:?}");
        let looks = looks(&world, api);
        println!("{api:?}: {looks} looks in {took:?} for 40 callers in 5 groups");
        // Five in a second, and some at first and at the end, where each group
        // wants to know it for sure.
        let most = took.as_secs_f64() * 5.0 + 40.0;
        assert!(looks >= 5 && looks as f64 <= most, "{looks} looks in {took:?}");
        assert_eq!(host.stats().traps, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_reaches_those_who_wait_here_and_on_other_instances() {
    for api in [ConsumeApi::V2, ConsumeApi::Cloud] {
        let world = World::with(api, Options::quick());
        let store = Memory::new();
        let gateway = || world.gateway().store("default", store.clone()).spread_over(1).build();
        let (here, there) = (gateway().unwrap(), gateway().unwrap());
        let waiting = (0..20).map(|caller| {
            let host = if caller % 2 == 0 { here.clone() } else { there.clone() };
            tokio::spawn(async move {
                let target = format!("/consumer/t3?group=g{caller}&wait=30");
                id(&get(&host, &target).await.ok())
            })
        });
        let waiting: Vec<_> = waiting.collect();
        until("they look for records", async || (looks(&world, api) > 20).then_some(())).await;
        let report = get(&here, "/producer/t3/hello?partition=1").await.ok();
        let written = Instant::now();
        for caller in waiting {
            assert_eq!(caller.await.unwrap(), Some((1, report["offset"].as_i64().unwrap())));
        }
        println!("{api:?}: 20 groups have it after {:?}", written.elapsed());
        // Whoever had missed it would wait for half a minute.
        assert!(written.elapsed() < Duration::from_secs(15), "{:?}", written.elapsed());
        assert_eq!((here.stats().traps, there.stats().traps), (0, 0));
    }
}
