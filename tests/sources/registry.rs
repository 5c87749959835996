//! Sources whose schema is in the schema registry.

use std::time::Duration;

use kafka_edge::host::{SendError, SendErrorKind, Sent};
use kafka_edge_sim::{Answer as Upstream, Script, SimLog, local};
use serde_json::json;
use tokio::time::sleep;

use crate::scene::{Scene, topics};

const ROUTE: &str = "GET /subjects/orders-value/versions/latest";

async fn scene(answer: Upstream) -> (Scene<SimLog>, Script) {
    let script = Script::new();
    script.on(ROUTE, [answer]);
    let scene = Scene::new(1, topics()).await;
    scene.world.set_variable("schema_registry_url", "http://registry.test");
    scene.world.set_upstream(script.upstream());
    let source = json!({"name": "s", "topic": "t", "verify": {"none": {}},
        "validate": {"schema": {"registry": "orders-value"}, "frame": true}});
    let made = scene.instance().post("/sources", &source).await.unwrap();
    assert_eq!(made.status, 201, "{}", made.json);
    (scene, script)
}

fn good() -> Upstream {
    let schema = json!({"type": "object", "required": ["id"]}).to_string();
    Upstream::body(200, json!({"id": 7, "schemaType": "JSON", "schema": schema}).to_string())
}

fn down() -> Upstream {
    Upstream::fails(SendError { sent: Sent::Not, kind: SendErrorKind::Refused })
}

#[tokio::test(start_paused = true)]
async fn without_a_schema_nothing_is_written_and_the_reason_is_true() {
    local(async {
        let cannot = "The schema cannot be fetched; try again";
        let not_understood = "The schema registry's answer is not understood";
        let no_json = "The source's subject holds no JSON Schema: Avro and Protobuf are not taken";
        let avro = json!({"id": 7, "schema": "\"string\""}).to_string();
        let protobuf = json!({"id": 7, "schemaType": "PROTOBUF", "schema": ""}).to_string();
        let broken = json!({"id": 7, "schemaType": "JSON", "schema": "{"}).to_string();
        let unknown = json!({"id": 7, "schemaType": "JSON", "schema": "{\"$dynamicRef\":\"#x\"}"});
        for (answer, sentence) in [
            (down(), cannot),
            (Upstream::body(500, "{}"), cannot),
            (Upstream::body(401, "{}"), cannot),
            (
                Upstream::body(404, "{\"error_code\":40401}"),
                "The schema registry does not have the source's subject",
            ),
            (Upstream::body(200, avro), no_json),
            (Upstream::body(200, protobuf), no_json),
            (Upstream::body(200, "<html><body>Sign in</body></html>"), not_understood),
            (Upstream::body(200, broken), not_understood),
            (Upstream::body(200, unknown.to_string()), "The schema of the registry is not taken"),
        ] {
            let (scene, script) = scene(answer.clone()).await;
            let instance = scene.instance();
            let refused = instance.event("s", "1").await.unwrap();
            assert_eq!(refused.status, 503, "{answer:?}: {}", refused.json);
            let said = refused.json["error"].as_str().unwrap();
            assert!(said.starts_with(sentence), "{answer:?}: {said}");
            assert!(scene.log.records("t", 0).is_empty());
            script.on(ROUTE, [good()]);
            assert_eq!(instance.event("s", "1").await.unwrap().status, 200, "{answer:?}");
            let value = scene.log.records("t", 0).pop().unwrap().value.unwrap();
            assert_eq!(&value[..5], [0, 0, 0, 0, 7]);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_older_schema_is_better_than_none() {
    local(async {
        let (scene, script) = scene(good()).await;
        let instance = scene.instance();
        assert_eq!(instance.event("s", "1").await.unwrap().status, 200);
        script.on(ROUTE, [down()]);
        sleep(Duration::from_secs(601)).await;
        for number in 0..20 {
            let answer = instance.event("s", &format!("{number}")).await.unwrap();
            assert_eq!(answer.status, 200, "{}", answer.json);
        }
        assert_eq!(script.count(ROUTE), 2, "it is asked again after a while");
        sleep(Duration::from_secs(31)).await;
        let other = Upstream::body(
            200,
            json!({"id": 8, "schemaType": "JSON",
            "schema": "{\"type\":\"array\"}"})
            .to_string(),
        );
        script.on(ROUTE, [other]);
        assert_eq!(instance.event("s", "1").await.unwrap().status, 422);
        assert_eq!(script.count(ROUTE), 3);
    })
    .await;
}
