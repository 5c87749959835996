//! A dry run says what the real run would, also of entries that need each other.

use kafka_edge_sim::{SECRETS_KEY, local};
use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::moving::{answer, empty, made};

fn destination(name: &str) -> Value {
    let config = json!({"bootstrap_servers": "pkc-1.example.com:9092", "cluster_id": "lkc-1",
        "topic": "events", "api_key": "KEY", "api_secret": "********"});
    let id = format!("dest_{:0>16}", name.len());
    let settings = json!({"id": id, "name": name, "type": "kafka", "config": config});
    json!({"kind": "destination", "name": name, "settings": settings})
}

fn source(name: &str, destinations: &Value) -> Value {
    let settings = json!({"name": name, "topic": "t", "verify": {"none": {}},
        "destinations": destinations});
    json!({"kind": "source", "name": name, "settings": settings})
}

/// What both runs say of a document, which is the same. Nothing is there before.
async fn both(gateway: &Gateway, entries: Vec<Value>) -> (u16, Value) {
    let document = json!({"version": 1, "entries": entries});
    let stored = gateway.world.store();
    let (dry_status, dry) = answer(gateway, &document, None, true).await;
    assert_eq!(stored, gateway.world.store(), "a dry run writes nothing");
    let (status, real) = answer(gateway, &document, None, false).await;
    assert_eq!((dry_status, &dry["entries"]), (status, &real["entries"]), "{dry} {real}");
    (status, real)
}

#[tokio::test(start_paused = true)]
async fn an_entry_need_not_repeat_its_name_in_its_settings() {
    local(async {
        let gateway = empty(SECRETS_KEY);
        let mut entries = vec![source("s", &json!(["Event Stream"])), destination("Event Stream")];
        for entry in &mut entries {
            entry["settings"].as_object_mut().unwrap().remove("name");
        }
        let (status, json) = both(&gateway, entries).await;
        assert_eq!(status, 200, "{json}");
        assert_eq!(gateway.get("/sources/s").await.1["name"], "s");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_sees_that_a_destination_is_missing_and_that_another_entry_makes_it() {
    local(async {
        let gateway = empty(SECRETS_KEY);
        let missing = json!(["gateway", "Event Stream"]);
        let (status, json) = both(&gateway, vec![source("s", &missing)]).await;
        assert_eq!((status, &json["detail"]), (400, &json!("destinations[1]")), "{json}");

        // In this document it is there, whatever the order.
        let id = destination("Event Stream")["settings"]["id"].clone();
        let entries = vec![
            source("s", &missing),
            source("by-id", &json!([id])),
            source("twice", &json!([id, "Event Stream"])),
            destination("Event Stream"),
        ];
        let (status, json) = both(&gateway, entries).await;
        assert_eq!((status, &json["detail"]), (400, &json!("destinations[1]")), "{json}");
        let told = json["entries"].as_array().unwrap().iter();
        let told: Vec<_> = told.map(|entry| (&entry["name"], &entry["what"])).collect();
        let create = json!("create");
        let expected = [("Event Stream", &create), ("s", &create), ("by-id", &create)];
        for (told, (name, what)) in told.iter().zip(expected) {
            assert_eq!(*told, (&json!(name), what), "{json}");
        }
        assert_eq!(json["entries"][3]["error"], "It is named twice", "{json}");
        assert_eq!(json["entries"][0]["needs_secret"], json!(true), "{json}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_counts_what_would_be_too_many() {
    local(async {
        let gateway = empty(SECRETS_KEY);
        let rights = json!({"allow": ["produce"], "topics": ["t"]});
        let action = json!({"config": {"type": "KAFKA", "payload": {}}});
        for (kind, most, settings) in
            [("credential", 100, rights), ("action", 50, action), ("source", 50, Value::Null)]
        {
            let entries = (0..=most).map(|number| {
                let name = format!("{kind}-{number}");
                match settings.is_null() {
                    true => source(&name, &json!([])),
                    false => json!({"kind": kind, "name": name, "settings": settings}),
                }
            });
            let (status, json) = both(&gateway, entries.collect()).await;
            assert_eq!((status, &json["changed"]), (409, &json!(most)), "{kind}: {json}");
        }
        let names: Vec<_> = (1..=51).map(|length| "d".repeat(length)).collect();
        let entries = names.iter().map(|name| destination(name)).collect();
        let (status, json) = both(&gateway, entries).await;
        assert_eq!((status, &json["changed"]), (409, &json!(50)), "{json}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_sees_that_an_entry_is_too_large_or_in_the_way_of_another() {
    local(async {
        let gateway = empty(SECRETS_KEY);
        let mut large = source("large", &json!([]));
        let headers: serde_json::Map<_, _> =
            (0..20).map(|n| (format!("x-{n}"), json!("v".repeat(1_000)))).collect();
        large["settings"]["shape"] = json!({"headers": {"add": headers}});
        let (status, json) = both(&gateway, vec![large]).await;
        assert_eq!((status, &json["detail"]), (400, &json!("body")), "{json}");

        let hook = |more: Value| {
            let mut hook = json!({"topics": ["t"], "callback_url": "https://h.test/hook"});
            hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            hook
        };
        let entry = |settings: Value| {
            vec![json!({"kind": "subscription", "name": "webhook_1", "settings": settings})]
        };
        let headers: serde_json::Map<_, _> =
            (0..20).map(|n| (format!("x-{n}"), json!("v".repeat(1_000)))).collect();
        let (status, json) = both(&gateway, entry(hook(json!({"headers": headers})))).await;
        assert_eq!((status, &json["detail"]), (422, &json!("body")), "{json}");
        // A registration of this topic and callback would find two.
        made(&gateway, http::Method::GET, "/webhook/t/https://h.test/hook", json!({})).await;
        let (status, json) = both(&gateway, entry(hook(json!({"legacy": true})))).await;
        assert_eq!(status, 409, "{json}");
        let (status, json) = both(&gateway, entry(hook(json!({})))).await;
        assert_eq!(status, 200, "{json}");
        // Credentials are not sent to another host for the asking.
        let auth = hook(json!({"auth": {"bearer": "of its own"}}));
        made(&gateway, http::Method::PUT, "/subscriptions/webhook_2", auth).await;
        let moved = json!({"auth": {"bearer": "********"}, "callback_url": "https://evil.test/"});
        let entry = json!({"kind": "subscription", "name": "webhook_2", "settings": hook(moved)});
        let (status, json) = both(&gateway, vec![entry]).await;
        assert_eq!((status, &json["detail"]), (422, &json!("auth")), "{json}");
    })
    .await;
}
