//! `/groups`.

use http::Method;
use kafka_edge::error::Error;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use crate::gateway::Gateway;

/// Five records in partition 0, none in 1, and the group `g` after the first
/// two.
async fn gateway() -> Gateway {
    let gateway = Gateway::open();
    for message in ["a", "b", "c", "d", "e"] {
        gateway.log.append("t", 0, message);
    }
    let body = json!({"topic": "t", "offsets": {"0": 2}});
    let (status, moved) = gateway.post_json("/groups/g/seek", &body).await;
    assert_eq!((status, &moved), (200, &json!({"group": "g", "topic": "t", "offsets": {"0": 2}})));
    gateway
}

async fn next(gateway: &Gateway) -> Value {
    gateway.get("/consumer/t?group=g&wait=0").await.1["message"].clone()
}

#[tokio::test(start_paused = true)]
async fn groups_are_listed_and_described() {
    local(async {
        let gateway = gateway().await;
        assert_eq!(next(&gateway).await, "c");
        // The record is delivered; that is written down within moments.
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        let (status, list) = gateway.get("/groups").await;
        assert_eq!((status, list), (200, json!({"groups": [{"group": "g", "topics": ["t"]}]})));
        let (status, group) = gateway.get("/groups/g").await;
        let standings = json!([
            {"partition": 0, "committed": 3, "claimed": 0, "end_offset": 5, "lag": 2},
            {"partition": 1, "committed": null, "claimed": 0, "end_offset": 0, "lag": 0},
        ]);
        let expected = json!({"group": "g", "topics": [{"topic": "t", "partitions": standings}]});
        assert_eq!((status, group), (200, expected));
        for target in ["/groups/none", "/groups/g%20"] {
            assert_eq!(gateway.refused(target, 404).await.0, "Consumer group not found");
        }
        assert_eq!(gateway.refused("/groups/g%00", 400).await.1, "group");
        assert_eq!(gateway.refused("/groups?all=1", 400).await.1, "all");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_group_is_moved_by_name_by_offset_and_by_time() {
    local(async {
        let gateway = gateway().await;
        let seek = async |body: Value| gateway.post_json("/groups/g/seek", &body).await;
        assert_eq!(seek(json!({"topic": "t", "to": "earliest"})).await.0, 200);
        assert_eq!(next(&gateway).await, "a");
        let (_, moved) = seek(json!({"topic": "t", "to": "latest"})).await;
        assert_eq!(moved["offsets"], json!({"0": 5, "1": 0}));
        assert_eq!(next(&gateway).await, Value::Null);
        // The simulation stamps records with their offsets.
        let time = json!({"topic": "t", "timestamp": "1970-01-01T00:00:00.003Z"});
        assert_eq!(seek(time).await.1["offsets"]["0"], 3);
        assert_eq!(next(&gateway).await, "d");

        for (body, status, detail) in [
            (json!({"topic": "t"}), 400, Some("body")),
            (json!({"topic": "t", "to": "earliest", "timestamp": 1}), 400, Some("body")),
            (json!({"topic": "t", "offsets": {"7": 0}}), 400, Some("offsets")),
            (json!({"topic": "t", "offsets": {"0": -1}}), 400, Some("offsets")),
            (json!({"topic": "..", "to": "earliest"}), 400, Some("topic")),
            (json!({"topic": "none", "to": "earliest"}), 404, None),
        ] {
            let (answered, json) = seek(body.clone()).await;
            assert_eq!((answered, json["detail"].as_str()), (status, detail), "{body}: {json}");
        }
        gateway.log.set_failure(Some(Error::Unsupported("There is no such call".into())));
        assert_eq!(seek(json!({"topic": "t", "timestamp": 1})).await.0, 501);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_deleted_group_is_gone_and_starts_anew() {
    local(async {
        let gateway = gateway().await;
        assert_eq!(gateway.call(Method::DELETE, "/groups/g").await, (204, Value::Null));
        assert_eq!(gateway.call(Method::DELETE, "/groups/g").await.0, 404);
        assert_eq!(gateway.get("/groups").await.1, json!({"groups": []}));
        assert_eq!(next(&gateway).await, "a");
    })
    .await;
}
