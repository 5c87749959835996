//! `Idempotency-Key` on every call that produces.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, Method};
use kafka_edge::error::ErrorKind;
use kafka_edge::host::Clock;
use kafka_edge::http::Request;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use crate::gateway::{Gateway, Taken, header, request};

const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

fn produce(target: &str, key: &str, body: &str) -> Request<Bytes> {
    let method = if body.is_empty() { Method::GET } else { Method::POST };
    let mut produce = request(method, target);
    if !key.is_empty() {
        produce.headers.push(header("Idempotency-Key", key.as_bytes()));
    }
    produce.body = Bytes::copy_from_slice(body.as_bytes());
    produce
}

/// Status, whether the answer is about an earlier call, and the body.
async fn send(gateway: &Gateway, request: Request<Bytes>) -> (u16, bool, Value) {
    let response = gateway.send(request).await;
    let replayed = response.header(&REPLAYED) == Some("true");
    let (status, json) = response.taken();
    (status, replayed, json)
}

fn written(gateway: &Gateway) -> usize {
    (0..2).map(|partition| gateway.log.records("t", partition).len()).sum()
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_made_again_writes_nothing_and_says_where_the_records_are() {
    local(async {
        for (target, body) in [
            ("/producer/t/hello", ""),
            ("/producer/t", "hello"),
            ("/webhook?topic=t", "hello"),
            ("/upstash/produce/t/hello", ""),
            ("/upstash/produce/t", r#"{"value":"hello"}"#),
            ("/upstash/produce", r#"[{"topic":"t","value":"a"},{"topic":"t","value":"b"}]"#),
            ("/upstash/webhook?topic=t", "hello"),
        ] {
            let gateway = Gateway::open();
            let (status, replayed, first) = send(&gateway, produce(target, "k-1", body)).await;
            assert_eq!((status, replayed), (200, false), "{target}: {first}");
            let count = written(&gateway);
            for gateway in [&gateway, &gateway.restarted()] {
                let (status, replayed, again) = send(gateway, produce(target, "k-1", body)).await;
                assert_eq!((status, replayed), (200, true), "{target}: {again}");
                let offset =
                    |json: &Value| json.get(0).unwrap_or(json).get("offset").cloned().unwrap();
                assert_eq!(offset(&again), offset(&first), "{target}");
            }
            assert_eq!(written(&gateway), count, "{target}");
            assert!(!send(&gateway, produce(target, "k-2", body)).await.1, "{target}");
            assert!(!send(&gateway, produce(target, "", body)).await.1, "{target}");
            assert_eq!(written(&gateway), 3 * count, "{target}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn lines_that_failed_are_written_by_the_repeat() {
    local(async {
        let gateway = Gateway::open();
        let lines = || {
            let mut lines = produce("/producer/t", "\"k\"", "{\"message\":1}\n{\"message\":2}\n");
            lines.headers.push(header("content-type", b"application/x-ndjson"));
            lines
        };
        gateway.log.set_failure(Some(ErrorKind::Timeout.into()));
        assert_eq!(send(&gateway, lines()).await.2[0]["status"], 504);
        gateway.log.set_failure(None);
        let (_, replayed, reports) = send(&gateway, lines()).await;
        assert!(!replayed && reports[1]["offset"].is_number(), "{reports}");
        let mut bare = lines();
        bare.headers.retain(|(name, _)| name != "Idempotency-Key");
        bare.headers.push(header("idempotency-key", b"k"));
        let (_, replayed, again) = send(&gateway, bare).await;
        assert!(replayed, "quotes are not part of the key: {again}");
        assert_eq!(written(&gateway), 2);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn after_an_unknown_outcome_a_repeat_waits_and_then_writes() {
    local(async {
        let gateway = Gateway::open();
        let unknown = ErrorKind::OutcomeUnknown { detail: "no report".into() };
        gateway.log.set_failure(Some(unknown.into()));
        let call = || produce("/producer/t", "k", "hello");
        assert_eq!(send(&gateway, call()).await.0, 504);
        gateway.log.set_failure(None);
        let (status, _, json) = send(&gateway, call()).await;
        assert_eq!(
            (status, &json["error"]),
            (503, &json!("The same call is being made; try again"))
        );
        gateway.world.instance().sleep(Duration::from_secs(10)).await;
        assert_eq!(send(&gateway, call()).await.0, 200);
        assert_eq!(written(&gateway), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_key_is_its_callers_and_its_calls() {
    local(async {
        let gateway = Gateway::open();
        assert_eq!(send(&gateway, produce("/producer/t", "k", "hello")).await.0, 200);
        let (status, _, json) = send(&gateway, produce("/producer/t", "k", "other")).await;
        assert_eq!((status, &json["detail"]), (400, &json!("idempotency-key")));
        for key in ["", " ", "\"\"", &"k".repeat(256), "gr\u{fc}n"] {
            let mut malformed = produce("/producer/t", "", "hello");
            malformed.headers.push(header("idempotency-key", key.as_bytes()));
            let (status, _, json) = send(&gateway, malformed).await;
            assert_eq!((status, &json["detail"]), (400, &json!("idempotency-key")), "{key}");
        }
        let mut twice = produce("/producer/t", "a", "hello");
        twice.headers.push(header("idempotency-key", b"b"));
        assert_eq!(send(&gateway, twice).await.0, 400);

        let all = r#"[
            {"name":"a","secret":"aaaaaaaaaaaaaaaa","allow":["produce"],"topics":["*"]},
            {"name":"b","secret":"bbbbbbbbbbbbbbbb","allow":["produce"],"topics":["*"]}]"#;
        gateway.world.set_variable("open_access", "");
        gateway.world.set_variable("credentials", all);
        let closed = gateway.restarted();
        for secret in ["aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"] {
            let mut call = produce("/producer/t", "k", "mine");
            call.headers.push(header("authorization", format!("Bearer {secret}").as_bytes()));
            let (status, replayed, json) = send(&closed, call).await;
            assert_eq!((status, replayed), (200, false), "{json}");
        }
    })
    .await;
}
