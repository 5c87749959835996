//! What a caller sees and may do, by its credential.

use http::header::AUTHORIZATION;
use kafka_edge_sim::{SECRETS_KEY, local};
use serde_json::{Value, json};

use super::scene::{
    ERAS, Era, PERMISSIONS, RECORD_OF_PAYMENTS, SECRET_OF_SOURCE, Scene, TOKEN_IN_URL, WAYS, Way,
    done, failed, message, secret, tool_call,
};
use crate::gateway::{Gateway, Taken, header};

const CALLERS: [&str; 7] = ["root", "all", "elsewhere", "produce", "consume", "webhooks", "admin"];

/// Each tool with the permission that it needs, and arguments that ask for `topic`.
fn tools(topic: &str) -> Vec<(&'static str, Option<&'static str>, Value)> {
    let group = format!("of-{topic}");
    vec![
        ("list_topics", None, json!({})),
        ("read_records", Some("consume"), json!({"topic": topic})),
        ("read_records", Some("consume"), json!({"topic": topic, "partition": 0, "offset": 0})),
        ("produce", Some("produce"), json!({"topic": topic, "value": "new"})),
        ("consume", Some("consume"), json!({"topic": topic, "group": group, "wait": 0})),
        (
            "consume",
            Some("consume"),
            json!({"topic": format!("t,{topic}"), "group": "g", "wait": 0, "ack": "auto"}),
        ),
        (
            "acknowledge",
            Some("consume"),
            json!({"topic": topic, "group": group, "accept": ["no receipt"]}),
        ),
        ("group_lag", Some("consume"), json!({})),
        ("group_lag", Some("consume"), json!({"group": group})),
        ("group_lag", Some("consume"), json!({"group": "of-both"})),
        ("list_subscriptions", Some("webhooks"), json!({})),
        ("list_sources", Some("webhooks"), json!({})),
        ("list_sources", Some("webhooks"), json!({"name": group})),
    ]
}

fn permissions(caller: &str) -> Vec<&str> {
    PERMISSIONS
        .into_iter()
        .filter(|permission| *permission == caller || !PERMISSIONS.contains(&caller))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn the_credential_decides_which_tools_are_listed_however_it_comes() {
    local(async {
        let scene = Scene::new().await;
        for caller in CALLERS {
            let may = permissions(caller);
            let mut expected: Vec<_> = tools("orders")
                .into_iter()
                .filter(|(_, needed, _)| needed.is_none_or(|needed| may.contains(&needed)))
                .map(|(name, ..)| name)
                .collect();
            expected.dedup();
            for (era, way) in ERAS.into_iter().flat_map(|era| WAYS.map(|way| (era, way))) {
                let list = message(era, "tools/list", &json!({}));
                let (_, json) = scene.send(list, caller, way).await.taken();
                let tools = json["result"]["tools"].as_array().unwrap();
                let names: Vec<_> =
                    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
                assert_eq!(names, expected, "{caller} {era:?} {way:?}");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_tool_shows_what_its_caller_may_not_see() {
    local(async {
        for topic in ["orders", "payments"] {
            for (tool, needed, arguments) in tools(topic) {
                for caller in CALLERS {
                    let scene = Scene::new().await;
                    let before =
                        scene.gateway.log.end("payments", 0) + scene.gateway.log.end("payments", 1);
                    let call = tool_call(Era::New, tool, &arguments);
                    let answer = scene.send(call, caller, Way::Basic).await.taken();
                    let text = answer.1.to_string();
                    let what = format!("{caller}: {tool} {arguments}: {text}");
                    for hidden in [SECRET_OF_SOURCE, TOKEN_IN_URL, "a guess of", SECRETS_KEY] {
                        assert!(!text.contains(hidden), "{what}");
                    }
                    for known in CALLERS {
                        assert!(!text.contains(&secret(known)), "{what}");
                    }
                    let may = needed.is_none_or(|needed| permissions(caller).contains(&needed));
                    if !may {
                        let missing = format!("The permission \"{}\" is missing", needed.unwrap());
                        assert!(failed(answer).contains(&missing), "{what}");
                    }
                    if caller == "root" {
                        continue;
                    }
                    // What the caller has said itself is not shown by that.
                    let shown = text.replace("The topic \\\"payments\\\" is none", "");
                    let asked_by_name =
                        ["of-payments", "payments"].iter().fold(shown, |shown, name| {
                            shown.replace(&format!("not found: {name}"), "")
                        });
                    assert!(!text.contains(RECORD_OF_PAYMENTS), "{what}");
                    assert!(!asked_by_name.contains("payments"), "{what}");
                    if caller == "elsewhere" {
                        assert!(!text.contains("first") && !text.contains("second"), "{what}");
                    }
                    let after =
                        scene.gateway.log.end("payments", 0) + scene.gateway.log.end("payments", 1);
                    assert_eq!(before, after, "{what}");
                }
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_receipt_means_something_in_its_own_group_only() {
    local(async {
        let scene = Scene::new().await;
        let consume = json!({"topic": "orders", "group": "mine", "max": 1});
        let claimed = done(scene.call("all", "consume", consume).await);
        let receipt = claimed["records"][0]["receipt"].as_str().unwrap().to_owned();
        let settle = async |by: &str, topic: &str, group: &str, word: &str| {
            let arguments = json!({"topic": topic, "group": group, word: [receipt]});
            let answer = scene.call(by, "acknowledge", arguments).await;
            done(answer)["receipts"][0]["status"].as_str().unwrap().to_owned()
        };
        for word in ["accept", "release", "reject", "renew"] {
            assert_eq!(settle("all", "orders", "other", word).await, "unknown");
            assert_eq!(settle("elsewhere", "t", "mine", word).await, "unknown");
            assert_eq!(settle("root", "payments", "mine", word).await, "unknown");
        }
        // It is not shown to whoever consumes for another group, or for the same one.
        for group in ["other", "mine"] {
            let consume = json!({"topic": "orders", "group": group, "wait": 0});
            let text = done(scene.call("all", "consume", consume).await).to_string();
            assert!(!text.contains(&receipt), "{text}");
        }
        assert_eq!(settle("all", "orders", "mine", "accept").await, "accepted");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_key_for_kafka_decides_where_it_is_passed_through() {
    local(async {
        let gateway = Gateway::closed();
        gateway.world.set_variable("kafka_credentials", "passthrough");
        gateway.world.set_variable("kafka_rest_url", "http://kafka.test:8082");
        gateway.log.append("t", 0, "a record");
        let send = async |era: Era, method: &str, params: Value, by: (&str, &str)| {
            let mut post = message(era, method, &params);
            post.headers.push(header(by.0, by.1.as_bytes()));
            gateway.send(post).await.taken()
        };
        let pair = (AUTHORIZATION.as_str(), "Basic T05FOmh1c2g=");
        let (_, listed) = send(Era::New, "tools/list", json!({}), pair).await;
        let names: Vec<_> = listed["result"]["tools"]
            .as_array()
            .unwrap()
            .iter()
            .map(|tool| tool["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, ["list_topics", "read_records", "produce", "consume", "acknowledge"]);
        let call = async |name: &str, arguments: Value| {
            send(Era::Old, "tools/call", json!({"name": name, "arguments": arguments}), pair).await
        };
        let read = done(call("read_records", json!({"topic": "t"})).await);
        assert_eq!(read["records"][0]["value"], "a record");
        for tool in ["group_lag", "list_subscriptions", "list_sources"] {
            let sentence = failed(call(tool, json!({})).await);
            assert!(sentence.contains("kafka_credentials is passthrough"), "{sentence}");
        }
        // Kafka does not know the key.
        let refused =
            kafka_edge::error::ErrorKind::PermissionDenied { known: false, detail: "x".into() };
        gateway.log.set_failure(Some(refused.into()));
        for (tool, arguments) in [
            ("list_topics", json!({})),
            ("read_records", json!({"topic": "t"})),
            ("consume", json!({"topic": "t", "group": "g"})),
            ("acknowledge", json!({"topic": "t", "group": "g", "accept": ["x"]})),
        ] {
            let sentence = failed(call(tool, arguments).await);
            assert!(sentence.starts_with("The Kafka server refused the credential:"), "{sentence}");
        }
        assert!(gateway.world.store().is_empty());
        for by in [("x-api-key", "ONE:hush"), (AUTHORIZATION.as_str(), "Bearer hush")] {
            assert_eq!(send(Era::New, "tools/list", json!({}), by).await.0, 401);
        }
        assert!(!gateway.world.reported().join("\n").contains("hush"));
    })
    .await;
}
