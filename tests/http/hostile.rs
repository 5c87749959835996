//! Requests that no client sends by accident.

use bytes::Bytes;
use http::Method;
use kafka_edge_sim::local;

use crate::gateway::{Gateway, Taken, header, request};
use crate::names;
use crate::routes::routes;

#[tokio::test(start_paused = true)]
async fn a_name_that_is_no_topics_is_refused_as_such() {
    local(async {
        let gateway = Gateway::open();
        for name in names::that_are_no_topics() {
            for target in [
                format!("/producer/{name}/m"),
                format!("/consumer/{name}"),
                format!("/topics/{name}"),
                format!("/webhook/{name}/https://h.test/"),
            ] {
                let (sentence, detail) = gateway.refused(&target, 400).await;
                assert_eq!(detail, "topic", "{target}: {sentence}");
                assert!(sentence.len() < 100, "{sentence}");
            }
            let post = gateway.send(request(Method::POST, &format!("/producer/{name}"))).await;
            assert_eq!(post.taken().0, 400, "{name}");
        }
        assert_eq!(gateway.log.calls("topic") + gateway.log.calls("produce"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn malformed_encoding_is_named_and_never_written() {
    local(async {
        let gateway = Gateway::open();
        for (target, field) in [
            ("/producer/t/", "message"),
            ("/producer/t/100%", "message"),
            ("/producer/t/a%b", "message"),
            ("/producer/t/a?key=%", "key"),
            ("/producer/t/a?partition=%ff", "partition"),
            ("/producer/t/a?key=a&key=b", "key"),
            ("/producer/t/a?%=b", "query"),
            ("/producer/t/a?Key=b", "Key"),
            ("/producer/t/a?timestamp=%00", "timestamp"),
            ("/consumer/t?group=%ff", "group"),
            ("/consumer/t?group=a%00b", "group"),
            ("/webhooks/%ff", "webhook_id"),
            ("/webhook/t/https%3A%2", "callback_url"),
        ] {
            assert_eq!(gateway.refused(target, 400).await.1, field, "{target}");
        }
        assert_eq!(gateway.log.calls("produce"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_a_call_does_not_have_is_named_on_every_call() {
    local(async {
        let gateway = Gateway::open();
        for route in &routes() {
            // The query of the one is the callback's; services add parameters of
            // their own to the other, and so do the callers of the other API.
            if matches!(route.name, "registerWebhookByPath" | "receiveWebhook" | "receiveEvent")
                || route.name.starts_with("upstash")
            {
                continue;
            }
            let mut request = route.example("webhook_1");
            let sign = if request.target.contains('?') { '&' } else { '?' };
            request.target += &format!("{sign}nonsense=1");
            let (status, json) = gateway.send(request).await.taken();
            assert_eq!((status, json["detail"].as_str()), (400, Some("nonsense")), "{route:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_array_is_no_object() {
    local(async {
        let gateway = Gateway::open();
        for (path, body) in [
            ("/webhooks", r#"["t","https://h.test/",null]"#),
            ("/consumer/t/ack", r#"[[],null]"#),
            ("/groups/g/seek", r#"["t","latest",null,null]"#),
            ("/credentials", r#"["new",["admin"],["*"]]"#),
        ] {
            let (status, json) = gateway.post(path, "application/json", body).await.taken();
            assert_eq!((status, json["detail"].as_str()), (400, Some("body")), "{path}: {json}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_too_large_is_refused_for_what_it_is() {
    local(async {
        let gateway = Gateway::open();
        let path = format!("/producer/t/{}", "x".repeat(20_000));
        assert_eq!(gateway.get(&path).await.0, 414);

        let mut many = request(Method::GET, "/producer/t/m");
        many.headers.extend((0..300).map(|n| header(&format!("kafka-header-h{n}"), b"x")));
        assert_eq!(gateway.send(many).await.taken().0, 431);

        let mut wide = request(Method::GET, "/producer/t/m");
        wide.headers.push(header("kafka-header-h", &vec![b'x'; 100_000]));
        assert_eq!(gateway.send(wide).await.taken().0, 431);

        let mut announced = request(Method::POST, "/producer/t");
        announced.headers.push(header("content-length", b"99999999999"));
        assert_eq!(gateway.send(announced).await.taken().0, 413);

        let mut long = request(Method::POST, "/producer/t");
        long.body = Bytes::from(vec![b'x'; 17 * 1024 * 1024]);
        assert_eq!(gateway.send(long).await.taken().0, 413);

        let lines = "{\"message\":1}\n".repeat(10_001);
        let response = gateway.post("/producer/t", "application/x-ndjson", &lines).await;
        assert_eq!(response.taken().0, 413);

        let json = format!("{{\"topic\":\"{}\"}}", "t".repeat(100_000));
        assert_eq!(gateway.post("/webhooks", "application/json", &json).await.taken().0, 413);

        assert_eq!(gateway.log.calls("produce"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_header_without_a_name_is_no_record_header() {
    local(async {
        let gateway = Gateway::open();
        let mut nameless = request(Method::GET, "/producer/t/m");
        nameless.headers.push(header("kafka-header-", b"x"));
        let (status, json) = gateway.send(nameless).await.taken();
        assert_eq!((status, json["detail"].as_str()), (400, Some("kafka-header-")));
    })
    .await;
}
