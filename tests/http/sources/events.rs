//! Events that come to a source, believed and not.

use std::time::Duration;

use http::Method;
use http::header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE};
use kafka_edge::error::ErrorKind;
use kafka_edge::host::{Clock, Host, HostCapabilities};
use kafka_edge_sim::local;
use serde_json::{Value, json};

use super::support::{
    SECRET, answer, create, event, plain, records, send, signature, values, with,
};
use crate::gateway::{Gateway, Taken, header, request};

fn github(more: Value) -> Value {
    let mut source = plain(more);
    source["verify"] = json!({"provider": "github", "secrets": ["old one", SECRET]});
    source
}

#[tokio::test(start_paused = true)]
async fn a_signed_event_is_written_byte_for_byte_and_says_where() {
    local(async {
        let gateway = with(github(json!({}))).await;
        let body = "{ \"id\":12345678901234567890123,\"n\":1.0 }\n";
        let signed = signature(SECRET, body);
        let headers = [
            ("x-hub-signature-256", &*signed),
            ("X-GitHub-Event", "push"),
            ("authorization", "Bearer of-somebody"),
            ("x-api-key", "hush"),
        ];
        let (status, json) = send(&gateway, &headers, body).await;
        assert_eq!(status, 200, "{json}");
        assert_eq!(json["records"][0]["topic"], "t");
        assert_eq!(json["records"][0]["offset"], 0);
        let record = records(&gateway, "t").pop().unwrap();
        assert_eq!(record.value.as_deref(), Some(body.as_bytes()));
        let names: Vec<_> = record.headers.iter().flatten().map(|h| h.name.as_str()).collect();
        assert_eq!(names, ["content-type", "x-hub-signature-256", "X-GitHub-Event"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_believed_is_401_and_nothing_is_written() {
    local(async {
        let gateway = with(github(json!({}))).await;
        let good = signature(SECRET, "{}");
        for (headers, reason) in [
            (vec![], "missing"),
            (vec![("x-hub-signature-256", signature("wrong", "{}"))], "match"),
            (vec![("x-hub-signature-256", signature(SECRET, "{} "))], "match"),
            (vec![("x-hub-signature-256", good["sha256=".len()..].to_owned())], "form"),
            (vec![("x-hub-signature-256", good.clone()), ("X-Hub-Signature-256", good)], "missing"),
        ] {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, &**value)).collect();
            let response = answer(&gateway, event(&headers, "{}")).await;
            assert_eq!(response.header(&WWW_AUTHENTICATE), Some("Signature realm=\"kafka-edge\""));
            let (status, json) = response.taken();
            assert_eq!(status, 401);
            assert!(json["error"].as_str().unwrap().contains(reason), "{json}");
        }
        assert_eq!(gateway.log.calls("produce"), 0);
        gateway.world.instance().sleep(Duration::from_secs(11)).await;
        let (_, json) = gateway.get("/sources/s").await;
        let refused = &json["statistics"]["refused"];
        assert_eq!(refused["verify/mismatch"], 2, "{json}");
        assert_eq!(refused["verify/missing-header"], 2, "{json}");
        let refusals = json["statistics"]["refusals"].as_array().unwrap();
        assert_eq!(refusals.len(), 5);
        assert!(refusals[0]["headers"].to_string().contains("x-hub-signature-256"), "{json}");
        assert!(!json.to_string().contains("sha256="), "no values: {json}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_credential_is_needed_and_none_is_read() {
    local(async {
        let gateway = with(plain(json!({}))).await;
        gateway.world.set_variable("open_access", "");
        gateway.world.set_variable(
            "credentials",
            r#"[{"name":"a","secret":"hush-hush-hush-hush","allow":["admin"]}]"#,
        );
        let closed = gateway.restarted();
        assert_eq!(send(&closed, &[], "{}").await.0, 200);
        assert_eq!(send(&closed, &[("authorization", "Bearer wrong")], "{}").await.0, 200);
        assert_eq!(closed.get("/sources").await.0, 401);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn who_and_what_may_come_is_said_by_the_source() {
    local(async {
        let allow = json!({"allow": {"addresses": ["203.0.113.0/24"], "methods": ["POST"],
            "content_types": ["application/json"], "max_bytes": 10, "rate": 3}});
        let gateway = Gateway::open();
        let can = gateway.world.instance().capabilities();
        gateway.world.set_capabilities(HostCapabilities { client_address: true, ..can });
        create(&gateway, plain(allow)).await;
        let mut far = event(&[], "{}");
        far.client = Some([198, 51, 100, 1].into());
        assert_eq!(answer(&gateway, far).await.status, 403);
        let get = answer(&gateway, request(Method::GET, "/in/s")).await;
        assert_eq!((get.status.as_u16(), get.header(&ALLOW)), (405, Some("POST, OPTIONS")));
        let mut text = event(&[], "{}");
        text.headers.retain(|(name, _)| name != "content-type");
        assert_eq!(answer(&gateway, text).await.status, 415);
        assert_eq!(send(&gateway, &[], "{\"a\":\"1234\"}").await.0, 413);
        for _ in 0..2 {
            assert_eq!(send(&gateway, &[], "{}").await.0, 200);
        }
        let limited = answer(&gateway, event(&[], "{}")).await;
        assert_eq!((limited.status.as_u16(), limited.header(&RETRY_AFTER)), (429, Some("1")));
        gateway.world.instance().sleep(Duration::from_secs(1)).await;
        assert_eq!(send(&gateway, &[], "{}").await.0, 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_source_can_be_switched_off() {
    local(async {
        for (status, set) in [(410, json!({})), (503, json!({"disabled_status": 503}))] {
            let mut source = plain(set);
            source["enabled"] = false.into();
            let gateway = with(source).await;
            assert_eq!(send(&gateway, &[], "{}").await.0, status);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_repeat_is_answered_with_the_place_of_the_first() {
    local(async {
        let gateway = with(github(json!({"dedupe": {}}))).await;
        let signed = signature(SECRET, "{}");
        let deliver = async |id: &str| {
            let headers = [("x-hub-signature-256", &*signed), ("x-github-delivery", id)];
            send(&gateway.restarted(), &headers, "{}").await
        };
        let (_, first) = deliver("1").await;
        let (status, again) = deliver("1").await;
        assert_eq!((status, &again["repeat"]), (200, &json!(true)), "{again}");
        assert_eq!(again["records"], first["records"]);
        assert!(deliver("2").await.1.get("repeat").is_none());
        assert_eq!(values(&gateway, "t").len(), 2);
        gateway.world.instance().sleep(Duration::from_secs(86_401)).await;
        assert!(deliver("1").await.1.get("repeat").is_none(), "the window is over");
        // An event without an id is written each time.
        for _ in 0..2 {
            assert_eq!(send(&gateway, &[("x-hub-signature-256", &*signed)], "{}").await.0, 200);
        }
        assert_eq!(values(&gateway, "t").len(), 5);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_was_not_written_may_come_again_at_once() {
    local(async {
        let source = json!({"dedupe": {"id": {"field": "/id"}}});
        let gateway = with(plain(source)).await;
        gateway.log.set_failure(Some(ErrorKind::Timeout.into()));
        assert_eq!(send(&gateway, &[], r#"{"id":7}"#).await.0, 504);
        gateway.log.set_failure(None);
        let (status, json) = send(&gateway, &[], r#"{"id":7}"#).await;
        assert_eq!((status, json.get("repeat")), (200, None), "{json}");

        // After an unknown outcome a repeat waits until the first try counts as dead.
        let unknown = ErrorKind::OutcomeUnknown { detail: "no report".into() };
        gateway.log.set_failure(Some(unknown.into()));
        assert_eq!(send(&gateway, &[], r#"{"id":8}"#).await.0, 504);
        gateway.log.set_failure(None);
        let pending = answer(&gateway, event(&[], r#"{"id":8}"#)).await;
        assert_eq!(pending.status, 503);
        assert!(pending.header(&RETRY_AFTER).is_some());
        gateway.world.instance().sleep(Duration::from_secs(10)).await;
        assert_eq!(send(&gateway, &[], r#"{"id":8}"#).await.0, 200);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn handshakes_are_answered_and_write_nothing() {
    local(async {
        let mut slack = plain(json!({}));
        slack["verify"] = json!({"provider": "slack", "secrets": ["hush"]});
        let gateway = with(slack).await;
        let body = r#"{"type":"url_verification","challenge":"abc"}"#;
        assert_eq!(send(&gateway, &[], body).await.0, 401, "Slack signs its question");

        let mut graph = plain(json!({"name": "graph"}));
        graph["verify"] = json!({"provider": "microsoft-graph", "secrets": ["hush"]});
        create(&gateway, graph).await;
        let question = request(Method::POST, "/in/graph?validationToken=a%3Cb%3E+c");
        let response = answer(&gateway, question).await;
        assert_eq!(response.header(&http::header::CONTENT_TYPE), Some("text/plain"));
        assert_eq!((response.status.as_u16(), response.whole_body()), (200, &b"a<b> c"[..]));

        let mut x = plain(json!({"name": "x"}));
        x["verify"] = json!({"provider": "x", "secrets": ["hush"]});
        create(&gateway, x).await;
        let (status, json) = gateway.get("/in/x?crc_token=1").await;
        assert_eq!(status, 200, "{json}");
        assert!(json["response_token"].as_str().unwrap().starts_with("sha256="));

        let mut options = request(Method::OPTIONS, "/in/s");
        options.headers.push(header("webhook-request-origin", b"events.example.com"));
        let response = answer(&gateway, options).await;
        let headers: Vec<_> = response.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert!(headers.contains(&"webhook-allowed-origin"), "{headers:?}");
        assert_eq!(gateway.log.calls("produce"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn the_answer_can_be_fixed() {
    local(async {
        let fixed = json!({"answer": {"status": 202, "body": "{\"status\":\"received\"}",
            "content_type": "application/json"}});
        let gateway = with(plain(fixed)).await;
        assert_eq!(send(&gateway, &[], "{}").await, (202, json!({"status": "received"})));
        create(&gateway, plain(json!({"name": "quick", "answer": {"ack": "none"}}))).await;
        let mut quick = event(&[], "{}");
        quick.target = "/in/quick".into();
        assert_eq!(answer(&gateway, quick).await.status, 202);
        gateway.world.instance().sleep(Duration::from_secs(1)).await;
        assert_eq!(values(&gateway, "t").len(), 2);
    })
    .await;
}
