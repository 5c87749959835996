//! Calling an emulator without a socket.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use kafka_edge_emulator::{Emulator, Options};
use serde_json::Value;

pub(crate) const V2: &str = "application/vnd.kafka.v2+json";
pub(crate) const JSON: &str = "application/json";

/// An emulator with a topic `orders` of three partitions and no waits.
pub(crate) fn emulator() -> Emulator {
    emulator_with(Options::quick())
}

pub(crate) fn emulator_with(options: Options) -> Emulator {
    let emulator = Emulator::new(options).expect("an emulator");
    emulator.create_topic("orders", 3).expect("a new topic");
    emulator
}

/// An answer whose body was read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) bytes: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("a JSON answer")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("a text answer")
    }

    /// The reports of a produce stream.
    pub(crate) fn reports(&self) -> Vec<Value> {
        let lines = self.text().split("\r\n").filter(|line| !line.is_empty());
        lines.map(|line| serde_json::from_str(line).expect("a report")).collect()
    }
}

pub(crate) async fn get(emulator: &Emulator, path: &str) -> Answer {
    let request = Request::get(format!("http://rest{path}")).body(Full::default());
    send(emulator, request.expect("a request")).await
}

pub(crate) async fn post(emulator: &Emulator, path: &str, media: &str, body: &str) -> Answer {
    let request = Request::post(format!("http://rest{path}"))
        .header("content-type", media)
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())));
    send(emulator, request.expect("a request")).await
}

pub(crate) async fn send(emulator: &Emulator, request: Request<Full<Bytes>>) -> Answer {
    read(emulator.handle(request).await).await
}

pub(crate) async fn read(response: Response<kafka_edge_emulator::ResponseBody>) -> Answer {
    let (parts, body) = response.into_parts();
    let Ok(collected) = body.collect().await;
    Answer { status: parts.status, bytes: collected.to_bytes() }
}
