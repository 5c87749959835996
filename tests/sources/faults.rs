//! What senders are answered when something that a source needs fails.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use kafka_edge::error::ErrorKind;
use kafka_edge::host::{AfterAnswer, Host, HostCapabilities};
use kafka_edge_sim::{SimLog, StoreMode, local};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::scene::{Scene, body, request, topics};

async fn scene() -> Scene<SimLog> {
    Scene::new(1, topics()).await
}

async fn seconds(number: u64) {
    sleep(Duration::from_secs(number)).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_written_while_the_list_cannot_be_read() {
    local(async {
        let scene = scene().await;
        let warm = scene.instance();
        assert_eq!(warm.event("plain", "0").await.unwrap().status, 200);
        seconds(5).await;
        scene.world.set_store_mode(StoreMode::REFUSING);
        for instance in [&warm, &scene.instance()] {
            let answer = instance.event("plain", "1").await.unwrap();
            assert_eq!(answer.status, 503, "{}", answer.json);
            assert_eq!(answer.json["error"], "The key-value store failed");
        }
        assert_eq!(scene.log.calls("produce"), 1);
        scene.world.set_store_mode(StoreMode::default());
        let answer = warm.event("plain", "1").await.unwrap();
        assert_eq!((answer.status, answer.is_repeat()), (200, false));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_after_the_record_changes_no_answer() {
    local(async {
        let scene = scene().await;
        scene.log.set_delay(Duration::from_secs(1));
        let one = scene.instance();
        let sending = tokio::task::spawn_local({
            let one = one.clone();
            async move { one.event("plain", "e").await.unwrap() }
        });
        sleep(Duration::from_millis(500)).await;
        scene.world.set_store_mode(StoreMode::REFUSING);
        let first = sending.await.unwrap();
        assert_eq!((first.status, first.is_repeat()), (200, false), "{}", first.json);
        scene.world.set_store_mode(StoreMode::default());
        assert!(one.event("plain", "e").await.unwrap().is_repeat());
        let pending = scene.instance().event("plain", "e").await.unwrap();
        assert_eq!((pending.status, pending.retry_after.is_some()), (503, true));
        seconds(10).await;
        let again = scene.instance().event("plain", "e").await.unwrap();
        assert_eq!((again.status, again.is_repeat()), (200, false));
        assert_eq!(scene.log.records("t", 0).len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_kafka_refused_may_come_again_at_once() {
    local(async {
        let scene = scene().await;
        let retry_after = Duration::from_secs(7);
        for (error, status, wait) in [
            (ErrorKind::Throttled { retry_after }, 429, Some(7)),
            (ErrorKind::Timeout, 504, None),
            (ErrorKind::UnknownTopic("t".into()), 404, None),
            (ErrorKind::Unreachable { detail: "refused".into() }, 503, None),
        ] {
            scene.log.set_failure(Some(error.clone().into()));
            let answer = scene.instance().event("plain", "e").await.unwrap();
            assert_eq!((answer.status, answer.retry_after), (status, wait), "{error:?}");
        }
        scene.log.set_failure(None);
        let answer = scene.instance().event("plain", "e").await.unwrap();
        assert_eq!((answer.status, answer.is_repeat()), (200, false));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_in_another_instance_is_honoured_soon() {
    local(async {
        let scene = scene().await;
        // Apart and side by side: then some use an old copy while one reads a new one.
        for side_by_side in [1, 8] {
            let busy = scene.instance();
            assert_eq!(busy.event("plain", "0").await.unwrap().status, 200);
            for enabled in [false, true] {
                let mut change = request(
                    Method::PATCH,
                    "/sources/plain",
                    &json!({
                    "enabled": enabled}),
                );
                change.headers[1].1 = Bytes::from("application/merge-patch+json");
                let changed = scene.instance().send(change, Duration::MAX).await.unwrap();
                assert_eq!(changed.status, 200, "{}", changed.json);
                let status = if enabled { 200 } else { 410 };
                let since = tokio::time::Instant::now();
                loop {
                    let all = (0..side_by_side).map(|_| busy.event("plain", "0"));
                    let all = futures_util::future::join_all(all).await;
                    if all.into_iter().all(|answer| answer.unwrap().status == status) {
                        break;
                    }
                    assert!(since.elapsed() <= Duration::from_secs(4), "it takes too long");
                    sleep(Duration::from_millis(50)).await;
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_ends_with_the_answer_cannot_be_promised() {
    local(async {
        let scene = scene().await;
        let can = scene.world.instance().capabilities();
        let quick = json!({"name": "quick", "topic": "t", "verify": {"none": {}},
            "answer": {"ack": "none"}, "dedupe": {"id": {"field": "/id"}}});
        let ends = HostCapabilities { after_answer: AfterAnswer::Ends, ..can };
        scene.world.set_capabilities(ends);
        let refused = scene.instance().post("/sources", &quick).await.unwrap();
        assert_eq!((refused.status, &refused.json["detail"]), (400, &json!("answer.ack")));
        scene.world.set_capabilities(can);
        assert_eq!(scene.instance().post("/sources", &quick).await.unwrap().status, 201);
    })
    .await;
}

/// An event that was promised is remembered once it is written, and not only for as long
/// as its first try may take.
#[tokio::test(start_paused = true)]
async fn a_promised_event_is_remembered() {
    local(async {
        let scene = scene().await;
        let quick = json!({"name": "quick", "topic": "t", "verify": {"none": {}},
            "answer": {"ack": "none"}, "dedupe": {"id": {"field": "/id"}}});
        assert_eq!(scene.instance().post("/sources", &quick).await.unwrap().status, 201);
        let one = scene.instance();
        assert_eq!(one.event("quick", "e").await.unwrap().status, 202);
        for wait in [1, 30] {
            seconds(wait).await;
            for instance in [&one, &scene.instance()] {
                let again = instance.event("quick", "e").await.unwrap();
                assert!(again.is_repeat(), "{again:?}");
                assert_eq!(again.places(), [("t".to_owned(), 0, 0)]);
            }
        }
        assert_eq!(scene.log.records("t", 0).len(), 1);
        // One that failed is welcome again.
        scene.log.set_failure(Some(ErrorKind::Timeout.into()));
        assert_eq!(one.event("quick", "f").await.unwrap().status, 202);
        seconds(1).await;
        scene.log.set_failure(None);
        assert_eq!(scene.instance().event("quick", "f").await.unwrap().status, 202);
        seconds(1).await;
        assert_eq!(scene.log.records("t", 0).len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_may_be_longer_than_anything() {
    local(async {
        let scene = scene().await;
        let long = "long ".repeat(150_000);
        for id in [&*long, "\u{1f511}\u{0}", " "] {
            let first = scene.instance().event("plain", id).await.unwrap();
            assert_eq!((first.status, first.is_repeat()), (200, false), "{}", first.json);
            let again = scene.instance().event("plain", id).await.unwrap();
            assert!(again.is_repeat());
            assert_eq!(again.places(), first.places());
        }
        let other = format!("{long}.");
        assert!(!scene.instance().event("plain", &other).await.unwrap().is_repeat());
        let documents = scene.world.store();
        assert!(documents.values().flatten().all(|document| document.len() < 4_000));
        // What is empty, null or no text is no id, and such events are written each time.
        let before = scene.log.records("t", 0).len();
        for id in [json!(""), Value::Null, json!([1]), json!({})] {
            for _ in 0..2 {
                let mut event = body("plain", "");
                event["id"] = id.clone();
                let answer = scene.instance().post("/in/plain", &event).await.unwrap();
                assert_eq!((answer.status, answer.is_repeat()), (200, false), "{id}");
            }
        }
        assert_eq!(scene.log.records("t", 0).len(), before + 8);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_that_comes_twice_in_a_batch_is_written_once() {
    local(async {
        let scene = scene().await;
        let source = json!({"name": "batch", "topic": "t", "verify": {"none": {}},
            "cloud_events": {"mode": "binary"}, "dedupe": {}});
        assert_eq!(scene.instance().post("/sources", &source).await.unwrap().status, 201);
        let of = |id: &str| json!({"specversion": "1.0", "id": id, "source": "/s", "type": "t"});
        let mut batch = request(Method::POST, "/in/batch", &json!([of("1"), of("2"), of("1")]));
        batch.headers[1].1 = Bytes::from("application/cloudevents-batch+json");
        let answer = scene.instance().send(batch, Duration::MAX).await.unwrap();
        let events = answer.json["events"].as_array().unwrap();
        assert_eq!(events[2]["repeat"], true, "{}", answer.json);
        assert_eq!(events[2]["records"], events[0]["records"]);
        assert_eq!(scene.log.records("t", 0).len(), 2);
    })
    .await;
}
