//! `/produce` and `/webhook`.

use http::Method;
use kafka_edge::record::Record;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use super::{call, get, post};
use crate::gateway::{Gateway, Taken, header, request};

#[tokio::test(start_paused = true)]
async fn only_the_message_in_the_path_is_answered_with_an_object() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.create_topic("u", 1);
        let (status, one) = get(&gateway, "produce/t/hello%2Fworld/x?key=k&more=1").await;
        assert_eq!((status, &one["topic"], &one["offset"]), (200, &json!("t"), &json!(0)));
        for (path, body, count) in [
            ("produce/t", json!({"value": "a"}), 1),
            ("produce/t", json!([{"value": "b"}, {"value": "c", "key": null}]), 2),
            ("produce", json!({"topic": "t", "value": "d"}), 1),
            ("produce", json!([{"topic": "u", "value": "e"}, {"topic": "t", "value": "f"}]), 2),
        ] {
            for method in [Method::GET, Method::POST] {
                let (status, json) = call(&gateway, method, path, &body, &[]).await;
                assert_eq!((status, json.as_array().unwrap().len()), (200, count), "{path}");
            }
        }
        let (_, mixed) = post(
            &gateway,
            "produce",
            &json!([
                {"topic": "u", "value": "1", "partition": 0},
                {"topic": "t", "value": "2", "partition": 1},
                {"topic": "u", "value": "3"},
            ]),
        )
        .await;
        let topics: Vec<_> = mixed.as_array().unwrap().iter().map(|one| &one["topic"]).collect();
        assert_eq!(topics, ["u", "t", "u"]);
        assert_eq!(mixed[0]["offset"].as_i64().unwrap() + 1, mixed[2]["offset"].as_i64().unwrap());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_message_is_written_as_it_was_given() {
    local(async {
        let gateway = Gateway::open();
        let headers = [("b", "1"), ("a", "ü"), ("b", "")];
        let headers = headers.map(|(key, value)| json!({"key": key, "value": value}));
        let message = json!({"partition": 1, "timestamp": 1642628041000i64, "key": "k",
            "value": "{\"a\": 1}", "headers": headers});
        let (_, written) = post(&gateway, "produce/t", &message).await;
        let expected =
            json!([{"topic": "t", "partition": 1, "offset": 0, "timestamp": 1642628041000i64}]);
        assert_eq!(written, expected);
        let record: Record = gateway.log.records("t", 1).remove(0);
        assert_eq!(record.key.as_deref(), Some(&b"k"[..]));
        assert_eq!(record.value.as_deref(), Some(&b"{\"a\": 1}"[..]));
        let names: Vec<_> = record.headers.unwrap().into_iter().map(|h| h.name).collect();
        assert_eq!(names, ["b", "a", "b"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_can_be_seen_to_fail_fails_before_anything_is_written() {
    local(async {
        let gateway = Gateway::open();
        let good = json!({"topic": "t", "value": "a"});
        for (bad, status) in [
            (json!({"topic": "none", "value": "a"}), 404),
            (json!({"topic": "t", "value": "a", "partition": 2}), 400),
            (json!({"topic": "t", "value": "a", "partition": -1}), 400),
            (json!({"value": "a"}), 400),
            (json!({"topic": "a b", "value": "a"}), 400),
            (json!({"topic": "t", "value": {"a": 1}}), 400),
            (json!({"topic": "t"}), 400),
            (json!({"topic": "t", "value": "a", "headers": [{"name": "a", "value": ""}]}), 400),
            (json!("text"), 400),
        ] {
            let (answered, json) = post(&gateway, "produce", &json!([good, bad])).await;
            assert_eq!((answered, &json["status"]), (status, &json!(status)), "{bad}: {json}");
            assert!(json["error"].is_string());
        }
        assert_eq!(post(&gateway, "produce", &Value::Null).await.0, 400);
        assert_eq!(gateway.log.calls("produce"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_writes_its_body_and_what_is_its_own_of_its_headers() {
    local(async {
        let gateway = Gateway::open();
        let mut hook = request(Method::POST, "/upstash/webhook?topic=t&from=github");
        hook.headers.push(header("X-GitHub-Event", b"push"));
        hook.headers.push(header("User-Agent", b"hooks"));
        hook.body = "{\"exact\":  true}".into();
        let (status, json) = gateway.send(hook).await.taken();
        assert_eq!((status, &json[0]["topic"], &json[0]["offset"]), (200, &json!("t"), &json!(0)));
        let record = gateway.log.records("t", 0).remove(0);
        assert_eq!(record.value.as_deref(), Some(&b"{\"exact\":  true}"[..]));
        let headers = record.headers.unwrap();
        assert_eq!((headers.len(), headers[0].name.as_str()), (1, "X-GitHub-Event"));

        assert_eq!(get(&gateway, "webhook?topic=none").await.0, 404);
        assert_eq!(get(&gateway, "webhook").await.0, 400);
    })
    .await;
}
