//! `/healthz`, `/readyz` and `/`.

use http::Method;
use kafka_edge::error::ErrorKind;
use kafka_edge_sim::{StoreMode, local};

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
