//! `/topics`.

use kafka_edge::error::ErrorKind;
use kafka_edge_sim::local;
use serde_json::json;

use crate::gateway::Gateway;

#[tokio::test(start_paused = true)]
async fn topics_are_listed_and_described() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.create_topic("other", 1);
        gateway.log.append("t", 1, "x");
        assert_eq!(
            gateway.get("/topics").await,
            (200, json!({"topics": [{"topic": "other", "partitions": 1}, {"topic": "t", "partitions": 2}]}))
        );
        assert_eq!(
            gateway.get("/topics/%74").await,
            (
                200,
                json!({"topic": "t", "partitions": 2, "offsets": [
                    {"partition": 0, "first_offset": 0, "end_offset": 0},
                    {"partition": 1, "first_offset": 0, "end_offset": 1},
                ]})
            )
        );
        assert_eq!(gateway.refused("/topics/none", 404).await.0, "Topic not found");
        assert_eq!(gateway.refused("/topics/t?x=1", 400).await.1, "x");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn offsets_are_left_out_where_the_server_has_none_and_not_where_it_fails() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.set_failure_of("offsets", ErrorKind::Unsupported("no such call".into()).into());
        assert_eq!(gateway.get("/topics/t").await, (200, json!({"topic": "t", "partitions": 2})));
        gateway.log.set_failure_of("offsets", ErrorKind::Timeout.into());
        gateway.refused("/topics/t", 504).await;
    })
    .await;
}
