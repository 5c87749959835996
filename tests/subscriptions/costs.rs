//! What a round of delivery costs in operations of the store.

use std::time::Duration;

use kafka_edge_sim::local;
use serde_json::json;

use crate::receiver::Mood;
use crate::scene::{HOOK, Scene, counts};

/// What a fresh instance's round over the one topic costs, which finds so many records.
async fn round(scene: &Scene, webhooks: usize, records: usize) -> (u64, u64) {
    scene.append(0, records);
    let fresh = scene.instance();
    let before = scene.world.store_calls();
    let delivered = counts(&fresh.deliver().await);
    assert_eq!(delivered, vec![(records as u64, 0); webhooks]);
    fresh.host.idle().await;
    let after = scene.world.store_calls();
    (after.reads - before.reads, after.writes - before.writes)
}

/// Of several rounds the cheapest: one of eight also reads subscriptions that have nothing
/// to do.
#[tokio::test(start_paused = true)]
async fn a_round() {
    local(async {
        let mut costs = Vec::new();
        for webhooks in [1, 20] {
            let scene = Scene::new(1);
            let first = scene.instance();
            for number in 0..webhooks {
                first.register(&format!("{HOOK}/{number}")).await;
            }
            scene.append(0, 1);
            first.deliver().await;
            for records in [0, 1, 10] {
                let mut all = Vec::new();
                for _ in 0..5 {
                    all.push(round(&scene, webhooks, records).await);
                }
                costs.push((webhooks, records, all.into_iter().min().unwrap()));
            }
        }
        assert_eq!(
            costs,
            [
                // What leads to a topic's webhooks (4), the advice, a look at a lane (2).
                (1, 0, (7, 0)),
                // And the subscription (2), and whether somebody waits for the lane.
                (1, 1, (10, 3)),
                (1, 10, (10, 3)),
                // The same, whatever number there is.
                (20, 0, (7, 0)),
                // Of each the lane (3) and the subscription (2), and the advice once more.
                (20, 1, (106, 61)),
                (20, 10, (106, 61)),
            ]
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_round_of_eight_reads_a_subscription_that_has_nothing_to_do() {
    local(async {
        let scene = Scene::new(1);
        scene.instance().register(HOOK).await;
        scene.append(0, 1);
        scene.instance().deliver().await;
        let mut more = 0;
        for _ in 0..80 {
            match round(&scene, 1, 0).await {
                (7, 0) => {}
                (9, 0) => more += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!((4..=18).contains(&more), "{more} of 80");
    })
    .await;
}

/// The look for what is overdue, beside any call in a fresh instance.
#[tokio::test(start_paused = true)]
async fn a_call_beside() {
    local(async {
        let scene = Scene::new(1);
        let first = scene.instance();
        let look = async || {
            let fresh = scene.instance();
            let before = (scene.world.store_calls(), scene.log.calls("offsets"));
            fresh.webhooks.go_on();
            fresh.host.idle().await;
            let after = (scene.world.store_calls(), scene.log.calls("offsets"));
            let (reads, writes) =
                (after.0.reads - before.0.reads, after.0.writes - before.0.writes);
            (reads, writes, after.1 - before.1)
        };
        // The first one finds that there are no subscriptions.
        assert_eq!([look().await, look().await], [(3, 1, 0), (1, 0, 0)]);
        first.register(HOOK).await;
        scene.append(0, 1);
        first.deliver().await;
        tokio::time::sleep(Duration::from_secs(10)).await;
        // What a round costs, when the next look is, and that it is this one.
        assert!([(8, 1, 1), (10, 1, 1)].contains(&look().await), "thorough or not");
        for _ in 0..90 {
            assert_eq!(look().await, (1, 0, 0));
        }
        // A busy instance looks no more often than all together.
        let before = scene.world.store_calls();
        for _ in 0..1_000 {
            first.webhooks.go_on();
            tokio::time::sleep(Duration::from_millis(90)).await;
        }
        let after = scene.world.store_calls();
        assert!(after.reads - before.reads <= 10 * 11, "{before:?} {after:?}");
        assert!(after.writes - before.writes <= 10);
    })
    .await;
}

/// Where an attempt fits into the grace of a ticket, nothing is written before it.
#[tokio::test(start_paused = true)]
async fn a_delivery_with_a_short_timeout() {
    local(async {
        for (timeout, writes) in [(1.0, 2), (10.0, 3)] {
            let scene = Scene::new(1);
            scene.instance().create(json!({"timeout": timeout})).await;
            scene.append(0, 10);
            scene.instance().deliver().await;
            scene.append(0, 10);
            let fresh = scene.instance();
            let before = scene.world.store_calls();
            assert_eq!(counts(&fresh.deliver().await), [(10, 0)]);
            let after = scene.world.store_calls();
            // Of the reads, four lead to the subscription and two are its document.
            let cost = (after.reads - before.reads - 6, after.writes - before.writes);
            assert_eq!(cost, (4, writes), "with {timeout} s");
        }
    })
    .await;
}

/// Store reads of ten seconds in which so many turns go on, for each turn and second.
async fn reads_of_long_turns(webhooks: u64) -> f64 {
    let scene = Scene::new(1);
    let first = scene.instance();
    for number in 0..webhooks {
        let url = format!("{HOOK}/{number}");
        scene.receiver.set(&url, Mood::Slow(Duration::from_millis(20)));
        first.register(&url).await;
    }
    scene.append(0, 1_000);
    let before = scene.world.store_calls().reads;
    let delivered = counts(&scene.instance().deliver().await);
    assert!(delivered.iter().all(|(delivered, _)| *delivered > 400), "{delivered:?}");
    (scene.world.store_calls().reads - before) as f64 / (webhooks * 10) as f64
}

/// Five looks a second whether somebody waits for the lane, and two reads of the
/// subscription; of many turns less, since all of them are the work of one instance.
#[tokio::test(start_paused = true)]
async fn turns_that_last() {
    local(async {
        let (few, many) = (reads_of_long_turns(2).await, reads_of_long_turns(100).await);
        assert!((7.0..9.0).contains(&few), "{few}");
        assert!((3.0..4.5).contains(&many), "{many}");
    })
    .await;
}
