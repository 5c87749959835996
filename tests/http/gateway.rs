//! A gateway to send requests to.

use bytes::Bytes;
use http::Method;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use kafka_edge::app::App;
use kafka_edge::config::KafkaConfig;
use kafka_edge::http::{self as api, Body, Request, Response};
use kafka_edge_sim::{SECRETS_KEY, SimHost, SimLog, World};
use serde_json::Value;

pub(crate) struct Gateway {
    pub(crate) world: World,
    pub(crate) log: SimLog,
    app: App<SimHost, SimLog>,
}

impl Gateway {
    /// Open to everyone and configured, with a topic `t` of two partitions.
    pub(crate) fn open() -> Self {
        let gateway = Self::closed();
        gateway.world.set_variable("open_access", "true");
        gateway.world.set_variable("kafka_rest_url", "http://kafka.test:8082");
        gateway.world.set_variable("secrets_key", SECRETS_KEY);
        gateway
    }

    /// As it comes: nothing is configured.
    pub(crate) fn closed() -> Self {
        let log = SimLog::new();
        log.create_topic("t", 2);
        let connect = log.clone();
        Self::connecting(World::new(1), log, move |_| connect.clone())
    }

    /// Another instance, over the same store and log.
    pub(crate) fn restarted(&self) -> Self {
        let (world, log) = (self.world.clone(), self.log.clone());
        let connect = log.clone();
        Self::connecting(world, log, move |_| connect.clone())
    }

    /// An instance that reaches this log, or another one if its configuration
    /// asks for that.
    pub(crate) fn connecting(
        world: World,
        log: SimLog,
        connect: impl Fn(&KafkaConfig) -> SimLog + 'static,
    ) -> Self {
        let app = App::new(world.instance(), move |_, config| connect(config));
        Self { world, log, app }
    }

    /// Makes the source of the examples, which believes everyone.
    pub(crate) async fn create_source(&self, name: &str, topic: &str) {
        let source = serde_json::json!({"name": name, "topic": topic, "verify": {"none": {}}});
        let (status, json) = self.post_json("/sources", &source).await;
        assert_eq!(status, 201, "{json}");
    }

    /// Makes the action of the examples, and runs it. Returns the id of the run.
    pub(crate) async fn create_action(&self, identifier: &str, topic: &str) -> String {
        let config = serde_json::json!({"type": "KAFKA", "topic": topic, "payload": {"a": 1}});
        let action = serde_json::json!({"identifier": identifier, "config": config});
        let (status, json) = self.post_json("/actions", &action).await;
        assert_eq!(status, 201, "{json}");
        let outputs = serde_json::json!({"outputs": {"trigger": {}}});
        let (status, json) = self.post_json(&format!("/actions/{identifier}/runs"), &outputs).await;
        assert_eq!(status, 201, "{json}");
        json["run_id"].as_str().expect("a run").to_owned()
    }

    pub(crate) async fn send(&self, request: Request<Bytes>) -> Response {
        let method = request.method.clone();
        let response = api::handle(&self.app, request).await;
        let cache = match response.body {
            Body::Whole(_) => "no-store",
            Body::Stream(_) => "no-cache, no-transform",
        };
        assert_eq!(response.header(&CACHE_CONTROL), Some(cache));
        if method == Method::HEAD {
            assert!(response.body.is_empty());
        }
        response
    }

    /// A request without a body; the caller takes the answer.
    pub(crate) async fn call(&self, method: Method, target: &str) -> (u16, Value) {
        self.send(request(method, target)).await.taken()
    }

    pub(crate) async fn get(&self, target: &str) -> (u16, Value) {
        self.call(Method::GET, target).await
    }

    /// A POST of JSON; the caller takes the answer.
    pub(crate) async fn post_json(&self, target: &str, body: &Value) -> (u16, Value) {
        self.post(target, "application/json", &body.to_string()).await.taken()
    }

    /// The same by another method.
    pub(crate) async fn json(&self, method: Method, target: &str, body: &Value) -> (u16, Value) {
        let mut sent = request(method, target);
        sent.headers.push(header("Content-Type", b"application/json"));
        sent.body = body.to_string().into();
        self.send(sent).await.taken()
    }

    pub(crate) async fn post(&self, target: &str, content_type: &str, body: &str) -> Response {
        let mut post = request(Method::POST, target);
        post.headers.push(header("Content-Type", content_type.as_bytes()));
        post.body = Bytes::copy_from_slice(body.as_bytes());
        self.send(post).await
    }

    /// The error that a GET is answered with: its sentence and its detail.
    pub(crate) async fn refused(&self, target: &str, status: u16) -> (String, String) {
        let (answered, json) = self.get(target).await;
        assert_eq!((answered, &json["status"]), (status, &Value::from(status)), "{target}: {json}");
        let text = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
        (text("error"), text("detail"))
    }
}

pub(crate) fn request(method: Method, target: &str) -> Request<Bytes> {
    Request {
        method,
        target: target.into(),
        headers: vec![header("host", b"edge.test")],
        scheme: Some("http".into()),
        authority: Some("edge.test".into()),
        client: Some([203, 0, 113, 9].into()),
        body: Bytes::new(),
    }
}

pub(crate) fn header(name: &str, value: &[u8]) -> (String, Bytes) {
    (name.into(), Bytes::copy_from_slice(value))
}

pub(crate) trait Taken {
    /// Status and body of an answer that reached its caller.
    fn taken(self) -> (u16, Value);
}

impl Taken for Response {
    fn taken(self) -> (u16, Value) {
        let json = match self.header(&CONTENT_TYPE) {
            Some("application/json") => {
                serde_json::from_slice(self.whole_body()).expect("it is JSON")
            }
            Some("application/x-ndjson") => self
                .whole_body()
                .split_inclusive(|byte| *byte == b'\n')
                .map(|line| serde_json::from_slice::<Value>(line).expect("each line is JSON"))
                .collect(),
            Some(text) if text.starts_with("text/") => {
                String::from_utf8_lossy(self.whole_body()).into()
            }
            other => {
                assert_eq!((other, self.body.is_empty()), (None, true));
                Value::Null
            }
        };
        if let Some(sent) = self.on_sent {
            sent();
        }
        (self.status.as_u16(), json)
    }
}
