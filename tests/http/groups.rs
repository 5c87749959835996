//! `/groups`.

use http::Method;
use kafka_edge::error::ErrorKind;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};

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
            {"partition": 0, "committed": 3, "claimed": 0, "acquired": 0, "available": 2,
                "rejected": 0, "given_up": 0, "end_offset": 5, "lag": 2},
            {"partition": 1, "committed": null, "claimed": 0, "acquired": 0, "available": 0,
                "rejected": 0, "given_up": 0, "end_offset": 0, "lag": 0},
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
            (json!({"topic": "none", "to": "earliest"}), 404, Some("none")),
        ] {
            let (answered, json) = seek(body.clone()).await;
            assert_eq!((answered, json["detail"].as_str()), (status, detail), "{body}: {json}");
        }
        gateway
            .log
            .set_failure(Some(ErrorKind::Unsupported("There is no such call".into()).into()));
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

#[tokio::test(start_paused = true)]
async fn a_group_is_set_as_a_whole_or_by_patch_in_the_version_that_was_named() {
    local(async {
        let gateway = gateway().await;
        let set =
            async |method: Method, body: &Value| gateway.json(method, "/groups/g", body).await;
        gateway.log.create_topic("dead", 1);
        let all = json!({"delivery_limit": 5, "lease": {"default": 30, "maximum": 60},
            "dead_letter": "dead", "max_claimed": 100});
        let mut expected = all.clone();
        expected["group"] = "g".into();
        assert_eq!(set(Method::PUT, &all).await, (200, expected.clone()));
        let patch = json!({"lease": {"default": null}, "max_claimed": null});
        expected["lease"] = json!({"maximum": 60});
        expected.as_object_mut().unwrap().remove("max_claimed");
        assert_eq!(set(Method::PATCH, &patch).await, (200, expected.clone()));
        let (_, mut shown) = gateway.get("/groups/g").await;
        assert!(shown.as_object_mut().unwrap().remove("topics").is_some());
        assert_eq!(shown, expected);

        for (method, body, status, detail) in [
            (Method::PUT, json!([]), 400, Some("body")),
            (Method::PUT, json!({"limit": 5}), 400, Some("limit")),
            (Method::PUT, json!({"delivery_limit": 0}), 400, Some("delivery_limit")),
            (Method::PATCH, json!([5, null, null, null]), 400, Some("body")),
            (Method::PATCH, json!({"lease": [1, 2]}), 400, Some("lease")),
            (Method::PATCH, json!({"lease": {"default": 61}}), 400, Some("lease.default")),
            (Method::PATCH, json!({"dead_letter": "a b"}), 400, Some("dead_letter")),
            (Method::PATCH, json!({"dead_letter": "t"}), 400, Some("dead_letter")),
            (Method::PATCH, json!({"dead_letter": "none"}), 404, Some("none")),
        ] {
            let (answered, json) = set(method, &body).await;
            assert_eq!((answered, json["detail"].as_str()), (status, detail), "{body}: {json}");
        }
        assert_eq!(gateway.json(Method::PATCH, "/groups/none", &json!({})).await.0, 404);

        let tag = async || {
            let shown = gateway.send(request(Method::GET, "/groups/g")).await;
            shown.header(&http::header::ETAG).unwrap().to_owned()
        };
        let when = async |tag: &str, body: &Value| {
            let mut put = request(Method::PUT, "/groups/g");
            put.headers.push(header("content-type", b"application/json"));
            put.headers.push(header("if-match", tag.as_bytes()));
            put.body = body.to_string().into();
            let response = gateway.send(put).await;
            (response.status.as_u16(), response.header(&http::header::ETAG).map(str::to_owned))
        };
        let first = tag().await;
        let (status, second) = when(&first, &json!({"delivery_limit": 3})).await;
        assert_eq!((status, second.as_deref()), (200, Some(&*tag().await)));
        assert_eq!(when(&first, &json!({})).await, (412, None));
        assert_eq!(when("W/\"x\"", &json!({})).await.0, 412);
        assert_eq!(when("*", &json!({})).await.0, 200);
        assert_eq!(when("x", &json!({})).await.0, 400);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_group_can_be_set_before_it_reads() {
    local(async {
        let gateway = gateway().await;
        let body = json!({"delivery_limit": 2, "lease": {"default": 5}});
        let (status, new) = gateway.json(Method::PUT, "/groups/new%20one", &body).await;
        assert_eq!((status, &new["group"]), (201, &json!("new one")));
        let (_, listed) = gateway.get("/groups").await;
        assert_eq!(listed["groups"][1], json!({"group": "new one", "topics": []}));
        let (_, claimed) = gateway.get("/consumer/t?group=new%20one&ack=manual").await;
        assert_eq!(claimed["message"], "a");
        let (_, group) = gateway.get("/groups/new%20one").await;
        assert_eq!(group["delivery_limit"], 2);
        assert_eq!(group["topics"][0]["partitions"][0]["acquired"], 1, "{group}");
        assert_eq!(gateway.call(Method::DELETE, "/groups/new%20one").await.0, 204);
        let (_, again) = gateway.json(Method::PUT, "/groups/new%20one", &json!({})).await;
        assert_eq!(again, json!({"group": "new one"}));
        let (_, group) = gateway.get("/groups/new%20one").await;
        assert_eq!(group, json!({"group": "new one", "topics": []}), "nothing is left of it");
    })
    .await;
}

/// Who may set a group need not be allowed all topics that it reads later.
#[tokio::test(start_paused = true)]
async fn dead_letters_copy_no_topic_that_is_not_of_whoever_set_the_group() {
    local(async {
        let gateway = gateway().await;
        gateway.log.create_topic("mine.dead", 1);
        let all = ["produce", "consume"];
        let credentials = json!([
            {"name": "one", "secret": "secret-of-number-one", "allow": all, "topics": ["mine.*"]},
            {"name": "two", "secret": "secret-of-number-two", "allow": all, "topics": ["*"]},
        ]);
        gateway.world.set_variable("open_access", "");
        gateway.world.set_variable("credentials", &credentials.to_string());
        let gateway = gateway.restarted();
        let by = async |name: &str, method: Method, target: &str, body: Value| {
            let mut sent = request(method, target);
            let secret = format!("Bearer secret-of-number-{name}");
            sent.headers.push(header("authorization", secret.as_bytes()));
            sent.body = body.to_string().into();
            gateway.send(sent).await.taken()
        };
        let settings = json!({"dead_letter": "mine.dead"});
        let put = by("one", Method::PUT, "/groups/later", settings.clone()).await;
        assert_eq!(put.0, 201, "{}", put.1);
        for (place, name, status) in [(0, "undelivered", 0), (1, "rejected", 1)] {
            let next = "/consumer/t?group=later&ack=manual";
            let (_, claimed) = by("two", Method::GET, next, Value::Null).await;
            let receipts = json!({"receipts": [claimed["receipt"]]});
            let target = "/consumer/t/reject?group=later";
            let (_, told) = by("two", Method::POST, target, receipts).await;
            assert_eq!(told["receipts"][0]["status"], name, "{place}: {told}");
            assert_eq!(gateway.log.end("mine.dead", 0), status);
            let denied = by("one", Method::PUT, "/groups/later", settings.clone()).await;
            assert_eq!(denied.0, 403, "it reads a topic of others now");
            assert_eq!(by("two", Method::PUT, "/groups/later", settings.clone()).await.0, 200);
            tokio::time::sleep(std::time::Duration::from_secs(6)).await;
        }
    })
    .await;
}
