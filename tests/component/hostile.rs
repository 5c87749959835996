//! What nobody sends by accident. Nothing of it may end an instance.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, Method};
use http_body::Frame;
use http_body_util::StreamBody;
use kafka_edge_host::upstream::script::from_fn;
use kafka_edge_host::upstream::{Network, Policy, RequestOptions, Upstream};
use kafka_edge_host::{Host, body};

use crate::calling::{PATIENCE, get, post, request, send};
use crate::names;
use crate::world::World;

/// Nothing died, nothing was written, and the instance still works.
async fn is_unharmed(world: &World, host: &Host) {
    assert_eq!(world.produce_calls(), 0);
    assert_eq!(get(host, "/producer/t/m").await.status, 200);
    assert_eq!((host.stats().traps, host.stats().instances_started), (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_that_are_no_topics() {
    let world = World::new();
    let host = world.gateway().spread_over(1).build().unwrap();
    for name in names::that_are_no_topics() {
        for target in [
            format!("/producer/{name}/m"),
            format!("/consumer/{name}"),
            format!("/topics/{name}"),
            format!("/webhook/{name}/https://callback.test/"),
        ] {
            let answer = get(&host, &target).await;
            let (sentence, detail) = answer.error(400);
            assert_eq!(detail, Some("topic"), "{target}: {answer:?}");
            assert!(sentence.len() < 100, "{sentence}");
        }
        assert_eq!(post(&host, &format!("/producer/{name}"), "m").await.status, 400, "{name}");
    }
    is_unharmed(&world, &host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_and_misleading_text() {
    let world = World::new();
    let host = world.gateway().spread_over(1).build().unwrap();
    for (target, status) in [
        ("/producer/t/100%", 400),
        ("/producer/t/a%b", 400),
        ("/producer/t/a?key=%", 400),
        ("/producer/t/a?%=b", 400),
        ("/producer/t/a?key=a&key=b", 400),
        ("/producer/t/a?timestamp=%00", 400),
        ("/consumer/t?group=%ff", 400),
        ("/consumer/t?group=a%00b", 400),
        ("/webhooks/%ff", 400),
        ("/webhooks/..", 404),
        ("/webhooks/%00", 404),
        ("/../etc/passwd", 404),
        ("/%2e%2e/", 404),
        ("/%", 404),
        ("/%00", 404),
    ] {
        let answer = get(&host, target).await;
        assert_eq!(answer.status, status, "{target}: {answer:?}");
        answer.error(status);
    }
    let long = format!("/consumer/t?group={}", "g".repeat(10_000));
    assert_eq!(get(&host, &long).await.error(400).1, Some("group"));
    let longer = format!("/producer/t/{}", "m".repeat(20_000));
    assert_eq!(get(&host, &longer).await.status, 414);
    is_unharmed(&world, &host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_may_hold_any_bytes() {
    let world = World::new();
    let host = world.gateway().build().unwrap();
    for (path, bytes) in [
        ("%00", &b"\0"[..]),
        ("..", b".."),
        ("../../a//b/", b"../../a//b/"),
        ("%ff%fe", b"\xff\xfe"),
        ("a%0d%0aX-Evil:%201", b"a\r\nX-Evil: 1"),
        ("%25%32%35", b"%25"),
        ("{topic}", b"{topic}"),
    ] {
        let json = get(&host, &format!("/producer/t/{path}")).await.ok();
        let offset = json["offset"].as_i64().unwrap() as usize;
        assert_eq!(world.kafka.records("t", 0)[offset].value.as_deref(), Some(bytes), "{path}");
        assert_eq!(json["encoding"] == "base64", std::str::from_utf8(bytes).is_err(), "{json}");
    }
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_that_are_too_large() {
    let world = World::new();
    let host = world.gateway().spread_over(1).build().unwrap();
    let mut many = request(Method::GET, "/producer/t/m", body::empty());
    for n in 0..300 {
        let name = HeaderName::try_from(format!("kafka-header-h{n}")).unwrap();
        many.headers_mut().insert(name, HeaderValue::from_static("x"));
    }
    send(&host, many).await.error(431);

    let mut wide = request(Method::GET, "/producer/t/m", body::empty());
    let value = HeaderValue::try_from("x".repeat(100_000)).unwrap();
    wide.headers_mut().insert("kafka-header-h", value);
    send(&host, wide).await.error(431);

    let mut nameless = request(Method::GET, "/producer/t/m", body::empty());
    nameless.headers_mut().insert("kafka-header-", HeaderValue::from_static("x"));
    assert_eq!(send(&host, nameless).await.error(400).1, Some("kafka-header-"));
    is_unharmed(&world, &host).await;
}

/// A body without an end, and how much of it was taken.
fn endless() -> (kafka_edge_host::Body, Arc<AtomicUsize>) {
    let taken = Arc::new(AtomicUsize::new(0));
    let counter = taken.clone();
    let piece = Bytes::from(vec![b'x'; 64 * 1024]);
    let frames = stream::repeat_with(move || {
        counter.fetch_add(piece.len(), Ordering::SeqCst);
        Ok::<_, Infallible>(Frame::data(piece.clone()))
    });
    (body::boxed(StreamBody::new(frames)), taken)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_without_an_end() {
    let world = World::new();
    let host = world.gateway().spread_over(1).build().unwrap();
    const MIB: usize = 1024 * 1024;
    for (target, content_type, cap) in [
        ("/producer/t", "text/plain", 16 * MIB),
        ("/producer/t", "application/x-ndjson", 16 * MIB),
        ("/webhooks", "application/json", MIB / 16),
    ] {
        let (body, taken) = endless();
        let mut request = request(Method::POST, target, body);
        let content_type = HeaderValue::from_static(content_type);
        request.headers_mut().insert("content-type", content_type);
        send(&host, request).await.error(413);
        // What the host had in its queue comes on top of the limit.
        let taken = taken.load(Ordering::SeqCst);
        assert!(taken <= cap + 2 * MIB, "{taken} bytes taken for {target}");
    }
    // One that nobody asked for is not read.
    let (body, taken) = endless();
    get(&host, "/healthz").await.ok();
    let answer = send(&host, request(Method::GET, "/topics", body)).await;
    assert_eq!(answer.status, 200);
    assert!(taken.load(Ordering::SeqCst) <= 2 * MIB);
    // Who announces too much need not send it.
    let mut announced = request(Method::POST, "/producer/t", body::empty());
    announced.headers_mut().insert("content-length", HeaderValue::from_static("99999999999"));
    send(&host, announced).await.error(413);
    is_unharmed(&world, &host).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_inside_in_every_notation() {
    let world = World::new();
    let host = world.gateway().spread_over(1).build().unwrap();
    let private = world.gateway().variable("webhook_allow_private", "true").build().unwrap();
    for inside in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "%31%32%37.0.0.1",
        "0",
        "0.0.0.0",
        "10.1.2.3",
        "169.254.169.254",
        "2852039166",
        "192.168.0.1",
        "172.16.0.1",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "[fd00::1]",
        "[fe80::1]",
        "[ff02::1]",
        "localhost",
        "LOCALHOST.",
        "a.localhost",
        "printer.local",
        "redis",
    ] {
        let json = format!(r#"{{"topic":"t","callback_url":"http://{inside}:8080/hook"}}"#);
        let answer = post(&host, "/webhooks", json.clone()).await;
        let (sentence, detail) = answer.error(400);
        assert_eq!(sentence, "Invalid webhook URL", "{inside}");
        assert!(detail.is_some_and(|d| d.contains("must not point at")), "{inside}: {answer:?}");
        assert_eq!(post(&private, "/webhooks", json).await.status / 100, 2, "{inside}");
    }
    assert_eq!(get(&host, "/webhooks").await.ok()["webhooks"], serde_json::json!([]));
    assert_eq!((host.stats().traps, private.stats().traps), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_leads_inside_is_refused_when_it_is_resolved() {
    // Only the host sees addresses. Every machine has one name that leads
    // inside, and it may be registered where private callbacks are allowed.
    let world = World::new();
    let network = Network::new(Policy::allow_all().public_only());
    let kafka = world.clone();
    let upstream = from_fn(move |request: http::Request<body::Body>| {
        let (kafka, network) = (kafka.clone(), network.clone());
        async move {
            match request.uri().host() {
                Some("localhost") => network.send(request, RequestOptions::default()).await,
                _ => kafka.answer(request).await,
            }
        }
    });
    let host = world.gateway_over(upstream).variable("webhook_allow_private", "true");
    let host = host.build().unwrap();
    let registered = get(&host, "/webhook/t/http://localhost:9/hook").await;
    assert_eq!(registered.status, 201, "{registered:?}");
    world.append("t", 0, 1);
    post(&host, "/webhooks/deliver", "").await.ok();
    let id = registered.json["webhook_id"].as_str().unwrap();
    let webhook = get(&host, &format!("/webhooks/{id}")).await.ok();
    let partition = &webhook["partitions"][0];
    assert_eq!((&partition["position"], &partition["failures"]), (&0.into(), &1.into()));
    let error = partition["last_error"].as_str().unwrap_or_default();
    assert!(error.contains("does not let it be reached"), "{webhook}");
    assert_eq!(host.stats().traps, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_on_the_wire_that_are_no_request() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let world = World::new();
    let host = world.gateway().spread_over(1).build().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn({
        let host = host.clone();
        async move { host.serve(listener, async { _ = stopped.await }, PATIENCE).await }
    });
    for (head, expected) in [
        (&b"GET /producer/t/\xff\xfe HTTP/1.1\r\n"[..], "400"),
        (b"GET /producer/\xc3\xbc/m HTTP/1.1\r\n", "400"),
        (b"GET /consumer/t?group=\xff HTTP/1.1\r\n", "400"),
        (b"GET /a b HTTP/1.1\r\n", "400"),
        (b"GET /%zz HTTP/1.1\r\n", "404"),
        (b"GET /healthz HTTP/1.1\r\nx: \xff\r\n", "200"),
    ] {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        socket.write_all(head).await.unwrap();
        socket.write_all(b"host: edge.test\r\nconnection: close\r\n\r\n").await.unwrap();
        let mut answer = Vec::new();
        socket.read_to_end(&mut answer).await.unwrap();
        let status = String::from_utf8_lossy(&answer).chars().skip(9).take(3).collect::<String>();
        assert_eq!(status, expected, "{}", String::from_utf8_lossy(head));
    }
    assert_eq!(world.produce_calls(), 0);
    drop(stop);
    server.await.unwrap();
    assert_eq!(host.stats().traps, 0);
}
