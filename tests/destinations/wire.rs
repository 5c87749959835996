//! What is sent to a REST server, byte for byte, and how a destination is tried.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{Method, StatusCode};
use kafka_edge::host::{Outgoing, SendError, SendErrorKind, Sent};
use kafka_edge::kafka::confluent::ConfluentLog;
use kafka_edge_sim::{Answer, Script, SimHost, local};
use serde_json::{Value, json};

use crate::scene::{Instance, Scene, request};

const TOPIC: &str = "GET /kafka/v3/clusters/lkc-1/topics/events";
const LIMIT: &str = "GET /kafka/v3/clusters/lkc-1/topics/events/configs/max.message.bytes";
const RECORDS: &str = "POST /kafka/v3/clusters/lkc-1/topics/events/records";

type Confluent = ConfluentLog<SimHost>;

/// A gateway with the key `a-secret-of-the-root`, and a cluster in Confluent Cloud that answers by a
/// script.
fn scene() -> (Scene<Confluent>, Script) {
    let scene = Scene::connecting(1, |host, config| ConfluentLog::new(host.clone(), config));
    let script = Script::new();
    script.on(TOPIC, [topic(json!([]))]);
    script.on(LIMIT, [Answer::body(200, r#"{"name":"max.message.bytes","value":"1048588"}"#)]);
    let report =
        r#"{"error_code":200,"partition_id":0,"offset":7,"timestamp":"2026-03-01T10:15:30Z"}"#;
    script.on(RECORDS, [Answer::body(200, report)]);
    scene.world.set_upstream(script.upstream());
    scene.world.set_variable("open_access", "");
    let credential = json!([{"name": "root", "secret": "a-secret-of-the-root", "topics": ["*"],
        "allow": ["admin", "webhooks", "produce"]}]);
    scene.world.set_variable("credentials", &credential.to_string());
    (scene, script)
}

fn topic(operations: Value) -> Answer {
    let topic = json!({"kind": "KafkaTopic", "topic_name": "events", "partitions_count": 3,
        "authorized_operations": operations});
    Answer::body(200, topic.to_string())
}

fn refusal(status: u16, code: i64) -> Answer {
    let message = "a text of the server's own";
    Answer::body(status, json!({"error_code": code, "message": message}).to_string())
}

async fn call(
    one: &Instance<Confluent>,
    method: Method,
    target: &str,
    body: &Value,
) -> crate::scene::Answer {
    let mut call = request(method, target, body);
    call.headers.push(("X-API-Key".into(), "a-secret-of-the-root".into()));
    one.send(call).await.expect("it lives")
}

/// The call that hookstream documents, with values of our own.
async fn create(one: &Instance<Confluent>, target: &str) -> String {
    let documented = json!({"name": "Event Stream", "type": "kafka", "config": {
        "bootstrap_servers": "pkc-1.eu.aws.confluent.cloud:9092", "cluster_id": "lkc-1",
        "topic": "events", "api_key": "KEY1", "api_secret": "hush",
    }});
    let made = call(one, Method::POST, target, &documented).await;
    assert_eq!(made.status, 201, "{}", made.json);
    made.json["id"].as_str().expect("an id").to_owned()
}

fn posted(script: &Script) -> Vec<Outgoing> {
    script.seen().into_iter().filter(|sent| sent.method == Method::POST).collect()
}

#[tokio::test(start_paused = true)]
async fn an_event_is_the_documented_call() {
    local(async {
        let (scene, script) = scene();
        let one = scene.instance();
        let id = create(&one, "/v1/destinations").await;
        let source = json!({"name": "s", "destinations": ["Event Stream"], "verify": {"none": {}},
            "dedupe": {"id": {"field": "/id"}}, "shape": {"headers": {"keep": []}}});
        assert_eq!(call(&one, Method::POST, "/sources", &source).await.status, 201);
        let mut event = request(Method::POST, "/in/s", &Value::Null);
        event.body = r#"{"id":"evt_1","total":1.10}"#.into();
        let taken = one.send(event).await.unwrap();
        let place =
            json!({"destination": "Event Stream", "topic": "events", "partition": 0, "offset": 7});
        assert_eq!((taken.status, taken.json), (200, json!({"records": [place]})));

        let [sent] = &posted(&script)[..] else { panic!("it is one call") };
        assert_eq!(
            sent.uri.to_string(),
            "https://pkc-1.eu.aws.confluent.cloud/kafka/v3/clusters/lkc-1/topics/events/records"
        );
        // KEY1:hush
        assert_eq!(sent.headers[AUTHORIZATION], "Basic S0VZMTpodXNo");
        assert_eq!(sent.headers[CONTENT_TYPE], "application/json");
        let base64 = |text: &str| {
            use base64::Engine;
            base64::engine::general_purpose::STANDARD.encode(text)
        };
        let expected = format!(
            concat!(
                r#"{{"headers":[{{"name":"hookstream-event-id","value":"{}"}},"#,
                r#"{{"name":"hookstream-destination-id","value":"{}"}}],"#,
                r#""value":{{"type":"JSON","data":{{"id":"evt_1","total":1.10}}}}}}"#,
            ),
            base64("evt_1"),
            base64(&id)
        );
        assert_eq!(std::str::from_utf8(&sent.body).unwrap(), expected);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_client_is_kept_until_its_destination_changes() {
    local(async {
        let (scene, script) = scene();
        let one = scene.instance();
        create(&one, "/destinations").await;
        let source = json!({"name": "s", "destinations": ["Event Stream"], "verify": {"none": {}}});
        assert_eq!(call(&one, Method::POST, "/sources", &source).await.status, 201);
        let event = async || {
            let event = request(Method::POST, "/in/s", &json!({}));
            assert_eq!(one.send(event).await.unwrap().status, 200);
        };
        for _ in 0..3 {
            event().await;
        }
        assert_eq!((script.count(TOPIC), script.count(RECORDS)), (1, 3), "the topic is remembered");
        let secret = json!({"config": {"api_secret": "other"}});
        let target = "/destinations/Event%20Stream";
        assert_eq!(call(&one, Method::PATCH, target, &secret).await.status, 200);
        tokio::time::sleep(std::time::Duration::from_secs(5)).await;
        event().await;
        assert_eq!(script.count(TOPIC), 2);
        // KEY1:other
        let last = posted(&script).pop().unwrap();
        assert_eq!(last.headers[AUTHORIZATION], "Basic S0VZMTpvdGhlcg==");
        let text = std::str::from_utf8(&last.body).unwrap();
        assert!(text.contains(r#""type":"STRING","data":"{}""#), "{text}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_trial_finds_out_what_can_be_found_out_and_writes_nothing() {
    local(async {
        let not_reached = SendError { sent: Sent::Not, kind: SendErrorKind::Refused };
        let yes = || json!({"passed": true});
        let no = |reason: &str, error: &str| json!({"passed": false, "reason": reason, "error": error});
        let unknown = |note: &str| json!({"passed": null, "note": note});
        let not_asked = "Nothing can be asked of a server that is not reached";
        let not_shown = "The server did not show the topic";
        let not_told = "The server does not say what the key may do, and only a record could show \
                        it; none was written";
        let forbidden = "The destination's Kafka does not allow this to the key";
        for (answer, records, expected, asks) in [
            (
                topic(json!(["DESCRIBE", "WRITE"])),
                None,
                json!({"reachable": yes(), "topic": yes(), "partitions": 3, "write": yes()}),
                0,
            ),
            (
                topic(json!(["DESCRIBE", "READ"])),
                None,
                json!({"reachable": yes(), "topic": yes(), "partitions": 3,
                    "write": no("permission-denied", forbidden)}),
                0,
            ),
            (
                topic(json!([])),
                Some(Answer::body(200, "")),
                json!({"reachable": yes(), "topic": yes(), "partitions": 3, "write": unknown(not_told)}),
                1,
            ),
            (
                topic(json!(null)),
                Some(refusal(403, 40301)),
                json!({"reachable": yes(), "topic": yes(), "partitions": 3,
                    "write": no("permission-denied", forbidden)}),
                1,
            ),
            (
                refusal(404, 40403),
                None,
                json!({"reachable": yes(),
                    "topic": no("unknown-topic", "The destination has no such topic"),
                    "write": unknown("The topic is not there")}),
                0,
            ),
            (
                refusal(404, 404),
                None,
                json!({"reachable": yes(),
                    "topic": no("unknown-cluster", "The destination's Kafka does not have the \
                        cluster, or does not say which one it has"),
                    "write": unknown(not_shown)}),
                0,
            ),
            (
                refusal(401, 40101),
                None,
                json!({"reachable": yes(), "topic": unknown(not_shown),
                    "write": no("unknown-key", "The destination's Kafka does not know the key")}),
                0,
            ),
            (
                Answer::body(500, "<html>a text of the server's own"),
                None,
                json!({"reachable": no("upstream-failed", "The destination's Kafka failed"),
                    "topic": unknown(not_shown), "write": unknown(not_shown)}),
                0,
            ),
            (
                Answer::fails(not_reached.clone()),
                None,
                json!({"reachable": no("unreachable", "The destination's Kafka cannot be reached"),
                    "topic": unknown(not_asked), "write": unknown(not_asked)}),
                0,
            ),
        ] {
            let (scene, script) = scene();
            let one = scene.instance();
            create(&one, "/destinations").await;
            script.on(TOPIC, [answer]);
            if let Some(records) = records {
                script.on(RECORDS, [records]);
            }
            let target = "/destinations/Event%20Stream/test";
            let tried = call(&one, Method::POST, target, &Value::Null).await;
            assert_eq!((tried.status, &tried.json), (200, &expected));
            let sent = posted(&script);
            assert_eq!(sent.len(), asks);
            assert!(sent.iter().all(|sent| sent.body.is_empty()), "no record is sent");
            let query = script.seen()[0].uri.query().map(str::to_owned);
            assert_eq!(query.as_deref(), Some("include_authorized_operations=true"));
        }
        assert_eq!(StatusCode::OK, 200);
    })
    .await;
}
