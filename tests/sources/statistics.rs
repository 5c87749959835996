//! What is counted, when the store fails too.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use kafka_edge::error::ErrorKind;
use kafka_edge_sim::{StoreMode, local};
use serde_json::{Value, json};
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

/// Each try of an event is counted by what Kafka did with it.
#[tokio::test(start_paused = true)]
async fn what_kafka_fails_is_counted() {
    local(async {
        let scene = Scene::new(1, topics()).await;
        let one = scene.instance();
        let unknown = ErrorKind::OutcomeUnknown { detail: "no report".into() };
        for (failure, status) in [
            (Some(ErrorKind::Unreachable { detail: "refused".into() }), 503),
            (Some(ErrorKind::UnknownTopic("t".into())), 404),
            (Some(ErrorKind::Timeout), 504),
            (Some(unknown), 504),
            (None, 200),
        ] {
            scene.log.set_failure(failure.map(Into::into));
            let answer = one.event("plain", &format!("{status}")).await.unwrap();
            assert_eq!(answer.status, status, "{}", answer.json);
            sleep(Duration::from_secs(12)).await;
        }
        let statistics = statistics(&scene).await;
        let of = |kind: &str| statistics[kind].as_u64().unwrap();
        let counts = ["accepted", "failed", "unknown"].map(of);
        assert_eq!(counts, [1, 3, 1], "{statistics}");
        assert_eq!(statistics["refused"], json!({}));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_without_dedupe_and_one_that_fails_in_part_are_counted_as_well() {
    local(async {
        let log = topics();
        let scene = Scene::new(1, log).await;
        let source = json!({"topic": "t", "verify": {"none": {}},
            "shape": {"transform": "1, 2", "topic": {"jq": "[\"t\", \"none\"][$out - 1]",
            "allowed": ["t", "none"]}}});
        let put = request(Method::PUT, "/sources/plain", &source);
        let one = scene.instance();
        assert_eq!(one.send(put, Duration::MAX).await.unwrap().status, 200);
        let answer = one.event("plain", "e").await.unwrap();
        assert_eq!(answer.status, 404, "{}", answer.json);
        assert_eq!(scene.log.records("t", 0).len(), 1, "a part of it is there");
        one.host.idle().await;
        let statistics = statistics(&scene).await;
        assert_eq!((&statistics["failed"], &statistics["accepted"]), (&json!(1), &json!(0)));
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
