//! `/healthz`, `/readyz` and `/`.

use http::Method;
use kafka_edge::error::ErrorKind;
use kafka_edge::record::NewRecord;
use kafka_edge_sim::{StoreMode, local};
use serde_json::json;

use crate::gateway::Taken;
use crate::gateway::{Gateway, header, request};

#[tokio::test(start_paused = true)]
async fn alive_needs_nothing() {
    local(async {
        let gateway = Gateway::closed();
        gateway.world.set_variables_fail(true);
        let (status, json) = gateway.get("/healthz").await;
        assert_eq!((status, json["status"].as_str()), (200, Some("ok")));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ready_says_what_is_missing() {
    local(async {
        let gateway = Gateway::open();
        assert_eq!(gateway.get("/readyz").await.0, 200);

        gateway
            .log
            .set_failure(Some(ErrorKind::Upstream { detail: "it answered 500".into() }.into()));
        let (sentence, detail) = gateway.refused("/readyz", 503).await;
        assert_eq!(
            (sentence.as_str(), detail.as_str()),
            ("The Kafka server failed", "it answered 500")
        );
        gateway.log.set_failure(None);

        gateway.world.set_store_mode(StoreMode { failures: 1.0, ..StoreMode::default() });
        let (sentence, _) = gateway.refused("/readyz", 503).await;
        assert_eq!(sentence, "The key-value store failed");

        let gateway = Gateway::closed();
        let (sentence, _) = gateway.refused("/readyz", 503).await;
        assert!(sentence.contains("kafka_rest_url"), "{sentence}");

        let gateway = Gateway::open();
        gateway.world.set_variable("open_access", "");
        let (sentence, _) = gateway.refused("/readyz", 503).await;
        assert!(sentence.contains("open_access"), "nobody could be served: {sentence}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn ready_and_a_subscription_say_since_when_something_is_overdue() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.create_topic("orders", 1);
        let hook = json!({"topics": ["orders"], "callback_url": "https://h.test/hook"});
        assert_eq!(gateway.json(Method::PUT, "/subscriptions/webhook_1", &hook).await.0, 201);
        assert_eq!(gateway.get("/readyz").await.1, json!({"status": "ready"}));
        let record = NewRecord { value: Some("1".into()), ..NewRecord::default() };
        let timestamp = Some(1_772_359_100_000);
        gateway.log.write("orders", 0, NewRecord { timestamp, ..record });
        let since = "2026-03-01T09:58:20.000Z";
        let (_, ready) = gateway.get("/readyz").await;
        assert_eq!(ready, json!({"status": "ready", "deliveries_overdue_since": since}));
        let (_, shown) = gateway.get("/subscriptions/webhook_1").await;
        assert_eq!((&shown["overdue_since"], &shown["lag"]), (&since.into(), &1.into()));
        assert_eq!(shown["waiting_since"], since);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_index_links_to_where_the_caller_is() {
    local(async {
        let gateway = Gateway::open();
        let mut request = request(Method::GET, "/");
        request.headers.push(header("x-forwarded-proto", b"https"));
        let (status, json) = gateway.send(request).await.taken();
        assert_eq!(status, 200);
        let urls: Vec<_> =
            json["calls"].as_array().unwrap().iter().map(|c| c["url"].as_str().unwrap()).collect();
        assert!(urls.contains(&"https://edge.test/topics"), "{urls:?}");
        assert!(urls.contains(&"https://edge.test/producer/{topic}/{message}"), "{urls:?}");
        assert!(urls.iter().all(|url| url.starts_with("https://edge.test/")), "{urls:?}");
        let links = json["links"].as_array().unwrap();
        for link in links {
            let (_, path) = link.as_str().unwrap().split_once("edge.test").unwrap();
            let (status, json) = gateway.get(path).await;
            assert_eq!(status, 200, "{path}: {json}");
        }
        assert!(links.len() >= 6, "{links:?}");
    })
    .await;
}
