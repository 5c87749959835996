//! Confluent Cloud: what it has, who may call it, and its internal calls.

use crate::common::{Answer, JSON, V2, emulator, emulator_with, get, post, send};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use kafka_edge_emulator::{BasicAuth, Emulator, Header, NewRecord, Offer, Options};
use serde_json::{Value, json};

const INTERNAL: &str = "/kafka/v3/clusters/lkc-emulator/internal/topics/orders/partitions";

async fn consume(emulator: &Emulator, raw: bool, body: &Value) -> Answer {
    let raw = if raw { "?return_raw_base64_records=true" } else { "" };
    let path = format!("{INTERNAL}/-/records:consume_guarantee_progress{raw}");
    post(emulator, &path, JSON, &body.to_string()).await
}

fn filled() -> Emulator {
    let emulator = emulator();
    for i in 0..3 {
        let record = NewRecord {
            headers: vec![Header { name: "trace".into(), value: Some(Bytes::from_static(b"abc")) }],
            timestamp: Some(1000 + i),
            ..NewRecord::value(format!("v{i}")).with_key("k")
        };
        emulator.append("orders", 0, record).expect("an offset");
    }
    emulator.append("orders", 2, NewRecord::value(&b"\xff"[..])).expect("an offset");
    emulator
}

#[tokio::test]
async fn records_come_with_everything_and_every_partition_with_its_place() {
    let answer = consume(&filled(), true, &json!({"from_beginning": true})).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["cluster_id"], "lkc-emulator");
    assert_eq!(body["topic_name"], "orders");
    let list = body["partition_data_list"].as_array().expect("a list");
    let places: Vec<_> = list.iter().map(|p| (&p["partition_id"], &p["next_offset"])).collect();
    assert_eq!(places, [(&json!(0), &json!(3)), (&json!(1), &json!(0)), (&json!(2), &json!(1))]);
    assert_eq!(
        list[0]["records"][1],
        json!({
            "partition_id": 0,
            "offset": 1,
            "timestamp": 1001,
            "timestamp_type": "CREATE_TIME",
            "headers": [{"key": "trace", "value": "YWJj"}],
            "key": {"__raw__": "aw=="},
            "value": {"__raw__": "djE="},
        })
    );
    assert_eq!(list[1]["records"], json!([]));
    assert_eq!(list[2]["records"][0]["key"], Value::Null);
}

#[tokio::test]
async fn without_the_raw_flag_text_is_text() {
    let body = consume(&filled(), false, &json!({"from_beginning": true})).await.json();
    assert_eq!(body["partition_data_list"][0]["records"][0]["value"], "v0");
    assert_eq!(body["partition_data_list"][2]["records"][0]["value"], json!({"__raw__": "/w=="}));
}

#[tokio::test]
async fn offsets_go_on_and_those_that_are_gone_are_moved_up() {
    let emulator = filled();
    let offsets = json!([{"partition_id": 0, "offset": 1}, {"partition_id": 2, "offset": 1}]);
    let body = consume(&emulator, true, &json!({"offsets": offsets, "max_poll_records": 1})).await;
    let body = body.json();
    let first = &body["partition_data_list"][0];
    assert_eq!((&first["records"][0]["offset"], &first["next_offset"]), (&json!(1), &json!(2)));
    assert_eq!(body["partition_data_list"][2]["next_offset"], 1);

    emulator.delete_records_before("orders", 0, 2).expect("a partition");
    let body = consume(&emulator, true, &json!({"offsets": offsets})).await.json();
    assert_eq!(body["partition_data_list"][0]["records"][0]["offset"], 2);
}

#[tokio::test]
async fn a_time_and_nothing_at_all() {
    let emulator = filled();
    let body = consume(&emulator, true, &json!({"timestamp": 1002})).await.json();
    assert_eq!(body["partition_data_list"][0]["records"][0]["offset"], 2);
    assert_eq!(body["partition_data_list"][1]["next_offset"], 0);
    let body = consume(&emulator, true, &json!({})).await.json();
    assert_eq!(body["partition_data_list"][0]["records"], json!([]));
    assert_eq!(body["partition_data_list"][0]["next_offset"], 3);
}

#[tokio::test]
async fn what_is_too_long_is_left_out_and_said_so() {
    let emulator = emulator();
    let record = NewRecord::value("x".repeat(100)).with_key("k");
    emulator.append("orders", 0, record).expect("an offset");
    let limit = json!({"from_beginning": true, "message_max_bytes": 50});
    let body = consume(&emulator, true, &limit).await.json();
    let record = &body["partition_data_list"][0]["records"][0];
    assert_eq!(record["value"], Value::Null);
    assert_eq!(record["key"], json!({"__raw__": "aw=="}));
    assert_eq!(record["exceeded_fields"], json!({"key": false, "value": true}));
}

#[tokio::test]
async fn one_partition_and_offsets() {
    let emulator = filled();
    let path = format!("{INTERNAL}/0/records?offset=1&max_poll_records=1");
    let body = get(&emulator, &path).await.json();
    assert_eq!(body["partition_data"]["next_offset"], 2);
    assert_eq!(body["partition_data"]["records"][0]["value"], "v1");
    let body = get(&emulator, &format!("{INTERNAL}/-/records:offsets")).await.json();
    assert_eq!(body["total_records"], 4);
    assert_eq!(body["partition_data_list"][0], json!({"partition_id": 0, "next_offset": 3}));
    for (from_beginning, offset) in [("true", 0), ("false", 3)] {
        let path = format!("{INTERNAL}/0/records:offsets?from_beginning={from_beginning}");
        assert_eq!(get(&emulator, &path).await.json()["next_offset"], offset);
    }
}

#[tokio::test]
async fn the_same_calls_answer_below_both_prefixes() {
    let emulator = emulator();
    for prefix in ["/v3", "/kafka/v3"] {
        let body = get(&emulator, &format!("{prefix}/clusters/lkc-emulator")).await.json();
        let expected = format!("http://rest{prefix}/clusters/lkc-emulator");
        assert_eq!(body["metadata"]["self"], expected);
    }
}

#[tokio::test]
async fn cloud_has_only_what_cloud_has() {
    let cloud = emulator_with(Options { offer: Offer::Cloud, ..Options::quick() });
    let cluster = "/kafka/v3/clusters/lkc-emulator";
    let present = [
        cluster.to_owned(),
        format!("{cluster}/topics/orders"),
        format!("{cluster}/topics/orders/configs/max.message.bytes"),
        format!("{cluster}/topics/orders/partitions/0"),
    ];
    for path in present {
        assert_eq!(get(&cloud, &path).await.status, 200, "{path}");
    }
    let absent = [
        "/kafka/v3/clusters".to_owned(),
        format!("{cluster}/topics/orders/partitions/0/offset"),
        "/topics".to_owned(),
    ];
    for path in absent {
        assert_eq!(get(&cloud, &path).await.status, 404, "{path}");
    }
    assert_eq!(post(&cloud, "/consumers/g", V2, "{}").await.status, 404);
    let batch = format!("{cluster}/topics/orders/records:batch");
    assert_eq!(post(&cloud, &batch, JSON, "{}").await.status, 404);
    assert_eq!(consume(&cloud, true, &json!({})).await.status, 200);

    let elsewhere = "/kafka/v3/clusters/lkc-other/topics/orders/records";
    assert_eq!(post(&cloud, elsewhere, JSON, "{}").await.status, 404);

    let proxy = emulator_with(Options { offer: Offer::Proxy, ..Options::quick() });
    assert_eq!(consume(&proxy, true, &json!({})).await.status, 404);
    assert_eq!(get(&proxy, "/topics").await.status, 200);
    assert_eq!(post(&proxy, elsewhere, JSON, "{}").await.status, 200);
}

#[tokio::test]
async fn only_the_right_key_opens() {
    let auth = BasicAuth { key: "KEY".into(), secret: "SECRET".into() };
    assert!(!format!("{auth:?}").contains("SECRET"));
    let emulator = emulator_with(Options { basic_auth: Some(auth), ..Options::quick() });
    let ask = async |credentials: Option<&str>| {
        let mut request = Request::get("http://rest/v3/clusters");
        if let Some(credentials) = credentials {
            request = request.header("authorization", credentials);
        }
        send(&emulator, request.body(Full::default()).expect("a request")).await.status
    };
    assert_eq!(ask(Some("Basic S0VZOlNFQ1JFVA==")).await, 200);
    for wrong in [None, Some("Basic S0VZOldST05H"), Some("Bearer S0VZOlNFQ1JFVA=="), Some("")] {
        assert_eq!(ask(wrong).await, 401, "{wrong:?}");
    }
}
