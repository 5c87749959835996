//! What other people's programs send, and what stands between them and us.

use std::io::Write as _;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT_ENCODING, CACHE_CONTROL};
use kafka_edge::http::{Body, Declaration, ENDPOINTS};
use kafka_edge::record::{Header, NewRecord};
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
        let refused = gateway.refused(&format!("/consumer/t?lastEventId={cursor}"), 400).await;
        let expected = ("Not taken in this form of the call".into(), "lastEventId".into());
        assert_eq!(refused, expected);
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
        let beyond = json!({"partition": 0, "committed": 5, "claimed": 0, "acquired": 0,
            "available": null, "rejected": 0, "given_up": 0, "end_offset": 1, "lag": null, "beyond_end": true});
        assert_eq!(standing().await[0], beyond);
        let reports = gateway.world.reported();
        let told = reports.iter().filter(|line| line.contains("position-beyond-end"));
        assert_eq!(told.count(), 1, "{reports:?}");

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
async fn where_a_group_was_to_start_on_a_topic_made_anew_is_shown_as_well() {
    local(async {
        let gateway = Gateway::open();
        (0..5).for_each(|_| _ = gateway.log.append("t", 0, "old"));
        let (_, nothing) = gateway.get("/consumer/t?group=g&from=latest&wait=0").await;
        assert_eq!(nothing["message"], json!(null));
        remake(&gateway);
        let (_, group) = gateway.get("/groups/g").await;
        assert_eq!(group["topics"][0]["partitions"][0]["beyond_end"], true, "{group}");
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

/// Records with everything that a record can hold.
fn any_records() -> Vec<NewRecord> {
    let bytes = |bytes: &'static [u8]| Some(Bytes::from_static(bytes));
    let header = |name: &str, value| Header { name: name.into(), value };
    let headers = vec![
        header("a", bytes(b"1")),
        header("A", bytes(b"\xff\x00")),
        header("a", bytes(b"")),
        header("", None),
    ];
    [None, bytes(b""), bytes(b"text"), bytes(b"\x00\xfe"), bytes(b"null"), bytes("grün".as_bytes())]
        .into_iter()
        .flat_map(|key| {
            [None, bytes(b""), bytes(b"{\"a\": 1}"), bytes(b"\xc3\x28")].map(|value| NewRecord {
                key: key.clone(),
                value,
                headers: headers.clone(),
                partition: Some(0),
                timestamp: Some(7),
            })
        })
        .collect()
}

/// The records of a partition, without their offsets.
fn held(gateway: &Gateway, partition: usize) -> Vec<NewRecord> {
    let records = gateway.log.records("t", partition).into_iter();
    records
        .map(|record| NewRecord {
            key: record.key,
            value: record.value,
            headers: record.headers.unwrap_or_default(),
            partition: Some(0),
            timestamp: record.timestamp,
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn what_comes_out_goes_in_again_byte_for_byte() {
    local(async {
        let gateway = Gateway::open();
        any_records().into_iter().for_each(|record| _ = gateway.log.write("t", 0, record));
        let before = held(&gateway, 0);
        let again = async |records: &Vec<serde_json::Value>, rows: &str| {
            let gateway = Gateway::open();
            let response = match rows {
                "lines" => {
                    let lines: String =
                        records.iter().map(|record| format!("{record}\n")).collect();
                    gateway.post("/producer/t", "application/x-ndjson", &lines).await
                }
                path => gateway.post(path, "application/json", &json!(records).to_string()).await,
            };
            assert_eq!(response.status, 200, "{response:?}");
            assert_eq!(held(&gateway, 0), before, "{rows}");
        };
        // As they are read at an offset, in a page, with receipts, and as lines.
        let (_, read) = gateway.get("/topics/t/partitions/0/records?max=500").await;
        again(read["records"].as_array().unwrap(), "lines").await;
        let (_, claimed) = gateway.get("/consumer/t?group=g&max=500&ack=manual").await;
        again(claimed["records"].as_array().unwrap(), "lines").await;
        let mut get = request(Method::GET, "/consumer/t?from=earliest");
        get.headers.push(header("accept", b"application/x-ndjson"));
        let Body::Stream(mut stream) = gateway.send(get).await.body else { panic!("no stream") };
        let lines = String::from_utf8(stream.next().await.unwrap().to_vec()).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        again(&lines, "lines").await;

        let fetch = json!({"topic": "t", "partition": 0, "offset": 0}).to_string();
        let (_, fetched) = gateway.post("/upstash/fetch", "application/json", &fetch).await.taken();
        let fetched = fetched.as_array().unwrap();
        assert_eq!(fetched.len(), before.len());
        again(fetched, "/upstash/produce").await;
        again(fetched, "/upstash/produce/t").await;

        let refused = json!({"value": "%", "encoding": "base64"}).to_string();
        let refused =
            gateway.post("/upstash/produce/t", "application/json", &refused).await.taken();
        assert_eq!((refused.0, &refused.1["detail"]), (400, &json!("value")));
        let refused = gateway.post("/upstash/produce/t", "application/json", "{}").await.taken();
        assert_eq!(refused.0, 400);
    })
    .await;
}

fn encoded(coding: &str, text: &[u8]) -> Vec<u8> {
    let level = flate2::Compression::default();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), level);
    gzip.write_all(text).unwrap();
    zlib.write_all(text).unwrap();
    match coding {
        "gzip" => gzip.finish().unwrap(),
        _ => zlib.finish().unwrap(),
    }
}

#[tokio::test(start_paused = true)]
async fn compressed_bodies_are_decoded_or_refused_on_every_call() {
    local(async {
        let gateway = Gateway::open();
        let post = async |target: &str, coding: &str, body: Vec<u8>| {
            let mut post = request(Method::POST, target);
            post.headers.push(header("content-encoding", coding.as_bytes()));
            post.headers.push(header("content-type", b"application/x-ndjson"));
            post.body = body.into();
            gateway.send(post).await
        };
        for coding in ["gzip", "deflate"] {
            let lines = encoded(coding, &b"{\"value\":\"a\"}\n".repeat(100));
            let (status, reports) = post("/producer/t", coding, lines).await.taken();
            assert_eq!((status, reports.as_array().unwrap().len()), (200, 100));
            let webhook = encoded(coding, b"plain");
            assert_eq!(post("/upstash/webhook?topic=t", coding, webhook).await.status, 200);
            let seek = encoded(coding, br#"{"topic":"t","to":"earliest"}"#);
            assert_eq!(post("/groups/g/seek", coding, seek).await.status, 200);
            let bomb = encoded(coding, &vec![b' '; 17 * 1024 * 1024]);
            assert!(bomb.len() < 64 * 1024);
            for target in ["/producer/t", "/groups/g/seek"] {
                assert_eq!(post(target, coding, bomb.clone()).await.status, 413, "{target}");
            }
        }
        let records: Vec<_> =
            (0..2).flat_map(|partition| gateway.log.records("t", partition)).collect();
        let values = records.iter().filter_map(|record| record.value.as_deref());
        assert!(values.clone().all(|value| matches!(value, b"a" | b"plain")));
        assert_eq!(records.len(), 202);
        for coding in ["br", "zstd", "compress", "gzip, gzip", "aes128gcm"] {
            let refused = post("/producer/t", coding, b"whatever".to_vec()).await;
            assert_eq!(refused.header(&ACCEPT_ENCODING), Some("gzip, deflate"), "{coding}");
            let (status, json) = refused.taken();
            assert_eq!((status, &json["detail"]), (415, &json!("content-encoding")), "{coding}");
        }
        assert_eq!(post("/producer/t", "gzip", b"no gzip".to_vec()).await.status, 400);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn no_call_takes_a_body_in_an_encoding_that_is_not_known() {
    local(async {
        let gateway = Gateway::open();
        gateway.create_source("source", "t").await;
        let mut tried = 0;
        for Declaration { methods, path, body, .. } in
            ENDPOINTS.iter().map(|listed| &listed.declaration)
        {
            let Some(method) = methods.iter().find(|method| **method != Method::GET) else {
                continue;
            };
            if body.limit() == 0 {
                continue;
            }
            let topic = if path.ends_with("/webhook") { "?topic=t" } else { "" };
            let target = path.replace("{time}", "1").replace(['{', '}', '*'], "") + topic;
            let mut call = request(method.clone(), &target);
            call.headers.push(header("content-encoding", b"br"));
            call.body = b"whatever".to_vec().into();
            assert_eq!(gateway.send(call).await.status, 415, "{method} {path}");
            tried += 1;
        }
        assert!(tried >= 10, "{tried}");
    })
    .await;
}
