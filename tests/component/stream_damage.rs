//! Everything that was seen to go wrong with a stream of reports, and what
//! each of three callers' records is said to have come to.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body::Frame;
use http_body_util::StreamBody;
use kafka_edge_host::upstream::script::{cut, read_all};
use kafka_edge_host::{Body, Host, body};
use serde_json::{Value, json};

use crate::calling::{get, post_lines};
use crate::world::World;

const LINES: &str = "{\"message\":\"a\"}\n{\"message\":\"b\"}\n{\"message\":\"c\"}\n";

/// A report on a record that was written.
fn report(offset: i64) -> String {
    json!({
        "error_code": 200,
        "cluster_id": "lkc-emulator",
        "topic_name": "t",
        "partition_id": 0,
        "offset": offset,
        "timestamp": "2026-03-01T10:15:30.250Z",
        "value": { "type": "BINARY", "size": 1 },
    })
    .to_string()
}

fn error(code: i64, message: &str) -> String {
    json!({ "error_code": code, "message": message }).to_string()
}

fn answer(status: u16, body: Body) -> http::Response<Body> {
    let response = http::Response::builder().status(status);
    response.header("content-type", "application/json").body(body).unwrap()
}

/// Sends pieces one by one, with a pause before each.
fn slowly(pieces: Vec<String>, pause: Duration) -> Body {
    let frames = stream::iter(pieces).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, Infallible>(Frame::data(Bytes::from(piece)))
    });
    body::boxed(StreamBody::new(Box::pin(frames)))
}

/// A gateway whose server answers each write by `answer`, whatever it is.
fn damaged(
    world: &World,
    answer: impl Fn() -> http::Response<Body> + Clone + Send + Sync + 'static,
) -> Host {
    let upstream = world.with_produce(move |_, request| {
        let answer = answer.clone();
        async move {
            read_all(request).await;
            Ok(answer())
        }
    });
    world.gateway_over(upstream).variable("request_timeout", "3s").build().unwrap()
}

/// What is said of each of three records.
async fn reports(
    answer: impl Fn() -> http::Response<Body> + Clone + Send + Sync + 'static,
) -> Vec<Value> {
    let host = damaged(&World::new(), answer);
    let reports = post_lines(&host, "/producer/t", LINES).await.lines();
    assert_eq!(reports.len(), 3, "{reports:?}");
    assert_eq!(host.stats().traps, 0);
    reports
}

/// The offset that each was written at, or the status of its error.
fn outcomes(reports: &[Value]) -> Vec<Result<i64, u64>> {
    let outcome = |report: &Value| match report["status"].as_u64() {
        None => Ok(report["offset"].as_i64().unwrap_or_else(|| panic!("{report}"))),
        Some(504) => {
            let sentence = report["error"].as_str().unwrap();
            assert!(sentence.starts_with("Unknown outcome"), "{report}");
            Err(504)
        }
        Some(status) => Err(status),
    };
    reports.iter().map(outcome).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_stream_within_a_success() {
    const UNKNOWN: Result<i64, u64> = Err(504);
    const REFUSED: Result<i64, u64> = Err(502);
    let (one, two, three) = (report(0), report(1), report(2));
    let bad = error(400, "Unrecognized field \"x\"");
    let ended = error(400, "Bad Request: Error processing message: Unexpected character");
    let old = error(408, "Streaming connection open for longer than allowed");
    let rows = [
        ("whole", [&*one, &two, &three].concat(), [Ok(0), Ok(1), Ok(2)]),
        ("lines", [&*one, "\r\n", &two, "\r\n", &three, "\r\n"].concat(), [Ok(0), Ok(1), Ok(2)]),
        ("an error for one", [&*one, &bad, &two].concat(), [Ok(0), REFUSED, Ok(1)]),
        ("an error that ends it", [&*one, &ended].concat(), [Ok(0), REFUSED, UNKNOWN]),
        ("two errors for one", [&*one, &bad, &ended].concat(), [Ok(0), REFUSED, REFUSED]),
        ("too old", [&*one, &old, &old].concat(), [Ok(0), UNKNOWN, UNKNOWN]),
        ("fewer reports", one.clone(), [Ok(0), UNKNOWN, UNKNOWN]),
        ("no report", String::new(), [UNKNOWN; 3]),
        ("more reports", [&*one, &two, &three, &one].concat(), [Ok(0), Ok(1), Ok(2)]),
        ("garbage between", [&*one, "###", &two].concat(), [Ok(0), UNKNOWN, UNKNOWN]),
        ("a comma between", [&*one, ",", &two].concat(), [Ok(0), UNKNOWN, UNKNOWN]),
        ("an array", format!("[{one},{two},{three}]"), [UNKNOWN; 3]),
        ("cut in a report", [&one, &two[..30]].concat(), [Ok(0), UNKNOWN, UNKNOWN]),
        ("a page", "<html><body>It works!</body></html>".into(), [UNKNOWN; 3]),
        ("nothing true", "null null null".into(), [UNKNOWN; 3]),
        (
            "a success without a place",
            [&*one, r#"{"error_code":200}"#, &two].concat(),
            [Ok(0), UNKNOWN, Ok(1)],
        ),
        (
            "an endless report",
            format!("{one}{{\"message\":\"{}", "x".repeat(1024 * 1024)),
            [Ok(0), UNKNOWN, UNKNOWN],
        ),
    ];
    for (name, text, expected) in rows {
        let got = reports(move || answer(200, body::full(text.clone()))).await;
        assert_eq!(outcomes(&got), expected, "{name}: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_is_unknown_from_there_on() {
    let whole = [report(0), report(1), report(2)].concat();
    let first = report(0).len() as u64;
    for (after, written) in [(0, 0), (1, 0), (first - 1, 0), (first, 1), (first + 40, 1)] {
        let whole = whole.clone();
        let got = reports(move || cut(answer(200, body::full(whole.clone())), after)).await;
        let expected: Vec<_> = (0..3).map(|n| if n < written { Ok(n) } else { Err(504) }).collect();
        assert_eq!(outcomes(&got), expected, "after {after} bytes: {got:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_stream_is_read_as_it_comes_and_given_up_in_time() {
    let pieces = || [report(0), report(1), report(2)].concat().into_bytes();
    let bytes =
        move || pieces().chunks(100).map(|c| String::from_utf8(c.into()).unwrap()).collect();
    let got = reports(move || answer(200, slowly(bytes(), Duration::from_millis(20)))).await;
    assert_eq!(outcomes(&got), [Ok(0), Ok(1), Ok(2)]);

    let hours = Duration::from_secs(3600);
    let got = reports(move || {
        let late = slowly(vec![report(1)], hours);
        let first = stream::iter([Ok::<_, Infallible>(Frame::data(Bytes::from(report(0))))]);
        let rest = http_body_util::BodyStream::new(late)
            .map(|frame| Ok::<_, Infallible>(frame.unwrap_or_else(|_| Frame::data(Bytes::new()))));
        answer(200, body::boxed(StreamBody::new(first.chain(rest))))
    })
    .await;
    assert_eq!(outcomes(&got), [Ok(0), Err(504), Err(504)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_before_the_stream_is_said_as_what_it_is() {
    let page = "<html><body>Bad gateway</body></html>";
    for (status, body, expected) in [
        (429, String::new(), 429),
        (429, error(429, "Too many requests"), 429),
        (500, page.into(), 502),
        // Whether the server behind a gateway got the record, nobody knows.
        (502, page.into(), 504),
        (504, page.into(), 504),
        (503, page.into(), 502),
        (401, error(40101, "Unauthorized"), 502),
        (404, page.into(), 502),
        (404, error(40403, "Topic not found"), 404),
        (413, error(413, "Too large"), 413),
    ] {
        let world = World::new();
        let text = body.clone();
        let host = damaged(&world, move || answer(status, body::full(text.clone())));
        let answer = get(&host, "/producer/t/a").await;
        assert_eq!(answer.status, expected, "{status} {body}: {answer:?}");
        answer.error(expected);
        assert_eq!(answer.header("retry-after").is_some(), expected == 429, "{answer:?}");
        // An error page of who stands between is nobody's business.
        assert!(!answer.text.contains("html"), "{answer:?}");
        assert_eq!(host.stats().traps, 0);
    }
}
