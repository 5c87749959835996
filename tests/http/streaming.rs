//! `/consumer` as a stream.

use std::time::Duration;

use futures_util::future::select;
use http::Method;
use http::header::CONTENT_TYPE;
use kafka_edge::error::{Error, ErrorKind};
use kafka_edge::host::{Host, HostCapabilities, Limit};
use kafka_edge::http::{Body, Source};
use kafka_edge_sim::local;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::gateway::{Gateway, header, request};

/// Reads a stream, and takes a piece only when a test asks for it. The text is
/// what came between the pages.
struct Reader(Box<dyn Source>, String);

impl Reader {
    async fn open(gateway: &Gateway, target: &str, accept: &str, cursor: Option<&str>) -> Self {
        let mut request = request(Method::GET, target);
        request.headers.push(header("Accept", accept.as_bytes()));
        request.headers.extend(cursor.map(|id| header("Last-Event-ID", id.as_bytes())));
        let response = gateway.send(request).await;
        assert_eq!(response.status, 200, "{response:?}");
        assert_eq!(response.header(&CONTENT_TYPE), Some(accept));
        match response.body {
            Body::Stream(source) => Self(source, String::new()),
            Body::Whole(_) => panic!("a stream was asked for"),
        }
    }

    async fn events(gateway: &Gateway, target: &str, cursor: Option<&str>) -> Self {
        let mut reader = Self::open(gateway, target, "text/event-stream", cursor).await;
        let head = reader.piece().await.expect("it begins");
        assert!(head.starts_with("retry: 2000\n") && !head.contains("\n\n"), "{head}");
        reader
    }

    async fn piece(&mut self) -> Option<String> {
        let piece = self.0.next().await?;
        Some(String::from_utf8(piece.to_vec()).expect("it is text"))
    }

    /// The events of the next piece with records: cursor and record of each.
    async fn page(&mut self) -> Vec<(String, Value)> {
        let piece = loop {
            let piece = self.piece().await.expect("it goes on");
            if piece.contains("\n\n") {
                break piece;
            }
            self.1.push_str(&piece);
        };
        let events = piece.split_terminator("\n\n").map(|event| {
            let field = |name| event.lines().rev().find_map(|line| line.strip_prefix(name));
            let data = field("data: ").expect("data");
            let id = field("id: ").expect("a cursor").to_owned();
            (id, serde_json::from_str(data).expect("it is JSON"))
        });
        events.collect()
    }
}

fn messages(page: &[(String, Value)]) -> Vec<&str> {
    page.iter().map(|(_, record)| record["message"].as_str().expect("text")).collect()
}

fn gateway() -> Gateway {
    let gateway = Gateway::open();
    for message in ["a", "b", "c"] {
        gateway.log.append("t", 0, message);
    }
    gateway
}

async fn committed(gateway: &Gateway) -> Value {
    // What was delivered is written down within moments.
    tokio::time::sleep(Duration::from_secs(1)).await;
    gateway.get("/groups/g").await.1["topics"][0]["partitions"][0]["committed"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_tail_starts_at_the_end_and_moves_nothing() {
    local(async {
        for in_places in [false, true] {
            let gateway = gateway();
            if in_places {
                gateway.log.read_in_places(2);
            }
            let mut tail = Reader::events(&gateway, "/consumer/t", None).await;
            let mut whole = Reader::events(&gateway, "/consumer/t?from=earliest", None).await;
            let mut seen = Vec::new();
            while seen.len() < 3 {
                seen.extend(whole.page().await);
            }
            assert_eq!(messages(&seen), ["a", "b", "c"]);
            gateway.log.append("t", 1, "d");
            let page = tail.page().await;
            assert_eq!(messages(&page), ["d"]);
            assert_eq!((&page[0].1["partition"], &page[0].1["topic"]), (&json!(1), &json!("t")));
            assert!(gateway.world.store().is_empty());
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_goes_on_where_its_reader_was_on_any_instance() {
    local(async {
        let gateway = gateway();
        let mut reader = Reader::open(&gateway, "/consumer/t", "text/event-stream", None).await;
        let head = reader.piece().await.expect("it begins");
        let at_end = head.trim().split_once("id: ").expect("a cursor").1.to_owned();
        let mut first = Reader::events(&gateway, "/consumer/t?from=earliest", None).await;
        let page = first.page().await;
        gateway.log.append("t", 0, "d");
        gateway.log.append("t", 1, "e");
        let other = gateway.restarted();
        for (cursor, expected) in
            [(&at_end, "de"), (&page[0].0, "bcde"), (&page[1].0, "cde"), (&page[2].0, "de")]
        {
            let mut resumed = Reader::events(&other, "/consumer/t", Some(cursor)).await;
            let mut seen = Vec::new();
            while seen.len() < expected.len() {
                seen.extend(resumed.page().await);
            }
            assert_eq!(messages(&seen).concat(), expected);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn with_a_group_a_page_counts_once_it_was_taken() {
    local(async {
        let gateway = gateway();
        let mut reader = Reader::events(&gateway, "/consumer/t?group=g", None).await;
        let page = reader.page().await;
        assert_eq!(messages(&page), ["a", "b", "c"]);
        // The host did not take the piece: the next reader gets it.
        drop(reader);
        let mut reader = Reader::events(&gateway, "/consumer/t?group=g", None).await;
        assert_eq!(messages(&reader.page().await), ["a", "b", "c"]);
        gateway.log.append("t", 0, "d");
        assert_eq!(messages(&reader.page().await), ["d"], "asked for, so the others were taken");
        drop(reader);
        assert_eq!(committed(&gateway).await, 3);
        assert_eq!(gateway.get("/consumer/t?group=g").await.1["message"], "d");
        assert_eq!(committed(&gateway).await, 4);

        // A cursor from behind or from ahead moves nothing.
        for id in [&page[0].0, &page[2].0] {
            drop(Reader::events(&gateway, "/consumer/t?group=g", Some(id)).await);
            assert_eq!(committed(&gateway).await, 4);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn claimed_records_come_as_a_stream_too() {
    local(async {
        let gateway = gateway();
        let target = "/consumer/t?group=g&ack=manual&lease=60";
        let mut reader = Reader::events(&gateway, target, None).await;
        let page = reader.page().await;
        assert_eq!(messages(&page), ["a", "b", "c"]);
        let body = json!({"receipts": [page[0].1["receipt"]]});
        let (_, acked) = gateway.post_json("/consumer/t/ack?group=g", &body).await;
        assert_eq!(acked["receipts"][0]["status"], "acked");
        assert_eq!(committed(&gateway).await, 1);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn lines_carry_their_cursor() {
    local(async {
        let gateway = gateway();
        let target = "/consumer/t?from=earliest";
        let mut reader = Reader::open(&gateway, target, "application/x-ndjson", None).await;
        let piece = reader.piece().await.expect("it begins");
        let lines: Vec<Value> =
            piece.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[1]["message"], &lines[1]["offset"]), (&json!("b"), &json!(1)));
        let cursor = lines[1]["cursor"].as_str().expect("a cursor");
        let mut resumed = Reader::events(&gateway, "/consumer/t", Some(cursor)).await;
        assert_eq!(messages(&resumed.page().await), ["c"]);
        assert_eq!(reader.piece().await.as_deref(), Some("\n"), "a sign of life");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_stream_shows_signs_of_life_and_ends_after_a_while() {
    local(async {
        let gateway = Gateway::open();
        for target in ["/consumer/t", "/consumer/t?group=g"] {
            let start = Instant::now();
            let mut reader = Reader::events(&gateway, target, None).await;
            let mut beats = 0;
            while let Some(piece) = reader.piece().await {
                assert_eq!(piece, ":\n");
                beats += 1;
                let expected = Duration::from_secs(15 * beats);
                assert!(start.elapsed() < expected + Duration::from_secs(2), "{target}");
            }
            assert!((55..=60).contains(&beats), "{target}: {beats}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_whose_stream_came_to_its_end_takes_nothing_back_from_its_group() {
    local(async {
        let gateway = gateway();
        let mut reader = Reader::events(&gateway, "/consumer/t?group=g", None).await;
        let page = reader.page().await;
        assert_eq!(messages(&page), ["a", "b", "c"]);
        let last_id = &page[2].0;
        let mut others = 0;
        while let Some(piece) = reader.piece().await {
            assert_eq!(piece, ":\n", "a stream that ends leaves the reader where it was");
            if others == 0 {
                // Another caller of the group is faster with these.
                gateway.log.append("t", 0, "d");
                gateway.log.append("t", 0, "e");
                let (_, page) = gateway.get("/consumer/t?group=g&max=2").await;
                others = page["records"].as_array().expect("records").len();
            }
        }
        assert_eq!((others, committed(&gateway).await), (2, json!(5)));
        let mut again = Reader::events(&gateway, "/consumer/t?group=g", Some(last_id)).await;
        assert_eq!(again.piece().await.as_deref(), Some(":\n"), "all of it was had before");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_slows_the_polls_and_many_readers_share_them() {
    local(async {
        let gateway = Gateway::open();
        for number in 0..5_000 {
            gateway.log.append("t", 0, number.to_string());
        }
        let mut reader = Reader::events(&gateway, "/consumer/t?from=earliest", None).await;
        let mut seen = reader.page().await;
        let before = (gateway.log.calls("fetch"), gateway.log.calls("offsets"));
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!(before, (gateway.log.calls("fetch"), gateway.log.calls("offsets")));
        assert!(before.0 <= 1, "a page ahead at most");
        while seen.len() < 5_000 {
            let page = reader.page().await;
            assert!(page.len() <= 500);
            seen.extend(page);
        }
        let expected: Vec<_> = (0..5_000).map(|number: i32| number.to_string()).collect();
        assert_eq!(messages(&seen), expected);

        let mut waiting = Vec::new();
        for _ in 0..20 {
            waiting.push(Reader::events(&gateway, "/consumer/t", None).await);
        }
        let before = gateway.log.calls("offsets");
        let beats = waiting.iter_mut().map(Reader::piece);
        futures_util::future::join_all(beats).await;
        let polls = gateway.log.calls("offsets") - before;
        assert!(polls <= 15 * 10, "{polls} looks at the server in 15 s for 20 readers");
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_produce_is_in_the_streams_of_its_instance_at_once() {
    local(async {
        let gateway = Gateway::open();
        for target in ["/consumer/t", "/consumer/t?group=g"] {
            let mut reader = Reader::events(&gateway, target, None).await;
            let producing = async {
                tokio::time::sleep(Duration::from_millis(10_111)).await;
                assert_eq!(gateway.get("/producer/t/hello").await.0, 200);
                Instant::now()
            };
            let (page, written) = futures_util::future::join(reader.page(), producing).await;
            assert_eq!(messages(&page), ["hello"]);
            assert!(written.elapsed() < Duration::from_millis(10), "{target}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn what_fails_for_good_is_an_answer_at_first_and_an_event_later() {
    local(async {
        let gateway = gateway();
        let refused = async |target: &str, cursor: Option<&str>| {
            let mut request = request(Method::GET, target);
            request.headers.push(header("accept", b"text/event-stream"));
            request.headers.extend(cursor.map(|id| header("last-event-id", id.as_bytes())));
            let response = gateway.send(request).await;
            assert_eq!(response.header(&CONTENT_TYPE), Some("application/json"));
            let json: Value = serde_json::from_slice(response.whole_body()).expect("it is JSON");
            (response.status.as_u16(), json["detail"].as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(refused("/consumer/none", None).await.0, 404);
        assert_eq!(refused("/consumer/none?group=g", None).await.0, 404);
        for (query, detail) in [
            ("wait=1", "wait"),
            ("max=1", "max"),
            ("ack=manual", "ack"),
            ("group=", "group"),
            ("from=now", "from"),
            ("group=g&lease=1", "lease"),
        ] {
            let refused = refused(&format!("/consumer/t?{query}"), None).await;
            assert_eq!(refused, (400, detail.into()), "{query}");
        }
        for target in ["/consumer/t", "/consumer/t?group=g&from=latest"] {
            let mut reader = Reader::events(&gateway, target, None).await;
            gateway.log.set_failure(Some(ErrorKind::Unsupported("Not here".into()).into()));
            let last = reader.piece().await.expect("the error");
            let expected = "event: error\ndata: {\"error\":\"Not here\",\"status\":501}\n\n";
            assert_eq!(last, expected, "{target}");
            assert_eq!(reader.piece().await, None);
            gateway.log.set_failure(None);
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_comes_back_takes_nothing_from_its_group() {
    local(async {
        let gateway = gateway();
        let target = "/consumer/t?group=g";
        let mut reader = Reader::events(&gateway, target, None).await;
        let page = reader.page().await;
        assert_eq!(messages(&page), ["a", "b", "c"]);
        drop((reader.piece().await, reader));
        for message in ["d", "e", "f"] {
            gateway.log.append("t", 0, message);
        }
        let (_, read_on) = gateway.get("/consumer/t?group=g").await;
        let (_, claimed) = gateway.get("/consumer/t?group=g&ack=manual&lease=60").await;
        assert_eq!((&read_on["message"], &claimed["message"]), (&json!("d"), &json!("e")));

        // It had the first record alone.
        let mut again = Reader::events(&gateway, target, Some(&page[0].0)).await;
        assert_eq!(messages(&again.page().await), ["f"]);
        assert_eq!(again.piece().await.as_deref(), Some(":\n"));
        let body = json!({"receipts": [claimed["receipt"]]});
        let (_, acked) = gateway.post_json("/consumer/t/ack?group=g", &body).await;
        assert_eq!(acked["receipts"][0]["status"], "acked", "the claim was not touched");
        assert_eq!(committed(&gateway).await, 6);
    })
    .await;
}

/// Failures that pass.
fn passing() -> [Error; 5] {
    [
        ErrorKind::Store { detail: "gone".into() }.into(),
        ErrorKind::Unreachable { detail: "refused".into() }.into(),
        ErrorKind::Upstream { detail: "500".into() }.into(),
        ErrorKind::Timeout.into(),
        ErrorKind::Throttled { retry_after: Duration::from_secs(1) }.into(),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_ends_no_stream() {
    local(async {
        for failure in passing() {
            for target in ["/consumer/t", "/consumer/t?group=g&from=latest"] {
                let gateway = gateway();
                let mut open = Reader::events(&gateway, target, None).await;
                gateway.log.set_failure(Some(failure.clone()));
                let start = Instant::now();
                // An opening meets the failure, too.
                let mut opened = Reader::events(&gateway, target, None).await;
                while start.elapsed() < Duration::from_secs(75) {
                    let beat = Instant::now();
                    for reader in [&mut open, &mut opened] {
                        let piece = reader.piece().await.expect("it goes on");
                        assert!(piece.starts_with(':') && !piece.contains("\n\n"), "{piece}");
                    }
                    assert!(beat.elapsed() < Duration::from_secs(31), "{:?}", beat.elapsed());
                }
                gateway.log.set_failure(None);
                let later = async {
                    tokio::time::sleep(Duration::from_secs(20)).await;
                    gateway.log.append("t", 0, "later");
                };
                let readers = async {
                    let (pages, others) = (Box::pin(open.page()), Box::pin(opened.page()));
                    let (page, other) = select(pages, others).await.factor_first();
                    assert_eq!(messages(&page), ["later"], "{target} {failure:?}");
                    // One reader of a group gets it, and each one without.
                    if !target.contains("group") {
                        assert_eq!(messages(&other.await), ["later"], "{target} {failure:?}");
                    }
                };
                futures_util::future::join(readers, later).await;
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reader_hears_of_a_failure_and_of_its_end_once() {
    local(async {
        let gateway = Gateway::open();
        let mut reader = Reader::events(&gateway, "/consumer/t", None).await;
        gateway
            .log
            .set_failure(Some(ErrorKind::Unreachable { detail: "secret detail".into() }.into()));
        let first = reader.piece().await.expect("it goes on");
        let expected =
            ": The Kafka server cannot be reached; the stream goes on when that is over\n";
        assert_eq!(first, expected);
        assert_eq!(reader.piece().await.as_deref(), Some(":\n"));
        gateway.log.set_failure(None);
        assert_eq!(reader.piece().await.as_deref(), Some(": The stream goes on\n"));
        assert_eq!(reader.piece().await.as_deref(), Some(":\n"));

        // After five minutes the stream ends; whoever comes back is let in.
        gateway.log.set_failure(Some(ErrorKind::Timeout.into()));
        let start = Instant::now();
        let last = loop {
            let piece = reader.piece().await.expect("it says why it ends");
            if piece.starts_with("event: error") {
                break piece;
            }
        };
        assert!(last.contains(r#""status":504"#), "{last}");
        assert!((300..330).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
        assert_eq!(reader.piece().await, None);
        Reader::events(&gateway, "/consumer/t", None).await;
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_is_none_of_these_topics_is_not_used() {
    local(async {
        let gateway = gateway();
        let mut whole = Reader::events(&gateway, "/consumer/t?from=earliest", None).await;
        let good = whole.page().await[1].0.clone();
        for damaged in ["nonsense", &good[..good.len() - 1], "ASGueYgDAQEBAA"] {
            for group in ["", "&group=g"] {
                let target = format!("/consumer/t?from=earliest{group}");
                let accept = "text/event-stream";
                let mut reader = Reader::open(&gateway, &target, accept, Some(damaged)).await;
                let head = reader.piece().await.expect("it begins");
                let says =
                    "retry: 2000\n: The cursor was not one of these topics, and is not used\n";
                assert!(head.starts_with(says), "{head}");
                assert_eq!(messages(&reader.page().await), ["a", "b", "c"], "{target}");
            }
        }
        // Lines have no comments, so there it is an error.
        let mut lines = request(Method::GET, "/consumer/t");
        lines.headers.push(header("accept", b"application/x-ndjson"));
        lines.headers.push(header("last-event-id", b"nonsense"));
        assert_eq!(gateway.send(lines).await.status, 400);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn only_records_are_events() {
    local(async {
        let gateway = gateway();
        for target in ["/consumer/t?from=earliest", "/consumer/t?group=g"] {
            let mut reader = Reader::open(&gateway, target, "text/event-stream", None).await;
            let mut text = String::new();
            for _ in 0..5 {
                text.push_str(&reader.piece().await.expect("it goes on"));
            }
            let events: Vec<_> = text.split_terminator("\n\n").collect();
            let with_data = events.iter().filter(|event| event.contains("\ndata: ")).count();
            assert_eq!(with_data, 3, "{text}");
            assert!(events.len() == 4 && !events[3].contains("data"), "{text}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_short_where_requests_are_counted() {
    local(async {
        for (outbound_calls, longest) in [(Limit::None, 900), (Limit::AtMost(32), 30)] {
            let gateway = gateway();
            let unlimited = gateway.world.instance().capabilities();
            gateway.world.set_capabilities(HostCapabilities { outbound_calls, ..unlimited });
            let start = Instant::now();
            let mut reader = Reader::events(&gateway, "/consumer/t", None).await;
            while reader.piece().await.is_some() {}
            let took = start.elapsed().as_secs();
            assert!((longest..longest + 16).contains(&took), "{outbound_calls:?}: {took}");
        }
    })
    .await;
}
