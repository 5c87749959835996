//! Every administrative call is an event: who made it, by which path, and what changed.

use kafka_edge::access::Permission;
use kafka_edge::http::Caller;
use kafka_edge_sim::{SECRETS_KEY, StoreMode, local};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken};
use crate::routes::{Route, named, routes};
use crate::rules::{Scene, as_caller, only, secret};

/// Another key for secrets than the one under which those of a scene are stored.
const NEW_KEY: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

/// Calls that need the permission of those that administer, and only do what was set up.
const NOT_ADMINISTRATIVE: [&str; 6] = [
    "deliver",
    "deliverDue",
    "testSource",
    "testSubscription",
    "testDestination",
    "testDestinationV1",
];

#[test]
fn whatever_changes_the_set_up_is_administrative() {
    for route in &routes() {
        let administers =
            matches!(route.caller, Caller::Allowed(Permission::Admin | Permission::Webhooks))
                || route.path.starts_with("/groups");
        let expected = administers && !route.safe && !NOT_ADMINISTRATIVE.contains(&route.name);
        assert_eq!(route.administrative, expected, "{} {}", route.method, route.path);
    }
}

fn lines(gateway: &Gateway, event: &str) -> Vec<Value> {
    let lines = gateway.world.reported().into_iter();
    // The calls before were told of in the other format.
    let lines = lines.filter(|line| line.starts_with('{'));
    let lines = lines.map(|line| serde_json::from_str::<Value>(&line).expect("it is JSON"));
    lines.filter(|line| line["event"] == event).collect()
}

/// A gateway in which there is something to change for every call, and which tells all
/// that it ever tells.
async fn ready_for(route: &Route) -> Scene {
    let mut scene = Scene::new().await;
    let root = |name: &str| as_caller("root", &named(name), &scene.webhook);
    if route.path.starts_with("/credentials/{name}") {
        assert_eq!(scene.gateway.send(root("createCredential")).await.status, 201);
    }
    if route.name == "createAction" {
        assert_eq!(scene.gateway.send(root("deleteAction")).await.status, 204);
    }
    if route.name.starts_with("createDestination") {
        assert_eq!(scene.gateway.send(root("deleteDestination")).await.status, 204);
    }
    if route.name == "resumeSubscription" {
        assert_eq!(scene.gateway.send(root("pauseSubscription")).await.status, 200);
    }
    if route.name == "patchSource" {
        // One that is another than the example makes of it.
        assert_eq!(scene.gateway.send(root("putSource")).await.status, 200);
    }
    let keys = format!("{NEW_KEY},{SECRETS_KEY}");
    for (name, value) in [("secrets_key", &*keys), ("log_format", "json"), ("log_level", "debug")] {
        scene.gateway.world.set_variable(name, value);
    }
    scene.gateway = scene.gateway.restarted();
    scene
}

/// The texts that a JSON value holds under a name that tells of a secret.
fn secrets_in(json: &Value, found: &mut Vec<String>) {
    match json {
        Value::Object(members) => members.iter().for_each(|(name, value)| match value {
            Value::String(text) if name.contains("secret") => found.push(text.clone()),
            value => secrets_in(value, found),
        }),
        Value::Array(items) => items.iter().for_each(|item| match item {
            Value::String(text) if text.contains("whsec") || text.contains("Secret") => {
                found.push(text.clone());
            }
            item => secrets_in(item, found),
        }),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn every_administrative_call_is_an_event_and_no_line_holds_a_secret() {
    local(async {
        for route in &routes() {
            let scene = ready_for(route).await;
            let before = scene.gateway.world.reported().len();
            let request = as_caller("root", route, &scene.webhook);
            let call = format!("{} {}", request.method, request.target);
            let mut secrets = vec![secret("root"), SECRETS_KEY.into(), NEW_KEY.into()];
            let body = serde_json::from_slice(&request.body).unwrap_or_default();
            secrets_in(&body, &mut secrets);
            let (status, answer) = scene.gateway.send(request).await.taken();
            assert!((200..300).contains(&status), "{call}: {answer}");
            secrets_in(&answer, &mut secrets);
            secrets.retain(|secret| !secret.contains('*'));

            let changes = lines(&scene.gateway, "configuration-changed");
            let what: Vec<_> = changes.iter().map(|change| change["what"].as_str()).collect();
            assert_eq!(!changes.is_empty(), route.administrative, "{call}: {what:?}");
            for change in &changes {
                assert_eq!(change["level"], "info");
                assert_eq!(change["credential"], "root");
                let expected = match route.name {
                    // The URL may hold what only its owner knows.
                    "registerWebhookByPath" => "GET /webhook/orders/{*callback_url}",
                    // So may the rest of a path of the registry.
                    "upstashDeleteFromRegistry" => "DELETE /upstash/schema-registry/{*path}",
                    _ => &call,
                };
                assert_eq!(change["call"], expected);
                for name in ["kind", "name", "what"] {
                    assert!(change[name].as_str().is_some_and(|text| !text.is_empty()), "{change}");
                }
                let is_whole = matches!(change["what"].as_str(), Some("removed"));
                assert_eq!(change["fields"] == "", is_whole, "{change}");
            }
            let reported = scene.gateway.world.reported();
            assert!(reported.len() > before, "a call is told of at this level");
            for (line, secret) in
                reported.iter().flat_map(|line| secrets.iter().map(move |secret| (line, secret)))
            {
                assert!(!line.contains(secret.as_str()), "{call}: {line}");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_names_what_has_changed_and_nothing_is_told_of_what_has_not() {
    local(async {
        let scene = ready_for(&named("index")).await;
        let send = async |name: &str, target: &str, body: Value| {
            let mut request = as_caller("root", &named(name), "");
            (request.target, request.body) = (target.into(), body.to_string().into());
            let before = lines(&scene.gateway, "configuration-changed").len();
            let status = scene.gateway.send(request).await.status;
            assert!(status.is_success(), "{target}: {status}");
            let told = lines(&scene.gateway, "configuration-changed").split_off(before);
            told.iter()
                .map(|line| {
                    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
                    [text("kind"), text("name"), text("what"), text("fields")].join(" ")
                })
                .collect::<Vec<_>>()
        };
        let source = json!({"topic": "orders", "verify": {"provider": "stripe",
            "secrets": ["whsec_one"]}, "proxies": 1});
        let masked = json!({"topic": "orders", "verify": {"provider": "stripe",
            "secrets": ["********"]}, "enabled": false});
        let destination = |secret: &str| {
            json!({"type": "kafka", "config": {"rest_url": "https://proxy.test", "topic": "t",
            "api_key": "K", "api_secret": secret}})
        };
        let action = |title: &str| {
            json!({"title": title, "config": {"type": "KAFKA",
            "topic": "orders", "payload": {"n": 1}}})
        };
        for (name, target, body, told) in [
            (
                "putSource",
                "/sources/s",
                source,
                &["source s created name,proxies,topic,verify"][..],
            ),
            ("putSource", "/sources/s", masked.clone(), &["source s changed enabled,proxies"]),
            ("putSource", "/sources/s", masked, &[]),
            (
                "patchSource",
                "/sources/s",
                json!({"verify": {"secrets": ["whsec_two"]}}),
                &["source s changed verify"],
            ),
            (
                "putDestination",
                "/destinations/A",
                destination("hush"),
                &["destination A created api_secret,config,enabled,format,header_prefix,name,type"],
            ),
            ("putDestination", "/destinations/A", destination("hush"), &[]),
            (
                "putDestination",
                "/destinations/A",
                destination("hush hush"),
                &["destination A changed api_secret"],
            ),
            (
                "patchDestination",
                "/destinations/A",
                json!({"enabled": false, "config": {"topic": "others"}}),
                &["destination A changed config,enabled"],
            ),
            ("putAction", "/actions/a", action("A"), &["action a created config,identifier,title"]),
            ("putAction", "/actions/a", action("B"), &["action a changed title"]),
            ("putAction", "/actions/a", action("B"), &[]),
            (
                "createCredential",
                "/credentials",
                json!({"name": "c", "allow": ["admin"]}),
                &["credential c created allow,name,secret"],
            ),
            (
                "updateCredential",
                "/credentials/c",
                json!({"rate": 5}),
                &["credential c changed rate"],
            ),
            ("updateCredential", "/credentials/c", json!({}), &[]),
            (
                "rotateCredential",
                "/credentials/c/rotate",
                json!({}),
                &["credential c changed previous_secret,previous_secret_expires,secret"],
            ),
            (
                "putGroup",
                "/groups/new",
                json!({"max_claimed": 5, "delivery_limit": 2}),
                &["group new created delivery_limit,max_claimed"],
            ),
            (
                "patchGroup",
                "/groups/new",
                json!({"max_claimed": 6}),
                &["group new changed max_claimed"],
            ),
            ("patchGroup", "/groups/new", json!({"max_claimed": 6}), &[]),
            (
                "seekGroup",
                "/groups/new/seek",
                json!({"topic": "orders", "to": "latest"}),
                &["position new/orders moved offsets"],
            ),
        ] {
            assert_eq!(send(name, target, body.clone()).await, told, "{target} {body}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_changes_nothing_and_one_that_broke_off_is_told_of() {
    local(async {
        for route in routes().iter().filter(|route| route.administrative) {
            let scene = ready_for(route).await;
            assert_eq!(scene.by(&only("produce"), route).await.status, 403, "{}", route.path);
            for event in ["configuration-changed", "change-unknown"] {
                assert!(lines(&scene.gateway, event).is_empty(), "{}", route.path);
            }
        }
        for name in ["putSource", "putAction", "putGroup", "createCredential", "registerWebhook"] {
            let scene = ready_for(&named(name)).await;
            let failing = StoreMode { failures: 1.0, ..StoreMode::default() };
            scene.gateway.world.set_store_mode(failing);
            let status = scene.by("root", &named(name)).await.status;
            assert_eq!(status, 503, "{name}");
            let told = lines(&scene.gateway, "change-unknown");
            assert_eq!(told.len(), 1, "{name}");
            assert_eq!(
                (&told[0]["credential"], &told[0]["level"]),
                (&json!("root"), &json!("warn"))
            );
            assert!(lines(&scene.gateway, "configuration-changed").is_empty());
        }
    })
    .await;
}
