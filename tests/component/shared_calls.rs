//! Callers of one instance whose records go out together.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;
use kafka_edge_host::{Body, Host};
use tokio::sync::Semaphore;

use crate::calling::{Answer, get, until};
use crate::world::{Sent, World};

/// Lets calls that write records through when it is told to.
#[derive(Clone)]
struct Gate {
    permits: Arc<Semaphore>,
    came: Arc<AtomicU64>,
}

impl Gate {
    fn new() -> Self {
        Self { permits: Arc::new(Semaphore::new(0)), came: Arc::default() }
    }

    async fn pass(&self, world: World, request: http::Request<Body>) -> Sent {
        self.came.fetch_add(1, Ordering::SeqCst);
        self.permits.acquire().await.unwrap().forget();
        world.answer(request).await
    }

    fn open(&self) {
        self.permits.add_permits(1_000);
    }
}

/// An instance whose first write waits at the gate.
fn busy_instance(world: &World, gate: &Gate) -> Host {
    let at_gate = gate.clone();
    let upstream = world.with_produce(move |world, request| {
        let gate = at_gate.clone();
        async move { gate.pass(world, request).await }
    });
    world.gateway_over(upstream).spread_over(1).build().unwrap()
}

/// Waits until so many requests more than before have come to the one instance, and each
/// has gone as far as it can: it answers another one only then.
async fn all_queue(host: &Host, before: u64, callers: u64) {
    until("all callers have come", async || {
        (host.stats().requests >= before + callers).then_some(())
    })
    .await;
    assert_eq!(get(host, "/healthz").await.status, 200);
}

/// The first caller, at the gate.
async fn first_caller(host: &Host, gate: &Gate) -> tokio::task::JoinHandle<Answer> {
    let caller = tokio::spawn({
        let host = host.clone();
        async move { get(&host, "/producer/t/first").await }
    });
    until("the first call is under way", async || {
        (gate.came.load(Ordering::SeqCst) == 1).then_some(())
    })
    .await;
    caller
}

/// Callers that come while a call is under way, once all of them queue.
async fn queue(
    host: &Host,
    targets: impl IntoIterator<Item = String>,
) -> Vec<tokio::task::JoinHandle<Answer>> {
    let before = host.stats().requests;
    let callers: Vec<_> = targets
        .into_iter()
        .map(|target| {
            let host = host.clone();
            tokio::spawn(async move { get(&host, &target).await })
        })
        .collect();
    all_queue(host, before, callers.len() as u64).await;
    callers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_meanwhile_shares_the_next_call() {
    let (world, gate) = (World::new(), Gate::new());
    let host = busy_instance(&world, &gate);
    let first = first_caller(&host, &gate).await;
    let others = queue(&host, (0..50).map(|n| format!("/producer/t/v{n}"))).await;
    gate.open();
    assert_eq!(first.await.unwrap().ok()["offset"], 0);
    for (n, answer) in join_all(others).await.into_iter().enumerate() {
        // Each caller has the report on its own record.
        let json = answer.unwrap().ok();
        let offset = json["offset"].as_i64().unwrap();
        let there = world.kafka.records("t", 0)[offset as usize].value.clone().unwrap();
        assert_eq!(there, format!("v{n}"), "{json}");
    }
    assert_eq!(world.produce_calls(), 2, "51 records");
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_record_is_no_other_callers_failure() {
    let (world, gate) = (World::new(), Gate::new());
    let host = busy_instance(&world, &gate);
    let first = first_caller(&host, &gate).await;
    let targets = (0..9).map(|n| match n {
        // There is no such partition.
        4 => "/producer/t/bad?partition=7".to_owned(),
        _ => format!("/producer/t/v{n}"),
    });
    let others = queue(&host, targets).await;
    gate.open();
    first.await.unwrap().ok();
    for (n, answer) in join_all(others).await.into_iter().enumerate() {
        let answer = answer.unwrap();
        match n {
            4 => assert_eq!(answer.error(400).1, Some("partition")),
            _ => assert_eq!(world.times("t", &format!("v{n}")), usize::from(answer.status == 200)),
        }
        assert!(n == 4 || answer.status == 200, "{n}: {answer:?}");
    }
    assert_eq!(world.times("t", "bad"), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hangs_up_is_nobody_elses_loss() {
    let (world, gate) = (World::new(), Gate::new());
    let host = busy_instance(&world, &gate);
    let first = first_caller(&host, &gate).await;
    let others = queue(&host, (0..9).map(|n| format!("/producer/t/v{n}"))).await;
    // The one whose call is under way, and one of those who queue.
    first.abort();
    others[4].abort();
    gate.open();
    for (n, answer) in join_all(others).await.into_iter().enumerate() {
        match answer {
            Ok(answer) => assert_eq!(answer.status, 200, "{n}: {answer:?}"),
            Err(error) => assert!(n == 4 && error.is_cancelled()),
        }
    }
    for n in 0..9 {
        let times = world.times("t", &format!("v{n}"));
        assert!(times == 1 || (n == 4 && times == 0), "v{n}: {times}");
    }
    assert!(world.times("t", "first") <= 1);
    assert_eq!(host.stats().traps, 0);
}

/// Callers who come again as soon as they have their answer. How many of them
/// meet after the first time is the machine's affair, and a fast one's few.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_there_are_more_records_than_calls() {
    const CALLERS: u64 = 10;
    const ROUNDS: u64 = 20;
    let (world, gate) = (World::new(), Gate::new());
    let host = busy_instance(&world, &gate);
    let first = first_caller(&host, &gate).await;
    let callers = (0..CALLERS).map(|caller| {
        let host = host.clone();
        async move {
            for n in 0..ROUNDS {
                get(&host, &format!("/producer/t/{caller}-{n}")).await.ok();
            }
        }
    });
    let before = host.stats().requests;
    let callers = tokio::spawn(join_all(callers));
    all_queue(&host, before, CALLERS).await;
    gate.open();
    first.await.unwrap().ok();
    callers.await.unwrap();
    let (records, calls) = (1 + CALLERS * ROUNDS, world.produce_calls());
    println!("{records} records in {calls} calls");
    assert_eq!(world.kafka.end_offset("t", 0), Some(records as i64));
    assert!(calls <= records + 1 - CALLERS, "{calls} calls for {records} records");
}
