//! What an instance goes on with once it has answered.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use kafka_edge_host::{InstanceOptions, body};
use tokio::sync::Semaphore;

use crate::calling::{get, post, request, until};
use crate::world::{Received, World};

async fn delivered(world: &World, messages: &[&str]) -> Vec<Received> {
    until("the callback has them", async || {
        let received = world.callbacks.received();
        (received.len() >= messages.len()).then_some(received)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_produce_starts_the_delivery_by_itself() {
    let world = World::new();
    let host = world.gateway().build().unwrap();
    let registered = get(&host, "/webhook/t/https://callback.test/hook?x=1").await;
    assert_eq!(registered.status, 201);
    get(&host, "/producer/t/one").await.ok();
    post(&host, "/producer/t", "two").await.ok();
    let received = delivered(&world, &["one", "two"]).await;
    let messages: Vec<_> = received.iter().map(Received::message).collect();
    assert_eq!(messages, ["one", "two"]);
    for (offset, delivery) in received.iter().enumerate() {
        assert_eq!(delivery.json["topic"], "t");
        assert_eq!(delivery.json["offset"], offset);
        assert_eq!(delivery.json["webhook_id"], registered.json["webhook_id"]);
    }
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn also_for_a_client_that_has_hung_up() {
    let world = World::new();
    let gate = Arc::new(Semaphore::new(0));
    let arrived = Arc::new(Semaphore::new(0));
    let (closed, came) = (gate.clone(), arrived.clone());
    let upstream = world.with_produce(move |world, request| {
        let (gate, arrived) = (closed.clone(), came.clone());
        async move {
            arrived.add_permits(1);
            gate.acquire().await.unwrap().forget();
            world.answer(request).await
        }
    });
    let host = world.gateway_over(upstream).build().unwrap();
    get(&host, "/webhook/t/https://callback.test/hook").await;
    let client = tokio::spawn({
        let host = host.clone();
        async move { host.handle(request(Method::GET, "/producer/t/one", body::empty())).await }
    });
    arrived.acquire().await.unwrap().forget();
    client.abort();
    assert!(client.await.unwrap_err().is_cancelled());
    gate.add_permits(1);
    let received = delivered(&world, &["one"]).await;
    assert_eq!(received[0].message(), "one");
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_tried_again_without_a_further_call() {
    let world = World::new();
    let host = world.gateway().build().unwrap();
    get(&host, "/webhook/t/https://callback.test/hook").await;
    world.callbacks.fail_once();
    get(&host, "/producer/t/one").await.ok();
    let received = delivered(&world, &["one", "one"]).await;
    assert_eq!(received[0].webhook_id, received[1].webhook_id);
    get(&host, "/producer/t/two").await.ok();
    let received = delivered(&world, &["one", "one", "two"]).await;
    assert_eq!(received[2].message(), "two");
}

/// Each call comes when nothing is left of the instance that answered the one before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_have_written_is_taken_on_by_rare_calls() {
    let world = World::new();
    let idle_timeout = Duration::from_millis(100);
    let options = InstanceOptions { idle_timeout, ..InstanceOptions::like_spin() };
    let host = world.gateway().instances(options).build().unwrap();
    let is_gone = async || (host.stats().instances_live == 0).then_some(());
    get(&host, "/webhook/t/https://callback.test/hook").await;
    until("the instance is gone", is_gone).await;
    world.append("t", 0, 1);
    let mut calls = 1;
    let received = until("a call takes it on", async || {
        until("the instance is gone", is_gone).await;
        get(&host, "/topics").await.ok();
        calls += 1;
        let received = world.callbacks.received();
        (!received.is_empty()).then_some(received)
    })
    .await;
    assert_eq!(received[0].offset(), 0);
    let stats = host.stats();
    assert_eq!((stats.instances_started, stats.traps), (calls, 0));
}
