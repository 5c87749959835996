//! What the death of an instance costs.

use std::sync::Arc;

use kafka_edge_host::faults::{Fault, HostCall};
use kafka_edge_host::{Host, HostError, body};
use tokio::sync::Semaphore;

use crate::calling::{Answer, get, request, try_send, until};
use crate::world::World;

/// Two instances, whose writes all wait until they are let through; a call
/// for the topic `t3` kills its instance.
fn pair(world: &World) -> (Host, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let closed = gate.clone();
    let upstream = world.with_produce(move |world, request| {
        let gate = closed.clone();
        async move {
            gate.acquire().await.unwrap().forget();
            world.answer(request).await
        }
    });
    let host = world.gateway_over(upstream).spread_over(2).faults(|call: &HostCall<'_>| {
        if call.target.contains("/topics/t3") { Fault::Trap } else { Fault::Continue }
    });
    (host.build().unwrap(), gate)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_costs_the_requests_of_its_own_instance() {
    let world = World::new();
    let (host, gate) = pair(&world);
    // Requests go to the two instances in turn.
    let caller = |target: &'static str| {
        let host = host.clone();
        async move { try_send(&host, request(http::Method::GET, target, body::empty())).await }
    };
    let mut callers = Vec::new();
    for target in ["/producer/t/a", "/producer/t/b", "/producer/t/c", "/producer/t/d"] {
        let before = host.stats().requests;
        callers.push(tokio::spawn(caller(target)));
        until("it is handed over", async || (host.stats().requests > before).then_some(())).await;
    }
    until("both instances write", async || (host.stats().instances_started == 2).then_some(()))
        .await;
    let killer = caller("/producer/t3/x").await;
    assert!(matches!(killer, Err(HostError::Trapped)), "{killer:?}");
    gate.add_permits(1_000);

    let mut answers: Vec<Result<Answer, HostError>> = Vec::new();
    for caller in callers {
        answers.push(caller.await.unwrap());
    }
    for (index, value) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let times = world.times("t", value);
        match (&answers[index], index % 2) {
            (Err(HostError::Trapped), 0) => assert!(times <= 1, "{value}: {times}"),
            (Ok(answer), 1) => assert_eq!((answer.status, times), (200, 1), "{answer:?}"),
            (other, _) => panic!("{value}: {other:?}"),
        }
    }
    assert_eq!(host.stats().traps, 1);
    // The next requests find an instance in its place.
    for _ in 0..2 {
        get(&host, "/producer/t/e").await.ok();
    }
    assert_eq!(host.stats().instances_started, 3);
    assert_eq!(host.stats().traps, 1);
}
