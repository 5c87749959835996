//! The path under which the gateway serves, and the address that callers use.

use http::Method;
use http::header::LOCATION;
use kafka_edge_sim::local;
use serde_json::json;

use crate::gateway::{Gateway, Taken, request};

fn gateway(base_path: &str, public_url: &str) -> Gateway {
    let gateway = Gateway::open();
    gateway.world.set_variable("base_path", base_path);
    gateway.world.set_variable("public_url", public_url);
    gateway
}

#[tokio::test(start_paused = true)]
async fn every_call_is_below_the_base_path_and_none_beside_it() {
    local(async {
        let gateway = gateway("/kafka", "");
        assert_eq!(gateway.get("/kafka/producer/t/hello").await.0, 200);
        assert_eq!(gateway.get("/kafka/healthz").await.0, 200);
        for path in ["/producer/t/hello", "/", "/kafkaproducer/t/hello", "/Kafka/topics"] {
            assert_eq!(gateway.get(path).await.0, 404, "{path}");
        }
        let (status, index) = gateway.get("/kafka").await;
        assert_eq!(status, 200);
        assert_eq!(index["links"][0], "http://edge.test/kafka/");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn links_and_locations_lead_to_the_public_address() {
    local(async {
        let gateway = gateway("", "https://edge.example.com/teams/kafka/");
        let (_, index) = gateway.get("/").await;
        assert_eq!(index["links"][0], "https://edge.example.com/teams/kafka/");
        let body = json!({"topic": "t", "callback_url": "https://h.test/"}).to_string();
        let response = gateway.post("/webhooks", "application/json", &body).await;
        let place = response.header(&LOCATION).unwrap().to_owned();
        let id = response.taken().1["webhook_id"].as_str().unwrap().to_owned();
        assert_eq!(place, format!("https://edge.example.com/teams/kafka/webhooks/{id}"));
        // One that was there already is not new.
        let again = gateway.post("/webhooks", "application/json", &body).await;
        assert_eq!((again.status.as_u16(), again.header(&LOCATION)), (200, None));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_base_path_that_is_none_is_named_on_each_call_but_the_health_check() {
    local(async {
        let gateway = gateway("/a/../b", "");
        let (sentence, _) = gateway.refused("/topics", 503).await;
        assert!(sentence.contains("base_path"), "{sentence}");
        assert_eq!(gateway.get("/healthz").await.0, 200);
        let response = gateway.send(request(Method::GET, "/readyz")).await;
        assert_eq!(response.status, 503);
    })
    .await;
}
