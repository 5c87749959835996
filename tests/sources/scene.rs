//! Instances over one store and one log, with two sources: `plain` writes an event as it
//! is to the topic `t`, and `fan` makes two records of it, in the topics `t` and `u`.

use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::RETRY_AFTER;
use kafka_edge::app::App;
use kafka_edge::http::{self as api, Request};
use kafka_edge::kafka::Log;
use kafka_edge_sim::{SECRETS_KEY, SimHost, SimLog, World};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) const SOURCES: [&str; 2] = ["plain", "fan"];

pub(crate) fn world(seed: u64) -> World {
    let world = World::new(seed);
    world.set_variable("open_access", "true");
    world.set_variable("kafka_rest_url", "http://kafka.test:8082");
    world.set_variable("secrets_key", SECRETS_KEY);
    world
}

pub(crate) fn topics() -> SimLog {
    let log = SimLog::new();
    log.create_topic("t", 1);
    log.create_topic("u", 1);
    log
}

/// Instances of one deployment.
#[derive(Clone)]
pub(crate) struct Scene<L> {
    pub(crate) world: World,
    pub(crate) log: L,
}

impl<L: Log + Clone> Scene<L> {
    /// With both sources.
    pub(crate) async fn new(seed: u64, log: L) -> Self {
        let scene = Self { world: world(seed), log };
        let dedupe = json!({"id": {"field": "/id"}});
        for (name, shape) in [
            ("plain", json!({})),
            (
                "fan",
                json!({
                    "transform": "{id: .id, source: .source, part: (1, 2)}",
                    "topic": {
                        "jq": "if $out.part == 1 then \"t\" else \"u\" end",
                        "allowed": ["t", "u"],
                    },
                }),
            ),
        ] {
            let source = json!({"name": name, "topic": "t", "verify": {"none": {}},
                "dedupe": dedupe, "shape": shape});
            let answer = scene.instance().post("/sources", &source).await.expect("it lives");
            assert_eq!(answer.status, 201, "{}", answer.json);
        }
        scene
    }

    pub(crate) fn instance(&self) -> Instance<L> {
        let (host, log) = (self.world.instance(), self.log.clone());
        Instance { app: App::new(host.clone(), move |_, _| log.clone()), host }
    }

    pub(crate) fn skewed(&self, ahead: i64) -> Instance<L> {
        let instance = self.instance();
        instance.host.set_skew(ahead);
        instance
    }
}

pub(crate) struct Instance<L> {
    pub(crate) host: SimHost,
    pub(crate) app: App<SimHost, L>,
}

impl<L> Clone for Instance<L> {
    fn clone(&self) -> Self {
        Self { host: self.host.clone(), app: self.app.clone() }
    }
}

/// An answer, as its sender sees it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) retry_after: Option<u64>,
}

impl Answer {
    pub(crate) fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn is_repeat(&self) -> bool {
        self.json["repeat"] == json!(true)
    }

    /// The places of its records.
    pub(crate) fn places(&self) -> Vec<(String, i32, i64)> {
        let records = self.json["records"].as_array().cloned().unwrap_or_default();
        let place = |record: &Value| {
            let (partition, offset) = (record["partition"].as_i64()?, record["offset"].as_i64()?);
            Some((record["topic"].as_str()?.to_owned(), partition as i32, offset))
        };
        records.iter().map(|record| place(record).expect("it says where")).collect()
    }
}

impl<L: Log> Instance<L> {
    /// An event. `None`: the instance died.
    pub(crate) async fn event(&self, source: &str, id: &str) -> Option<Answer> {
        self.post(&format!("/in/{source}"), &body(source, id)).await
    }

    pub(crate) async fn post(&self, target: &str, body: &Value) -> Option<Answer> {
        self.send(request(Method::POST, target, body), Duration::MAX).await
    }

    /// `None`: the instance died, or the sender had no patience any more.
    pub(crate) async fn send(&self, request: Request<Bytes>, patience: Duration) -> Option<Answer> {
        let app = self.app.clone();
        let answered = async move {
            let response = tokio::time::timeout(patience, api::handle(&app, request)).await.ok()?;
            let body = response.whole_body();
            let json = serde_json::from_slice(body);
            let json = json.unwrap_or_else(|_| String::from_utf8_lossy(body).into());
            let retry_after = response.header(&RETRY_AFTER).and_then(|value| value.parse().ok());
            let status = response.status.as_u16();
            if let Some(sent) = response.on_sent {
                sent();
            }
            Some(Answer { status, json, retry_after })
        };
        self.host.run(answered).await.flatten()
    }
}

pub(crate) fn request(method: Method, target: &str, body: &Value) -> Request<Bytes> {
    let header = |name: &str, value: &'static str| (name.to_owned(), Bytes::from(value));
    Request {
        method,
        target: target.into(),
        headers: vec![header("host", "edge.test"), header("content-type", "application/json")],
        scheme: Some("http".into()),
        authority: Some("edge.test".into()),
        client: None,
        body: Bytes::from(if body.is_null() { String::new() } else { body.to_string() }),
    }
}

pub(crate) fn body(source: &str, id: &str) -> Value {
    json!({"id": id, "source": source})
}

/// The number of the document that an id of a source lies in; `memory` tests
/// that this is true.
pub(crate) fn slot(id: &str) -> u16 {
    let mut hash = Sha256::new();
    // The name of nobody, who calls.
    hash.update(0_u64.to_be_bytes());
    hash.update(id);
    let hash = hash.finalize();
    u16::from_be_bytes([hash[0], hash[1]]) % 2_048
}

/// `count` ids, in a slot each or all in the same one.
pub(crate) fn ids(count: usize, in_one_slot: bool) -> Vec<String> {
    let (mut ids, mut slots) = (Vec::new(), Vec::new());
    for id in (0..).map(|number| format!("e{number}")) {
        let slot = slot(&id);
        if ids.is_empty() || slots.contains(&slot) == in_one_slot {
            ids.push(id);
            slots.push(slot);
        }
        if ids.len() == count {
            break;
        }
    }
    ids
}
