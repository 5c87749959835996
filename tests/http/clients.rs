//! What other people's programs send, and what stands between them and us.

use http::Method;
use http::header::CACHE_CONTROL;
use kafka_edge::http::Body;
use kafka_edge_sim::local;
use serde_json::json;

use crate::gateway::{Gateway, Taken, header, request};

const MARK: &str = "\u{feff}";

#[tokio::test(start_paused = true)]
async fn a_byte_order_mark_and_blank_lines_hold_no_record() {
    local(async {
        let gateway = Gateway::open();
        let lines = format!("{MARK}\n{{\"value\":\"a\"}}\n\n \r\n{{\"value\":\"b\"}}\n\n");
        let reports = gateway.post("/producer/t", "application/x-ndjson", &lines).await;
        let (status, reports) = reports.taken();
        assert_eq!((status, reports.as_array().unwrap().len()), (200, 2), "{reports}");
        assert!(reports[0].get("error").is_none() && reports[1].get("error").is_none());

        let webhook = format!("{MARK}{}", json!({"topic": "t", "callback_url": "https://h.test/"}));
        assert_eq!(gateway.post("/webhooks", "application/json", &webhook).await.status, 201);
        let upstash = format!("{MARK}[{{\"value\":\"c\"}}]");
        let produced = gateway.post("/upstash/produce/t", "application/json", &upstash).await;
        assert_eq!(produced.status, 200);

        // A raw value keeps every byte.
        let raw = format!("{MARK}text");
        let written = gateway.post("/producer/t?partition=1", "text/plain", &raw).await.taken();
        assert_eq!(written.0, 200);
        let records = gateway.get("/topics/t/partitions/1/records?wait=0").await.1;
        let messages = records["records"].as_array().unwrap();
        assert!(messages.iter().any(|record| record["message"] == raw), "{records}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn lines_are_known_by_all_their_names_and_a_sequence_is_refused() {
    local(async {
        let gateway = Gateway::open();
        let lines = "{\"value\":\"a\"}\n{\"value\":\"b\"}\n";
        for name in ["ndjson", "jsonl", "x-jsonlines", "x-ldjson", "x-ndjson"] {
            let content_type = format!("application/{name}");
            let reports = gateway.post("/producer/t", &content_type, lines).await.taken();
            assert_eq!(reports.1.as_array().map(Vec::len), Some(2), "{name}: {reports:?}");
        }
        let sequence = gateway.post("/producer/t", "application/json-seq", "\u{1e}{}\n").await;
        let (status, json) = sequence.taken();
        assert_eq!(status, 415);
        assert!(json["detail"].as_str().unwrap().contains("application/x-ndjson"), "{json}");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_group_has_a_name_that_a_path_can_hold() {
    local(async {
        let gateway = Gateway::open();
        for name in [".", ".."] {
            let consume = format!("/consumer/t?group={name}&wait=0");
            assert_eq!(gateway.refused(&consume, 400).await.1, "group");
            let instance = format!("/upstash/consume/g/%2E{}/t?timeout=0", &name[1..]);
            assert_eq!(gateway.refused(&instance, 400).await.1, "instance");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_passes_through_proxies_and_takes_its_cursor_from_the_query() {
    local(async {
        let gateway = Gateway::open();
        for value in ["a", "b"] {
            gateway.log.append("t", 0, value);
        }
        let open = async |query: &str, accept: &str| {
            let mut get = request(Method::GET, &format!("/consumer/t?from=earliest{query}"));
            get.headers.push(header("accept", accept.as_bytes()));
            gateway.send(get).await
        };
        let first_line = async |query: &str| {
            let response = open(query, "application/x-ndjson").await;
            assert_eq!(response.header(&CACHE_CONTROL), Some("no-cache, no-transform"));
            let buffering = http::HeaderName::from_static("x-accel-buffering");
            assert_eq!(response.header(&buffering), Some("no"));
            let Body::Stream(mut source) = response.body else { panic!("not a stream") };
            let piece = source.next().await.unwrap();
            let line = piece.split(|byte| *byte == b'\n').next().unwrap().to_vec();
            serde_json::from_slice::<serde_json::Value>(&line).unwrap()
        };
        let first = first_line("").await;
        assert_eq!(first["message"], "a");
        let cursor = first["cursor"].as_str().unwrap().to_owned();
        assert_eq!(first_line(&format!("&lastEventId={cursor}")).await["message"], "b");
        // It is for streams alone.
        let (name, _) = gateway.refused(&format!("/consumer/t?lastEventId={cursor}"), 400).await;
        assert_eq!(name, "Unknown query parameter");
    })
    .await;
}

/// Deletes the topic and makes it anew, with a record on partition 0.
fn remake(gateway: &Gateway) {
    gateway.log.create_topic("t", 2);
    gateway.log.append("t", 0, "new");
}

#[tokio::test(start_paused = true)]
async fn a_group_on_a_topic_made_anew_is_shown_and_mended_by_a_seek() {
    local(async {
        let gateway = Gateway::open();
        (0..5).for_each(|_| _ = gateway.log.append("t", 0, "old"));
        assert_eq!(
            gateway.get("/consumer/t?group=g&max=9").await.1["records"].as_array().unwrap().len(),
            5
        );
        remake(&gateway);
        assert_eq!(gateway.get("/consumer/t?group=g&wait=1").await.1["message"], json!(null));
        let standing = async || gateway.get("/groups/g").await.1["topics"][0]["partitions"].clone();
        let beyond = json!({"partition": 0, "committed": 5, "claimed": 0, "end_offset": 1,
            "lag": null, "beyond_end": true});
        assert_eq!(standing().await[0], beyond);

        let mut get = request(Method::GET, "/consumer/t?group=g");
        get.headers.push(header("accept", b"text/event-stream"));
        let Body::Stream(mut stream) = gateway.send(get).await.body else { panic!("no stream") };
        let mut said = String::new();
        while !said.contains("seek") {
            said.push_str(std::str::from_utf8(&stream.next().await.expect("it goes on")).unwrap());
        }
        let says = ": Position 5 lies beyond the end of partition 0 of t, which is 1; a seek moves \
                    the group\n";
        assert!(said.contains(says), "{said}");

        let to = json!({"topic": "t", "to": "earliest"});
        assert_eq!(gateway.post_json("/groups/g/seek", &to).await.0, 200);
        let piece = stream.next().await.expect("it goes on");
        assert!(std::str::from_utf8(&piece).unwrap().contains(r#""message":"new""#));
        drop(stream.next().await);
        assert!(standing().await[0].get("beyond_end").is_none());
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_without_a_group_starts_again_on_a_topic_made_anew() {
    local(async {
        for (from, expected) in [("earliest", "new"), ("latest", "newer")] {
            let gateway = Gateway::open();
            (0..5).for_each(|_| _ = gateway.log.append("t", 0, "old"));
            let mut get = request(Method::GET, &format!("/consumer/t?from={from}"));
            get.headers.push(header("accept", b"text/event-stream"));
            let Body::Stream(mut stream) = gateway.send(get).await.body else { panic!("none") };
            let mut said = String::new();
            let mut step = 0;
            let start = tokio::time::Instant::now();
            while !said.contains(&format!(r#""message":"{expected}""#)) {
                let piece = stream.next().await.expect("it goes on");
                said.push_str(std::str::from_utf8(&piece).unwrap());
                step += 1;
                match step {
                    2 => remake(&gateway),
                    4 => _ = gateway.log.append("t", 0, "newer"),
                    _ => {}
                }
                assert!(start.elapsed().as_secs() < 120, "{said}");
            }
            let says = ": Position 5 lies beyond the end of partition 0 of t, which is 1; it is \
                        read from its start or end\n";
            assert!(said.contains(says), "{said}");
            assert_eq!(said.contains(r#""message":"new""#), from == "earliest");
        }
    })
    .await;
}
