//! Every error that the HTTP API promises, through the built component.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use http::Method;
use kafka_edge_emulator::Options;
use kafka_edge_host::upstream::ErrorCode;
use kafka_edge_host::upstream::script::{fail, from_fn, refuse, respond};
use kafka_edge_host::{Host, body};

use crate::calling::{Answer, get, post, request, send};
use crate::world::{ConsumeApi, World};

/// An answer that is an error, by its sentence and detail.
fn says(answer: &Answer, status: u16, sentence: &str, detail: Option<&str>) {
    assert_eq!(answer.error(status), (sentence, detail), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_not_there_is_not_found_at_once() {
    for api in [ConsumeApi::V2, ConsumeApi::Cloud] {
        // A server as it is, that waits a minute before it says so.
        let world = World::with(api, Options::default());
        let host = world.gateway().build().unwrap();
        let start = std::time::Instant::now();
        for target in [
            "/producer/nope/hello",
            "/consumer/nope",
            "/topics/nope",
            "/webhook/nope/https://callback.test/",
        ] {
            says(&get(&host, target).await, 404, "Topic not found", Some("nope"));
        }
        let answer = post(&host, "/producer/nope", "hello").await;
        says(&answer, 404, "Topic not found", Some("nope"));
        assert!(start.elapsed() < Options::default().max_block, "{:?}", start.elapsed());
        assert_eq!(world.produce_calls(), 0);
    }
}

/// A kept connection that the server closed is one, and Spin says no more of
/// it than of an answer that is no HTTP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_whose_connection_broke_is_asked_again() {
    let world = World::new();
    let asked = Arc::new(AtomicBool::new(false));
    let kafka = world.clone();
    let upstream = from_fn(move |request| {
        let (kafka, asked) = (kafka.clone(), asked.swap(true, Ordering::SeqCst));
        async move {
            match asked {
                true => kafka.answer(request).await,
                false => Err(ErrorCode::HttpProtocolError),
            }
        }
    });
    let host = world.gateway_over(upstream).build().unwrap();
    assert_eq!(get(&host, "/topics/t").await.ok()["partitions"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_caller_got_wrong_is_named() {
    let world = World::new();
    let host = world.gateway().build().unwrap();
    for (target, detail) in [
        ("/consumer/t?grpup=g", "grpup"),
        ("/producer/t/m?partitoin=1", "partitoin"),
        ("/topics?x=1", "x"),
        ("/webhooks?x=1", "x"),
    ] {
        says(&get(&host, target).await, 400, "Unknown query parameter", Some(detail));
    }
    for (target, detail) in [
        ("/consumer/t?wait=31", "wait"),
        ("/consumer/t?wait=-1", "wait"),
        ("/consumer/t?wait=soon", "wait"),
        ("/consumer/t?from=middle", "from"),
        ("/consumer/t?group=", "group"),
        ("/producer/t/m?partition=-1", "partition"),
        ("/producer/t/m?partition=1", "partition"),
        ("/producer/t/m?partition=99999999999", "partition"),
        ("/producer/t/", "message"),
    ] {
        let answer = get(&host, target).await;
        assert_eq!(answer.error(400).1, Some(detail), "{target}");
    }
    for (body, detail) in [("", "body"), ("[]", "body"), ("{\"topic\":\"t\"}", "callback_url")] {
        assert_eq!(post(&host, "/webhooks", body).await.error(400).1, Some(detail), "{body}");
    }
    assert_eq!(post(&host, "/webhooks/deliver?budget=61", "").await.error(400).1, Some("budget"));
    assert_eq!((world.produce_calls(), host.stats().traps), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_or_a_method_that_is_not_there_is_said() {
    let host = World::new().gateway().build().unwrap();
    for target in ["/nope", "/producer", "/producer/t", "//", "/webhooks/a/b", "/consumer/t/x"] {
        let answer = get(&host, target).await;
        assert!(matches!(answer.status, 404 | 405), "{target}: {answer:?}");
        answer.error(answer.status);
    }
    says(&get(&host, "/webhooks/webhook_none").await, 404, "Subscription not found", None);
    for (method, target, allow) in [
        (Method::DELETE, "/topics", "GET"),
        (Method::PUT, "/producer/t", "POST"),
        (Method::GET, "/producer/t", "POST"),
        (Method::POST, "/consumer/t", "GET"),
        (Method::PATCH, "/webhooks", "GET"),
        (Method::GET, "/webhooks/deliver", "POST"),
        (Method::from_bytes(b"BREW").unwrap(), "/", "GET"),
    ] {
        let answer = send(&host, request(method.clone(), target, body::empty())).await;
        let allowed = answer.header("allow").unwrap_or_default();
        says(&answer, 405, "Method not allowed", Some(allowed));
        assert!(allowed.split(", ").any(|one| one == allow), "{method} {target}: {allowed}");
    }
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_its_topic_does_not_take_is_refused_before_it_is_sent() {
    let world = World::new();
    world.kafka.create_topic_with("small", 1, [("max.message.bytes", "1000")]).unwrap();
    let host = world.gateway().build().unwrap();
    let answer = post(&host, "/producer/small", vec![b'x'; 2_000]).await;
    assert_eq!(answer.error(413).0, "The record is too large");
    assert!(answer.error(413).1.is_some_and(|detail| detail.contains("1000")), "{answer:?}");
    assert_eq!(world.produce_calls(), 0);
    post(&host, "/producer/small", vec![b'x'; 500]).await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_that_may_not_be_called_are_refused() {
    let host = World::new().gateway().build().unwrap();
    for url in ["ftp://callback.test/", "callback.test", "http://", "http://127.0.0.1/"] {
        let answer = get(&host, &format!("/webhook/t/{url}")).await;
        assert_eq!(answer.error(400).0, "Invalid webhook URL", "{url}");
        assert!(answer.error(400).1.is_some(), "{answer:?}");
    }
}

/// Calls that ask the Kafka server for something.
const CALLS: [&str; 4] = ["/producer/t/m", "/consumer/t?wait=1", "/topics", "/topics/t"];

/// Each of them, where the server is so; and what `/readyz` says.
async fn all_say(host: &Host, status: u16, sentence: &str) {
    for target in CALLS {
        let answer = get(host, target).await;
        assert_eq!(answer.error(status).0, sentence, "{target}");
        assert_eq!(answer.header("retry-after").is_some(), status == 429, "{answer:?}");
    }
    let ready = get(host, "/readyz").await;
    assert_eq!(ready.error(503).0, sentence);
    assert_eq!(get(host, "/healthz").await.status, 200);
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_cannot_be_reached() {
    let world = World::new();
    let host = world.gateway_over(refuse()).build().unwrap();
    all_say(&host, 503, "The Kafka server cannot be reached").await;
    let host = world.gateway_over(fail(ErrorCode::DestinationNotFound)).build().unwrap();
    all_say(&host, 503, "The Kafka server cannot be reached").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_fails_or_lies() {
    let page = "<html><body>Service unavailable</body></html>";
    let world = World::new();
    for status in [500, 502, 503, 301, 404] {
        let status = http::StatusCode::from_u16(status).unwrap();
        let host = world.gateway_over(respond(status, page)).build().unwrap();
        let answer = get(&host, "/topics").await;
        assert!(matches!(answer.status, 502 | 503), "{answer:?}");
        answer.error(answer.status);
        assert!(!answer.text.contains("html"), "{answer:?}");
        assert_eq!(host.stats().traps, 0);
    }
    for lie in [page, "", "null", "{}", "[]", r#"{"data":[]}"#, r#"{"data":[{"cluster_id":""}]}"#] {
        let host = world.gateway_over(respond(http::StatusCode::OK, lie)).build().unwrap();
        all_say(&host, 502, "The Kafka server failed").await;
    }
    let endless = "x".repeat(9 * 1024 * 1024);
    let host = world.gateway_over(respond(http::StatusCode::OK, endless)).build().unwrap();
    all_say(&host, 502, "The Kafka server failed").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_never_answers() {
    let silent = from_fn(|_| std::future::pending());
    let host = World::new().gateway_over(silent).variable("request_timeout", "1s");
    let host = host.variable("connect_timeout", "1s").build().unwrap();
    all_say(&host, 504, "The Kafka server took too long to answer").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_throttles() {
    let throttle = from_fn(|_| async {
        let response = http::Response::builder().status(429).header("retry-after", "7");
        Ok(response.body(body::full(r#"{"error_code":429,"message":"slow down"}"#)).unwrap())
    });
    let host = World::new().gateway_over(throttle).variable("request_timeout", "2s");
    let host = host.build().unwrap();
    all_say(&host, 429, "Too many requests").await;
    assert_eq!(get(&host, "/topics").await.header("retry-after"), Some("7"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_wants_other_credentials() {
    let options = Options {
        basic_auth: Some(kafka_edge_emulator::BasicAuth { key: "k".into(), secret: "s".into() }),
        ..Options::quick()
    };
    let world = World::with(ConsumeApi::V2, options);
    let refused = "The Kafka server refused the credentials of this gateway";
    all_say(&world.gateway().build().unwrap(), 502, refused).await;
    let known = world.gateway().variables([("kafka_api_key", "k"), ("kafka_api_secret", "s")]);
    get(&known.build().unwrap(), "/producer/t/m").await.ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_not_there() {
    let world = World::new();
    world.append("t", 0, 1);
    let host = world.gateway().without_store("default").build().unwrap();
    for target in ["/consumer/t", "/webhooks", "/readyz"] {
        let answer = get(&host, target).await;
        assert_eq!(answer.error(503).0, "The key-value store failed", "{target}");
    }
    // What needs none goes on.
    get(&host, "/producer/t/m").await.ok();
    assert_eq!(host.stats().traps, 0);
}
