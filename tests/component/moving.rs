//! The set-up moves from a store of one kind to an empty one of another, with the built
//! component over each.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Method};
use kafka_edge_host::kv::quirks::{SpinRedis, SpinSqlite};
use kafka_edge_host::kv::{Database, Durability, Memory, Store};
use kafka_edge_host::{Host, body};
use serde_json::{Value, json};

use crate::calling::{Answer, get, post, request, send};
use crate::redis::server::Redis;
use crate::world::World;

const PASSPHRASE: &str = "correct horse battery staple";

/// A gateway over an empty store of each kind, and the server if that is one of its own.
fn gateways(world: &World, folder: &Path) -> Vec<(&'static str, Host, Option<Redis>)> {
    let over =
        |store: Arc<dyn Store>| world.gateway().shared_store("default", store).build().unwrap();
    let file = Database::open(folder.join("store.db"), Durability::Process).unwrap();
    let mut gateways = vec![
        ("memory", over(Arc::new(Memory::new())), None),
        ("Spin's sqlite", over(Arc::new(SpinSqlite::new())), None),
        ("Spin's Redis", over(Arc::new(SpinRedis::new())), None),
        ("file", over(Arc::new(file)), None),
    ];
    // Without one it says that it is left out.
    if let Some(server) = Redis::start() {
        let url = server.url();
        let host = world.gateway().variable("state_store", &*url).allow_redis(&url);
        gateways.push(("a Redis of one's own", host.build().unwrap(), Some(server)));
    }
    gateways
}

async fn call(host: &Host, method: Method, target: &str, body: &Value) -> Answer {
    let answer = send(host, request(method, target, body::full(body.to_string()))).await;
    assert!((200..300).contains(&answer.status), "{target}: {answer:?}");
    answer
}

async fn with_passphrase(host: &Host, method: Method, target: &str, text: &str) -> Value {
    let mut request = request(method, target, body::full(text.to_owned()));
    request.headers_mut().insert("x-passphrase", HeaderValue::from_static(PASSPHRASE));
    send(host, request).await.ok()
}

/// One of everything.
async fn set_up(host: &Host) {
    let rights = json!({"name": "writer", "allow": ["produce"], "topics": ["t"]});
    call(host, Method::POST, "/credentials", &rights).await;
    let source = json!({"topic": "t", "verify": {"provider": "stripe", "secrets": ["whsec_one"]}});
    call(host, Method::PUT, "/sources/stripe", &source).await;
    let action = json!({"config": {"type": "KAFKA", "topic": "t", "payload": {"at": "{{ now }}"}}});
    call(host, Method::PUT, "/actions/order", &action).await;
    let hook = json!({"topics": ["t", "logs.*"], "callback_url": "https://h.test/hook",
        "auth": {"bearer": "whsec_of_the_callback"}, "sign": ["v1", "v1a"]});
    call(host, Method::PUT, "/subscriptions/webhook_1", &hook).await;
    call(host, Method::PUT, "/groups/careful", &json!({"delivery_limit": 5})).await;
    let moved = json!({"topic": "t3", "offsets": {"0": 1, "2": 3}});
    call(host, Method::POST, "/groups/careful/seek", &moved).await;
    assert_eq!(get(host, "/consumer/t?group=reader").await.status, 200);
    // The position is written after the answer.
    let begun = Instant::now();
    while !get(host, "/config/export")
        .await
        .text
        .contains(r#""name":"reader/t","settings":{"offsets":{"0":1}}"#)
    {
        assert!(begun.elapsed() < Duration::from_secs(30), "the position is written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_up_moves_from_each_kind_of_store_to_each_other_one() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new();
    world.append("t", 0, 2);
    world.append("t3", 2, 4);
    for (from_kind, from, _from_server) in gateways(&world, folder.path()) {
        set_up(&from).await;
        let plain = get(&from, "/config/export").await;
        let sealed = with_passphrase(&from, Method::GET, "/config/export", "").await.to_string();
        assert!(!sealed.contains("whsec_") && sealed.contains("sealed:"), "{sealed}");
        let other = tempfile::tempdir().unwrap();
        let others = gateways(&world, other.path()).into_iter();
        for (to_kind, to, _server) in others.filter(|(kind, ..)| *kind != from_kind) {
            let what = format!("from {from_kind} to {to_kind}");
            let applied = with_passphrase(&to, Method::POST, "/config/apply", &sealed).await;
            let entries = applied["entries"].as_array().unwrap();
            assert_eq!(entries.len(), 8, "{what}: {applied}");
            assert!(entries.iter().all(|entry| entry["what"] == "create"), "{what}: {applied}");
            let exported = get(&to, "/config/export").await;
            assert_eq!(exported.text, plain.text, "{what}");
            let again = post(&to, "/config/apply", sealed.clone()).await.ok();
            assert_eq!(again["changed"], 0, "{what}: {again}");
            assert_eq!(get(&to, "/config/export").await.text, plain.text, "{what}");
        }
    }
}
