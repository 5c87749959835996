//! `/consumer`.

use std::time::Duration;

use http::Method;
use kafka_edge_sim::local;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::gateway::{Gateway, Taken, request};

#[tokio::test(start_paused = true)]
async fn a_group_gets_each_record_once() {
    local(async {
        let gateway = Gateway::open();
        for message in ["a", "b", "c"] {
            gateway.log.append("t", 0, message);
        }
        for (offset, message) in ["a", "b", "c"].iter().enumerate() {
            let (status, json) = gateway.get("/consumer/t").await;
            assert_eq!((status, &json["message"]), (200, &json!(message)));
            assert_eq!((&json["partition"], &json["offset"]), (&json!(0), &json!(offset)));
            assert_eq!((&json["key"], &json["topic"]), (&Value::Null, &json!("t")));
        }
        let (status, nothing) = gateway.get("/consumer/t?wait=0").await;
        assert_eq!(
            (status, &nothing["message"], &nothing["offset"]),
            (200, &Value::Null, &Value::Null)
        );
        let (_, other) = gateway.get("/consumer/t?group=other").await;
        assert_eq!(other["message"], "a");
        let (_, late) = gateway.get("/consumer/t?group=late&from=latest&wait=0").await;
        assert_eq!(late["message"], Value::Null);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_could_not_be_sent_comes_again() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.append("t", 0, "a");
        let unsent = gateway.send(request(Method::GET, "/consumer/t")).await;
        assert!(unsent.on_sent.is_some());
        drop(unsent);
        assert_eq!(gateway.get("/consumer/t").await.1["message"], "a");
        let nothing = gateway.send(request(Method::GET, "/consumer/t?wait=0")).await;
        assert_eq!(nothing.taken().1["message"], Value::Null);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_produce_wakes_waiting_callers() {
    local(async {
        let gateway = Gateway::open();
        let waiting = gateway.get("/consumer/t?wait=30");
        let producing = async {
            tokio::time::sleep(Duration::from_millis(10_111)).await;
            let (status, _) = gateway.get("/producer/t/hello").await;
            assert_eq!(status, 200);
            Instant::now()
        };
        let ((_, record), written) = futures_util::future::join(waiting, producing).await;
        assert_eq!(record["message"], "hello");
        assert!(written.elapsed() < Duration::from_millis(10), "{:?}", written.elapsed());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_the_callers() {
    local(async {
        let gateway = Gateway::open();
        for (query, least, most) in
            [("?wait=0", 0, 900), ("", 900, 3000), ("?wait=5.5", 5400, 8000)]
        {
            let start = Instant::now();
            gateway.get(&format!("/consumer/t{query}")).await;
            let waited = start.elapsed();
            assert!(waited >= Duration::from_millis(least), "{query}: {waited:?}");
            assert!(waited <= Duration::from_millis(most), "{query}: {waited:?}");
        }
        for target in ["/consumer/t?wait=31", "/consumer/t?wait=-1", "/consumer/t?wait=x"] {
            assert_eq!(gateway.refused(target, 400).await.1, "wait");
        }
        assert_eq!(gateway.refused("/consumer/t?from=start", 400).await.1, "from");
        assert_eq!(gateway.refused("/consumer/t?group=", 400).await.1, "group");
        assert_eq!(gateway.refused("/consumer/t?grpup=a", 400).await.1, "grpup");
        assert_eq!(gateway.refused("/consumer/none", 404).await.0, "Topic not found");
    })
    .await;
}
