//! What an agent is told when something does not work.

use std::time::Duration;

use http::header::RETRY_AFTER;
use kafka_edge::error::ErrorKind;
use kafka_edge::host::Clock;
use kafka_edge_sim::{StoreMode, local};
use serde_json::{Value, json};

use super::scene::{ERAS, Era, Scene, WAYS, Way, done, error, failed, message, tool_call};
use crate::gateway::{Gateway, Taken, header};

/// The tools that ask Kafka.
fn calls() -> Vec<(&'static str, Value)> {
    vec![
        ("list_topics", json!({})),
        ("read_records", json!({"topic": "orders"})),
        ("read_records", json!({"topic": "orders", "partition": 0, "offset": 0})),
        ("produce", json!({"topic": "orders", "value": "new"})),
        ("consume", json!({"topic": "orders", "group": "g", "wait": 0})),
        ("group_lag", json!({"group": "of-orders"})),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_kafka_is_a_result_that_an_agent_can_act_on() {
    local(async {
        let detail = || String::from("x");
        for (failure, expected) in [
            (
                ErrorKind::Throttled { retry_after: Duration::from_secs(3) },
                "Try again in 3 seconds.",
            ),
            (ErrorKind::Unreachable { detail: detail() }, "The Kafka server cannot be reached"),
            (ErrorKind::Timeout, "The Kafka server took too long to answer. Try again"),
            (ErrorKind::Upstream { detail: detail() }, "The Kafka server failed: x. Try again"),
            (
                ErrorKind::PermissionDenied { known: true, detail: detail() },
                "The Kafka server refused the credentials of this gateway",
            ),
        ] {
            for (era, way) in ERAS.into_iter().zip(WAYS) {
                let scene = Scene::new().await;
                scene.gateway.log.set_failure(Some(failure.clone().into()));
                for (tool, arguments) in calls() {
                    let call = tool_call(era, tool, &arguments);
                    let sentence = failed(scene.send(call, "all", way).await.taken());
                    assert!(sentence.contains(expected), "{tool}: {sentence}");
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_or_not_allowed_says_where_to_look() {
    local(async {
        let scene = Scene::new().await;
        for (tool, arguments, expected) in [
            ("read_records", json!({"topic": "none"}), "Topic not found: none. list_topics"),
            (
                "produce",
                json!({"topic": "none", "value": "x"}),
                "Topic not found: none. list_topics",
            ),
            ("read_records", json!({"topic": "a/b"}), "topic: A topic's name holds only"),
            ("group_lag", json!({"group": "none"}), "Consumer group not found: none. group_lag"),
            ("list_sources", json!({"name": "none"}), "Source not found: none. list_sources"),
            (
                "read_records",
                json!({"topic": "orders", "partition": 9, "offset": 0}),
                "partition: The topic has no such partition",
            ),
            (
                "read_records",
                json!({"topic": "orders", "partition": 9}),
                "partition: The topic has no such partition",
            ),
            (
                "produce",
                json!({"topic": "orders", "value": "x", "idempotency_key": ""}),
                "idempotency-key: Not a key of 1 to 255 bytes",
            ),
        ] {
            let sentence = failed(scene.call("root", tool, arguments.clone()).await);
            assert!(sentence.starts_with(expected), "{tool} {arguments}: {sentence}");
        }
        let denied = failed(scene.call("all", "read_records", json!({"topic": "payments"})).await);
        assert!(denied.contains("\"payments\" is none of those") && denied.contains("list_topics"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_outcome_that_nobody_knows_is_repeated_under_its_key() {
    local(async {
        let scene = Scene::new().await;
        let unknown = ErrorKind::OutcomeUnknown { detail: "x".into() };
        scene.gateway.log.set_failure_of("produce", unknown.into());
        let produce = json!({"topic": "orders", "value": "x", "idempotency_key": "k"});
        let sentence = failed(scene.call("all", "produce", produce).await);
        assert!(sentence.contains("with the same idempotency_key"), "{sentence}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_rate_limits_calls_and_not_the_list_that_clients_make_after_each() {
    local(async {
        for era in ERAS {
            let scene = Scene::new().await;
            let call = async || {
                let call = tool_call(era, "list_topics", &json!({}));
                scene.send(call, "slow", Way::ApiKey).await.taken()
            };
            done(call().await);
            let list = message(era, "tools/list", &json!({}));
            assert_eq!(scene.send(list, "slow", Way::ApiKey).await.status, 200);
            let sentence = failed(call().await);
            assert_eq!(sentence, "Too many requests. Try again in 1 second.");
            scene.gateway.world.instance().sleep(Duration::from_secs(1)).await;
            done(call().await);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn while_callers_cannot_be_looked_up_old_clients_keep_their_session() {
    local(async {
        let scene = Scene::new().await;
        let failing = StoreMode::REFUSING;
        scene.gateway.world.set_store_mode(failing);
        for (era, status) in [(Era::Old, 200), (Era::New, 503)] {
            for post in
                [message(era, "tools/list", &json!({})), tool_call(era, "list_topics", &json!({}))]
            {
                // It may be one that was made at run time.
                let mut post = post;
                post.headers.push(header("x-api-key", b"not in the configuration"));
                let response = scene.gateway.send(post).await;
                assert_eq!(response.header(&RETRY_AFTER), Some("1"));
                assert_eq!(error(response.taken()), (status, 503), "{era:?}");
            }
            // Whoever is in the configuration goes on.
            let call = tool_call(era, "list_topics", &json!({}));
            done(scene.send(call, "all", Way::ApiKey).await.taken());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_not_configured_says_so() {
    local(async {
        let gateway = Gateway::closed();
        for (era, status) in [(Era::Old, 200), (Era::New, 503)] {
            let (answered, json) =
                gateway.send(message(era, "tools/list", &json!({}))).await.taken();
            assert!(json["error"]["message"].as_str().unwrap().contains("open_access"), "{json}");
            assert_eq!(error((answered, json)), (status, 503));
        }
    })
    .await;
}
