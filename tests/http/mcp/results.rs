//! What the tools return fits the schemas that they are listed with.

use std::collections::BTreeSet;

use kafka_edge_bounded_json::{Budget, parse};
use kafka_edge_schema::Schema;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use super::scene::{Era, Scene, Way, done, failed, message};
use crate::gateway::Taken;

/// Why a value does not fit a schema, if it does not.
fn misfit(schema: &Value, value: &Value) -> Option<String> {
    let mut budget = Budget::default();
    let schema = parse(schema.to_string().as_bytes(), &mut budget).unwrap();
    let schema = Schema::compile(&schema).expect("the schema is one");
    let value = parse(value.to_string().as_bytes(), &mut budget).unwrap();
    schema.check(&value, &mut budget).unwrap().err().map(|failure| failure.sentence)
}

async fn listed(scene: &Scene) -> Vec<Value> {
    let list = message(Era::New, "tools/list", &json!({}));
    let (_, json) = scene.send(list, "root", Way::Bearer).await.taken();
    json["result"]["tools"].as_array().unwrap().clone()
}

fn schema<'t>(tools: &'t [Value], name: &str, kind: &str) -> &'t Value {
    let tool = tools.iter().find(|tool| tool["name"] == name);
    &tool.unwrap_or_else(|| panic!("there is no {name}"))[kind]
}

/// Calls that show every member of a result at least once.
fn calls(receipt: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("list_topics", json!({})),
        ("read_records", json!({"topic": "orders"})),
        ("read_records", json!({"topic": "orders", "last": 100, "max_value_bytes": 4})),
        (
            "read_records",
            json!({"topic": "orders", "partition": 0, "offset": 0, "max": 1, "wait": 1,
                "value_from": 2}),
        ),
        ("read_records", json!({"topic": "t", "partition": 0})),
        ("produce", json!({"topic": "orders", "value": "x"})),
        (
            "produce",
            json!({"topic": "orders", "value": "eA==", "encoding": "base64", "key": "k",
                "key_encoding": null, "partition": 0, "timestamp": "2026-01-01T00:00:00Z",
                "headers": [{"name": "a", "value": null}], "idempotency_key": "k"}),
        ),
        (
            "produce",
            json!({"topic": "orders", "value": "eA==", "encoding": "base64", "key": "k",
                "partition": 0, "timestamp": "2026-01-01T00:00:00Z", "idempotency_key": "k"}),
        ),
        ("produce", json!({"topic": "orders", "value": null, "key": "k"})),
        ("consume", json!({"topic": "orders", "group": "g", "max": 1, "from": "earliest"})),
        ("consume", json!({"topic": "orders,t", "group": "h", "ack": "auto"})),
        ("consume", json!({"topic": "t", "group": "h", "wait": 0, "lease": 60})),
        (
            "acknowledge",
            json!({"topic": "orders", "group": "g", "renew": [receipt, "x"], "release": ["y"],
                "delay": 1, "lease": 60}),
        ),
        ("group_lag", json!({})),
        ("group_lag", json!({"group": "of-both"})),
        ("list_subscriptions", json!({})),
        ("list_sources", json!({})),
        ("list_sources", json!({"name": "of-orders"})),
    ]
}

#[tokio::test(start_paused = true)]
async fn results_and_arguments_fit_the_schemas() {
    local(async {
        let scene = Scene::new().await;
        // A record that has everything, and one of bytes.
        let full = json!({"topic": "orders", "value": "a long value", "key": "a long key",
            "partition": 0, "headers": [{"name": "a", "value": "1"}, {"name": "b", "value": null}]});
        done(scene.call("root", "produce", full).await);
        let bytes = json!({"topic": "orders", "value": "/w==", "encoding": "base64", "key": "/w==",
            "key_encoding": "base64", "headers": [{"name": "a", "value": "/w==", "encoding": "base64"}]});
        done(scene.call("root", "produce", bytes).await);
        let claimed = json!({"topic": "orders", "group": "g", "max": 1});
        let claimed = done(scene.call("root", "consume", claimed).await);
        let receipt = claimed["records"][0]["receipt"].as_str().unwrap().to_owned();

        let tools = listed(&scene).await;
        let mut called = BTreeSet::new();
        for (tool, arguments) in calls(&receipt) {
            if arguments.get("key_encoding") != Some(&Value::Null) {
                let wrong = misfit(schema(&tools, tool, "inputSchema"), &arguments);
                assert_eq!(wrong, None, "{tool} {arguments}");
            }
            let result = done(scene.call("root", tool, arguments.clone()).await);
            let wrong = misfit(schema(&tools, tool, "outputSchema"), &result);
            assert_eq!(wrong, None, "{tool} {arguments}: {result}");
            called.insert(tool);
        }
        let names: BTreeSet<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
        assert_eq!(called, names);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_the_schema_of_the_arguments_refuses_the_tool_refuses() {
    local(async {
        let scene = Scene::new().await;
        let tools = listed(&scene).await;
        for (tool, arguments) in [
            ("list_topics", json!({"x": 1})),
            ("read_records", json!({})),
            ("read_records", json!({"topic": 1})),
            ("read_records", json!({"topic": "orders", "last": 0})),
            ("read_records", json!({"topic": "orders", "partition": 0, "offset": -1})),
            ("read_records", json!({"topic": "orders", "partition": 0, "offset": "1"})),
            ("read_records", json!({"topic": "orders", "max_value_bytes": 100_001})),
            ("produce", json!({"topic": "orders"})),
            ("produce", json!({"topic": "orders", "value": {"a": 1}})),
            ("produce", json!({"topic": "orders", "value": "x", "encoding": "hex"})),
            ("produce", json!({"topic": "orders", "value": "x", "idempotency_key": ""})),
            ("produce", json!({"topic": "orders", "value": "x", "headers": {"a": "b"}})),
            ("consume", json!({"topic": "orders"})),
            ("consume", json!({"topic": "orders", "group": "g", "max": 101})),
            ("consume", json!({"topic": "orders", "group": "g", "ack": "none"})),
            ("consume", json!({"topic": "orders", "group": "g", "lease": 0})),
            ("consume", json!({"topic": "orders", "group": "g", "from": "now"})),
            ("acknowledge", json!({"topic": "orders", "group": "g", "accept": "x"})),
            ("acknowledge", json!({"topic": "orders", "group": "g", "accept": [1]})),
            ("acknowledge", json!({"topic": "orders", "group": "g", "accept": ["x"], "delay": -1})),
            ("group_lag", json!({"group": 1})),
            ("list_subscriptions", json!({"topic": "orders"})),
            ("list_sources", json!({"name": 1})),
        ] {
            let misfit = misfit(schema(&tools, tool, "inputSchema"), &arguments);
            assert!(misfit.is_some(), "{tool} {arguments}");
            failed(scene.call("root", tool, arguments).await);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_schemas_have_every_argument_that_the_tool_knows() {
    local(async {
        let scene = Scene::new().await;
        for tool in listed(&scene).await {
            let name = tool["name"].as_str().unwrap();
            // A tool of topics looks for its topic first; the others do not know it.
            let arguments = json!({"topic": "orders", "nonsense": 1});
            let sentence = failed(scene.call("root", name, arguments).await);
            let (_, known) = sentence.split_once("there are: ").unwrap();
            let known: BTreeSet<_> = known.trim_end_matches('.').split(", ").collect();
            let properties = tool["inputSchema"]["properties"].as_object().unwrap();
            let described: BTreeSet<_> = properties.keys().map(String::as_str).collect();
            let known: BTreeSet<_> = known.into_iter().filter(|name| !name.is_empty()).collect();
            assert_eq!(known, described, "{name}");
        }
    })
    .await;
}
