//! Outgoing HTTP: over the network, and over upstreams made for tests.

use crate::common::{get, host, text, until};
use bytes::Bytes;
use futures_util::StreamExt;
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use kafka_edge_host::faults::{CallKind, Failure, Fault, HostCall, Moment};
use kafka_edge_host::upstream::{ErrorCode, Network, Policy, Upstream, script};
use kafka_edge_host::{Body, Host, InstanceOptions, body};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

fn with_upstream(upstream: impl Upstream) -> Host {
    host().upstream(upstream).build().unwrap()
}

/// Has the guest send a GET to a URL.
async fn fetch(host: &Host, url: &str, timeouts: &str) -> (u16, String) {
    let request = http::Request::get("http://test/fetch")
        .header("x-url", url)
        .header("x-timeouts", timeouts)
        .body(body::empty());
    let response = host.respond(request.unwrap()).await;
    let status = response.status().as_u16();
    match response.into_body().collect().await {
        Ok(body) => (status, String::from_utf8(body.to_bytes().into()).unwrap()),
        Err(_) => (status, "broken off".to_owned()),
    }
}

const PATIENT: &str = "10000,10000,10000";

/// A server that does one thing with each connection.
async fn server<F, R>(serve: F) -> String
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    format!("http://{address}/path?query=1")
}

/// Reads the head of a request.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_sent_as_it_is_over_kept_connections() {
    let url = server(|mut stream| async move {
        // The answer's body is the request's head, and how often this
        // connection was used.
        for used in 1.. {
            let head = head(&mut stream).await;
            if head.is_empty() {
                return;
            }
            let body = format!("{used} {head}");
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    })
    .await;
    let host = with_upstream(Network::default());
    let (status, first) = fetch(&host, &url, PATIENT).await;
    assert_eq!(status, 200);
    let lower = first.to_lowercase();
    assert!(lower.starts_with("1 get /path?query=1 http/1.1\r\n"), "{first}");
    for absent in ["accept-encoding", "expect", "user-agent", "accept:"] {
        assert!(!lower.contains(absent), "{first}");
    }
    // A connection is put back a moment after its answer has been read.
    until(async || {
        let (_, next) = fetch(&host, &url, PATIENT).await;
        next.starts_with("3 ").then_some(())
    })
    .await;
    assert!(host.stats().outgoing_calls >= 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_passed_on_outlives_its_instance_and_the_host() {
    let (go_on, goes_on) = tokio::sync::watch::channel(false);
    let url = server(move |mut stream| {
        let mut goes_on = goes_on.clone();
        async move {
            head(&mut stream).await;
            let half = b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf ";
            stream.write_all(half).await.unwrap();
            goes_on.wait_for(|goes_on| *goes_on).await.unwrap();
            stream.write_all(b"more").await.unwrap();
        }
    })
    .await;
    let options =
        InstanceOptions { idle_timeout: Duration::from_millis(1), ..InstanceOptions::default() };
    let host = host().worker_threads(1).instances(options).upstream(Network::default());
    let host = host.build().unwrap();
    let request = http::Request::get("http://test/fetch").header("x-url", url).body(body::empty());
    let response = host.handle(request.unwrap()).await.unwrap();
    until(async || (host.stats().instances_live == 0).then_some(())).await;
    drop(host);
    go_on.send_replace(true);
    assert_eq!(text(response).await, "half more");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_may_begin_before_the_request_has_ended() {
    // Answers each piece of the request as it comes, as a produce stream does.
    let upstream = server(|mut stream| async move {
        head(&mut stream).await;
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut buffer = [0; 1024];
        loop {
            let read = stream.read(&mut buffer).await.unwrap();
            let piece = str::from_utf8(&buffer[..read]).unwrap();
            if read == 0 || piece.contains("0\r\n\r\n") {
                stream.write_all(b"0\r\n\r\n").await.unwrap();
                return;
            }
            stream.write_all(piece.as_bytes()).await.unwrap();
        }
    })
    .await;
    let host = with_upstream(Network::default());
    let (sender, receiver) = tokio::sync::mpsc::channel::<bytes::Bytes>(1);
    let pieces = futures_util::stream::unfold(receiver, |mut receiver| async {
        let bytes = receiver.recv().await?;
        Some((Ok::<_, Infallible>(http_body::Frame::data(bytes)), receiver))
    });
    let request = http::Request::post("http://test/fetch")
        .header("x-url", upstream)
        .body(StreamBody::new(pieces));
    sender.send("first".into()).await.unwrap();
    let mut response = host.handle(request.unwrap()).await.unwrap();
    for (answered, next) in [("first", "second"), ("second", "third"), ("third", "")] {
        let frame = response.frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), answered);
        if !next.is_empty() {
            sender.send(next.into()).await.unwrap();
        }
    }
    drop(sender);
    assert_eq!(text(response).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_the_network_have_their_names() {
    let host = with_upstream(Network::default());
    // A port that was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let silent = server(|mut stream| async move {
        head(&mut stream).await;
        std::future::pending::<()>().await;
    })
    .await;
    let closing = server(|mut stream| async move {
        head(&mut stream).await;
    })
    .await;
    let nonsense = server(|mut stream| async move {
        head(&mut stream).await;
        stream.write_all(b"this is not HTTP\r\n\r\n").await.unwrap();
    })
    .await;
    let unencrypted = silent.replace("http:", "https:");
    for (url, timeouts, error) in [
        (format!("http://{free}/"), PATIENT, "ConnectionRefused"),
        ("http://no-such-name.invalid/".to_owned(), PATIENT, "DnsError"),
        (silent.clone(), "10000,100,10000", "ConnectionReadTimeout"),
        (unencrypted, "100,10000,10000", "ConnectionTimeout"),
        (closing, PATIENT, "HttpProtocolError"),
        (nonsense, PATIENT, "HttpProtocolError"),
    ] {
        let (status, text) = fetch(&host, &url, timeouts).await;
        assert_eq!(status, 502, "{url}: {text}");
        assert!(text.contains(error), "{url}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_stops_coming_is_given_up() {
    let url = server(|mut stream| async move {
        head(&mut stream).await;
        let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
        stream.write_all(half).await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let host = with_upstream(Network::default());
    assert_eq!(fetch(&host, &url, "1000,10000,100").await, (200, "broken off".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_decides_before_and_after_the_name_is_resolved() {
    let denied = with_upstream(Network::new(Policy::allow_all().allow(|_, authority| {
        assert_eq!(authority, "localhost:1234");
        false
    })));
    let (_, text) = fetch(&denied, "http://localhost:1234/", PATIENT).await;
    assert!(text.contains("HttpRequestDenied"), "{text}");
    let public = with_upstream(Network::new(Policy::allow_all().public_only()));
    let (_, text) = fetch(&public, "http://localhost:1234/", PATIENT).await;
    assert!(text.contains("DestinationIpProhibited"), "{text}");
    // Nothing listens there, and that is found out.
    let policy = Policy::allow_all().public_only().trust("localhost:1");
    let trusting = with_upstream(Network::new(policy));
    let (_, text) = fetch(&trusting, "http://localhost:1/", PATIENT).await;
    assert!(text.contains("ConnectionRefused"), "{text}");
    let (_, text) = fetch(&trusting, "http://localhost:2/", PATIENT).await;
    assert!(text.contains("DestinationIpProhibited"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn upstreams_made_for_tests_break_as_told() {
    let ok = || script::respond(http::StatusCode::OK, "0123456789");
    let url = "http://upstream/";
    let plain = with_upstream(ok());
    assert_eq!(fetch(&plain, url, PATIENT).await, (200, "0123456789".to_owned()));
    let cut = with_upstream(script::CutResponse(4, ok()));
    assert_eq!(fetch(&cut, url, PATIENT).await, (200, "broken off".to_owned()));
    let lost = with_upstream(script::DropAnswer(ok()));
    assert!(fetch(&lost, url, PATIENT).await.1.contains("HttpProtocolError"));
    let refusing = with_upstream(script::refuse());
    assert!(fetch(&refusing, url, PATIENT).await.1.contains("ConnectionRefused"));
    let slow = with_upstream(script::Delay(Duration::from_millis(50), ok()));
    assert_eq!(fetch(&slow, url, PATIENT).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_that_a_failure_hid_from_the_guest_is_dropped() {
    let connection = Arc::new(());
    let held = Arc::clone(&connection);
    let upstream = script::from_fn(move |_| {
        let held = Arc::clone(&held);
        let pieces = futures_util::stream::iter([Bytes::from_static(b"unseen")])
            .map(move |piece| Ok::<_, Infallible>(Frame::data(piece)).inspect(|_| _ = &held));
        async move { Ok(http::Response::new(body::boxed(StreamBody::new(pieces)))) }
    });
    let fails = |call: &HostCall<'_>| match (call.kind, call.moment) {
        (CallKind::Http, Moment::After) => {
            Fault::Fail(Failure::Http(ErrorCode::ConnectionTerminated))
        }
        _ => Fault::Continue,
    };
    let host = host().upstream(upstream).faults(fails).build().unwrap();
    let (_, text) = fetch(&host, "http://upstream/", PATIENT).await;
    assert!(text.contains("ConnectionTerminated"), "{text}");
    // What is left: this test's, and that of the upstream itself.
    until(async || (Arc::strong_count(&connection) == 2).then_some(())).await;
    assert_eq!(host.stats().instances_live, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_serves_what_a_call_does_and_ends_in_order() {
    let host = with_upstream(script::from_fn(async |_: http::Request<Body>| {
        Err(ErrorCode::ConnectionRefused)
    }));
    assert_eq!(get(&host, "/who").await, "Some(Scheme::Http) Some(\"test\") 0 host header(s)");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = host.clone();
    let server = tokio::spawn(async move {
        let stopped = async { drop(stopped.await) };
        serving.serve(listener, stopped, Duration::from_secs(10)).await;
    });
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /together/300 HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    // The first was the one above.
    until(async || (host.stats().requests >= 2).then_some(())).await;
    stop.send(()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    server.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
