//! Making, changing and removing destinations.

use http::Method;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use crate::log::LogFaults;
use crate::scene::{Clusters, Scene, destination, request};

const ONE: &str = "/destinations/Event%20Stream";

fn scene() -> Scene {
    Scene::new(1, &Clusters::new(1, LogFaults::default()))
}

/// As hookstream documents one, with values of our own.
fn documented() -> Value {
    json!({
        "name": "Event Stream",
        "type": "kafka",
        "config": {
            "bootstrap_servers": "pkc-1.eu.aws.confluent.cloud:9092",
            "cluster_id": "lkc-1",
            "topic": "events",
            "api_key": "KEY1",
            "api_secret": "hush hush",
        },
    })
}

#[tokio::test(start_paused = true)]
async fn a_destination_is_made_shown_changed_and_removed() {
    local(async {
        let scene = scene();
        let one = scene.instance();
        let made = one.post("/destinations", &documented()).await;
        assert_eq!(made.status, 201, "{}", made.json);
        let id = made.json["id"].as_str().unwrap().to_owned();
        assert_eq!(made.location, Some(format!("/destinations/{id}")));
        let mut expected = documented();
        expected["id"] = json!(id);
        expected["config"]["api_secret"] = json!("********");
        expected["format"] = json!("bytes");
        expected["header_prefix"] = json!("kafka-edge-");
        expected["enabled"] = json!(true);
        expected["created"] = made.json["created"].clone();
        assert_eq!(made.json, expected);
        assert_eq!(one.post("/destinations", &documented()).await.status, 409);

        // By its id or its name, below both paths.
        for above in ["", "/v1"] {
            for reference in [&*id, "Event%20Stream"] {
                let target = format!("{above}/destinations/{reference}");
                let shown = scene.instance().get(&target).await;
                assert_eq!((shown.json, shown.tag), (made.json.clone(), made.tag.clone()));
            }
            let all = one.get(&format!("{above}/destinations")).await;
            assert_eq!(all.json, json!({"destinations": [made.json]}));
        }

        // What was read can be put back as it is, and changes nothing.
        let put = one.call(Method::PUT, ONE, &made.json).await;
        assert_eq!((put.status, &put.json, &put.tag), (200, &made.json, &made.tag));
        let mut plain = documented();
        let put = one.call(Method::PUT, &format!("/destinations/{id}"), &plain).await;
        assert_eq!((put.status, &put.json, &put.tag), (200, &made.json, &made.tag));
        plain["config"]["api_secret"] = json!("another one");
        let put = one.call(Method::PUT, ONE, &plain).await;
        assert_eq!((put.status, &put.json), (200, &made.json), "a secret is not shown");
        assert_ne!(put.tag, made.tag);

        let patch = json!({"config": {"topic": "others"}, "enabled": false, "format": "json"});
        let patched = one.call(Method::PATCH, ONE, &patch).await;
        assert_eq!(patched.status, 200, "{}", patched.json);
        assert_eq!(patched.json["config"]["api_secret"], json!("********"));
        assert_eq!(patched.json["config"]["topic"], json!("others"));
        assert_eq!(
            (&patched.json["enabled"], &patched.json["format"]),
            (&json!(false), &json!("json"))
        );
        let renamed = one.call(Method::PATCH, ONE, &json!({"name": "Other"})).await;
        assert_eq!((renamed.status, &renamed.json["id"]), (200, &json!(id)));
        assert_eq!(one.get(ONE).await.status, 404);

        let target = "/destinations/Other";
        assert_eq!(one.call(Method::DELETE, target, &Value::Null).await.status, 204);
        for method in [Method::GET, Method::DELETE, Method::PATCH] {
            let gone = one.call(method, target, &json!({})).await;
            assert_eq!(gone.error(), (404, "Destination not found", ""));
        }
        let tried = one.post(&format!("{target}/test"), &Value::Null).await;
        assert_eq!(tried.error(), (404, "Destination not found", ""));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_said_depends_on_the_path() {
    local(async {
        let scene = scene();
        let one = scene.instance();
        let kinds = |json: &Value| (json["format"].clone(), json["header_prefix"].clone());
        let (bytes, documented_ones) =
            ((json!("bytes"), json!("kafka-edge-")), (json!("json"), json!("hookstream-")));
        let made = one.post("/v1/destinations", &documented()).await;
        assert_eq!((made.status, kinds(&made.json)), (201, documented_ones.clone()));
        let id = made.json["id"].as_str().unwrap();
        assert_eq!(made.location, Some(format!("/v1/destinations/{id}")));
        let put = one.call(Method::PUT, ONE, &documented()).await;
        assert_eq!(kinds(&put.json), bytes);
        let own = json!({"format": "json", "header_prefix": ""});
        let patched = one.call(Method::PATCH, ONE, &own).await;
        assert_eq!(kinds(&patched.json), (json!("json"), json!("")));
        let back = json!({"format": null, "header_prefix": null});
        assert_eq!(kinds(&one.call(Method::PATCH, ONE, &back).await.json), bytes);
        let below = format!("/v1{ONE}");
        assert_eq!(kinds(&one.call(Method::PATCH, &below, &back).await.json), documented_ones);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn put_makes_and_an_id_can_be_brought_along() {
    local(async {
        let scene = scene();
        let one = scene.instance();
        let mut nameless = documented();
        nameless.as_object_mut().unwrap().remove("name");
        let put = one.call(Method::PUT, ONE, &nameless).await;
        assert_eq!((put.status, &put.json["name"]), (201, &json!("Event Stream")), "{}", put.json);
        let other = one.call(Method::PUT, "/destinations/Other", &documented()).await;
        assert_eq!(other.error(), (400, "The name is not that in the path", "name"));
        assert_eq!(one.call(Method::DELETE, ONE, &Value::Null).await.status, 204);

        // Into another deployment, as it was.
        let moved = crate::registry::scene();
        let there = moved.instance();
        let mut exported = put.json.clone();
        exported["config"]["api_secret"] = json!("hush");
        let again = there.call(Method::PUT, ONE, &exported).await;
        assert_eq!((again.status, &again.json["id"]), (201, &put.json["id"]));
        let same_id = json!({"name": "Third", "id": put.json["id"], "type": "kafka",
            "config": documented()["config"]});
        let taken = there.post("/destinations", &same_id).await;
        assert_eq!(taken.error(), (409, "There is a destination of this id already", ""));
        let id = "/destinations/dest_0123456789abcdef";
        assert_eq!(there.get(id).await.status, 404);
        let nobody = there.call(Method::PUT, id, &nameless).await;
        assert_eq!(nobody.error(), (400, "A name is needed", "name"));
        let mut named = nameless.clone();
        named["name"] = json!("By id");
        let by_id = there.call(Method::PUT, id, &named).await;
        assert_eq!((by_id.status, &by_id.json["id"]), (201, &json!("dest_0123456789abcdef")));
        named["id"] = json!("dest_fedcba9876543210");
        let moved_id = there.call(Method::PUT, id, &named).await;
        assert_eq!(moved_id.error(), (400, "The id is not that of the destination", "id"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_change_may_depend_on_the_version() {
    local(async {
        let scene = scene();
        let one = scene.instance();
        let old = one.post("/destinations", &documented()).await.tag.unwrap();
        let with = |method: Method, tag: &str, body: &Value| {
            let mut change = request(method, ONE, body);
            change.headers.push(("if-match".into(), tag.to_owned().into()));
            change
        };
        let off = json!({"enabled": false});
        let patched = one.send(with(Method::PATCH, &old, &off)).await.unwrap();
        assert_eq!(patched.status, 200, "{}", patched.json);
        for method in [Method::PATCH, Method::PUT, Method::DELETE] {
            let refused = one.send(with(method, &old, &documented())).await.unwrap();
            let sentence = "The destination is not in the version that was named";
            assert_eq!(refused.error(), (412, sentence, ""));
        }
        let deleted = one.send(with(Method::DELETE, &patched.tag.unwrap(), &off)).await.unwrap();
        assert_eq!(deleted.status, 204);
        assert_eq!(one.send(with(Method::PUT, "*", &documented())).await.unwrap().status, 412);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_refused_and_named() {
    local(async {
        let scene = scene();
        let one = scene.instance();
        let before = scene.world.store();
        let long = "x".repeat(101);
        for (patch, detail) in [
            (json!({"name": null}), "name"),
            (json!({"name": ""}), "name"),
            (json!({"name": " x"}), "name"),
            (json!({"name": "x\n"}), "name"),
            (json!({"name": long}), "name"),
            (json!({"name": "gateway"}), "name"),
            (json!({"name": "."}), "name"),
            (json!({"name": "dest_0123456789abcdef"}), "name"),
            (json!({"id": "dest_1"}), "id"),
            (json!({"type": "webhook"}), "type"),
            (json!({"type": null}), "type"),
            (json!({"format": "avro"}), "format"),
            (json!({"header_prefix": "a b"}), "header_prefix"),
            (json!({"header_prefix": 7}), "header_prefix"),
            (json!({"enabled": "no"}), "enabled"),
            (json!({"more": 1}), "more"),
            (json!({"config": null}), "config"),
            (json!({"config": {"more": 1}}), "config.more"),
            (json!({"config": {"bootstrap_servers": null}}), "config.bootstrap_servers"),
            (
                json!({"config": {"rest_url": "https://proxy.example.com"}}),
                "config.bootstrap_servers",
            ),
            (json!({"config": {"bootstrap_servers": "a b:9092"}}), "config.bootstrap_servers"),
            (json!({"config": {"bootstrap_servers": ["h:1"]}}), "config.bootstrap_servers"),
            (json!({"config": {"cluster_id": null}}), "config.cluster_id"),
            (json!({"config": {"cluster_id": "a/b"}}), "config.cluster_id"),
            (json!({"config": {"topic": "a b"}}), "config.topic"),
            (json!({"config": {"topic": null}}), "config.topic"),
            (json!({"config": {"api_key": "a:b"}}), "config.api_key"),
            (json!({"config": {"api_key": null}}), "config.api_key"),
            (json!({"config": {"api_secret": null}}), "config.api_secret"),
            (json!({"config": {"api_secret": "********"}}), "config.api_secret"),
            (json!({"config": {"api_secret": "sealed:1:x"}}), "config.api_secret"),
            (json!({"config": {"api_secret": "a\nb"}}), "config.api_secret"),
        ] {
            let mut settings = documented();
            merge(&mut settings, &patch);
            let refused = one.post("/destinations", &settings).await;
            assert_eq!((refused.status, refused.error().2), (400, detail), "{patch}: {refused:?}");
            assert!(!refused.json.to_string().contains("hush"), "{refused:?}");
        }
        for body in [json!([]), json!("x"), Value::Null] {
            assert_eq!(one.post("/destinations", &body).await.error().2, "body");
        }
        assert_eq!(scene.world.store(), before);
    })
    .await;
}

/// JSON Merge Patch, for what a test changes.
fn merge(target: &mut Value, patch: &Value) {
    for (name, change) in patch.as_object().expect("an object") {
        match change {
            Value::Null => drop(target.as_object_mut().expect("an object").remove(name)),
            Value::Object(_) => merge(&mut target[name], change),
            _ => target[name] = change.clone(),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_address_within_a_private_network_is_refused() {
    local(async {
        let scene = scene();
        let one = scene.instance();
        let at = |field: &str, address: &str| {
            let mut settings = documented();
            merge(&mut settings, &json!({"config": {"bootstrap_servers": null}}));
            settings["config"][field] = json!(address);
            settings
        };
        for (field, address) in [
            ("rest_url", "http://127.0.0.1:8082"),
            ("rest_url", "http://0x7f.1/"),
            ("rest_url", "http://169.254.169.254/"),
            ("rest_url", "http://kafka:8082"),
            ("rest_url", "http://[::1]/"),
            ("rest_url", "https://user:pass@proxy.example.com"),
            ("rest_url", "ftp://proxy.example.com"),
            ("rest_url", "https://proxy.example.com/?x=1"),
            ("bootstrap_servers", "localhost:9092"),
            ("bootstrap_servers", "10.0.0.1:9092"),
            ("bootstrap_servers", "2130706433:9092"),
            ("bootstrap_servers", "SASL_SSL://metadata.google.internal:9092"),
        ] {
            let refused = one.post("/destinations", &at(field, address)).await;
            let field = format!("config.{field}");
            assert_eq!((refused.status, refused.error().2), (400, &*field), "{address}");
        }
        let own = at("rest_url", "https://proxy.example.com/kafka/v3");
        assert_eq!(one.post("/destinations", &own).await.status, 201);
        let private = Scene::new(2, &Clusters::new(2, LogFaults::default()));
        private.world.set_variable("webhook_allow_private", "true");
        let loopback = at("rest_url", "http://127.0.0.1:1");
        assert_eq!(private.instance().post("/destinations", &loopback).await.status, 201);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn secrets_are_stored_encrypted_and_encrypted_anew() {
    local(async {
        let scene = scene();
        let made = scene.instance().post("/destinations", &documented()).await;
        assert_eq!(made.status, 201);
        let stored = |scene: &Scene| {
            let documents = scene.world.store();
            let texts = documents
                .values()
                .flatten()
                .map(|document| String::from_utf8_lossy(document).into_owned());
            texts.collect::<String>()
        };
        assert!(!stored(&scene).contains("hush") && stored(&scene).contains("sealed:1:"));
        let old = kafka_edge_sim::SECRETS_KEY;
        let new = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        scene.world.set_variable("secrets_key", &format!("{new},{old}"));
        let one = scene.instance();
        let counts = |rewrapped: u64, gone: u64| json!({"rewrapped": rewrapped, "key_gone": gone});
        let answer = one.post("/secrets/rewrap", &Value::Null).await;
        assert_eq!(answer.json["destinations"], counts(1, 0), "{}", answer.json);
        let answer = one.post("/secrets/rewrap", &Value::Null).await;
        assert_eq!(answer.json["destinations"], counts(0, 0));
        scene.world.set_variable("secrets_key", new);
        let shown = scene.instance().get(ONE).await;
        assert_eq!(shown.json.get("secret_gone"), None);
        scene.world.set_variable("secrets_key", old);
        let other = scene.instance();
        assert_eq!(other.get(ONE).await.json["secret_gone"], json!(true));
        let answer = other.post("/secrets/rewrap", &Value::Null).await;
        assert_eq!(answer.json["destinations"], counts(0, 1));
        scene.world.set_variable("secrets_key", "");
        let refused = scene.instance().call(Method::PUT, ONE, &documented()).await;
        assert_eq!(refused.status, 503, "{}", refused.json);
        // A destination without a secret needs no key.
        let plain = scene.instance().post("/destinations", &destination("A", "a")).await;
        assert_eq!(plain.status, 201, "{}", plain.json);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_without_its_secret_has_to_be_switched_off() {
    local(async {
        let one = scene().instance();
        let mut settings = documented();
        merge(&mut settings, &json!({"config": {"api_secret": null}, "enabled": false}));
        let made = one.post("/destinations", &settings).await;
        assert_eq!(made.status, 201, "{}", made.json);
        let on = one.call(Method::PATCH, ONE, &json!({"enabled": true})).await;
        assert_eq!((on.status, on.error().2), (400, "config.api_secret"));
        let both = json!({"enabled": true, "config": {"api_secret": "hush"}});
        assert_eq!(one.call(Method::PATCH, ONE, &both).await.status, 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_that_a_source_names_stays_under_that_name() {
    local(async {
        let scene = scene();
        let one = scene.instance();
        let by_name = one.post("/destinations", &destination("A", "a")).await;
        let by_id = one.post("/destinations", &destination("B", "b")).await;
        let id = by_id.json["id"].as_str().unwrap();
        scene.source("s", json!(["gateway", "A", {"name": id, "optional": true}]), json!({})).await;
        let in_use = (409, "The source s writes to this destination", "");
        for (target, name) in [("/destinations/A", "A"), ("/destinations/B", "B")] {
            assert_eq!(one.call(Method::DELETE, target, &Value::Null).await.error(), in_use);
            let off = json!({"enabled": false, "name": name});
            assert_eq!(one.call(Method::PATCH, target, &off).await.status, 200);
        }
        let other = json!({"name": "Other"});
        assert_eq!(one.call(Method::PATCH, "/destinations/A", &other).await.error(), in_use);
        let mut put = by_name.json.clone();
        put["name"] = json!("Other");
        let target = format!("/destinations/{}", by_name.json["id"].as_str().unwrap());
        assert_eq!(one.call(Method::PUT, &target, &put).await.error(), in_use);
        // The source has its id.
        assert_eq!(one.call(Method::PATCH, "/destinations/B", &other).await.status, 200);
        let only_own = json!({"destinations": ["gateway"]});
        assert_eq!(one.call(Method::PATCH, "/sources/s", &only_own).await.status, 200);
        for target in ["/destinations/A", "/destinations/Other"] {
            assert_eq!(one.call(Method::DELETE, target, &Value::Null).await.status, 204);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn there_are_at_most_50_of_them() {
    local(async {
        let scene = scene();
        let one = scene.instance();
        for number in 0..50 {
            let made = one.post("/destinations", &destination(&format!("d{number}"), "a")).await;
            assert_eq!(made.status, 201);
        }
        let refused = one.post("/destinations", &destination("more", "a")).await;
        assert_eq!(refused.error(), (409, "There are 50 destinations already", ""));
        let put = one.call(Method::PUT, "/destinations/d7", &destination("d7", "b")).await;
        assert_eq!(put.status, 200);
    })
    .await;
}
