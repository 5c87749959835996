//! Sources are made, shown, changed and removed.

use http::Method;
use http::header::{ETAG, LOCATION};
use kafka_edge::host::Store;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use super::support::{SECRET, create, event, plain, with};
use crate::gateway::{Gateway, Taken, header, request};

fn github() -> Value {
    json!({"name": "s", "topic": "t", "verify": {"provider": "github", "secrets": [SECRET]}})
}

async fn change(
    gateway: &Gateway,
    method: Method,
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, Value) {
    let mut change = request(method, "/sources/s");
    for (name, value) in headers {
        change.headers.push(header(name, value.as_bytes()));
    }
    change.body = body.to_owned().into();
    gateway.send(change).await.taken()
}

#[tokio::test(start_paused = true)]
async fn a_source_is_shown_with_its_address_and_without_its_secrets() {
    local(async {
        let gateway = Gateway::open();
        let made = gateway.post("/sources", "application/json", &github().to_string()).await;
        assert_eq!(made.status, 201);
        assert_eq!(made.header(&LOCATION), Some("/sources/s"));
        assert!(made.header(&ETAG).is_some());
        let (_, made) = made.taken();
        assert_eq!(made["url"], "/in/s");
        assert_eq!(made["verify"]["secrets"], json!(["********"]));
        let (_, one) = gateway.get("/sources/s").await;
        assert_eq!(one["statistics"]["accepted"], 0);
        let (_, all) = gateway.get("/sources").await;
        assert_eq!(all["sources"].as_array().unwrap().len(), 1);
        for json in [made, one, all] {
            assert!(!json.to_string().contains("Secret to"), "{json}");
        }
        let stored = format!("{:?}", gateway.world.store());
        assert!(!stored.contains("Secret to"), "it is encrypted");
        assert_eq!(gateway.call(Method::DELETE, "/sources/s").await.0, 204);
        assert_eq!(gateway.refused("/sources/s", 404).await.0, "Source not found");
        assert_eq!(gateway.send(event(&[], "{}")).await.status, 404);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_name_is_there_once_and_a_put_replaces() {
    local(async {
        let gateway = with(github()).await;
        let (status, _) = gateway.post_json("/sources", &plain(json!({}))).await;
        assert_eq!(status, 409);
        let put = async |body: &Value| change(&gateway, Method::PUT, &[], &body.to_string()).await;
        let (status, json) = put(&plain(json!({"enabled": false}))).await;
        assert_eq!((status, &json["enabled"]), (200, &json!(false)));
        assert_eq!(change(&gateway, Method::DELETE, &[], "").await.0, 204);
        let (status, _) = put(&json!({"topic": "t", "verify": {"none": {}}})).await;
        assert_eq!(status, 201, "the name in the path is enough");
        assert_eq!(put(&plain(json!({"name": "other"}))).await.0, 400);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_patch_changes_what_it_names_and_a_mask_stays_the_secret() {
    local(async {
        let gateway = with(github()).await;
        let patch =
            async |body: Value| change(&gateway, Method::PATCH, &[], &body.to_string()).await;
        let (status, json) = patch(json!({"dedupe": {}, "allow": {"rate": 5}})).await;
        assert_eq!((status, &json["allow"]["rate"]), (200, &json!(5)), "{json}");
        let (_, json) = patch(json!({"dedupe": null})).await;
        assert!(json.get("dedupe").is_none(), "{json}");
        let (status, json) = patch(json!({"verify": {"secrets": ["a new one", "********"]}})).await;
        assert_eq!((status, &json["detail"]), (400, &json!("verify.secrets[1]")), "{json}");
        let secrets = json!({"verify": {"secrets": ["********", "a new one"]}});
        assert_eq!(patch(secrets).await.0, 200);
        let gateway = gateway.restarted();
        for secret in [SECRET, "a new one"] {
            let signature = super::support::signature(secret, "{}");
            let headers = [("x-hub-signature-256", &*signature)];
            assert_eq!(super::support::send(&gateway, &headers, "{}").await.0, 200);
        }
        assert_eq!(patch(json!({"name": "other"})).await.0, 400);
        assert_eq!(patch(json!("text")).await.0, 400);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn if_match_holds_a_change_to_the_version_that_was_seen() {
    local(async {
        let gateway = with(github()).await;
        let tag = async || {
            let seen = gateway.send(request(Method::GET, "/sources/s")).await;
            seen.header(&ETAG).unwrap().to_owned()
        };
        let first = tag().await;
        let patch = async |tag: &str, body: &str| {
            change(&gateway, Method::PATCH, &[("if-match", tag)], body).await.0
        };
        assert_eq!(patch(&first, r#"{"enabled":false}"#).await, 200);
        assert_eq!(patch(&first, r#"{"enabled":true}"#).await, 412);
        let both = format!("{first}, {}", tag().await);
        assert_eq!(patch(&both, r#"{"disabled_status":503}"#).await, 200);
        assert_eq!(patch("*", r#"{"enabled":true}"#).await, 200);
        assert_eq!(patch(&format!("W/{}", tag().await), "{}").await, 412);
        assert_eq!(patch("bare", "{}").await, 400);
        assert_eq!(change(&gateway, Method::DELETE, &[("if-match", &first)], "").await.0, 412);
        let put = plain(json!({})).to_string();
        assert_eq!(change(&gateway, Method::DELETE, &[("if-match", "*")], "").await.0, 204);
        assert_eq!(change(&gateway, Method::PUT, &[("if-match", "*")], &put).await.0, 412);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_work_is_refused_with_its_field() {
    local(async {
        let gateway = Gateway::open();
        let with_verify = |verify: Value| plain(json!({ "verify": verify }));
        for (source, field) in [
            (json!({"name": "s", "verify": {"none": {}}}), "topic"),
            (plain(json!({"topic": "a/b"})), "topic"),
            (plain(json!({"name": "a b"})), "name"),
            (plain(json!({"colour": "red"})), "colour"),
            (json!({"name": "s", "topic": "t"}), "verify"),
            (with_verify(json!({})), "verify"),
            (with_verify(json!({"provider": "nobody", "secrets": ["x"]})), "verify.provider"),
            (with_verify(json!({"provider": "github"})), "verify.secrets"),
            (with_verify(json!({"provider": "svix", "secrets": ["whsec_?"]})), "verify.secrets[0]"),
            (with_verify(json!({"provider": "square", "secrets": ["x"]})), "url"),
            (with_verify(json!({"none": {}, "token": {"header": "x"}})), "verify"),
            (
                with_verify(json!({"hmac": {"header": "x", "signed": "{bdy}"}, "secrets": ["x"]})),
                "verify.signed",
            ),
            (with_verify(json!({"provider": "google-pubsub"})), "verify.audience"),
            (
                with_verify(json!({"jwt": {"algorithms": ["RS256"], "audience": "a",
                    "jwks": "http://127.0.0.1/keys"}})),
                "verify.jwt.jwks",
            ),
            (plain(json!({"allow": {"addresses": ["10.0.0.0/40"]}})), "allow.addresses[0]"),
            (plain(json!({"allow": {"methods": ["DELETE"]}})), "allow.methods"),
            (plain(json!({"allow": {"max_bytes": 0}})), "allow.max_bytes"),
            (plain(json!({"allow": {"rate": 0}})), "allow.rate"),
            (plain(json!({"allow": {"rate": -1}})), "allow.rate"),
            (plain(json!({"allow": {"max_bytes": "1MB"}})), "allow.max_bytes"),
            (plain(json!({"allow": {"content_types": ["a/b", "json"]}})), "allow.content_types[1]"),
            (
                plain(json!({"allow": {"content_types": ["text/plain; charset=utf-8"]}})),
                "allow.content_types[0]",
            ),
            (plain(json!({"shape": {"colour": 1}})), "shape.colour"),
            (plain(json!({"proxies": 300})), "proxies"),
            (plain(json!({"topic": 5})), "topic"),
            (plain(json!({"dedupe": {"id": {"header": "x", "field": "/a"}}})), "dedupe.id"),
            (with_verify(json!({"hmac": {"colour": 1}})), "verify"),
            (plain(json!({"allow": {"address_header": "x-forwarded-for"}})), "proxies"),
            (plain(json!({"dedupe": {}})), "dedupe.id"),
            (plain(json!({"dedupe": {"id": {"header": "x"}, "window": 0}})), "dedupe.window"),
            (plain(json!({"validate": {"schema": {"typ": "object"}}})), "validate.schema"),
            (plain(json!({"validate": {"schema": {"registry": "s"}}})), "validate.schema"),
            (plain(json!({"shape": {"filter": ".a |"}})), "shape.filter"),
            (plain(json!({"shape": {"transform": "input"}})), "shape.transform"),
            (
                plain(json!({"shape": {"topic": {"jq": ".t", "allowed": []}}})),
                "shape.topic.allowed",
            ),
            (plain(json!({"shape": {"headers": {"keep": ["Cookie"]}}})), "shape.headers.keep"),
            (plain(json!({"shape": {"on_error": {"dead_letter": "?"}}})), "shape.on_error"),
            (plain(json!({"answer": {"status": 500}})), "answer.status"),
            (plain(json!({"disabled_status": 404})), "disabled_status"),
        ] {
            let (status, json) = gateway.post_json("/sources", &source).await;
            assert_eq!((status, json["detail"].as_str()), (400, Some(field)), "{source}: {json}");
        }
        assert_eq!(gateway.get("/sources").await.1["sources"], json!([]));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_secret_in_the_wrong_place_is_not_repeated() {
    local(async {
        let gateway = Gateway::open();
        for source in [
            json!({"name": "s", "topic": "t", "verify": "hush-hush"}),
            json!({"name": "s", "topic": "t", "verify": {"provider": "github", "secrets": "hush-hush"}}),
            json!({"name": "s", "topic": "t", "verify": {"hmac": "hush-hush"}}),
            json!({"name": "s", "topic": "t", "verify": {"none": {}}, "proxies": "hush-hush"}),
        ] {
            let (status, json) = gateway.post_json("/sources", &source).await;
            assert_eq!(status, 400, "{json}");
            assert!(!json.to_string().contains("hush"), "{json}");
        }
    })
    .await;
}

fn remembering() -> Value {
    plain(json!({"dedupe": {"id": {"field": "/id"}}}))
}

/// Whether an event that came once comes as a repeat.
async fn is_repeat(gateway: &Gateway) -> bool {
    let (status, json) = super::support::send(gateway, &[], r#"{"id":"e"}"#).await;
    assert_eq!(status, 200, "{json}");
    json["repeat"] == true
}

#[tokio::test(start_paused = true)]
async fn a_source_keeps_its_memory_while_it_is_there_and_a_later_one_has_its_own() {
    local(async {
        let gateway = with(remembering()).await;
        assert!(!is_repeat(&gateway).await);
        let switched = json!({"answer": {"status": 200}}).to_string();
        assert_eq!(change(&gateway, Method::PATCH, &[], &switched).await.0, 200);
        assert!(is_repeat(&gateway).await);
        let put = remembering().to_string();
        assert_eq!(change(&gateway, Method::PUT, &[], &put).await.0, 200);
        assert!(is_repeat(&gateway.restarted()).await);
        for (method, target) in [(Method::POST, "/sources"), (Method::PUT, "/sources/s")] {
            assert_eq!(change(&gateway, Method::DELETE, &[], "").await.0, 204);
            let mut make = request(method, target);
            make.body = put.clone().into();
            assert_eq!(gateway.send(make).await.status, 201);
            assert!(!is_repeat(&gateway).await, "{target}");
            assert!(is_repeat(&gateway.restarted()).await, "{target}");
        }
    })
    .await;
}

/// As an earlier gateway has stored it.
#[tokio::test(start_paused = true)]
async fn a_source_that_was_stored_without_a_memory_keeps_the_one_of_its_name() {
    local(async {
        let gateway = with(remembering()).await;
        let (key, document) = gateway
            .world
            .store()
            .into_iter()
            .find(|(key, document)| key.starts_with("kafka-edge/2/sources/") && document.is_some())
            .expect("the list is stored");
        let document = String::from_utf8(document.unwrap()).unwrap();
        let (before, memory) = document.split_once(r#","m":""#).expect("a source has a memory");
        let earlier = format!("{before}{}", memory.split_once('"').unwrap().1);
        gateway.world.instance().set(&key, earlier.as_bytes()).await.unwrap();

        let memories = || {
            let keys = gateway.world.store().into_keys();
            let of_it = keys.filter(|key| key.starts_with("kafka-edge/2/seen/source%2Fs"));
            of_it.map(|key| key.split('/').nth(3).unwrap().to_owned()).collect::<Vec<_>>()
        };
        let gateway = gateway.restarted();
        assert!(!is_repeat(&gateway).await);
        assert_eq!(change(&gateway, Method::PUT, &[], &remembering().to_string()).await.0, 200);
        assert!(is_repeat(&gateway.restarted()).await);
        assert_eq!(memories(), ["source%2Fs"]);
        assert_eq!(change(&gateway, Method::DELETE, &[], "").await.0, 204);
        create(&gateway, remembering()).await;
        assert!(!is_repeat(&gateway).await);
        assert_eq!(memories().len(), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn without_a_key_no_source_with_a_secret_is_made() {
    local(async {
        let gateway = Gateway::open();
        gateway.world.set_variable("secrets_key", "");
        let (status, json) = gateway.post_json("/sources", &github()).await;
        assert_eq!(status, 503);
        assert!(json["error"].as_str().unwrap().contains("secrets_key"), "{json}");
        create(&gateway, plain(json!({}))).await;
        let webhook = gateway.get("/webhook/t/https://h.test/").await;
        assert_eq!(webhook.0, 503, "{}", webhook.1);
        let rewrap = gateway.call(Method::POST, "/secrets/rewrap").await;
        assert_eq!(rewrap.0, 503, "{}", rewrap.1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_is_changed_without_anything_being_lost() {
    local(async {
        let gateway = with(github()).await;
        assert_eq!(gateway.get("/webhook/t/https://h.test/").await.0, 201);
        let new = "a2Fma2EtZWRnZSB0ZXN0cyBhIHNlY29uZCBrZXkgMzI=";
        let both = format!("{new},{}", kafka_edge_sim::SECRETS_KEY);
        gateway.world.set_variable("secrets_key", &both);
        let changed = gateway.restarted();
        let (status, json) = changed.call(Method::POST, "/secrets/rewrap").await;
        let one = json!({"rewrapped": 1, "key_gone": 0});
        assert_eq!((status, &json["webhooks"], &json["sources"]), (200, &one, &one));
        let (_, json) = changed.call(Method::POST, "/secrets/rewrap").await;
        assert_eq!(json["sources"]["rewrapped"], 0);

        gateway.world.set_variable("secrets_key", new);
        let after = gateway.restarted();
        let signature = super::support::signature(SECRET, "{}");
        let headers = [("x-hub-signature-256", &*signature)];
        assert_eq!(super::support::send(&after, &headers, "{}").await.0, 200);

        gateway.world.set_variable("secrets_key", kafka_edge_sim::SECRETS_KEY);
        let gone = gateway.restarted();
        let (_, json) = gone.get("/sources/s").await;
        assert_eq!(json["secret_gone"], true, "{json}");
        let sent = super::support::send(&gone, &headers, "{}").await;
        assert_eq!(sent.0, 503, "{}", sent.1);
        create(&gone, plain(json!({"name": "other"}))).await;
        let (_, json) = gone.call(Method::POST, "/secrets/rewrap").await;
        assert_eq!(json["sources"], json!({"rewrapped": 0, "key_gone": 1}));
    })
    .await;
}
