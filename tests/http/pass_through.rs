//! Pass-through mode: callers have keys for Kafka; the gateway has none.

use std::cell::RefCell;
use std::rc::Rc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use kafka_edge::error::ErrorKind;
use kafka_edge::http::{Caller, TopicPlace};
use kafka_edge_sim::{SimLog, World, local};
use serde_json::Value;

use crate::gateway::{Gateway, Taken, header, request};
use crate::routes::{Route, routes};

/// The pairs that logs were connected with.
type Keys = Rc<RefCell<Vec<Option<(String, String)>>>>;

/// Kafka accepts the secret `hush`, knows the secret `mute` but allows it
/// nothing, and knows no others.
fn gateway() -> (Gateway, Keys) {
    let world = World::new(1);
    world.set_variable("kafka_credentials", "passthrough");
    world.set_variable("kafka_rest_url", "http://kafka.test:8082");
    let log = SimLog::new();
    log.create_topic("t", 1);
    let refusing = |known, detail: &str| {
        let log = SimLog::new();
        log.set_failure(Some(
            ErrorKind::PermissionDenied { known, detail: detail.to_owned() }.into(),
        ));
        log
    };
    let (unknown, known) = (refusing(false, "HTTP 401"), refusing(true, "HTTP 403"));
    let keys = Keys::default();
    let (granting, seen) = (log.clone(), keys.clone());
    let gateway = Gateway::connecting(world, log, move |config| {
        let pair = config.api_key.as_ref().map(|pair| (pair.key.clone(), pair.secret.clone()));
        let log = match pair.as_ref().map(|(_, secret)| secret.as_str()) {
            Some("hush") => &granting,
            Some("mute") => &known,
            _ => &unknown,
        };
        seen.borrow_mut().push(pair);
        log.clone()
    });
    (gateway, keys)
}

fn basic(key: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{key}:{secret}")))
}

async fn call(gateway: &Gateway, by: &str, method: Method, target: &str) -> (u16, Value) {
    let mut request = request(method, target);
    request.headers.push(header(AUTHORIZATION.as_str(), by.as_bytes()));
    gateway.send(request).await.taken()
}

#[tokio::test(start_paused = true)]
async fn the_callers_pair_is_what_kafka_sees() {
    local(async {
        let (gateway, keys) = gateway();
        let (one, two) = (basic("ONE", "hush"), basic("TWO", "hush"));
        for by in [&one, &two, &one] {
            assert_eq!(call(&gateway, by, Method::GET, "/producer/t/m").await.0, 200);
        }
        let pair = |key: &str| Some((key.to_owned(), "hush".to_owned()));
        assert_eq!(*keys.borrow(), [pair("ONE"), pair("TWO")], "one connection a pair");

        // A reader continues where a caller with another key stopped.
        for (by, offset) in [(&one, 0), (&two, 1), (&one, 2)] {
            let (status, json) = call(&gateway, by, Method::GET, "/consumer/t").await;
            assert_eq!((status, &json["offset"]), (200, &Value::from(offset)));
        }
        assert_eq!(call(&gateway, &two, Method::GET, "/topics").await.0, 200);
        let reported = gateway.world.reported().join("\n");
        assert!(!reported.contains("hush"), "{reported}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_kafka_refuses_changes_nothing() {
    local(async {
        for (secret, refused) in [("guess", 401), ("mute", 403)] {
            let (gateway, _) = gateway();
            let by = basic("ONE", secret);
            let checked =
                |route: &&Route| !matches!(route.caller, Caller::Anyone | Caller::ByMessage);
            for route in routes().iter().filter(checked) {
                let path = route.path.replace("{topic}", "t").replace("{*message}", "m");
                let path = path.replace("{*callback_url}", "https://h.test/");
                let path = path.replace("{id}", "webhook_1").replace("{name}", "a");
                let (status, json) = call(&gateway, &by, route.method.clone(), &path).await;
                if ["/", "/openapi.json", "/caller"].contains(&&*path) {
                    assert_eq!(status, 200);
                    continue;
                }
                if path.starts_with("/upstash/schema-registry") && route.caller == Caller::Known {
                    assert_eq!(status, 501, "there is none for keys of callers");
                    continue;
                }
                assert!(!json.to_string().contains(secret), "{json}");
                if json["error"] == "The Kafka server refused the credential" {
                    assert_eq!(
                        (status, &json["detail"]),
                        (refused, &format!("HTTP {refused}").into())
                    );
                } else {
                    // Kafka was not asked: it is not for any key.
                    assert_eq!(status, 403, "{path}: {json}");
                    let in_path =
                        matches!(route.topic, TopicPlace::InPath | TopicPlace::ListInPath);
                    assert!(!in_path || path.starts_with("/webhook"), "{path}");
                }
            }
            assert!(gateway.world.store().is_empty());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_a_pair_will_do() {
    local(async {
        let (gateway, keys) = gateway();
        let wrong = ["Bearer hush", "Basic ?", "Digest x", &basic("", "hush")].map(str::to_owned);
        for value in wrong.iter().map(Some).chain([None]) {
            let mut request = request(Method::GET, "/producer/t/m");
            let value = value.map(|value| header(AUTHORIZATION.as_str(), value.as_bytes()));
            request.headers.extend(value);
            let response = gateway.send(request).await;
            let challenge = response.header(&WWW_AUTHENTICATE).unwrap().to_owned();
            assert!(challenge.starts_with("Basic") && !challenge.contains("Bearer"), "{challenge}");
            assert_eq!(response.taken().0, 401);
        }
        assert!(keys.borrow().is_empty());

        let mut request = request(Method::GET, "/producer/t/m");
        request.headers.push(header(AUTHORIZATION.as_str(), basic("ONE", "guess").as_bytes()));
        let challenge = gateway.send(request).await.header(&WWW_AUTHENTICATE).map(str::to_owned);
        assert!(challenge.is_some_and(|it| it.starts_with("Basic")), "Kafka does not know it");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_needs_a_key_of_the_gateways_own_is_refused() {
    local(async {
        let (gateway, _) = gateway();
        let by = basic("ONE", "hush");
        for target in ["/webhooks", "/webhook/t/https://h.test/", "/credentials"] {
            let (status, json) = call(&gateway, &by, Method::GET, target).await;
            assert_eq!(status, 403, "{target}");
            assert!(json["detail"].as_str().unwrap().contains("kafka_credentials"), "{json}");
        }
        // A reader's place on the server would pass from one key to another.
        gateway.log.read_in_places(10);
        let (status, json) = call(&gateway, &by, Method::GET, "/consumer/t").await;
        assert_eq!(status, 501, "{json}");
        assert!(gateway.world.store().is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn it_is_ready_when_kafka_answers_and_nothing_contradicts() {
    local(async {
        let (gateway, _) = gateway();
        assert_eq!(gateway.get("/readyz").await.0, 200, "a refusal is an answer");
        gateway.world.set_variable("kafka_api_key", "KEY");
        gateway.world.set_variable("kafka_api_secret", "hush");
        let (sentence, _) = gateway.refused("/readyz", 503).await;
        assert!(sentence.contains("kafka_api_key"), "{sentence}");
        let by = basic("ONE", "hush");
        assert_eq!(call(&gateway, &by, Method::GET, "/producer/t/m").await.0, 503);

        let (gateway, _) = self::gateway();
        gateway.world.set_variable("open_access", "true");
        let (sentence, _) = gateway.refused("/topics", 503).await;
        assert!(sentence.contains("open_access"), "{sentence}");
    })
    .await;
}
