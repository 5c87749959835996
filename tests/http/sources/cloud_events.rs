//! Records that are CloudEvents, and the question that comes before the first.

use bytes::Bytes;
use http::Method;
use http::header::{ALLOW, HeaderName};
use kafka_edge::record::Record;
use kafka_edge_sim::local;
use serde_json::json;

use super::support::{answer, create, plain, records, send, with};
use crate::gateway::{Gateway, Taken, header, request};

const WHOLE: [(&str, &str); 4] =
    [("ce-specversion", "1.0"), ("ce-id", "1"), ("ce-source", "/s"), ("ce-type", "t")];

/// Sends what has no other header; returns the record that it became.
async fn written(gateway: &Gateway, headers: &[(&str, &str)], body: &str) -> Record {
    let mut event = request(Method::POST, "/in/s");
    event.headers = headers.iter().map(|(name, value)| header(name, value.as_bytes())).collect();
    event.body = Bytes::copy_from_slice(body.as_bytes());
    let (status, json) = answer(gateway, event).await.taken();
    assert_eq!(status, 200, "{json}");
    let (partition, offset) = (&json["records"][0]["partition"], &json["records"][0]["offset"]);
    let written = records(gateway, "t").into_iter();
    let mut found = written.filter(|r| *partition == r.partition && *offset == r.offset);
    found.next().unwrap()
}

fn values<'a>(record: &'a Record, name: &str) -> Vec<&'a [u8]> {
    let headers = record.headers.iter().flatten().filter(|header| header.name == name);
    headers.map(|header| header.value.as_deref().unwrap()).collect()
}

#[tokio::test(start_paused = true)]
async fn empty_data_is_not_the_same_as_none() {
    local(async {
        let gateway = with(plain(json!({"cloud_events": {"mode": "binary"}}))).await;
        assert_eq!(written(&gateway, &WHOLE, "").await.value, None);
        let structured = [("content-type", "application/cloudevents+json")];
        let event = r#"{"specversion":"1.0","id":"2","source":"/s","type":"t",
            "datacontenttype":"text/plain","data":""}"#;
        assert_eq!(written(&gateway, &structured, event).await.value, Some(Bytes::new()));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_header_of_the_sender_passes_for_one_of_the_event() {
    local(async {
        for mode in ["binary", "structured"] {
            let source = json!({"cloud_events": {"mode": mode}});
            let gateway = with(plain(source)).await;
            let more = [("ce_type", "forged"), ("CE_new", "forged"), ("x-other", "kept")];
            let record = written(&gateway, &[&WHOLE[..], &more].concat(), "{}").await;
            let types: &[&[u8]] = if mode == "binary" { &[b"t"] } else { &[] };
            assert_eq!(values(&record, "ce_type"), types, "{mode}");
            assert_eq!(values(&record, "x-other"), [b"kept"], "{mode}");
            let names: Vec<_> =
                record.headers.iter().flatten().map(|header| header.name.as_str()).collect();
            assert!(!names.contains(&"CE_new"), "{names:?}");

            let keep = json!({"cloud_events": {"mode": mode},
                "shape": {"headers": {"keep": ["content-type", "x-other"]}}});
            let gateway = with(plain(keep)).await;
            let typed = [("content-type", "a/b"), ("x-other", "kept")];
            let record = written(&gateway, &[&WHOLE[..], &typed].concat(), "{}").await;
            let own: &[u8] = match mode {
                "binary" => b"a/b",
                _ => b"application/cloudevents+json; charset=UTF-8",
            };
            assert_eq!(values(&record, "content-type"), [own], "{mode}");
            assert_eq!(values(&record, "x-other"), [b"kept"], "{mode}");
        }
        // Without them, what the sender sets is what the record has.
        let gateway = with(plain(json!({}))).await;
        send(&gateway, &[("ce_type", "x")], "{}").await;
        assert_eq!(values(&records(&gateway, "t")[0], "ce_type"), [b"x"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn consent_names_the_rate_and_is_given_only_by_what_takes_events() {
    local(async {
        let gateway = with(plain(json!({}))).await;
        let slow = json!({"name": "slow", "allow": {"rate": 2, "methods": ["POST", "GET"]}});
        create(&gateway, plain(slow)).await;
        create(&gateway, plain(json!({"name": "off", "enabled": false}))).await;
        for (name, status, origin, rate, methods) in [
            ("s", 200, Some("eventgrid.azure.net"), Some("*"), Some("POST, OPTIONS")),
            ("slow", 200, Some("eventgrid.azure.net"), Some("120"), Some("POST, GET, OPTIONS")),
            ("off", 410, None, None, None),
        ] {
            let mut asked = request(Method::OPTIONS, &format!("/in/{name}"));
            asked.headers.push(header("WebHook-Request-Origin", b"eventgrid.azure.net"));
            asked.headers.push(header("WebHook-Request-Rate", b"600"));
            let answer = answer(&gateway, asked).await;
            assert_eq!(answer.status, status, "{name}");
            let value = |name| answer.header(&HeaderName::from_static(name));
            assert_eq!(value("webhook-allowed-origin"), origin, "{name}");
            assert_eq!(value("webhook-allowed-rate"), rate, "{name}");
            assert_eq!(answer.header(&ALLOW), methods, "{name}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_is_the_whole_event() {
    local(async {
        for mode in ["binary", "structured"] {
            let source = json!({"cloud_events": {"mode": mode},
                "validate": {"schema": {"type": "object"}, "on_failure": {"dead_letter": "dead"}}});
            let gateway = with(plain(source)).await;
            gateway.log.create_topic("dead", 1);
            let mut event = request(Method::POST, "/in/s");
            event.headers.push(header("content-type", b"application/cloudevents+json"));
            event.headers.push(header("x-other", b"kept"));
            event.body =
                r#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data":[1]}"#.into();
            let (status, json) = answer(&gateway, event).await.taken();
            assert_eq!((status, &json["dead_letter"]), (202, &json!(true)), "{json}");
            let letter = gateway.log.records("dead", 0).pop().unwrap();
            assert_eq!(letter.value.as_deref(), Some(&b"[1]"[..]));
            let wanted: [(&str, &[u8]); 7] = [
                ("ce_specversion", b"1.0"),
                ("ce_id", b"1"),
                ("ce_source", b"/s"),
                ("ce_type", b"t"),
                ("content-type", b"application/json"),
                ("x-other", b"kept"),
                ("kafka-edge-stage", b"validate"),
            ];
            for (name, value) in wanted {
                assert_eq!(values(&letter, name), [value], "{name}");
            }
        }
    })
    .await;
}
