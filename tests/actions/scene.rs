//! Instances over one store and one log, with the topics `t` and `acme.runs`.

use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderName, Method};
use kafka_edge::app::App;
use kafka_edge::http::{self as api, Request};
use kafka_edge_sim::{SimHost, SimLog, StoreMode, World};
use serde_json::{Value, json};

#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) log: SimLog,
}

impl Scene {
    pub(crate) fn new(seed: u64) -> Self {
        let world = World::new(seed);
        world.set_variable("open_access", "true");
        world.set_variable("kafka_rest_url", "http://kafka.test:8082");
        let log = SimLog::new();
        log.create_topic("t", 1);
        log.create_topic("acme.runs", 3);
        Self { world, log }
    }

    /// With the action `a`, which writes to `t`.
    pub(crate) async fn with_action(seed: u64, payload: Value) -> Self {
        let scene = Self::new(seed);
        scene.create("a", json!({"type": "KAFKA", "topic": "t", "payload": payload})).await;
        scene
    }

    pub(crate) async fn create(&self, identifier: &str, config: Value) {
        let action = json!({"identifier": identifier, "config": config});
        let answer = self.instance().post("/actions", &action).await;
        assert_eq!(answer.status, 201, "{}", answer.json);
    }

    pub(crate) fn instance(&self) -> Instance {
        let (host, log) = (self.world.instance(), self.log.clone());
        Instance { app: App::new(host.clone(), move |_, _| log.clone()), host }
    }

    /// Runs the action `a` over a store that refuses everything once the record is on its way,
    /// so that nobody notes where it is.
    pub(crate) async fn run_without_note(&self) -> Answer {
        self.log.set_delay(Duration::from_secs(1));
        let instance = self.instance();
        let run = tokio::task::spawn_local(async move { instance.run(json!({})).await });
        tokio::time::sleep(Duration::from_millis(500)).await;
        self.world.set_store_mode(StoreMode::REFUSING);
        let answer = run.await.expect("it ends").expect("it lives");
        assert!(self.world.reported().iter().any(|line| line.contains("run-not-kept")));
        answer
    }

    /// The records of `t`, as JSON.
    pub(crate) fn records(&self) -> Vec<Value> {
        let value = |bytes: &Bytes| serde_json::from_slice(bytes).expect("it is JSON");
        let records = self.log.records("t", 0);
        records.iter().map(|record| value(record.value.as_ref().expect("a value"))).collect()
    }
}

#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) host: SimHost,
    pub(crate) app: App<SimHost, SimLog>,
}

/// An answer, as its caller sees it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
    pub(crate) retry_after: Option<u64>,
    pub(crate) tag: Option<String>,
    pub(crate) is_replayed: bool,
}

impl Answer {
    pub(crate) fn run(&self) -> String {
        self.json["run_id"].as_str().unwrap_or_else(|| panic!("no run: {self:?}")).to_owned()
    }
}

impl Instance {
    pub(crate) async fn post(&self, target: &str, body: &Value) -> Answer {
        self.call(Method::POST, target, body).await
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.call(Method::GET, target, &Value::Null).await
    }

    pub(crate) async fn call(&self, method: Method, target: &str, body: &Value) -> Answer {
        self.send(request(method, target, body)).await.expect("it lives")
    }

    /// Runs the action `a`.
    pub(crate) async fn run(&self, trigger: Value) -> Option<Answer> {
        let outputs = json!({"outputs": {"trigger": trigger}});
        self.send(request(Method::POST, "/actions/a/runs", &outputs)).await
    }

    pub(crate) async fn run_once(&self, trigger: Value, key: &str) -> Option<Answer> {
        let outputs = json!({"outputs": {"trigger": trigger}});
        let mut run = request(Method::POST, "/actions/a/runs", &outputs);
        run.headers.push(("idempotency-key".into(), Bytes::copy_from_slice(key.as_bytes())));
        self.send(run).await
    }

    pub(crate) async fn report(&self, run: &str, report: Value) -> Option<Answer> {
        let target = format!("/v1/workflows/runs/{run}/nodes/{}", node(run));
        self.send(request(Method::PATCH, &target, &report)).await
    }

    pub(crate) async fn shown(&self, run: &str) -> Answer {
        self.get(&format!("/v1/workflows/runs/{run}")).await
    }

    /// `None`: the instance died.
    pub(crate) async fn send(&self, request: Request<Bytes>) -> Option<Answer> {
        let app = self.app.clone();
        let answered = async move {
            let response = api::handle(&app, request).await;
            let body = response.whole_body();
            let json = serde_json::from_slice(body);
            let json = json.unwrap_or_else(|_| String::from_utf8_lossy(body).into());
            let retry_after = response.header(&RETRY_AFTER).and_then(|value| value.parse().ok());
            let tag = response.header(&http::header::ETAG).map(str::to_owned);
            let replayed = HeaderName::from_static("idempotent-replayed");
            let is_replayed = response.header(&replayed) == Some("true");
            Answer { status: response.status.as_u16(), json, retry_after, tag, is_replayed }
        };
        self.host.run(answered).await
    }
}

/// The id of a run's node.
pub(crate) fn node(run: &str) -> String {
    run.replace("wfr_", "wfnr_")
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

pub(crate) async fn seconds(number: u64) {
    tokio::time::sleep(Duration::from_secs(number)).await;
}
