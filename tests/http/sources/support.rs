//! Sources, and events that are sent to them.

use bytes::Bytes;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use kafka_edge::http::{Request, Response};
use kafka_edge::record::Record;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::gateway::{Gateway, Taken, header, request};

pub(crate) const SECRET: &str = "It's a Secret to Everybody";

/// A gateway with a source of this definition.
pub(crate) async fn with(source: Value) -> Gateway {
    let gateway = Gateway::open();
    create(&gateway, source).await;
    gateway
}

pub(crate) async fn create(gateway: &Gateway, source: Value) -> Value {
    let (status, json) = gateway.post_json("/sources", &source).await;
    assert_eq!(status, 201, "{json}");
    json
}

/// A source that believes everyone.
pub(crate) fn plain(more: Value) -> Value {
    let mut source = json!({"name": "s", "topic": "t", "verify": {"none": {}}});
    for (name, value) in more.as_object().unwrap() {
        source[name] = value.clone();
    }
    source
}

pub(crate) fn event(headers: &[(&str, &str)], body: &str) -> Request<Bytes> {
    let mut event = request(Method::POST, "/in/s");
    event.headers.push(header("content-type", b"application/json"));
    for (name, value) in headers {
        event.headers.push(header(name, value.as_bytes()));
    }
    event.body = Bytes::copy_from_slice(body.as_bytes());
    event
}

pub(crate) async fn send(gateway: &Gateway, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    gateway.send(event(headers, body)).await.taken()
}

pub(crate) async fn answer(gateway: &Gateway, request: Request<Bytes>) -> Response {
    gateway.send(request).await
}

/// What GitHub writes into `x-hub-signature-256`.
pub(crate) fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    let bytes = mac.finalize().into_bytes();
    format!("sha256={}", bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// All records of a topic, by partition and offset.
pub(crate) fn records(gateway: &Gateway, topic: &str) -> Vec<Record> {
    (0..2).flat_map(|partition| gateway.log.records(topic, partition)).collect()
}

pub(crate) fn values(gateway: &Gateway, topic: &str) -> Vec<String> {
    let records = records(gateway, topic);
    let text = |bytes: &Option<Bytes>| {
        bytes.as_ref().map_or("null".into(), |bytes| String::from_utf8_lossy(bytes).into_owned())
    };
    records.iter().map(|record| text(&record.value)).collect()
}
