//! Instances that die while they deliver, at each of their calls to the host
//! in turn.

use std::collections::BTreeSet;

use futures_util::{StreamExt, stream};
use http::Method;
use kafka_edge_host::faults::Moment;
use kafka_edge_host::kv::Memory;
use kafka_edge_host::{Host, body};

use crate::calling::{get, post, request, try_send, until};
use crate::dying::{Life, NOWHERE, Place, doomed, doomed_when, heir, places, settle};
use crate::world::{Received, World};

const RECORDS: i64 = 4;
const DELIVER: &str = "/webhooks/deliver?budget=5";

/// A world with a webhook and records for it.
async fn scene() -> (World, Memory) {
    let (world, store) = (World::new(), Memory::new());
    let host = world.gateway().store("default", store.clone()).build().unwrap();
    let registered = get(&host, "/webhook/t/https://callback.test/hook").await;
    assert_eq!(registered.status, 201, "{registered:?}");
    settle(host).await;
    world.append("t", 0, RECORDS as usize);
    (world, store)
}

/// Has everything delivered that the dead have left.
async fn deliver_the_rest(world: &World, host: &Host) {
    until("every record is delivered", async || {
        let answer = post(host, DELIVER, "").await.ok();
        assert_eq!(answer["webhooks"][0]["failed"], 0, "{answer}");
        let last = |received: &Received| received.offset() == RECORDS - 1;
        let busy = answer["webhooks"][0]["busy"] == true;
        (!busy && world.callbacks.received().iter().any(last)).then_some(())
    })
    .await;
}

/// A round of delivery with a death in it, then the rounds of others.
async fn run(place: Place) -> (Life, Vec<Received>) {
    let (world, store) = scene().await;
    let (host, life) = doomed(&world, &store, place);
    let round = try_send(&host, request(Method::POST, DELIVER, body::empty())).await;
    assert!(round.is_ok() || life.died(), "{place:?}: {round:?}");
    settle(host).await;
    let before = world.callbacks.received().len();
    deliver_the_rest(&world, &heir(&world, &store)).await;

    let received = world.callbacks.received();
    let offsets: Vec<i64> = received.iter().map(Received::offset).collect();
    let context = format!("{place:?}: {offsets:?}, of which {before} before the death");
    let mut next = 0;
    for record in &received {
        // Nothing is skipped: who has come so far goes on or comes again.
        assert!(record.offset() <= next, "{context}");
        next = next.max(record.offset() + 1);
        let first = received.iter().find(|other| other.offset() == record.offset());
        assert_eq!(first.map(|first| &first.webhook_id), Some(&record.webhook_id), "{context}");
    }
    assert_eq!(next, RECORDS, "{context}");
    let ids = received.iter().map(|r| &r.webhook_id).collect::<BTreeSet<_>>();
    assert_eq!(ids.len(), RECORDS as usize, "{context}");
    if !life.died() {
        assert_eq!(offsets, (0..RECORDS).collect::<Vec<_>>(), "{context}");
    }
    (life, received)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_at_any_call_skips_no_record() {
    let calls = run(NOWHERE).await.0.calls();
    let lives: Vec<_> = stream::iter(places(calls)).map(run).buffered(16).collect().await;
    let deaths = lives.iter().filter(|(life, _)| life.died()).count();
    // Killed when the callback had taken a record and nobody had noted it.
    let repeats = lives.iter().filter(|(_, received)| received.len() > RECORDS as usize).count();
    println!("{calls} calls, died at {deaths} of {} places, repeats at {repeats}", lives.len());
    assert!(deaths > 20 && repeats >= RECORDS as usize, "{deaths} deaths, {repeats} repeats");
    assert!(lives.last().is_some_and(|(life, _)| !life.died()), "there are more calls to die at");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_death_between_a_callbacks_yes_and_its_note_repeats_under_the_same_id() {
    let (world, store) = scene().await;
    // Right after the callback's answer, before the instance knows of it.
    let (host, life) = doomed_when(&world, &store, |call| {
        call.moment == Moment::After && call.target.starts_with("https://callback.test")
    });
    assert!(try_send(&host, request(Method::POST, DELIVER, body::empty())).await.is_err());
    assert!(life.died());
    deliver_the_rest(&world, &heir(&world, &store)).await;
    let received = world.callbacks.received();
    let offsets: Vec<i64> = received.iter().map(Received::offset).collect();
    assert_eq!(offsets, [0, 0, 1, 2, 3]);
    assert_eq!(received[0].webhook_id, received[1].webhook_id);
}
