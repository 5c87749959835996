//! What the emulator is for those who embed it: counters, pieces of streams,
//! a server.

use crate::common::{JSON, V2, emulator, emulator_with, get, post, read};
use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kafka_edge_emulator::{Emulator, NewRecord, Options, Server};
use std::convert::Infallible;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

const RECORDS: &str = "/v3/clusters/lkc-emulator/topics/orders/records";

fn record(data: &str) -> String {
    format!("{{\"value\":{{\"type\":\"STRING\",\"data\":\"{data}\"}}}}")
}

/// A produce stream whose records come through the sender.
fn open_stream() -> (
    mpsc::UnboundedSender<Bytes>,
    Request<impl http_body::Body<Data = Bytes, Error = Infallible> + Send + 'static>,
) {
    let (sender, receiver) = mpsc::unbounded_channel::<Bytes>();
    let pieces = stream::unfold(receiver, async |mut receiver| {
        let piece = receiver.recv().await?;
        Some((Ok(Frame::data(piece)), receiver))
    });
    let request = Request::post(format!("http://rest{RECORDS}"))
        .header("content-type", JSON)
        .body(StreamBody::new(pieces));
    (sender, request.expect("a request"))
}

#[tokio::test]
async fn calls_are_counted_by_what_they_are() {
    let emulator = emulator();
    post(&emulator, RECORDS, JSON, &record("a")).await;
    post(&emulator, RECORDS, JSON, &record("b")).await;
    get(&emulator, "/topics").await;
    get(&emulator, "/nowhere").await;
    assert_eq!(emulator.calls_of("POST /clusters/{cluster}/topics/{topic}/records"), 2);
    assert_eq!(emulator.calls_of("GET /topics"), 1);
    assert_eq!(emulator.calls().values().sum::<u64>(), 3);
    emulator.reset_calls();
    assert!(emulator.calls().is_empty());
}

#[tokio::test]
async fn a_report_comes_before_the_next_record_is_sent() {
    let emulator = emulator();
    let (sender, request) = open_stream();
    let mut body = emulator.handle(request).await.into_body();
    for i in 0..3 {
        sender.send(record(&i.to_string()).into()).expect("an open stream");
        if i > 0 {
            let line_end = body.frame().await.expect("a piece").expect("no error");
            assert_eq!(line_end.into_data().expect("data"), "\r\n");
        }
        let report = body.frame().await.expect("a piece").expect("no error");
        let text = report.into_data().expect("data");
        assert!(text.starts_with(b"{\"error_code\":200"), "{text:?}");
    }
    drop(sender);
    let rest = body.collect().await.expect("no error").to_bytes();
    assert_eq!(rest, "\r\n");
}

#[tokio::test]
async fn records_are_written_though_nobody_waits_for_their_reports() {
    let emulator = emulator();
    let (sender, request) = open_stream();
    let response = emulator.handle(request).await;
    drop(response);
    sender.send((record("a") + &record("b")).into()).expect("an open stream");
    drop(sender);
    let written = async {
        while emulator.end_offset("orders", 0) != Some(2) {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), written).await.expect("two records");
}

#[tokio::test(start_paused = true)]
async fn a_large_record_in_small_pieces_is_one_record() {
    let emulator = emulator();
    let (sender, request) = open_stream();
    let text = record(&"é".repeat(200_000));
    let response = emulator.handle(request).await;
    for piece in text.as_bytes().chunks(999) {
        // Pieces cut characters, as they do on a real connection.
        sender.send(Bytes::copy_from_slice(piece)).expect("an open stream");
    }
    drop(sender);
    let reports = read(response).await.reports();
    assert_eq!(reports.len(), 1, "{reports:?}");
    assert_eq!(reports[0]["value"]["size"], 400_000, "{reports:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lone_record_waits_where_it_is_told_to() {
    let delay = Duration::from_millis(8);
    let emulator = emulator_with(Options { lone_record_delay: delay, ..Options::quick() });
    let start = Instant::now();
    post(&emulator, RECORDS, JSON, &record("a")).await;
    assert_eq!(start.elapsed(), delay);
}

#[tokio::test(start_paused = true)]
async fn a_read_wakes_when_a_record_comes() {
    let emulator = emulator();
    let create = r#"{"name":"a","auto.offset.reset":"earliest","fetch.min.bytes":1}"#;
    assert_eq!(post(&emulator, "/consumers/g", V2, create).await.status, 200);
    let assign = r#"{"partitions":[{"topic":"orders","partition":0}]}"#;
    let instance = "/consumers/g/instances/a";
    post(&emulator, &format!("{instance}/assignments"), V2, assign).await;
    let start = Instant::now();
    let produce = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        emulator.append("orders", 0, NewRecord::value("new")).expect("an offset");
    };
    let path = format!("{instance}/records");
    let (answer, ()) = tokio::join!(get(&emulator, &path), produce);
    assert_eq!(answer.json()[0]["value"], "bmV3");
    assert_eq!(start.elapsed(), Duration::from_millis(300));
}

#[tokio::test(start_paused = true)]
async fn the_first_record_takes_its_time() {
    let emulator = emulator_with(Options::default());
    emulator.append("orders", 0, NewRecord::value("two bytes or more")).expect("an offset");
    let create = r#"{"name":"a","auto.offset.reset":"earliest","fetch.min.bytes":1}"#;
    post(&emulator, "/consumers/g", V2, create).await;
    let instance = "/consumers/g/instances/a";
    let assign = r#"{"partitions":[{"topic":"orders","partition":0}]}"#;
    post(&emulator, &format!("{instance}/assignments"), V2, assign).await;
    let timed = async || {
        let start = Instant::now();
        let answer = get(&emulator, &format!("{instance}/records")).await;
        assert_eq!(answer.json()[0]["offset"], 0);
        start.elapsed()
    };
    assert_about(timed().await, emulator.options().first_fetch.new_instance);
    let seek = r#"{"offsets":[{"topic":"orders","partition":0,"offset":0}]}"#;
    post(&emulator, &format!("{instance}/positions"), V2, seek).await;
    assert_about(timed().await, emulator.options().first_fetch.after_seek);
}

/// The clock of tokio counts whole milliseconds.
fn assert_about(given: Duration, expected: Duration) {
    assert!(given >= expected && given <= expected + Duration::from_millis(2), "{given:?}");
}

#[tokio::test]
async fn a_server_answers_and_stops() {
    let emulator = emulator();
    let server = Server::bind("127.0.0.1:0", emulator.clone()).await.expect("a port");
    let address = server.local_addr();
    let answer = ask(&emulator, address).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("[\"orders\"]\r\n0\r\n\r\n"), "{answer}");
    server.shutdown().await;
    assert!(TcpStream::connect(address).await.is_err());
}

async fn ask(emulator: &Emulator, address: std::net::SocketAddr) -> String {
    assert_eq!(emulator.topics().len(), 1);
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let request = "GET /topics HTTP/1.1\r\nHost: rest\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).await.expect("a connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}
