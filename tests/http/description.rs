//! `docs/openapi.json` is what the endpoints declare, with what a gateway
//! answers to their examples.

use std::path::Path;

use http::header::{AUTHORIZATION, CONTENT_ENCODING};
use kafka_edge::http::description::{Answers, document};
use kafka_edge_sim::{Answer, Script, local};
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};
use crate::routes::{named, routes};

/// Run with this variable, the test writes the file.
const WRITE: &str = "KAFKA_EDGE_WRITE_OPENAPI";

fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json")
}

/// A gateway with records, a group, a webhook and a consumer instance.
async fn scene() -> (Gateway, String) {
    let gateway = Gateway::open();
    gateway.log.create_topic("orders", 2);
    for value in ["hello-world", "{\"order\":42}"] {
        gateway.log.append("orders", 0, value);
    }
    gateway.world.set_variable("schema_registry_url", "http://registry.test");
    gateway.world.set_upstream(Script::always(Answer::body(200, "[]")).upstream());
    let (_, webhook) = gateway.get("/webhook/orders/https://example.com/hook").await;
    for group in ["billing", "audit"] {
        let seek = json!({"topic": "orders", "to": "earliest"});
        assert_eq!(gateway.post_json(&format!("/groups/{group}/seek"), &seek).await.0, 200);
    }
    gateway.create_source("github", "orders").await;
    let config = json!({"rest_url": "https://proxy.test", "topic": "orders"});
    let place = json!({"name": "Event Stream", "type": "kafka", "config": config});
    assert_eq!(gateway.post_json("/destinations", &place).await.0, 201);
    let run = gateway.create_action("publish-event", "orders").await;
    let reader = json!({"name": "reader", "allow": ["consume"], "topics": ["orders"]});
    assert_eq!(gateway.post_json("/credentials", &reader).await.0, 201);
    let consume = gateway.get("/upstash/consume/tour/one/orders?timeout=0").await;
    assert_eq!(consume.0, 200);
    let webhook = webhook["webhook_id"].as_str().unwrap();
    gateway.log.create_topic("orders.undelivered", 1);
    gateway.log.append("orders.undelivered", 0, "undelivered");
    let patch = json!({"exhausted": {"dead_letter": "orders.undelivered"}});
    let of = format!("/subscriptions/{webhook}");
    assert_eq!(gateway.json(http::Method::PATCH, &of, &patch).await.0, 200);
    (gateway, format!("{webhook} {run}"))
}

/// What a fresh gateway answers to the example of each call.
async fn answers() -> Answers {
    let mut answers = Answers::new();
    for route in routes() {
        // They would hold what is in the document already.
        if answers.contains_key(route.name)
            || matches!(
                route.name,
                "index" | "getDescription" | "getConsole" | "getConsoleFile" | "getMetrics"
            )
        {
            continue;
        }
        let (gateway, webhook) = scene().await;
        if route.name == "createCredential" {
            gateway.call(http::Method::DELETE, "/credentials/reader").await;
        }
        if route.name.starts_with("createDestination") {
            gateway.call(http::Method::DELETE, "/destinations/Event%20Stream").await;
        }
        if route.name == "createAction" {
            gateway.call(http::Method::DELETE, "/actions/publish-event").await;
        }
        let (status, body) = gateway.send(route.example(&webhook)).await.taken();
        assert!((200..300).contains(&status), "{}: {status} {body}", route.name);
        answers.insert(route.name.to_owned(), (status, body));
    }
    answers
}

#[tokio::test(start_paused = true)]
async fn the_description_is_what_the_endpoints_declare() {
    local(async {
        let made = document(&answers().await);
        if std::env::var_os(WRITE).is_some() {
            let text = serde_json::to_string_pretty(&made).unwrap() + "\n";
            std::fs::write(file(), text).unwrap();
        }
        let kept: Value = serde_json::from_slice(&std::fs::read(file()).unwrap()).unwrap();
        assert!(
            kept == made,
            "docs/openapi.json is not what the endpoints declare; run `{WRITE}=1 cargo test --test \
             http description`, and look at what has changed"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_is_served_compressed_and_to_callers_who_take_no_gzip_as_it_is() {
    local(async {
        let gateway = Gateway::open();
        let kept: Value = serde_json::from_slice(&std::fs::read(file()).unwrap()).unwrap();
        let (status, plain) = gateway.get("/openapi.json").await;
        assert_eq!((status, plain), (200, kept.clone()));
        for (accepted, coding) in
            [("gzip, br", Some("gzip")), ("gzip;q=0", None), ("br", None), ("*", Some("gzip"))]
        {
            let mut get = request(http::Method::GET, "/openapi.json");
            get.headers.push(header("accept-encoding", accepted.as_bytes()));
            let response = gateway.send(get).await;
            assert_eq!(response.header(&CONTENT_ENCODING), coding, "{accepted}");
            if coding.is_some() {
                assert!(response.whole_body().starts_with(&[0x1f, 0x8b]));
            } else {
                let served: Value = serde_json::from_slice(response.whole_body()).unwrap();
                assert_eq!(served, kept);
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn every_status_of_an_example_gone_wrong_is_described() {
    local(async {
        let gateway = Gateway::closed();
        let kept: Value = serde_json::from_slice(&std::fs::read(file()).unwrap()).unwrap();
        gateway.world.set_variable("credentials", &credential().to_string());
        gateway.world.set_variable("kafka_rest_url", "http://kafka.test");
        for route in routes() {
            let path = route.path.replace("{*", "{");
            let operation = &kept["paths"][path][route.method.as_str().to_ascii_lowercase()];
            let is_described = |status: u16| {
                let responses = &operation["responses"];
                let described = responses.get(status.to_string());
                assert!(described.is_some(), "{} {status}: {operation}", route.name);
            };
            let (status, _) = gateway.send(route.example("webhook_1")).await.taken();
            is_described(status);
            let mut known = route.example("webhook_1");
            known.headers.push(header(AUTHORIZATION.as_str(), b"Bearer 0123456789abcdef"));
            // Its topic does not exist, nor anything else that it names.
            let response = gateway.send(known).await;
            is_described(response.status.as_u16());
        }
        assert_eq!(named("healthz").path, "/healthz");
    })
    .await;
}

fn credential() -> Value {
    json!([{
        "name": "all", "secret": "0123456789abcdef", "topics": ["*"],
        "allow": ["produce", "consume", "webhooks", "admin", "metrics"],
    }])
}
