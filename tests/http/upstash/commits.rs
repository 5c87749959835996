//! `/commit` and `/committed`, and what becomes of what is not committed.

use std::time::Duration;

use kafka_edge_sim::local;
use serde_json::{Value, json};

use super::{MANUAL, consume, get, post, success};
use crate::gateway::Gateway;

async fn committed(gateway: &Gateway, group: &str) -> Option<i64> {
    let place = json!([{"topic": "t", "partition": 0}]);
    let (status, json) = post(gateway, &format!("committed/{group}/i"), &place).await;
    assert_eq!(status, 200, "{json}");
    json[0]["offset"].as_i64()
}

async fn commit(gateway: &Gateway, instance: &str, offset: i64) -> (u16, Value) {
    let place = json!({"topic": "t", "partition": 0, "offset": offset});
    post(gateway, &format!("commit/g/{instance}"), &place).await
}

fn gateway_with_records(count: usize) -> Gateway {
    let gateway = Gateway::open();
    for n in 0..count {
        gateway.log.append("t", 0, n.to_string());
    }
    gateway
}

#[tokio::test(start_paused = true)]
async fn an_offset_is_read_back_as_it_was_committed() {
    local(async {
        for headers in [&[][..], &[MANUAL]] {
            let gateway = gateway_with_records(10);
            assert_eq!(committed(&gateway, "g").await, None);
            assert_eq!(commit(&gateway, "i", 3).await, success());
            assert_eq!(committed(&gateway, "g").await, Some(3));
            assert_eq!(consume(&gateway, "g", "i", headers).await.len(), 7);
            for offset in [5, 9, 10, 4, 0, 25, 7] {
                assert_eq!(commit(&gateway, "i", offset).await, success());
                assert_eq!(committed(&gateway.restarted(), "g").await, Some(offset));
            }
            assert_eq!(committed(&gateway, "other").await, None);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_was_consumed_and_not_committed_is_handed_out_again_and_nothing_else() {
    local(async {
        let gateway = gateway_with_records(5);
        assert_eq!(consume(&gateway, "g", "i", &[MANUAL]).await.len(), 5);
        assert!(consume(&gateway, "g", "i", &[MANUAL]).await.is_empty(), "it goes on, not back");
        assert_eq!(committed(&gateway, "g").await, Some(0));
        assert_eq!(commit(&gateway, "i", 3).await, success());

        // The instance goes, in the one way or the other.
        assert_eq!(post(&gateway, "delete-consumer/g/i", &Value::Null).await, success());
        assert_eq!(consume(&gateway.restarted(), "g", "j", &[MANUAL]).await, ["3", "4"]);
        tokio::time::sleep(Duration::from_secs(125)).await;
        assert_eq!(consume(&gateway, "g", "k", &[MANUAL]).await, ["3", "4"]);
        assert_eq!(post(&gateway, "commit/g/k", &json!([])).await, success());
        assert_eq!(committed(&gateway, "g").await, Some(5));
        tokio::time::sleep(Duration::from_secs(125)).await;
        assert!(consume(&gateway, "g", "k", &[MANUAL]).await.is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_that_calls_keeps_what_it_has() {
    local(async {
        let gateway = gateway_with_records(3);
        assert_eq!(consume(&gateway, "g", "i", &[MANUAL]).await.len(), 3);
        for _ in 0..10 {
            tokio::time::sleep(Duration::from_secs(40)).await;
            assert!(consume(&gateway, "g", "i", &[MANUAL]).await.is_empty());
            assert!(consume(&gateway.restarted(), "g", "j", &[MANUAL]).await.is_empty());
        }
        assert_eq!(committed(&gateway, "g").await, Some(0));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_does_not_commit_what_another_has() {
    local(async {
        let gateway = gateway_with_records(3);
        assert_eq!(consume(&gateway, "g", "i", &[MANUAL]).await.len(), 3);
        gateway.log.append("t", 0, "3");
        assert!(consume(&gateway, "g", "j", &[MANUAL]).await.is_empty());
        let (status, json) = commit(&gateway, "j", 4).await;
        assert_eq!(status, 503, "{json}");
        assert_eq!(post(&gateway, "commit/g/j", &Value::Null).await, success());
        assert_eq!(committed(&gateway, "g").await, Some(0));
        assert_eq!(post(&gateway, "commit/g/i", &Value::Null).await, success());
        assert_eq!(committed(&gateway, "g").await, Some(3));
        assert_eq!(consume(&gateway, "g", "j", &[MANUAL]).await, ["3"]);
        assert_eq!(commit(&gateway, "j", 4).await, success());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn committed_is_of_what_is_asked_for() {
    local(async {
        let gateway = gateway_with_records(2);
        let places = json!([
            {"topic": "t", "partition": 0, "offset": 1}, {"topic": "t", "partition": 1, "offset": 7}]);
        assert_eq!(post(&gateway, "commit/g/i", &places).await, success());
        let asked = json!([{"topic": "t", "partition": 1}, {"topic": "t", "partition": 0},
            {"topic": "none", "partition": 0}]);
        let (_, answer) = post(&gateway, "committed/g/i?timeout=10", &asked).await;
        assert_eq!(answer, json!([places[1], places[0]]));
        for (body, status) in [
            (json!({"topic": "t", "partition": 2, "offset": 0}), 400),
            (json!({"topic": "t", "partition": 0, "offset": -1}), 400),
            (json!({"topic": "t", "partition": 0}), 400),
            (json!({"topic": "none", "partition": 0, "offset": 0}), 404),
        ] {
            let (answered, json) = post(&gateway, "commit/g/i", &body).await;
            assert_eq!(answered, status, "{body}: {json}");
        }
        assert_eq!(get(&gateway, "committed/g/i").await.0, 400);
    })
    .await;
}
