//! `/consume` and `/consumers`.

use std::time::Duration;

use http::Method;
use kafka_edge_sim::local;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{EARLIEST, MANUAL, call, consume, get, post, success};
use crate::gateway::{Gateway, request};

#[tokio::test(start_paused = true)]
async fn a_new_group_begins_at_the_end_unless_told_otherwise() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.append("t", 0, "old");
        assert_eq!(get(&gateway, "consume/late/i/t").await, (200, json!([])));
        gateway.log.append("t", 1, "new");
        let (_, records) = get(&gateway, "consume/late/i/t").await;
        let expected = json!([{"topic": "t", "partition": 1, "offset": 0, "timestamp": 0,
            "key": "", "value": "new", "headers": []}]);
        assert_eq!(records, expected);
        let mut both = consume(&gateway, "early", "i", &[]).await;
        both.sort();
        assert_eq!(both, ["new", "old"]);

        // So does an old group on a topic that is new to it.
        gateway.log.create_topic("u", 1);
        gateway.log.append("u", 0, "old");
        let both = json!({"topics": ["t", "u"], "timeout": 100});
        assert_eq!(post(&gateway, "consume/late/i", &both).await, (200, json!([])));
        gateway.log.append("u", 0, "new");
        assert_eq!(post(&gateway, "consume/late/i", &both).await.1[0]["value"], "new");

        let none = [("kafka-auto-offset-reset", "none")];
        let body = json!({"topic": "t"});
        let (status, json) = call(&gateway, Method::POST, "consume/x/i", &body, &none).await;
        assert_eq!((status, &json["detail"]), (400, &json!("kafka-auto-offset-reset")));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_a_second_unless_told_otherwise() {
    local(async {
        let gateway = Gateway::open();
        for (path, body, least, most) in [
            ("consume/g/i/t", Value::Null, 900, 2500),
            ("consume/g/i/t?timeout=3000", Value::Null, 2900, 4500),
            ("consume/g/i", json!({"topic": "t", "timeout": 10}), 0, 900),
            ("consume/g/i", json!({"topic": "t", "timeout": 10_000_000}), 29_000, 32_000),
        ] {
            let start = Instant::now();
            assert_eq!(post_or_get(&gateway, path, &body).await, (200, json!([])));
            let waited = start.elapsed();
            assert!(waited >= Duration::from_millis(least), "{path}: {waited:?}");
            assert!(waited <= Duration::from_millis(most), "{path}: {waited:?}");
        }
        assert_eq!(get(&gateway, "consume/g/i/t?timeout=soon").await.0, 400);
    })
    .await;
}

async fn post_or_get(gateway: &Gateway, path: &str, body: &Value) -> (u16, Value) {
    match body {
        Value::Null => get(gateway, path).await,
        body => post(gateway, path, body).await,
    }
}

#[tokio::test(start_paused = true)]
async fn records_that_could_not_be_sent_come_again() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.append("t", 0, "a");
        let mut lost = request(Method::GET, "/upstash/consume/g/i/t");
        lost.headers.push(crate::gateway::header(EARLIEST.0, EARLIEST.1.as_bytes()));
        drop(gateway.send(lost).await);
        assert_eq!(consume(&gateway, "g", "i", &[]).await, ["a"]);
        assert!(consume(&gateway, "g", "i", &[]).await.is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn two_instances_share_the_partitions_and_no_record() {
    local(async {
        for headers in [&[][..], &[MANUAL]] {
            let (gateway, other) = two_gateways();
            for _ in 0..2 {
                // Both come to be, and hear of each other.
                assert!(consume(&gateway, "g", "a", headers).await.is_empty());
                assert!(consume(&other, "g", "b", headers).await.is_empty());
                tokio::time::sleep(Duration::from_secs(2)).await;
            }
            let (_, groups) = get(&gateway, "consumers").await;
            let expected = json!([{"name": "g", "instances": [
                {"name": "a", "topics": [{"topic": "t", "partitions": [0]}]},
                {"name": "b", "topics": [{"topic": "t", "partitions": [1]}]},
            ]}]);
            assert_eq!(groups, expected);
            for n in 0..20 {
                gateway.log.append("t", n % 2, n.to_string());
            }
            let a = consume(&gateway, "g", "a", headers).await;
            let b = consume(&other, "g", "b", headers).await;
            let parity = |records: &[String], odd| {
                records.iter().all(|n| n.parse::<u32>().unwrap() % 2 == odd)
            };
            assert!(a.len() == 10 && parity(&a, 0), "{a:?}");
            assert!(b.len() == 10 && parity(&b, 1), "{b:?}");

            // One stops: what comes in its share goes to the other.
            assert_eq!(post(&gateway, "commit/g/b", &Value::Null).await, success());
            gateway.log.append("t", 1, "more");
            assert_eq!(consume(&gateway, "g", "a", headers).await, ["more"]);
        }
    })
    .await;
}

fn two_gateways() -> (Gateway, Gateway) {
    let gateway = Gateway::open();
    let other = gateway.restarted();
    (gateway, other)
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_listed_at_once_and_gone_when_it_does_not_call() {
    local(async {
        let gateway = Gateway::open();
        let session = [("Kafka-Session-Timeout-Ms", "10000")];
        for _ in 0..5 {
            consume(&gateway, "g", "i", &session).await;
            let (_, groups) = get(&gateway.restarted(), "consumers").await;
            let topics = json!([{"topic": "t", "partitions": [0, 1]}]);
            let expected = json!([{"name": "g", "instances": [{"name": "i", "topics": topics}]}]);
            assert_eq!(groups, expected);
            tokio::time::sleep(Duration::from_secs(4)).await;
        }
        tokio::time::sleep(Duration::from_secs(7)).await;
        assert_eq!(get(&gateway, "consumers").await, (200, json!([])));
        for method in [Method::POST, Method::DELETE] {
            let gone = call(&gateway, method, "delete-consumer/g/i", &Value::Null, &[]).await;
            assert_eq!(gone.0, 404, "{}", gone.1);
            assert_eq!(gone.1["error"], "Consumer instance not found");
        }
        assert_eq!(post(&gateway, "commit/g/i", &Value::Null).await.0, 404);
        consume(&gateway, "g", "i", &[]).await;
        assert_eq!(post(&gateway, "delete-consumer/g/i", &Value::Null).await, success());
        assert_eq!(post(&gateway, "delete-consumer/g/i", &Value::Null).await.0, 404);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_said_and_makes_no_instance() {
    local(async {
        let gateway = Gateway::open();
        for (path, body, status) in [
            ("consume/g/i/none", Value::Null, 404),
            ("consume/g/i", Value::Null, 400),
            ("consume/g/i", json!({"topics": []}), 400),
            ("consume/g/i", json!({"topic": 7}), 400),
            ("consume/g/i", json!({"topic": "t", "timeout": -1}), 400),
            ("consume/%00/i/t", Value::Null, 400),
            ("consume/g/%ff/t", Value::Null, 400),
            ("consume/g", Value::Null, 404),
            ("nothing", Value::Null, 404),
        ] {
            let (answered, json) = post_or_get(&gateway, path, &body).await;
            assert_eq!((answered, &json["status"]), (status, &json!(status)), "{path} {body}");
        }
        assert_eq!(get(&gateway, "consumers").await, (200, json!([])));
    })
    .await;
}
