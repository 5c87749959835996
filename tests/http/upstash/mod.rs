//! The Upstash API. `tests/upstash` drives it with the vendor's own client;
//! here is what that one cannot see or would wait for too long.

mod commits;
mod consuming;
mod fetching;
mod metadata;
mod producing;
mod registry;

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::gateway::{Gateway, Taken, header, request};

/// A call as the vendor's client makes it.
async fn post(gateway: &Gateway, path: &str, body: &Value) -> (u16, Value) {
    call(gateway, Method::POST, path, body, &[]).await
}

async fn get(gateway: &Gateway, path: &str) -> (u16, Value) {
    call(gateway, Method::GET, path, &Value::Null, &[]).await
}

async fn call(
    gateway: &Gateway,
    method: Method,
    path: &str,
    body: &Value,
    headers: &[(&str, &str)],
) -> (u16, Value) {
    let mut request = request(method, &format!("/upstash/{path}"));
    request.headers.push(header("content-type", b"application/json"));
    request.headers.extend(headers.iter().map(|(name, value)| header(name, value.as_bytes())));
    if !body.is_null() {
        request.body = Bytes::from(body.to_string());
    }
    gateway.send(request).await.taken()
}

const MANUAL: (&str, &str) = ("Kafka-Enable-Auto-Commit", "false");
const EARLIEST: (&str, &str) = ("Kafka-Auto-Offset-Reset", "earliest");

/// What an instance reads of the topic `t` from its beginning, as values.
async fn consume(
    gateway: &Gateway,
    group: &str,
    instance: &str,
    headers: &[(&str, &str)],
) -> Vec<String> {
    let path = format!("consume/{group}/{instance}/t?timeout=100");
    let headers = [&[EARLIEST], headers].concat();
    let (status, json) = call(gateway, Method::GET, &path, &Value::Null, &headers).await;
    assert_eq!(status, 200, "{json}");
    let value = |record: &Value| record["value"].as_str().unwrap().to_owned();
    json.as_array().unwrap().iter().map(value).collect()
}

fn success() -> (u16, Value) {
    (200, serde_json::json!({"result": "Success", "status": 200}))
}
