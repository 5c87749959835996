//! `/webhook?topic=…`.

use bytes::Bytes;
use http::Method;
use http::header::AUTHORIZATION;
use kafka_edge::http::Request;
use kafka_edge::record::Record;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};

/// A call with a body, as a service makes it.
fn event(method: Method, target: &str, body: &'static [u8]) -> Request<Bytes> {
    Request { body: Bytes::from_static(body), ..request(method, target) }
}

fn only_record(gateway: &Gateway) -> Record {
    let mut records = [gateway.log.records("t", 0), gateway.log.records("t", 1)].concat();
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

#[tokio::test(start_paused = true)]
async fn an_event_is_a_record_byte_for_byte_with_the_senders_headers() {
    local(async {
        for method in [Method::GET, Method::POST] {
            let gateway = Gateway::open();
            let body = b"{\"exact\":  true}\0\xff\r\n";
            let mut event = event(method, "/webhook?topic=t&sent-by=shop", body);
            event.headers.extend([
                header("event-origin", b"my-app"),
                header("X-Api-Key", b"hush"),
                header("Cookie", b"hush=1"),
                header("X-Gitlab-Token", b"hush"),
                header("CF-Connecting-IP", b"192.0.2.1"),
                header("content-type", b"application/x-www-form-urlencoded"),
                header("x-tag", b"b"),
                header("event-timestamp", b"1642628041"),
                header("x-tag", b"\xfe"),
            ]);
            let (status, json) = gateway.send(event).await.taken();
            assert_eq!(status, 200, "{json}");
            let record = only_record(&gateway);
            let partition = json[0]["partition"].as_i64().unwrap();
            let expected = json!([{"topic": "t", "partition": partition, "offset": 0}]);
            assert_eq!(json, expected);
            assert_eq!(record.value.as_deref(), Some(&body[..]));
            assert_eq!(record.key, None);
            let headers = record.headers.unwrap();
            let headers: Vec<_> =
                headers.iter().map(|h| (h.name.as_str(), h.value.as_deref().unwrap())).collect();
            let expected: [(&str, &[u8]); 4] = [
                ("event-origin", b"my-app"),
                ("x-tag", b"b"),
                ("event-timestamp", b"1642628041"),
                ("x-tag", b"\xfe"),
            ];
            assert_eq!(headers, expected);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_a_post_may_be_empty() {
    local(async {
        let gateway = Gateway::open();
        let (sentence, detail) = gateway.refused("/webhook?topic=t", 400).await;
        assert!(sentence.contains("body"), "{sentence}");
        assert_eq!(detail, "body");
        assert_eq!(gateway.log.calls("produce"), 0);

        let empty = event(Method::POST, "/webhook?topic=t", b"");
        assert_eq!(gateway.send(empty).await.status, 200);
        assert_eq!(only_record(&gateway).value.as_deref(), Some(&b""[..]));
        // Below /upstash it is as it was there.
        assert_eq!(gateway.get("/upstash/webhook?topic=t").await.0, 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_credential_comes_as_basic_or_in_the_query() {
    local(async {
        let gateway = Gateway::open();
        gateway.world.set_variable("open_access", "");
        let hook = json!([{"name": "hook", "secret": "secret-of-the-hook", "allow": ["produce"],
            "topics": ["t"]}]);
        gateway.world.set_variable("credentials", &hook.to_string());
        let basic = b"Basic aG9vazpzZWNyZXQtb2YtdGhlLWhvb2s=";
        let pair = "&user=hook&pass=secret-of-the-hook";
        for (query, authorization, status) in [
            ("topic=t", Some(&basic[..]), 200),
            ("topic=t", Some(b"Bearer secret-of-the-hook"), 200),
            (&format!("topic=t{pair}"), None, 200),
            (&format!("topic=t{pair}"), Some(basic), 401),
            ("topic=t&user=hook&pass=wrong", None, 401),
            ("topic=t", None, 401),
            (&format!("topic=u{pair}"), None, 403),
            (&format!("topic={pair}"), None, 400),
            (&pair[1..], None, 400),
        ] {
            let mut event = event(Method::POST, &format!("/webhook?{query}"), b"x");
            event.headers.extend(authorization.map(|value| header(AUTHORIZATION.as_str(), value)));
            let (answered, json) = gateway.send(event).await.taken();
            assert_eq!(answered, status, "{query}: {json}");
        }
        let reported = gateway.world.reported().join("\n");
        assert!(!reported.contains("secret-of-the-hook"), "{reported}");
        for record in [gateway.log.records("t", 0), gateway.log.records("t", 1)].concat() {
            assert_eq!(record.headers.unwrap_or_default(), [], "no credential comes to Kafka");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_confuses_it_with_the_other_call_is_told_of_both() {
    local(async {
        let gateway = Gateway::open();
        for (method, target) in [
            (Method::POST, "/webhook/orders"),
            (Method::GET, "/webhook/orders"),
            (Method::POST, "/webhook/orders?topic=t"),
            (Method::POST, "/webhook/"),
        ] {
            let (status, json) = gateway.send(event(method, target, b"x")).await.taken();
            assert_eq!((status, &json["status"]), (404, &json!(404)), "{target}");
            let sentence = json["error"].as_str().unwrap();
            assert!(sentence.contains("/webhook?topic=…"), "{sentence}");
            assert!(sentence.contains("GET /webhook/{topic}/{callback_url}"), "{sentence}");
        }
        // The other call goes on, and no body is taken there.
        assert_eq!(gateway.get("/webhook/t/https://h.test/a").await.0, 201);
        let post = event(Method::POST, "/webhook/t/https://h.test/a", b"x");
        assert_eq!(gateway.send(post).await.status, 405);
        assert_eq!(gateway.log.calls("produce"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_index_tells_of_it_and_links_to_no_call_that_writes() {
    local(async {
        let (_, index) = Gateway::open().get("/").await;
        let ends = |value: &Value| value.as_str().unwrap().ends_with("/webhook");
        assert!(!index["links"].as_array().unwrap().iter().any(ends), "{index}");
        let calls = index["calls"].as_array().unwrap();
        assert_eq!(calls.iter().filter(|call| ends(&call["url"])).count(), 4, "{index}");
    })
    .await;
}
