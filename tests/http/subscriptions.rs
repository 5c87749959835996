//! `/subscriptions`.

use http::Method;
use http::header::{ETAG, LOCATION};
use kafka_edge_sim::{Answer, Script, local};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};

const HOOK: &str = "https://h.test/hook";

fn new(more: Value) -> Value {
    let mut json = json!({"topics": ["t"], "callback_url": HOOK});
    json.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json
}

async fn created(gateway: &Gateway, more: Value) -> Value {
    let (status, json) = gateway.post_json("/subscriptions", &new(more)).await;
    assert_eq!(status, 201, "{json}");
    json
}

fn path(json: &Value) -> String {
    format!("/subscriptions/{}", json["id"].as_str().unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_made_shown_changed_and_removed() {
    local(async {
        let gateway = Gateway::open();
        let body = new(json!({"auth": {"bearer": "hunter2"}, "sign": ["v1", "v1a"]}));
        let made = gateway.post("/subscriptions", "application/json", &body.to_string()).await;
        assert_eq!(made.status, 201);
        let (place, tag) =
            (made.header(&LOCATION).map(str::to_owned), made.header(&ETAG).is_some());
        let (_, made) = made.taken();
        let path = path(&made);
        assert_eq!((place.as_deref(), tag), (Some(path.as_str()), true));
        assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
        assert!(made["public_keys"][0].as_str().unwrap().starts_with("whpk_"));
        assert_eq!(made["auth"], json!({"bearer": "********"}));
        assert_eq!(made["state"], "active");

        let one = gateway.send(request(Method::GET, &path)).await;
        let tag = one.header(&ETAG).unwrap().to_owned();
        let (_, one) = one.taken();
        assert_eq!(
            (&one["secret"], &one["auth"]["bearer"]),
            (&json!("********"), &json!("********"))
        );
        assert_eq!(one["public_keys"], made["public_keys"]);
        assert_eq!((&one["lag"], one["partitions"].as_array().unwrap().len()), (&json!(0), 2));
        assert_eq!(one["totals"]["delivered"], 0);
        let stored = format!("{:?}", gateway.world.store());
        assert!(!stored.contains("hunter2") && !stored.contains("whsec_"), "it is encrypted");

        let change = async |method: Method, tag: &str, body: &Value| {
            let mut change = request(method, &path);
            change.headers.push(header("if-match", tag.as_bytes()));
            change.headers.push(header("content-type", b"application/json"));
            change.body = body.to_string().into();
            gateway.send(change).await
        };
        let wrong = change(Method::PATCH, "\"0\"", &json!({"rate": 5})).await;
        assert_eq!(wrong.status, 412);
        let patched = change(Method::PATCH, &tag, &json!({"rate": 5, "sign": ["v1"]})).await;
        assert_eq!(patched.status, 200);
        let next = patched.header(&ETAG).unwrap().to_owned();
        assert_ne!(next, tag);
        let (_, patched) = patched.taken();
        assert_eq!((&patched["rate"], &patched["auth"]["bearer"]), (&json!(5), &json!("********")));
        assert_eq!((patched.get("public_keys"), &patched["secret"]), (None, &json!("********")));
        assert_eq!(change(Method::PUT, &tag, &new(json!({}))).await.status, 412);
        let (_, put) = change(Method::PUT, &next, &new(json!({}))).await.taken();
        assert_eq!((put.get("rate"), put.get("auth")), (None, None));

        assert_eq!(change(Method::DELETE, &tag, &json!({})).await.status, 412);
        assert_eq!(gateway.call(Method::DELETE, &path).await.0, 204);
        assert_eq!(gateway.refused(&path, 404).await.0, "Subscription not found");
        let (_, list) = gateway.get("/subscriptions").await;
        assert_eq!(list, json!({"subscriptions": [], "next": null}));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_id_may_be_chosen_by_a_put() {
    local(async {
        let gateway = Gateway::open();
        let put = async |id: &str| {
            gateway.json(Method::PUT, &format!("/subscriptions/{id}"), &new(json!({}))).await
        };
        let (status, made) = put("webhook_of-orders").await;
        assert_eq!((status, &made["id"]), (201, &json!("webhook_of-orders")));
        assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
        let (status, again) = put("webhook_of-orders").await;
        assert_eq!((status, &again["secret"]), (200, &json!("********")));
        for odd in ["orders", "webhook_", "webhook_a.b", "webhook_%C3%BC"] {
            let (status, json) = put(odd).await;
            assert_eq!((status, &json["detail"]), (422, &json!("id")), "{odd}: {json}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_mask_stands_for_a_secret_only_where_that_is_sent_already() {
    local(async {
        let gateway = Gateway::open();
        let masked = json!({"auth": {"bearer": "********"}});
        let (status, json) = gateway.post_json("/subscriptions", &new(masked)).await;
        assert_eq!((status, &json["detail"]), (422, &json!("auth")), "{json}");
        let masked = json!({"secret": "********"});
        let (status, json) = gateway.post_json("/subscriptions", &new(masked)).await;
        assert_eq!((status, &json["detail"]), (422, &json!("secret")), "{json}");

        let made = created(&gateway, json!({"auth": {"bearer": "hunter2"}})).await;
        let patch = async |patch: Value| gateway.json(Method::PATCH, &path(&made), &patch).await;
        // The same host, another path.
        assert_eq!(patch(json!({"callback_url": "https://h.test/other"})).await.0, 200);
        for moved in ["https://evil.test/", "http://h.test/", "https://h.test:8443/"] {
            let (status, json) = patch(json!({"callback_url": moved})).await;
            assert_eq!((status, &json["detail"]), (422, &json!("auth")), "{moved}: {json}");
        }
        let (status, json) = patch(json!({"auth": {"bearer": null, "header":
            {"name": "x-key", "value": "********"}}}))
        .await;
        assert_eq!((status, &json["detail"]), (422, &json!("auth")), "{json}");
        let moved = json!({"callback_url": "https://evil.test/", "auth": {"bearer": "new"}});
        assert_eq!(patch(moved).await.0, 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_taken_is_told_by_its_field() {
    local(async {
        let gateway = Gateway::open();
        for (more, field) in [
            (json!({"topics": ["none"]}), "topics[0]"),
            (json!({"exhausted": {"dead_letter": "none"}}), "exhausted.dead_letter"),
            (json!({"callback_url": "http://10.0.0.1/"}), "callback_url"),
            (json!({"retry": {"delays": [-1]}}), "retry.delays[0]"),
            (json!({"filter": "("}), "filter"),
            (json!({"consent": "required"}), "consent"),
            (json!({"headers": {"x-api-key": "a"}}), "headers.x-api-key"),
        ] {
            let (status, json) = gateway.post_json("/subscriptions", &new(more)).await;
            assert_eq!((status, &json["detail"]), (422, &json!(field)), "{json}");
        }
        let (status, json) = gateway.post_json("/subscriptions", &json!([])).await;
        assert_eq!((status, &json["detail"]), (422, &json!("body")));
        let broken = gateway.post("/subscriptions", "application/json", "{").await.taken();
        assert_eq!((broken.0, &broken.1["detail"]), (400, &json!("body")));
        let large = json!({"headers": (0..32).map(|n| (format!("x-{n}"), "v".repeat(1000)))
            .collect::<std::collections::BTreeMap<_, _>>()});
        let (status, json) = gateway.post_json("/subscriptions", &new(large)).await;
        assert_eq!((status, &json["detail"]), (422, &json!("body")), "{json}");
        // Nothing of it is left.
        let (_, list) = gateway.get("/subscriptions").await;
        assert_eq!(list["subscriptions"], json!([]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_needs_consume_for_its_topics_and_produce_for_its_dead_letters() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.create_topic("dead", 1);
        gateway.log.create_topic("audit.eu", 1);
        gateway.world.set_variable("open_access", "");
        let entry = |name: &str, allow: &[&str], topics: &[&str]| {
            json!({"name": name, "secret": format!("secret-of-the-{name}"), "allow": allow,
                "topics": topics})
        };
        let credentials = json!([
            entry("hooks", &["webhooks"], &["*"]),
            entry("reader", &["webhooks", "consume"], &["*"]),
            entry("narrow", &["webhooks", "consume", "produce"], &["t"]),
            entry("all", &["webhooks", "consume", "produce"], &["*"]),
        ]);
        gateway.world.set_variable("credentials", &credentials.to_string());
        let create = async |name: &str, more: Value| {
            let mut post = request(Method::POST, "/subscriptions");
            let token = format!("Bearer secret-of-the-{name}");
            post.headers.push(header("authorization", token.as_bytes()));
            post.headers.push(header("content-type", b"application/json"));
            post.body = new(more).to_string().into();
            let (status, json) = gateway.send(post).await.taken();
            (status, json["detail"].as_str().unwrap_or_default().to_owned())
        };
        let dead = || json!({"exhausted": {"dead_letter": "dead"}});
        for (name, more, missing) in [
            ("hooks", json!({}), "\"consume\""),
            ("reader", dead(), "\"produce\""),
            ("narrow", dead(), "\"dead\""),
            ("narrow", json!({"topics": ["t", "audit.eu"]}), "\"audit.eu\""),
            ("narrow", json!({"topics": ["t*"]}), "\"t*\""),
        ] {
            let (status, detail) = create(name, more).await;
            assert!(status == 403 && detail.contains(missing), "{name} {status}: {detail}");
        }
        for (name, more) in [("reader", json!({})), ("all", dead()), ("narrow", json!({}))] {
            assert_eq!(create(name, more).await.0, 201, "{name}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_is_paused_resumed_and_moved_and_its_secret_is_replaced() {
    local(async {
        let gateway = Gateway::open();
        let callback = Script::always(Answer::body(200, ""));
        gateway.world.set_upstream(callback.upstream());
        let made = created(&gateway, json!({"sign": ["v1", "v1a"]})).await;
        let path = path(&made);
        let post = async |call: &str, body: Value| {
            gateway.post_json(&format!("{path}/{call}"), &body).await
        };
        let deliver = async || gateway.post_json("/subscriptions/deliver", &json!({})).await;
        let (status, paused) = post("pause", json!({})).await;
        assert_eq!((status, &paused["state"]), (200, &json!("paused")));
        assert!(paused["since"].is_string());
        gateway.log.append("t", 0, "one");
        deliver().await;
        assert_eq!(callback.seen().len(), 0);
        assert_eq!(gateway.get(&path).await.1["lag"], 1);
        assert_eq!(post("resume", json!({})).await.1["state"], "active");
        deliver().await;
        assert_eq!(callback.seen().len(), 1);

        let (status, rotated) = post("rotate", json!({"overlap": 60})).await;
        assert_eq!(status, 200, "{rotated}");
        assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_"));
        assert_ne!(rotated["secret"], made["secret"]);
        assert_eq!(rotated["public_keys"].as_array().unwrap().len(), 2);
        assert!(rotated["secret_overlaps_until"].is_string());
        let signatures = |seen: usize| {
            let request = &callback.seen()[seen];
            let signatures = request.headers["webhook-signature"].to_str().unwrap().to_owned();
            signatures
                .split(' ')
                .map(|one| one.split(',').next().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        gateway.log.append("t", 0, "two");
        tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        deliver().await;
        assert_eq!(signatures(1), ["v1", "v1", "v1a", "v1a"]);
        tokio::time::sleep(std::time::Duration::from_secs(61)).await;
        gateway.log.append("t", 0, "three");
        deliver().await;
        assert_eq!(signatures(2), ["v1", "v1a"]);
        let own = json!({"overlap": 0, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
        let (_, rotated) = post("rotate", own).await;
        assert_eq!(rotated["secret"], "********");
        for odd in [json!({"overlap": 99_999_999}), json!({"secret": "x"})] {
            assert_eq!(post("rotate", odd).await.0, 422);
        }

        let (status, moved) = post("seek", json!({"to": "earliest"})).await;
        assert_eq!((status, &moved["topics"]), (200, &json!({"t": {"0": 0, "1": 0}})));
        deliver().await;
        assert_eq!(callback.seen().len(), 6);
        let (status, _) = post("seek", json!({"topic": "other", "to": "earliest"})).await;
        assert_eq!(status, 422);

        let (_, attempts) = gateway.get(&format!("{path}/attempts")).await;
        assert_eq!(attempts["attempts"].as_array().unwrap().len(), 6, "{attempts}");
        assert_eq!(attempts["attempts"][0]["status"], 200);
        assert_eq!(gateway.get(&path).await.1["totals"]["delivered"], 6);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_sample_is_sent_and_counts_nowhere() {
    local(async {
        let gateway = Gateway::open();
        let callback = Script::always(Answer::body(200, ""));
        gateway.world.set_upstream(callback.upstream());
        let made = created(&gateway, json!({"filter": ".n > 1", "headers": {"x-a": "b"}})).await;
        let path = path(&made);
        let test = async |body: Value| gateway.post_json(&format!("{path}/test"), &body).await;
        let (status, report) = test(json!({"message": {"n": 2}})).await;
        assert_eq!(
            (status, &report["accepted"], &report["status"]),
            (200, &json!(true), &json!(200))
        );
        let sent = &callback.seen()[0];
        assert_eq!(sent.headers["x-a"], "b");
        assert!(sent.headers["webhook-id"].to_str().unwrap().starts_with("test_"));
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!((&body["topic"], &body["message"]), (&json!("t"), &json!("{\"n\":2}")));
        let (_, report) = test(json!({"message": {"n": 1}})).await;
        assert_eq!((&report["filtered"], callback.seen().len()), (&json!(true), 1));
        assert_eq!(test(json!({"topic": "other"})).await.0, 422);
        assert_eq!(test(json!({"colour": "red"})).await.0, 400);
        let (_, attempts) = gateway.get(&format!("{path}/attempts")).await;
        assert_eq!(attempts["attempts"], json!([]));

        gateway.world.set_upstream(Script::always(Answer::body(500, "no\u{7}!")).upstream());
        let (_, report) = test(json!({"message": {"n": 2}})).await;
        assert_eq!((&report["accepted"], &report["status"]), (&json!(false), &json!(500)));
        assert!(report["answer"].as_str().unwrap().starts_with("no"), "{report}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn records_and_dead_letters_are_sent_once_more_beside_the_live_position() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.create_topic("dead", 1);
        let callback = Script::always(Answer::body(200, ""));
        gateway.world.set_upstream(callback.upstream());
        for value in ["a", "b", "c"] {
            gateway.log.append("t", 0, value);
        }
        let dead = json!({"exhausted": {"dead_letter": "dead"}});
        let made = created(&gateway, dead).await;
        let path = path(&made);
        let post = async |call: &str, body: Value| {
            gateway.post_json(&format!("{path}/{call}"), &body).await
        };
        let (status, json) = post("redrive", json!({})).await;
        assert_eq!((status, &json["detail"]), (422, &json!("exhausted.dead_letter")), "{json}");
        let (status, run) = post("replay", json!({"from": {"offset": 1}})).await;
        assert_eq!((status, &run["redrive"]), (202, &json!(false)), "{run}");
        let part = json!({"partition": 0, "from": 1, "to": 3, "position": 1, "delivered": 0,
            "failed": 0});
        assert_eq!(run["partitions"], json!([part]));
        let (_, one) = gateway.get(&path).await;
        assert_eq!((&one["runs"][0]["run_id"], &one["lag"]), (&run["run_id"], &json!(0)));
        for (body, field) in [
            (json!({"topic": "dead"}), "topic"),
            (json!({"from": "latest"}), "from"),
            (json!({"from": {"time": "soon"}}), "from.time"),
        ] {
            let (status, json) = post("replay", body).await;
            assert_eq!((status, &json["detail"]), (422, &json!(field)), "{json}");
        }
        for _ in 0..3 {
            assert_eq!(post("replay", json!({})).await.0, 202);
        }
        assert_eq!(post("replay", json!({})).await.0, 409, "four are under way");
        for _ in 0..3 {
            gateway.post_json("/subscriptions/deliver", &json!({})).await;
        }
        assert_eq!(callback.seen().len(), 2 + 3 * 3);
        let (_, one) = gateway.get(&path).await;
        assert_eq!((&one["runs"], &one["partitions"][0]["position"]), (&json!([]), &json!(3)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callback_is_asked_for_its_consent() {
    local(async {
        let gateway = Gateway::open();
        gateway.world.set_variable("public_url", "https://gateway.example/base");
        let answers = |origin: Option<&'static str>, rate: Option<&'static str>| {
            let mut answer = Answer::body(200, "");
            if let Some(origin) = origin {
                answer = answer.header("webhook-allowed-origin", origin);
            }
            if let Some(rate) = rate {
                answer = answer.header("webhook-allowed-rate", rate);
            }
            let script = Script::always(answer);
            gateway.world.set_upstream(script.upstream());
            script
        };
        let asked = answers(Some("gateway.example"), Some("120"));
        let made = created(&gateway, json!({"consent": "required", "rate": 3})).await;
        assert_eq!(made["granted_rate"], 120);
        let question = &asked.seen()[0];
        assert_eq!(question.method, Method::OPTIONS);
        assert_eq!(question.headers["webhook-request-origin"], "gateway.example");
        assert_eq!(question.headers["webhook-request-rate"], "180");

        for (origin, rate) in [(None, None), (Some("other.example"), None), (Some("*"), Some("0"))]
        {
            answers(origin, rate);
            let required = new(json!({"consent": "required"}));
            let (status, json) = gateway.post_json("/subscriptions", &required).await;
            assert_eq!((status, &json["detail"]), (422, &json!("consent")), "{json}");
            let made = created(&gateway, json!({"consent": "preferred"})).await;
            assert_eq!(made.get("granted_rate"), None);
        }
        // A change of something else asks nobody.
        let asked = answers(None, None);
        let patch = json!({"concurrency": 2});
        assert_eq!(gateway.json(Method::PATCH, &path(&made), &patch).await.0, 200);
        assert_eq!(asked.seen().len(), 0);
        let patch = json!({"callback_url": "https://h.test/other"});
        assert_eq!(gateway.json(Method::PATCH, &path(&made), &patch).await.0, 422);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_list_of_hosts_bounds_callbacks() {
    local(async {
        let gateway = Gateway::open();
        gateway.world.set_variable("webhook_allowed_hosts", "h.test, *.example.com");
        for (url, status) in [
            ("https://h.test/", 201),
            ("https://a.b.example.com/", 201),
            ("https://example.com/", 422),
            ("https://h.test.evil.com/", 422),
        ] {
            let more = json!({"callback_url": url});
            let (answered, json) = gateway.post_json("/subscriptions", &new(more)).await;
            assert_eq!(answered, status, "{url}: {json}");
        }
        assert_eq!(gateway.get("/webhook/t/https://other.test/").await.0, 400);
        let token = json!({"auth": {"oauth2": {"token_url": "https://other.test/token",
            "client_id": "a", "client_secret": "b"}}});
        let (status, json) = gateway.post_json("/subscriptions", &new(token)).await;
        assert_eq!((status, &json["detail"]), (422, &json!("auth.oauth2.token_url")), "{json}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn both_apis_show_the_same_and_a_registration_finds_its_own_alone() {
    local(async {
        let gateway = Gateway::open();
        let made = created(&gateway, json!({"filter": ".a"})).await;
        let (status, registered) = gateway.get("/webhook/t/https://h.test/hook").await;
        assert_eq!(status, 201, "what has a filter is not what this call makes");
        assert_ne!(registered["webhook_id"], made["id"]);
        assert_eq!(gateway.get("/webhook/t/https://h.test/hook").await.0, 200);
        let (_, webhooks) = gateway.get("/webhooks").await;
        let (_, subscriptions) = gateway.get("/subscriptions").await;
        let ids = |list: &Value, name: &str| {
            let list = list.as_array().unwrap().iter();
            list.map(|one| one[name].clone()).collect::<Vec<_>>()
        };
        let expected = [made["id"].clone(), registered["webhook_id"].clone()];
        assert_eq!(ids(&webhooks["webhooks"], "webhook_id"), expected);
        assert_eq!(ids(&subscriptions["subscriptions"], "id"), expected);

        // One that was given another callback is not found by the old one.
        let patch = json!({"callback_url": "https://h.test/moved"});
        let of = format!("/subscriptions/{}", registered["webhook_id"].as_str().unwrap());
        assert_eq!(gateway.json(Method::PATCH, &of, &patch).await.0, 200);
        assert_eq!(gateway.get("/webhook/t/https://h.test/hook").await.0, 201);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_starts_by_time_is_unsupported_where_the_log_knows_no_times() {
    local(async {
        let gateway = Gateway::open();
        gateway.log.append("t", 0, "one");
        let time = json!({"from": {"time": "1970-01-01T00:00:00Z"}});
        let made = created(&gateway, time.clone()).await;
        assert_eq!(gateway.get(&path(&made)).await.1["lag"], 1);
        let unsupported = kafka_edge::error::ErrorKind::Unsupported("no such call".into());
        gateway.log.set_failure_of("offset_at", unsupported.into());
        assert_eq!(gateway.post_json("/subscriptions", &new(time)).await.0, 501);
        let offset = created(&gateway, json!({"from": {"offset": 7}})).await;
        let (_, one) = gateway.get(&path(&offset)).await;
        assert_eq!(one["partitions"][0]["position"], 7);
    })
    .await;
}
