//! What is made of events.

use http::Method;
use kafka_edge_sim::local;
use serde_json::{Value, json};

use super::support::{answer, create, event, plain, records, send, values, with};
use crate::gateway::{Taken, header};

#[tokio::test(start_paused = true)]
async fn events_are_filtered_transformed_keyed_and_sent_to_their_topic() {
    local(async {
        let shape = json!({
            "filter": ".total > 0",
            "transform": "{id, total, type}",
            "key": {"jq": ".id"},
            "topic": {"jq": "\"t\" + .type", "allowed": ["t*"]},
            "headers": {"keep": ["x-request-id"], "add": {"source": "shop"}},
        });
        let gateway = with(plain(json!({ "shape": shape }))).await;
        gateway.log.create_topic("tx", 1);
        let body = r#"{"id":9223372036854775807,"total":0.10,"type":"x","more":[1]}"#;
        let headers = [("x-request-id", "7"), ("x-other", "8")];
        let (status, json) = send(&gateway, &headers, body).await;
        assert_eq!((status, &json["records"][0]["topic"]), (200, &json!("tx")), "{json}");
        let record = gateway.log.records("tx", 0).pop().unwrap();
        assert_eq!(record.value.unwrap(), r#"{"id":9223372036854775807,"total":0.10,"type":"x"}"#);
        assert_eq!(record.key.unwrap(), "9223372036854775807");
        let headers: Vec<_> =
            record.headers.iter().flatten().map(|h| (&*h.name, h.value.clone().unwrap())).collect();
        assert_eq!(headers, [("x-request-id", "7".into()), ("source", "shop".into())]);

        let filtered = send(&gateway, &[], r#"{"total":0,"type":"x"}"#).await;
        assert_eq!(filtered, (200, json!({"filtered": true})));
        let (status, json) = send(&gateway, &[], r#"{"total":1,"type":"/"}"#).await;
        assert_eq!((status, &json["detail"]), (422, &json!("topic")), "{json}");
        assert_eq!(send(&gateway, &[], "no json").await.0, 422);
        assert_eq!(send(&gateway, &[], r#"{"total":1}"#).await.0, 200, "\"t\" + null is \"t\"");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn several_values_are_several_records() {
    local(async {
        let shape = json!({"transform": ".items[]", "key": {"jq": "$out.sku"}});
        let gateway = with(plain(json!({ "shape": shape }))).await;
        let body = r#"{"items":[{"sku":"a"},{"sku":"b"}]}"#;
        let (_, json) = send(&gateway, &[], body).await;
        assert_eq!(json["records"].as_array().unwrap().len(), 2, "{json}");
        let mut keys: Vec<_> =
            records(&gateway, "t").iter().map(|r| r.key.clone().unwrap()).collect();
        keys.sort();
        assert_eq!(keys, ["a", "b"]);
        assert_eq!(send(&gateway, &[], r#"{"items":[]}"#).await.1, json!({"filtered": true}));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_shaped_goes_where_the_source_says() {
    local(async {
        for (on_error, status, written, dead) in [
            (json!("refuse"), 422, 0, 0),
            (json!("pass"), 200, 1, 0),
            (json!("skip"), 200, 0, 0),
            (json!({"dead_letter": "dead"}), 202, 0, 1),
        ] {
            let shape = json!({"transform": ".a + 1", "on_error": on_error});
            let gateway = with(plain(json!({ "shape": shape }))).await;
            gateway.log.create_topic("dead", 1);
            let (answered, json) = send(&gateway, &[], r#"{"a":"x"}"#).await;
            assert_eq!(answered, status, "{json}");
            assert_eq!(values(&gateway, "t").len(), written, "{shape}");
            let letters = gateway.log.records("dead", 0);
            assert_eq!(letters.len(), dead, "{shape}");
            for letter in letters {
                assert_eq!(letter.value.unwrap(), r#"{"a":"x"}"#);
                let headers = letter.headers.unwrap();
                let value = |name: &str| {
                    let header = headers.iter().find(|header| header.name == name).unwrap();
                    String::from_utf8(header.value.clone().unwrap().to_vec()).unwrap()
                };
                assert_eq!(value("kafka-edge-stage"), "shape");
                assert_eq!(value("kafka-edge-source"), "s");
                assert!(!value("__dlq.errors.message").is_empty());
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn events_are_held_to_a_schema() {
    local(async {
        let schema = json!({"type": "object", "required": ["id"],
            "properties": {"id": {"type": "integer"}}});
        let gateway = with(plain(json!({"validate": {"schema": schema}}))).await;
        assert_eq!(send(&gateway, &[], r#"{"id":1}"#).await.0, 200);
        let (status, json) = send(&gateway, &[], r#"{"id":"secret"}"#).await;
        assert_eq!((status, &json["detail"]), (422, &json!("/id")), "{json}");
        assert!(!json.to_string().contains("secret"), "{json}");
        assert_eq!(send(&gateway, &[], "[]").await.0, 422);

        let dead = json!({"name": "dead", "validate":
            {"schema": schema, "on_failure": {"dead_letter": "dead"}}});
        create(&gateway, plain(dead)).await;
        gateway.log.create_topic("dead", 1);
        let mut wrong = event(&[], "{}");
        wrong.target = "/in/dead".into();
        let (status, json) = answer(&gateway, wrong).await.taken();
        assert_eq!((status, &json["dead_letter"]), (202, &json!(true)), "{json}");
        assert_eq!(gateway.log.records("dead", 0).len(), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_expression_that_costs_too_much_ends() {
    local(async {
        let shape = json!({"transform": "reduce range(1000000) as $i (\"x\"; . + .)"});
        let gateway = with(plain(json!({ "shape": shape }))).await;
        let (status, json) = send(&gateway, &[], "{}").await;
        assert_eq!(status, 422, "{json}");
        assert!(values(&gateway, "t").is_empty());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn cloud_events_come_in_each_mode_and_go_out_in_one() {
    local(async {
        let binary =
            json!({"cloud_events": {"mode": "binary", "partition_key": true}, "dedupe": {}});
        let gateway = with(plain(binary)).await;
        let headers = [
            ("ce-specversion", "1.0"),
            ("Ce-Type", "com.example.a"),
            ("ce-source", "/caf%C3%A9"),
            ("ce-id", "1"),
            ("ce-partitionkey", "k"),
        ];
        let (status, json) = send(&gateway, &headers, r#"{"n":1}"#).await;
        assert_eq!(status, 200, "{json}");
        let record = records(&gateway, "t").pop().unwrap();
        assert_eq!(record.key.unwrap(), "k");
        assert_eq!(record.value.unwrap(), r#"{"n":1}"#);
        let headers: Vec<(String, String)> = record
            .headers
            .unwrap()
            .into_iter()
            .map(|h| (h.name, String::from_utf8(h.value.unwrap().to_vec()).unwrap()))
            .collect();
        let value = |name: &str| {
            headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        };
        assert_eq!(value("ce_source"), Some("/café"));
        assert_eq!(value("ce_partitionkey"), Some("k"));
        assert_eq!(value("content-type"), Some("application/json"));
        assert!(value("ce_time").is_some() && value("ce-id").is_none(), "{headers:?}");

        let structured =
            r#"{"specversion":"1.0","type":"a","source":"/café","id":"1","data":{"n":1}}"#;
        let sent = |body: &str, content_type: &str| {
            let mut sent = event(&[], body);
            sent.headers.retain(|(name, _)| name != "content-type");
            sent.headers.push(header("content-type", content_type.as_bytes()));
            sent
        };
        let again = sent(structured, "Application/CloudEvents+JSON; charset=utf-8");
        let (_, json) = answer(&gateway, again).await.taken();
        assert_eq!(json["repeat"], true, "the same source and id: {json}");

        let batch = r#"[{"specversion":"1.0","type":"a","source":"/s","id":"1"},
            {"specversion":"1.0","type":"a","source":"/s","id":"2","data_base64":"AQI="}]"#;
        let sent_batch = sent(batch, "application/cloudevents-batch+json");
        let (status, json) = answer(&gateway, sent_batch).await.taken();
        assert_eq!((status, json["events"].as_array().unwrap().len()), (200, 2), "{json}");
        let one = r#"[{"specversion":"1.0","type":"a","source":"/s","id":"3"}]"#;
        let one = sent(one, "application/cloudevents-batch+json");
        let (status, json) = answer(&gateway, one).await.taken();
        assert_eq!((status, json["events"].as_array().unwrap().len()), (200, 1), "{json}");
        for (body, content_type) in [
            ("{}", "application/cloudevents+json"),
            ("{", "application/cloudevents+json"),
            ("{}", "application/cloudevents-batch+json"),
        ] {
            assert_eq!(answer(&gateway, sent(body, content_type)).await.status, 400, "{body}");
        }
    })
    .await;
}

/// The data of a CloudEvent is the event; the rest of it is among the headers.
#[tokio::test(start_paused = true)]
async fn expressions_see_the_attributes_of_an_event() {
    local(async {
        let topic = json!({"jq": "\"t\" + $record.headers.ce_type", "allowed": ["t*"]});
        let source = json!({"cloud_events": {"mode": "binary"}, "shape": {"topic": topic,
            "filter": "$record.headers.ce_source == \"/s\""}});
        let gateway = with(plain(source)).await;
        gateway.log.create_topic("tpaid", 1);
        let send = async |source: &str| {
            let headers = [
                ("ce-specversion", "1.0"),
                ("ce-type", "paid"),
                ("ce-id", "1"),
                ("ce-source", source),
            ];
            send(&gateway, &headers, r#"{"n":1}"#).await
        };
        let (status, json) = send("/s").await;
        assert_eq!((status, &json["records"][0]["topic"]), (200, &json!("tpaid")), "{json}");
        assert_eq!(send("/other").await.1, json!({"filtered": true}));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_cloud_event_can_be_made_one() {
    local(async {
        let settings = json!({"mode": "structured", "type": {"field": "/kind"}, "source": "/shop",
            "subject": "order"});
        let source = json!({"cloud_events": settings, "dedupe": {"id": {"field": "/id"}}});
        let gateway = with(plain(source)).await;
        assert_eq!(send(&gateway, &[], r#"{"id":"7","kind":"paid","n":1.50}"#).await.0, 200);
        let value = values(&gateway, "t").pop().unwrap();
        assert!(value.contains(r#""data":{"id":"7","kind":"paid","n":1.50}"#), "{value}");
        let json: Value = serde_json::from_str(&value).unwrap();
        for (name, wanted) in
            [("id", "7"), ("source", "/shop"), ("type", "paid"), ("subject", "order")]
        {
            assert_eq!(json[name], wanted, "{json}");
        }
        assert!(json["time"].is_string());
    })
    .await;
}

/// The stage and the part of each step of an event that was tried.
fn steps(tried: &Value) -> Vec<Value> {
    let steps = tried["steps"].as_array().unwrap().iter();
    steps.map(|step| json!([step["stage"], step["part"]])).collect()
}

#[tokio::test(start_paused = true)]
async fn a_trial_names_what_a_cloud_event_is_made_of() {
    local(async {
        let settings = json!({"mode": "binary", "type": {"jq": ".kind"}, "source": "/shop",
            "subject": {"jq": ".of"}});
        let source = json!({"cloud_events": settings, "dedupe": {"id": {"jq": ".id"}}});
        let gateway = with(plain(source)).await;
        let sample = json!({"event": {"id": "7", "kind": "paid", "of": "order"}});
        let (status, json) = gateway.post_json("/sources/s/test", &sample).await;
        assert_eq!(status, 200, "{json}");
        // The id is looked at for repeats, and again for the record.
        let expected =
            [["dedupe", "id"], ["shape", "type"], ["dedupe", "id"], ["shape", "subject"]];
        assert_eq!(steps(&json["events"][0]), expected.map(|step| json!(step)));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_trial_shows_each_stage_and_writes_nothing() {
    local(async {
        let mut source = plain(json!({"dedupe": {"id": {"jq": ".id"}},
            "shape": {"filter": ".total > 0", "transform": "{id}", "key": {"jq": ".id"}}}));
        source["verify"] = json!({"provider": "github", "secrets": ["hush"]});
        let gateway = with(source).await;
        let sample = json!({"event": {"id": "a", "total": 2}});
        let (status, json) = gateway.post_json("/sources/s/test", &sample).await;
        assert_eq!(status, 200, "{json}");
        assert_eq!(json["verify"]["refused"]["reason"], "missing-header");
        let tried = &json["events"][0];
        assert_eq!((&tried["id"], &tried["outcome"]), (&json!("a"), &json!("written")), "{json}");
        assert_eq!(tried["records"][0]["value"], r#"{"id":"a"}"#);
        let expected =
            [["dedupe", "id"], ["shape", "filter"], ["shape", "transform"], ["shape", "key"]];
        assert_eq!(steps(tried), expected.map(|step| json!(step)));
        let sample = json!({"body": "no json"});
        let (_, json) = gateway.post_json("/sources/s/test", &sample).await;
        assert_eq!(json["events"][0]["refused"]["status"], 422, "{json}");
        assert_eq!(gateway.log.calls("produce"), 0);
        // Other expressions are tried, and the source keeps its own.
        let stored = gateway.world.store();
        let outcome = async |shape: Value| {
            let sample = json!({"event": {"id": 7, "total": 5}, "shape": shape});
            let (status, json) = gateway.post_json("/sources/s/test", &sample).await;
            (status, json["detail"].clone(), json["events"][0]["outcome"].clone())
        };
        let patch = json!({"filter": ".total > 10", "transform": null});
        assert_eq!(outcome(patch).await, (200, Value::Null, json!("filtered")));
        let patch = json!({"filter": null, "transform": "{other: .id}", "key": null});
        assert_eq!(outcome(patch).await, (200, Value::Null, json!("written")));
        for (shape, field) in [
            (json!({"filter": ".total >"}), "shape.filter"),
            (json!({"filters": "."}), "shape.filters"),
            (json!(7), "shape"),
        ] {
            let (status, detail, _) = outcome(shape).await;
            assert_eq!((status, detail), (400, json!(field)));
        }
        assert_eq!(stored, gateway.world.store());
        assert_eq!(gateway.call(Method::GET, "/sources/s/test").await.0, 405);
        assert_eq!(gateway.post_json("/sources/x/test", &sample).await.0, 404);
    })
    .await;
}
