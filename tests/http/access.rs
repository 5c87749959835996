//! When calls are allowed at all.

use http::Method;
use http::header::ALLOW;
use kafka_edge_sim::local;

use crate::gateway::{Gateway, Taken, request};

#[tokio::test(start_paused = true)]
async fn open_access_has_to_be_said_clearly() {
    local(async {
        for (value, status) in [("true", 200), ("false", 503), ("", 503), ("maybe", 503)] {
            let gateway = Gateway::open();
            gateway.world.set_variable("open_access", value);
            assert_eq!(gateway.get("/topics").await.0, status, "{value}");
        }
        let gateway = Gateway::open();
        gateway.world.set_variables_fail(true);
        let (sentence, _) = gateway.refused("/topics", 503).await;
        assert!(sentence.contains("open_access"), "{sentence}");
        // Nothing of that is kept.
        gateway.world.set_variables_fail(false);
        assert_eq!(gateway.get("/topics").await.0, 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_is_repaired_works_without_a_restart() {
    local(async {
        let gateway = Gateway::open();
        gateway.world.set_variable("kafka_rest_url", "");
        for target in ["/topics", "/topics/t", "/producer/t/m", "/consumer/t", "/webhooks"] {
            let (sentence, _) = gateway.refused(target, 503).await;
            assert!(sentence.contains("kafka_rest_url"), "{target}: {sentence}");
        }
        gateway.world.set_variable("kafka_rest_url", "http://kafka.test:8082");
        assert_eq!(gateway.get("/topics").await.0, 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn methods_are_told_apart() {
    local(async {
        let gateway = Gateway::open();
        let response = gateway.send(request(Method::DELETE, "/topics")).await;
        assert_eq!(response.header(&ALLOW), Some("GET, HEAD, OPTIONS"));
        assert_eq!(response.taken().0, 405);

        let response = gateway.send(request(Method::OPTIONS, "/producer/t")).await;
        assert_eq!(response.header(&ALLOW), Some("POST, OPTIONS"));
        assert_eq!(response.taken().0, 204);

        assert_eq!(gateway.send(request(Method::HEAD, "/topics/t")).await.status, 200);
        // HEAD must neither consume a record nor write one.
        assert_eq!(gateway.send(request(Method::HEAD, "/consumer/t")).await.status, 405);
        assert_eq!(gateway.send(request(Method::HEAD, "/producer/t/m")).await.status, 405);
        assert_eq!(gateway.log.end("t", 0), 0);

        assert_eq!(gateway.refused("/nothing", 404).await.0, "No such path");
    })
    .await;
}
