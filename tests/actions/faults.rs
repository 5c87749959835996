//! A store and a log that fail.

use std::time::Duration;

use kafka_edge_sim::{StoreMode, local};
use serde_json::json;

use crate::scene::{Scene, seconds};

#[tokio::test(start_paused = true)]
async fn nothing_is_published_while_a_run_cannot_be_counted() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let warm = scene.instance();
        assert_eq!(warm.run(json!({})).await.unwrap().status, 201);
        scene.world.set_store_mode(StoreMode::REFUSING);
        for instance in [&warm, &scene.instance()] {
            let answer = instance.run(json!({})).await.unwrap();
            assert_eq!(answer.status, 503, "{}", answer.json);
            assert!(answer.retry_after.is_some());
        }
        assert_eq!(scene.records().len(), 1);
        scene.world.set_store_mode(StoreMode::default());
        assert_eq!(warm.run(json!({})).await.unwrap().status, 201);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_after_the_record_changes_no_answer() {
    local(async {
        let scene = Scene::with_action(1, json!({})).await;
        let answer = scene.run_without_note().await;
        assert_eq!(answer.status, 201, "{}", answer.json);
        let run = answer.run();
        let report = json!({"status": "COMPLETED", "result": "SUCCESS"});
        let refused = scene.instance().report(&run, report.clone()).await.unwrap();
        assert_eq!(refused.status, 503, "{}", refused.json);
        scene.world.set_store_mode(StoreMode::default());
        let shown = scene.instance().shown(&run).await;
        assert_eq!((shown.status, &shown.json["nodes"][0]["records"]), (200, &json!([])));
        assert_eq!(scene.instance().report(&run, report).await.unwrap().status, 200);
    })
    .await;
}

/// Every call may fail, and may have had its effect all the same: what was answered holds.
#[tokio::test(start_paused = true)]
async fn what_was_answered_holds_over_a_store_that_fails_now_and_then() {
    local(async {
        let (mut failed, mut taken) = (0, 0);
        for seed in 0..30 {
            let scene = Scene::with_action(seed, json!({})).await;
            let latency = Duration::from_millis(5);
            let faulty =
                StoreMode { failures: 0.1, refusals: 0.1, latency, ..StoreMode::default() };
            scene.world.set_store_mode(faulty);
            for number in 0..10 {
                let result = ["SUCCESS", "FAILED"][number % 2];
                let report = json!({"status": "COMPLETED", "result": result});
                let published = scene.instance().run(json!({"n": number})).await.unwrap();
                if published.status != 201 {
                    assert_eq!(published.status, 503, "{}", published.json);
                    failed += 1;
                    continue;
                }
                let run = published.run();
                let mut reported = false;
                for _ in 0..3 {
                    let answer = scene.instance().report(&run, report.clone()).await.unwrap();
                    match answer.status {
                        200 => reported = true,
                        other => {
                            assert_eq!(other, 503, "{}", answer.json);
                            failed += 1;
                        }
                    }
                    // Whoever fell out of a turn holds up the next one for a while.
                    seconds(8).await;
                }
                scene.world.set_store_mode(StoreMode::default());
                let shown = scene.instance().shown(&run).await;
                assert_eq!(shown.status, 200, "{}", shown.json);
                if reported {
                    assert_eq!(shown.json["result"], result, "seed {seed}");
                    taken += 1;
                }
                scene.world.set_store_mode(faulty);
            }
        }
        assert!(failed > 30 && taken > 100, "{failed} failures, {taken} reports");
    })
    .await;
}
