//! `/fetch`.

use std::time::Duration;

use kafka_edge_sim::local;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{get, post};
use crate::gateway::Gateway;

fn values(json: &Value) -> Vec<&str> {
    json.as_array().unwrap().iter().map(|record| record["value"].as_str().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_record_is_the_first_one_at_its_own_offset() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.create_topic("u", 1);
        for n in 0..5 {
            gateway.log.append("t", 0, n.to_string());
        }
        gateway.log.append("t", 1, "other");
        gateway.log.append("u", 0, "u");
        let (_, one) = post(&gateway, "fetch", &json!({"topic": "t", "partition": 0, "offset": 3})).await;
        assert_eq!((values(&one), &one[0]["offset"]), (vec!["3", "4"], &json!(3)));
        let both = json!({"topic": "u", "partition": 0, "offset": 0, "topicPartitionOffsets": [
            {"topic": "t", "partition": 0, "offset": 4}, {"topic": "t", "partition": 1, "offset": 0}]});
        let (_, all) = post(&gateway, "fetch", &both).await;
        assert_eq!(values(&all), ["u", "4", "other"]);
        assert_eq!(values(&post(&gateway, "fetch", &json!({"topic": "t"})).await.1).len(), 5);
        assert!(gateway.get("/groups").await.1["groups"].as_array().unwrap().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_waits_until_one_of_the_places_has_a_record() {
    local(async {
        let gateway = Gateway::open();
        let places = json!([
            {"topic": "t", "partition": 0, "offset": 0}, {"topic": "t", "partition": 1, "offset": 0}]);
        let start = Instant::now();
        let body = json!({"topicPartitionOffsets": places});
        assert_eq!(post(&gateway, "fetch", &body).await, (200, json!([])));
        assert!((1000..2500).contains(&start.elapsed().as_millis()));

        let log = gateway.log.clone();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            log.append("t", 1, "late");
        });
        let start = Instant::now();
        let body = json!({"topicPartitionOffsets": places, "timeout": 10_000});
        assert_eq!(values(&post(&gateway, "fetch", &body).await.1), ["late"]);
        assert!((500..1500).contains(&start.elapsed().as_millis()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_place_is_refused() {
    local(async {
        let gateway = Gateway::open();
        for (body, status) in [
            (json!({}), 400),
            (json!({"topicPartitionOffsets": []}), 400),
            (json!({"topic": "t", "partition": 2, "offset": 0}), 400),
            (json!({"topic": "t", "partition": 0, "offset": -1}), 400),
            (json!({"topic": "none", "partition": 0, "offset": 0}), 404),
            (json!({"topic": "a b"}), 400),
        ] {
            let (answered, json) = post(&gateway, "fetch", &body).await;
            assert_eq!((answered, &json["status"]), (status, &json!(status)), "{body}");
        }
        assert_eq!(get(&gateway, "fetch").await.0, 400);
    })
    .await;
}
