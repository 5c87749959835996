//! Nothing secret and nothing of a record is in a line, whatever fails.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use kafka_edge::access::{AllowedTopic, Grant};
use kafka_edge::record::{Header, NewRecord};
use kafka_edge::services::consume::{Ack, Next, StartFrom};
use kafka_edge_sim::{Answer, Fault, Script, local};
use serde_json::json;

use crate::scene::{CALLBACK, KEY, SECRET, Scene, TOPIC};

const CONTENT: &str = "content-of-a-record";

fn telling() -> NewRecord {
    let part = |name: &str| Some(Bytes::from(format!("{name}-{CONTENT}")));
    NewRecord {
        key: part("key"),
        value: part("value"),
        headers: vec![Header { name: "header".into(), value: part("header") }],
        ..NewRecord::default()
    }
}

fn check(scene: &Scene, secret_of_webhook: &str) {
    let pair = STANDARD.encode(format!("{KEY}:{SECRET}"));
    let encoded = STANDARD.encode(format!("value-{CONTENT}"));
    let forbidden =
        [KEY, SECRET, &pair, CONTENT, &encoded, "callback-token", "example.com", secret_of_webhook];
    for line in scene.world.reported() {
        for text in forbidden {
            assert!(!line.contains(text), "{line}");
        }
        assert!(!line.contains('\n') && line.len() <= 2_001, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_failure_tells_a_secret_or_a_record() {
    local(async {
        let faults = [
            Fault::Refuse,
            Fault::DropAnswer,
            Fault::BreakBefore,
            Fault::Delay(Duration::from_secs(20)),
            Fault::Delay(Duration::from_secs(2)),
            Fault::CutBody(1),
            Fault::CutBody(40),
            Fault::Hang,
        ];
        let statuses = [302, 400, 401, 403, 404, 408, 413, 422, 429, 500, 502, 503, 504];
        let faults = faults.into_iter().chain(statuses.map(Fault::Status));
        for fault in faults {
            for part in ["/records", "GET ", "POST ", "/hook", ""] {
                let scene = Scene::new("logfmt", "debug");
                let services = scene.services().await;
                let subscriptions = services.subscriptions.clone();
                let registered = subscriptions
                    .register(&AllowedTopic::trusted(TOPIC), CALLBACK, StartFrom::Latest)
                    .await;
                let secret = registered.unwrap().secret.unwrap();
                let before = scene.world.reported().len();
                scene.faults.times(12, part, fault.clone());
                // Whether it works is not the question here.
                let _ = scene.produce(telling()).await;
                let _ = subscriptions.deliver(Duration::from_secs(1), &Grant::open()).await;
                let next = Next {
                    group: "g".into(),
                    topics: vec![AllowedTopic::trusted(TOPIC)],
                    from: StartFrom::Earliest,
                    wait: Duration::from_millis(100),
                    max: 1,
                    max_bytes: 1_000,
                    ack: Ack::Auto,
                };
                let _ = services.consume.next(next).await;
                assert!(scene.world.reported().len() > before, "{fault:?} {part}");
                check(&scene, &secret);
            }
        }
    })
    .await;
}

/// Jackson, which the REST Proxy reads JSON with, quotes what it cannot read.
#[tokio::test(start_paused = true)]
async fn what_a_server_quotes_is_left_out() {
    local(async {
        for status in [200, 400, 401, 403, 404, 422, 429, 500, 503] {
            let scene = Scene::new("logfmt", "debug");
            let code = if status == 200 { 40_001 } else { i64::from(status) };
            let message = format!("Unrecognized token 'value-{CONTENT}' for {KEY} {SECRET}");
            let quoting = json!({"error_code": code, "message": message}).to_string();
            let script = Script::always(Answer::body(status, quoting));
            let path = "/v3/clusters/lkc-emulator/topics/orders";
            let topic = json!({"topic_name": TOPIC, "partitions_count": 1}).to_string();
            script.on(&format!("GET /kafka{path}"), [Answer::body(200, topic)]);
            scene.world.set_upstream(script.upstream());
            let error = scene.produce(telling()).await.unwrap_err();
            let lines = scene.lines("produce-failed");
            assert!(lines[0].contains(&format!("why={}", error.kind())), "{lines:?}");
            check(&scene, "none");
        }
    })
    .await;
}
