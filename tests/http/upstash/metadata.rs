//! `/topics` and `/offsets`.

use std::time::Duration;

use http::Method;
use kafka_edge_sim::local;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{call, get, post};
use crate::gateway::Gateway;

#[tokio::test(start_paused = true)]
async fn topics_are_a_map_here_and_a_list_elsewhere() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.create_topic("cities", 12);
        assert_eq!(get(&gateway, "topics").await, (200, json!({"cities": 12, "t": 2})));
        assert!(gateway.get("/topics").await.1["topics"].is_array());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn offsets_are_told_by_their_names_and_by_time() {
    local(async {
        let gateway = Gateway::open();
        let start = 1_772_359_200_000i64;
        for n in 0..5 {
            let message = json!({"value": "x", "partition": 0, "timestamp": start + n * 1000});
            assert_eq!(post(&gateway, "produce/t", &message).await.0, 200);
        }
        gateway.log.delete_before("t", 0, 1);
        let place = json!({"topic": "t", "partition": 0});
        for (when, offset) in [
            ("earliest".to_owned(), 1),
            ("latest".to_owned(), 5),
            (format!("{}", start + 2500), 3),
            (format!("{}", start + 3000), 3),
            (format!("{}", start / 1000 + 2), 2),
            (format!("{}", start + 60_000), 5),
        ] {
            let expected = json!([{"topic": "t", "partition": 0, "offset": offset}]);
            for (method, body) in [(Method::POST, &place), (Method::GET, &json!([place]))] {
                let path = format!("offsets/{when}?timeout=10000");
                let answer = call(&gateway, method, &path, body, &[]).await;
                assert_eq!(answer, (200, expected.clone()), "{when}");
            }
        }
        for (path, body, status) in [
            ("offsets/now", &place, 400),
            ("offsets/latest", &Value::Null, 400),
            ("offsets/latest", &json!({"topic": "t", "partition": 9}), 400),
            ("offsets/latest", &json!({"topic": "none", "partition": 0}), 404),
        ] {
            assert_eq!(post(&gateway, path, body).await.0, status, "{path} {body}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_longer_for_offsets_than_it_says() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.set_delay(Duration::from_secs(3));
        let place = json!({"topic": "t", "partition": 0});
        for path in ["offsets/latest", "offsets/1772359200", "committed/g/i"] {
            let start = Instant::now();
            let answer = post(&gateway, &format!("{path}?timeout=500"), &place).await;
            assert_eq!((answer.0, start.elapsed().as_millis()), (504, 500), "{path}: {answer:?}");
            assert_eq!(post(&gateway, &format!("{path}?timeout=9000"), &place).await.0, 200);
            assert_eq!(post(&gateway, path, &place).await.0, 200, "ten seconds by default");
            for wrong in ["soon", "-1"] {
                let path = format!("{path}?timeout={wrong}");
                assert_eq!(post(&gateway, &path, &place).await.0, 400, "{path}");
            }
        }
        gateway.log.set_delay(Duration::from_secs(60));
        let start = Instant::now();
        assert_eq!(post(&gateway, "offsets/earliest", &place).await.0, 504);
        assert_eq!(start.elapsed(), Duration::from_secs(10));
    })
    .await;
}
