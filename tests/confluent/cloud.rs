//! Reading through Confluent Cloud's stateless call.

use std::time::Duration;

use kafka_edge::config::ConsumeApi;
use kafka_edge::error::ErrorKind;
use kafka_edge::host::Clock;
use kafka_edge::kafka::{Log, Offsets};
use kafka_edge_sim::{Answer, Fault, local};
use serde_json::{Value, json};

use crate::setup::{Scripted, at, error, offsets_of};

const CONSUME: &str =
    "POST /v3/clusters/c1/internal/topics/orders/partitions/-/records:consume_guarantee_progress";

const NOW: Duration = Duration::ZERO;

fn reading(answers: impl IntoIterator<Item = Answer>) -> Scripted {
    let test = Scripted::new(ConsumeApi::Cloud);
    test.script.on(CONSUME, answers);
    test
}

/// An answer with records of partition 0, and one of partition 1 that nobody
/// asked for.
fn page(offsets: impl IntoIterator<Item = i64>, next: i64) -> Answer {
    let record = |partition: i32, offset: i64| {
        json!({"partition_id": partition, "offset": offset, "timestamp": 5, "timestamp_type": "CREATE_TIME",
               "headers": [], "key": null, "value": {"__raw__": "dg=="}})
    };
    let ours = Value::from_iter(offsets.into_iter().map(|offset| record(0, offset)));
    let body = json!({"cluster_id": "c1", "topic_name": "orders", "partition_data_list": [
        {"partition_id": 1, "next_offset": 9, "records": [record(1, 8)]},
        {"partition_id": 0, "next_offset": next, "records": ours},
        {"partition_id": 2, "next_offset": 3, "records": []},
    ]});
    Answer::body(200, body.to_string())
}

fn last_body(test: &Scripted) -> Value {
    serde_json::from_slice(&test.script.seen().pop().unwrap().body).unwrap()
}

#[tokio::test(start_paused = true)]
async fn any_offset_is_one_call() {
    local(async {
        let test = reading([page([5, 6, 9], 10)]);
        let fetched = test.log.fetch(at(5, None, NOW)).await.unwrap();
        assert_eq!((offsets_of(&fetched.records), fetched.next), (vec![5, 6, 9], 10));
        assert_eq!(fetched.place, None);
        assert_eq!(fetched.records[0].timestamp, Some(5));
        assert_eq!(test.script.seen().len(), 1);
        let body = last_body(&test);
        assert_eq!(body["offsets"], json!([{"partition_id": 0, "offset": 5}]));
        assert_eq!(body["max_poll_records"], 100);
        let query = test.script.seen()[0].uri.query().map(str::to_owned);
        assert_eq!(query.as_deref(), Some("return_raw_base64_records=true"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn waiting_is_asking_again_and_not_too_often() {
    local(async {
        let test = reading([page([], 5)]);
        let start = test.host.monotonic();
        let fetched = test.log.fetch(at(5, None, Duration::from_secs(10))).await.unwrap();
        assert_eq!((fetched.records.len(), fetched.next), (0, 5));
        assert_eq!((test.host.monotonic() - start).as_secs(), 10);
        let calls = test.script.count(CONSUME);
        assert!((10..20).contains(&calls), "{calls}");

        let test = reading([page([], 5), page([], 5), page([5], 6)]);
        let start = test.host.monotonic();
        let fetched = test.log.fetch(at(5, None, Duration::from_secs(10))).await.unwrap();
        assert_eq!(offsets_of(&fetched.records), [5]);
        assert_eq!((test.host.monotonic() - start).as_millis(), 150);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn an_offset_that_is_gone_is_moved_up() {
    local(async {
        let test = reading([page([], 40), page([40], 41)]);
        let fetched = test.log.fetch(at(5, None, NOW)).await.unwrap();
        assert_eq!((fetched.records.len(), fetched.next), (0, 40));
        let fetched = test.log.fetch(at(fetched.next, None, NOW)).await.unwrap();
        assert_eq!((offsets_of(&fetched.records), fetched.next), (vec![40], 41));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn throttling_without_a_hint_is_waited_out_if_there_is_time() {
    local(async {
        let slow = || error(429, 429, "");
        let test = reading([slow(), slow(), page([5], 6)]);
        let fetched = test.log.fetch(at(5, None, Duration::from_secs(5))).await.unwrap();
        assert_eq!(offsets_of(&fetched.records), [5]);

        let test = reading([slow()]);
        let outcome = test.log.fetch(at(5, None, NOW)).await.unwrap_err();
        assert_eq!(outcome, ErrorKind::Throttled { retry_after: Duration::from_secs(1) }.into());
        assert_eq!(test.script.count(CONSUME), 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_refuses_says_so_in_one_sentence() {
    local(async {
        let refusals = [(401, 40101), (403, 40301), (404, 404), (405, 405)];
        let mut sentences = Vec::new();
        for (status, code) in refusals {
            let test = reading([error(status, code, "no")]);
            let fetched = test.log.fetch(at(5, None, Duration::from_secs(30))).await;
            let ErrorKind::Unsupported(sentence) = fetched.unwrap_err().into_kind() else {
                panic!("HTTP {status}")
            };
            assert_eq!(test.script.count(CONSUME), 1);
            sentences.push(sentence);
        }
        sentences.dedup();
        assert_eq!(sentences.len(), 1, "{sentences:?}");
        assert!(sentences[0].contains("Confluent Cloud"));
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_right_is_an_error_and_no_record() {
    local(async {
        let raw = page([5], 6);
        for (answer, offset) in [(page([4], 5), 5), (page([6, 5], 7), 5), (raw, 6)] {
            let test = reading([answer]);
            let outcome = test.log.fetch(at(offset, None, NOW)).await;
            assert!(
                outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Upstream { .. })),
                "{outcome:?}"
            );
        }
        for body in ["<html>", "[]", r#"{"partition_data_list":[{"partition_id":0}]}"#] {
            let test = reading([Answer::body(200, body)]);
            let outcome = test.log.fetch(at(5, None, NOW)).await;
            assert!(
                outcome.as_ref().is_err_and(|error| matches!(**error, ErrorKind::Upstream { .. })),
                "{body}: {outcome:?}"
            );
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_broken_answer_is_asked_for_again_within_the_wait() {
    local(async {
        for fault in [Fault::DropAnswer, Fault::CutBody(30), Fault::Refuse, Fault::Status(503)] {
            let test = reading([page([5], 6)]);
            test.faults.once("/records:consume", fault.clone());
            let fetched = test.log.fetch(at(5, None, Duration::from_secs(5))).await.unwrap();
            assert_eq!(offsets_of(&fetched.records), [5], "{fault:?}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn positions_come_from_one_call_for_all_partitions() {
    local(async {
        let test = reading([page([], 10)]);
        let ends = test.log.ends("orders").await.unwrap();
        // Partition 1 got a record by then; its place is that of the record.
        assert_eq!(ends.into_iter().collect::<Vec<_>>(), [(0, 10), (1, 8), (2, 3)]);
        assert_eq!(last_body(&test), json!({}));

        let at = test.log.offset_at("orders", 1_772_359_200_000).await.unwrap();
        assert_eq!(at.into_iter().collect::<Vec<_>>(), [(0, 10), (1, 8), (2, 3)]);
        assert_eq!(last_body(&test)["timestamp"], 1_772_359_200_000_i64);

        let short = json!({"partition_data_list": [{"partition_id": 0, "next_offset": 1}]});
        test.script.on(CONSUME, [Answer::body(200, short.to_string())]);
        assert!(test.log.ends("orders").await.is_err(), "two partitions are missing");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn bounds_are_asked_for_by_partition() {
    local(async {
        let test = reading([]);
        for partition in 0..3 {
            let route = format!(
                "GET /v3/clusters/c1/internal/topics/orders/partitions/{partition}/records:offsets"
            );
            let bound = |next: i64| Answer::body(200, json!({"next_offset": next}).to_string());
            test.script.on(&route, [bound(2), bound(7)]);
        }
        let offsets = test.log.offsets("orders").await.unwrap();
        assert_eq!(offsets.len(), 3);
        assert_eq!(offsets[1], (1, Offsets { first: 2, end: 7 }));
    })
    .await;
}
