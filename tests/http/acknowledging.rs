//! `/consumer` with `ack=manual`, and giving receipts back.

use std::time::Duration;

use kafka_edge_sim::local;
use serde_json::{Value, json};

use crate::gateway::Gateway;

fn receipts(page: &Value) -> Vec<&str> {
    let records = page["records"].as_array().expect("a page");
    records.iter().map(|record| record["receipt"].as_str().expect("a receipt")).collect()
}

fn statuses(answer: &(u16, Value)) -> Vec<&str> {
    assert_eq!(answer.0, 200, "{}", answer.1);
    let answers = answer.1["receipts"].as_array().expect("a list");
    answers.iter().map(|answer| answer["status"].as_str().expect("a status")).collect()
}

/// Three records in partition 0.
fn gateway() -> Gateway {
    let gateway = Gateway::open();
    for message in ["a", "b", "c"] {
        gateway.log.append("t", 0, message);
    }
    gateway
}

#[tokio::test(start_paused = true)]
async fn claimed_records_carry_receipts_which_any_instance_takes_back() {
    local(async {
        let gateway = gateway();
        let (_, page) = gateway.get("/consumer/t?group=g&max=10&ack=manual&lease=60").await;
        let given = receipts(&page);
        assert_eq!(given.len(), 3);
        assert_eq!(page["records"][0]["delivery_count"], 1);
        let (_, single) = gateway.get("/consumer/t?group=g&ack=manual&wait=0").await;
        assert_eq!((&single["message"], single.get("receipt")), (&Value::Null, None));

        let other = gateway.restarted();
        let body = json!({"receipts": [given[2], given[0]]});
        let acked = other.post_json("/consumer/t/ack?group=g", &body).await;
        assert_eq!(statuses(&acked), ["acked", "acked"]);
        assert_eq!(acked.1["receipts"][0]["receipt"], given[2]);
        // They are folded into the position within moments.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (_, group) = other.get("/groups/g").await;
        let mut standing = group["topics"][0]["partitions"][0].clone();
        let oldest = standing.as_object_mut().unwrap().remove("oldest_claim").unwrap();
        assert_eq!((&oldest["offset"], &oldest["delivery_count"]), (&json!(1), &json!(1)));
        assert!(oldest["until"].is_string(), "{oldest}");
        let expected = json!({"partition": 0, "committed": 1, "claimed": 1, "acquired": 1,
            "available": 0, "rejected": 0, "given_up": 0, "end_offset": 3, "lag": 2});
        assert_eq!(standing, expected, "{group}");

        let body = json!({"receipts": [given[1]], "delay": 0.5});
        let nacked = other.post_json("/consumer/t/nack?group=g", &body).await;
        assert_eq!(statuses(&nacked), ["nacked"]);
        let (_, again) = other.get("/consumer/t?group=g&ack=manual&wait=10").await;
        assert_eq!((&again["message"], &again["delivery_count"]), (&json!("b"), &json!(2)));
        let late = json!({"receipts": [given[1]]});
        assert_eq!(statuses(&other.post_json("/consumer/t/ack?group=g", &late).await), ["expired"]);
        let body = json!({"receipts": [again["receipt"]]});
        assert_eq!(statuses(&other.post_json("/consumer/t/ack?group=g", &body).await), ["acked"]);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let (_, group) = other.get("/groups/g").await;
        assert_eq!(group["topics"][0]["partitions"][0]["committed"], 3, "{group}");
        // It is not delivered again, so no caller may be told that it will be.
        assert_eq!(statuses(&other.post_json("/consumer/t/nack?group=g", &body).await), ["acked"]);
        assert_eq!(statuses(&other.post_json("/consumer/t/ack?group=g", &body).await), ["acked"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_receipt_counts_for_its_own_group_and_topic_alone() {
    local(async {
        let gateway = gateway();
        gateway.log.create_topic("t2", 1);
        let (_, page) = gateway.get("/consumer/t?group=g&max=10&ack=manual").await;
        let body = json!({"receipts": [receipts(&page)[0], "nonsense"]});
        for target in ["/consumer/t2/ack?group=g", "/consumer/t/ack?group=h", "/consumer/t/ack"] {
            let answer = gateway.post_json(target, &body).await;
            assert_eq!(statuses(&answer), ["unknown", "unknown"], "{target}");
        }
        let several = gateway.post_json("/consumer/t2%2Ct/nack?group=g", &body).await;
        assert_eq!(statuses(&several), ["nacked", "unknown"]);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_makes_no_sense_is_refused_by_name() {
    local(async {
        let gateway = gateway();
        for (query, detail) in [
            ("ack=never", "ack"),
            ("lease=5", "lease"),
            ("ack=auto&lease=5", "lease"),
            ("ack=manual&lease=0.5", "lease"),
            ("ack=manual&lease=3601", "lease"),
            ("ack=manual&lease=x", "lease"),
        ] {
            let (_, named) = gateway.refused(&format!("/consumer/t?{query}"), 400).await;
            assert_eq!(named, detail, "{query}");
        }
        let many = vec!["x"; 1001];
        for (call, body, detail) in [
            ("ack", json!({"receipts": many}), "receipts"),
            ("ack", json!({"receipts": [1]}), "receipts[0]"),
            ("ack", json!({}), "receipts"),
            ("reject", json!({"receipts": many}), "receipts"),
            ("reject", json!({"receipts": [], "delay": 1}), "delay"),
            ("renew", json!({"receipts": [], "lease": 0.5}), "lease"),
            ("renew", json!({"receipts": [], "lease": 3601}), "lease"),
            ("acknowledge", json!({"receipts": []}), "receipts"),
            ("acknowledge", json!({"accept": many, "reject": []}), "receipts"),
            ("acknowledge", json!({"accept": many[..600], "renew": many[..401]}), "receipts"),
            ("acknowledge", json!({"give": []}), "give"),
            ("ack", json!([]), "body"),
            ("ack", json!({"receipts": [], "delay": 1}), "delay"),
            ("nack", json!({"receipts": [], "delay": -1}), "delay"),
            ("nack", json!({"receipts": [], "delay": 3601}), "delay"),
            ("nack", json!({"receipts": [], "later": 1}), "later"),
            ("ack?group=", json!({"receipts": []}), "group"),
            ("ack?wait=1", json!({"receipts": []}), "wait"),
        ] {
            let (status, json) = gateway.post_json(&format!("/consumer/t/{call}"), &body).await;
            assert_eq!((status, &json["detail"]), (400, &json!(detail)), "{call}: {json}");
        }
        assert_eq!(gateway.log.calls("fetch"), 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn one_call_takes_all_four_words() {
    local(async {
        let gateway = gateway();
        gateway.log.append("t", 0, "d");
        gateway.log.create_topic("dead", 1);
        let settings = json!({"dead_letter": "dead", "lease": {"default": 20, "maximum": 60}});
        assert_eq!(gateway.json(http::Method::PUT, "/groups/g", &settings).await.0, 201);
        let (_, page) = gateway.get("/consumer/t?group=g&max=10&ack=manual").await;
        let given = receipts(&page);
        let body = json!({"accept": [given[0]], "release": [given[1]], "reject": [given[2]],
            "renew": [given[3]], "delay": 5, "lease": 60});
        let answer = gateway.post_json("/consumer/t/acknowledge?group=g", &body).await;
        assert_eq!(statuses(&answer), ["acked", "nacked", "rejected", "renewed"]);
        assert_eq!(gateway.log.records("dead", 0)[0].value.as_deref(), Some(&b"c"[..]));
        let (_, group) = gateway.get("/groups/g").await;
        let standing = &group["topics"][0]["partitions"][0];
        let counts = ["acquired", "available", "rejected", "given_up"].map(|name| &standing[name]);
        assert_eq!(counts, [&json!(1), &json!(1), &json!(1), &json!(0)], "{group}");
        assert_eq!(standing["oldest_claim"]["offset"], 3);

        let long = json!({"receipts": [given[3]], "lease": 61});
        let (status, refused) = gateway.post_json("/consumer/t/renew?group=g", &long).await;
        assert_eq!((status, &refused["detail"]), (400, &json!("lease")), "{refused}");
        let refused = gateway.refused("/consumer/t?group=g&ack=manual&lease=61", 400).await;
        assert_eq!(refused.1, "lease");
        // By default it is renewed for the group's lease: no longer than it is held anyway.
        let renewed = json!({"receipts": [given[3], given[1], "nonsense"]});
        let answer = gateway.post_json("/consumer/t/renew?group=g", &renewed).await;
        assert_eq!(statuses(&answer), ["renewed", "expired", "unknown"]);
        tokio::time::sleep(Duration::from_secs(40)).await;
        gateway.log.set_failure_of("produce", kafka_edge::error::ErrorKind::Timeout.into());
        let body = json!({"receipts": [given[3], given[0]]});
        let answer = gateway.post_json("/consumer/t/reject?group=g", &body).await;
        assert_eq!(statuses(&answer), ["undelivered", "acked"]);
        assert_eq!(answer.1["receipts"][0]["error"], "The dead letter could not be written");
    })
    .await;
}
