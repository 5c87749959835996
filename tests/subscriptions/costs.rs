//! What a round of delivery costs in operations of the store.

use kafka_edge_sim::local;
use serde_json::json;

use crate::scene::{HOOK, Scene, counts};

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
                scene.append(0, records);
                let fresh = scene.instance();
                let before = scene.world.store_calls();
                let delivered = counts(&fresh.deliver().await);
                assert_eq!(delivered, vec![(records as u64, 0); webhooks]);
                fresh.host.idle().await;
                let after = scene.world.store_calls();
                let cost = (after.reads - before.reads, after.writes - before.writes);
                costs.push((webhooks, records, cost));
            }
        }
        assert_eq!(
            costs,
            [
                // What leads to a topic's webhooks (6), the advice, a document and its lane.
                (1, 0, (11, 0)),
                (1, 1, (12, 3)),
                (1, 10, (12, 3)),
                // The same, and a look at one.
                (20, 0, (11, 0)),
                (20, 1, (108, 61)),
                (20, 10, (108, 61)),
            ]
        );
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
            // Of the reads, six lead to the subscription and two are its document.
            let cost = (after.reads - before.reads - 8, after.writes - before.writes);
            assert_eq!(cost, (4, writes), "with {timeout} s");
        }
    })
    .await;
}
