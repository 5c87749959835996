//! Produces whose outcome nobody knows: said as such, and never twice in the
//! log.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kafka_edge_emulator::Options;
use kafka_edge_host::upstream::ErrorCode;
use kafka_edge_host::upstream::script::{CutResponse, DropAnswer, cut};
use kafka_edge_host::{Body, Host, body};

use crate::calling::{get, post_lines};
use crate::world::{ConsumeApi, Sent, World, through};

const UNKNOWN: &str = "Unknown outcome: the record may or may not have been written";

/// A gateway whose calls that write records are answered by `answer`.
fn meddled<R: Future<Output = Sent> + Send>(
    world: &World,
    answer: impl Fn(World, http::Request<Body>) -> R + Clone + Send + Sync + 'static,
) -> Host {
    let host = world.gateway_over(world.with_produce(answer));
    host.variable("request_timeout", "2s").build().unwrap()
}

/// Produces `value` and expects that nobody knows; says how often it is there.
async fn unknown(world: &World, host: &Host, value: &str) -> usize {
    let answer = get(host, &format!("/producer/t/{value}")).await;
    let (sentence, detail) = answer.error(504);
    assert_eq!(sentence, UNKNOWN);
    assert!(detail.is_some_and(|detail| !detail.is_empty()), "{answer:?}");
    assert_eq!(host.stats().traps, 0);
    world.times("t", value)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_lost_leaves_the_record_written_once() {
    let world = World::new();
    let host = meddled(&world, async |world, request| {
        through(DropAnswer(world.upstream()), request).await
    });
    assert_eq!(unknown(&world, &host, "a").await, 1);
    assert_eq!(world.produce_calls(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_before_anything_arrives_leaves_none() {
    let world = World::new();
    let host =
        meddled(&world, async |_, _| Err::<http::Response<Body>, _>(ErrorCode::HttpProtocolError));
    assert_eq!(unknown(&world, &host, "a").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers_is_given_up() {
    let world = World::new();
    let host = meddled(&world, async |_, request| {
        _ = request.into_body().collect().await;
        std::future::pending().await
    });
    assert_eq!(unknown(&world, &host, "a").await, 0);
    // And one that has begun to.
    let host = meddled(&world, async |world, request| {
        let (head, _) = world.answer(request).await?.into_parts();
        let silence = stream::pending::<Result<Frame<Bytes>, Infallible>>();
        Ok(http::Response::from_parts(head, body::boxed(StreamBody::new(silence))))
    });
    assert!(unknown(&world, &host, "b").await <= 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_cut_anywhere_is_unknown_or_true() {
    let (mut known, mut cuts) = (0, 0);
    for after in (0..400).step_by(19) {
        let world = World::new();
        let host = meddled(&world, move |world: World, request| async move {
            through(CutResponse(after, world.upstream()), request).await
        });
        let answer = get(&host, "/producer/t/a").await;
        cuts += 1;
        let times = world.times("t", "a");
        match answer.status {
            200 => {
                known += 1;
                assert_eq!(times, 1, "cut after {after} bytes");
            }
            _ => assert_eq!(answer.error(504).0, UNKNOWN),
        }
        assert!(times <= 1, "cut after {after} bytes: {times}");
    }
    println!("{known} of {cuts} cuts came after the report");
    assert!(known > 0 && known < cuts);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_a_request_leaves_each_record_written_once_at_most() {
    let lines: String = (0..8).map(|n| format!("{{\"message\":\"v{n}\"}}\n")).collect();
    for eighths in [0, 1, 4, 7] {
        let world = World::new();
        let host = meddled(&world, move |world: World, request| async move {
            // What has gone out by then arrives, and the connection is gone.
            let (head, whole) = request.into_parts();
            let whole = whole.collect().await.unwrap().to_bytes();
            let after = whole.len() as u64 * eighths / 8;
            let half = cut(http::Response::new(body::full(whole)), after).into_body();
            let sent = world.answer(http::Request::from_parts(head, half)).await?;
            _ = sent.into_body().collect().await;
            Err(ErrorCode::HttpProtocolError)
        });
        let reports = post_lines(&host, "/producer/t", &lines).await.lines();
        assert_eq!(reports.len(), 8);
        assert!(reports.iter().all(|report| report["error"] == UNKNOWN), "{reports:?}");
        let there: usize = (0..8).map(|n| world.times("t", &format!("v{n}"))).sum();
        assert!((0..8).all(|n| world.times("t", &format!("v{n}")) <= 1));
        assert!(there < 8, "half of the request held all of it");
        println!("{there} of 8 records had arrived with {eighths} eighths of the request");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_too_old_leaves_its_record_written_once_at_most() {
    let options = Options { stream_max_age: Duration::ZERO, ..Options::quick() };
    let world = World::with(ConsumeApi::V2, options);
    let host = world.gateway().build().unwrap();
    assert!(unknown(&world, &host, "a").await <= 1);
    assert_eq!(world.produce_calls(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_certainly_was_not_written_is_tried_again() {
    let world = World::new();
    let tries = Arc::new(AtomicU64::new(0));
    let upstream = world.with_produce({
        let tries = tries.clone();
        move |world: World, request| {
            let earlier = tries.fetch_add(1, Ordering::SeqCst);
            async move {
                match earlier {
                    0 => Err(ErrorCode::ConnectionRefused),
                    1 => Ok(plain(503, "upstream connect error")),
                    2 => Ok(plain(429, r#"{"error_code":429,"message":"slow down"}"#)),
                    _ => world.answer(request).await,
                }
            }
        }
    });
    // With time for three pauses.
    let host = world.gateway_over(upstream).build().unwrap();
    let json = get(&host, "/producer/t/a").await.ok();
    assert_eq!(json["offset"], 0, "{json}");
    assert_eq!(world.times("t", "a"), 1);
}

fn plain(status: u16, text: &'static str) -> http::Response<Body> {
    let response = http::Response::builder().status(status);
    response.body(body::full(text)).unwrap()
}
