//! What is counted, when the store fails too.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use kafka_edge_sim::{StoreMode, local};
use serde_json::Value;
use tokio::time::sleep;

use crate::scene::{Scene, body, request, topics};

async fn statistics(scene: &Scene<kafka_edge_sim::SimLog>) -> Value {
    let get = request(Method::GET, "/sources/plain", &Value::Null);
    let answer = scene.instance().send(get, Duration::MAX).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.json);
    answer.json["statistics"].clone()
}

/// The counts are lower bounds, also when it is not known whether a write was stored.
#[tokio::test(start_paused = true)]
async fn nothing_is_counted_twice() {
    local(async {
        for seed in 0..12 {
            let scene = Scene::new(seed, topics()).await;
            let one = scene.instance();
            let mut sent = 0;
            for round in 0..6 {
                scene.world.set_store_mode(StoreMode::default());
                // The list has to be there; what fails is the write of the statistics.
                for number in 0..3 {
                    let id = format!("{round} {number}");
                    assert_eq!(one.event("plain", &id).await.unwrap().status, 200);
                    sent += 1;
                }
                let failures = if round % 2 == 0 { 0.6 } else { 0.0 };
                scene.world.set_store_mode(StoreMode { failures, ..StoreMode::default() });
                sleep(Duration::from_secs(12)).await;
            }
            scene.world.set_store_mode(StoreMode::default());
            let statistics = statistics(&scene).await;
            let accepted = statistics["accepted"].as_u64().unwrap();
            assert!(accepted <= sent && accepted > 0, "seed {seed}: {accepted} of {sent}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stranger_cannot_make_the_statistics_large() {
    local(async {
        let scene = Scene::new(1, topics()).await;
        let one = scene.instance();
        for number in 0..60 {
            let mut get = request(Method::GET, "/in/plain", &body("plain", "x"));
            for header in 0..50 {
                let name = format!("x-{number}-{header}-{}", "long".repeat(100));
                get.headers.push((name, Bytes::from("value")));
            }
            assert_eq!(one.send(get, Duration::MAX).await.unwrap().status, 405);
        }
        one.host.idle().await;
        let (_, document) = scene
            .world
            .store()
            .into_iter()
            .find(|(_, document)| {
                let document = document.as_deref().unwrap_or_default();
                String::from_utf8_lossy(document).contains("allow/method")
            })
            .expect("the statistics are stored");
        let size = document.unwrap().len();
        // Twenty refusals with forty names of 64 bytes.
        assert!((10_000..20 * 40 * 70).contains(&size), "{size} bytes");
        let statistics = statistics(&scene).await;
        assert_eq!(statistics["refused"]["allow/method"], 60, "{statistics}");
        assert_eq!(statistics["refusals"].as_array().unwrap().len(), 20);
    })
    .await;
}
