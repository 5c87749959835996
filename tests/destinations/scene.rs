//! Instances of one deployment, over one store, with the gateway's own Kafka and others by
//! their addresses.

use std::rc::Rc;

use bytes::Bytes;
use http::header::{ETAG, LOCATION, RETRY_AFTER};
use http::{HeaderName, Method};
use kafka_edge::app::App;
use kafka_edge::config::KafkaConfig;
use kafka_edge::http::{self as api, Request};
use kafka_edge::kafka::Log;
use kafka_edge_sim::{SECRETS_KEY, SimHost, SimLog, World};
use serde_json::{Value, json};

use crate::log::{FailingLog, LogFaults};

pub(crate) const GATEWAY: &str = "http://kafka.test:8082";

pub(crate) fn world(seed: u64) -> World {
    let world = World::new(seed);
    world.set_variable("open_access", "true");
    world.set_variable("kafka_rest_url", GATEWAY);
    world.set_variable("secrets_key", SECRETS_KEY);
    world
}

/// The clusters of a scene, each with a topic `t`: the gateway's own, and those at
/// `http://a.test` and `http://b.test`.
#[derive(Clone)]
pub(crate) struct Clusters {
    pub(crate) own: FailingLog,
    pub(crate) a: FailingLog,
    pub(crate) b: FailingLog,
}

impl Clusters {
    pub(crate) fn new(seed: u64, faults: LogFaults) -> Self {
        let log = |number| {
            let log = SimLog::new();
            log.create_topic("t", 1);
            FailingLog::new(log, seed * 3 + number, faults)
        };
        Self { own: log(0), a: log(1), b: log(2) }
    }

    pub(crate) fn at(&self, rest_url: &str) -> FailingLog {
        match rest_url {
            GATEWAY => self.own.clone(),
            "http://a.test" => self.a.clone(),
            "http://b.test" => self.b.clone(),
            other => panic!("nobody is at {other}"),
        }
    }

    /// By the name of a destination.
    pub(crate) fn of(&self, destination: &str) -> &FailingLog {
        match destination {
            "gateway" => &self.own,
            "A" => &self.a,
            "B" => &self.b,
            other => panic!("there is no destination {other}"),
        }
    }
}

type Connect<L> = Rc<dyn Fn(&SimHost, &KafkaConfig) -> L>;

#[derive(Clone)]
pub(crate) struct Scene<L = FailingLog> {
    pub(crate) world: World,
    connect: Connect<L>,
}

impl Scene {
    pub(crate) fn new(seed: u64, clusters: &Clusters) -> Self {
        let clusters = clusters.clone();
        Self::connecting(seed, move |_, config| clusters.at(&config.rest_url))
    }

    /// With the destinations `A` and `B`.
    pub(crate) async fn with_destinations(seed: u64, clusters: &Clusters) -> Self {
        let scene = Self::new(seed, clusters);
        let one = scene.instance();
        for (name, host) in [("A", "a"), ("B", "b")] {
            let made = one.post("/destinations", &destination(name, host)).await;
            assert_eq!(made.status, 201, "{}", made.json);
        }
        scene
    }
}

impl<L: Log> Scene<L> {
    pub(crate) fn connecting(
        seed: u64,
        connect: impl Fn(&SimHost, &KafkaConfig) -> L + 'static,
    ) -> Self {
        Self { world: world(seed), connect: Rc::new(connect) }
    }

    pub(crate) fn instance(&self) -> Instance<L> {
        let (host, connect) = (self.world.instance(), self.connect.clone());
        Instance { app: App::new(host.clone(), move |host, config| connect(&host, config)), host }
    }

    /// A source that is believed, and remembers events by their `id`.
    pub(crate) async fn source(&self, name: &str, destinations: Value, more: Value) {
        let mut source = json!({"name": name, "topic": "t", "verify": {"none": {}},
            "destinations": destinations, "dedupe": {"id": {"field": "/id"}}});
        for (name, value) in more.as_object().expect("they are members") {
            source[name] = value.clone();
        }
        let made = self.instance().post("/sources", &source).await;
        assert_eq!(made.status, 201, "{}", made.json);
    }
}

/// The settings of a destination at `http://{host}.test`.
pub(crate) fn destination(name: &str, host: &str) -> Value {
    let config =
        json!({"rest_url": format!("http://{host}.test"), "cluster_id": "c1", "topic": "t"});
    json!({"name": name, "type": "kafka", "config": config})
}

pub(crate) struct Instance<L = FailingLog> {
    pub(crate) host: SimHost,
    app: App<SimHost, L>,
}

impl<L> Clone for Instance<L> {
    fn clone(&self) -> Self {
        Self { host: self.host.clone(), app: self.app.clone() }
    }
}

/// An answer, as its caller sees it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) retry_after: Option<u64>,
    pub(crate) tag: Option<String>,
    pub(crate) location: Option<String>,
}

impl Answer {
    pub(crate) fn is_taken(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn is_repeat(&self) -> bool {
        self.json["repeat"] == json!(true)
    }

    /// The destinations of its records, in their order.
    pub(crate) fn destinations(&self) -> Vec<&str> {
        let records = self.json["records"].as_array().expect("it has records");
        records.iter().map(|record| record["destination"].as_str().unwrap_or("gateway")).collect()
    }

    pub(crate) fn error(&self) -> (u16, &str, &str) {
        let text = |name: &str| self.json[name].as_str().unwrap_or_default();
        (self.status, text("error"), text("detail"))
    }
}

impl<L: Log> Instance<L> {
    pub(crate) async fn post(&self, target: &str, body: &Value) -> Answer {
        self.call(Method::POST, target, body).await
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.call(Method::GET, target, &Value::Null).await
    }

    pub(crate) async fn call(&self, method: Method, target: &str, body: &Value) -> Answer {
        self.send(request(method, target, body)).await.expect("it lives")
    }

    /// An event with this id. `None`: the instance died.
    pub(crate) async fn event(&self, source: &str, id: &str) -> Option<Answer> {
        let target = format!("/in/{source}");
        self.send(request(Method::POST, &target, &json!({"id": id, "source": source}))).await
    }

    /// `None`: the instance died.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Option<Answer> {
        let app = self.app.clone();
        let answered = async move {
            let response = api::handle(&app, request).await;
            let body = response.whole_body();
            let json = serde_json::from_slice(body);
            let json = json.unwrap_or_else(|_| String::from_utf8_lossy(body).into());
            let text = |name: &HeaderName| response.header(name).map(str::to_owned);
            let retry_after = text(&RETRY_AFTER).and_then(|value| value.parse().ok());
            let status = response.status.as_u16();
            Answer { status, json, retry_after, tag: text(&ETAG), location: text(&LOCATION) }
        };
        self.host.run(answered).await
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
