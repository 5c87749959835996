//! What is around a gateway: Kafka's REST server, callbacks, a store.

use std::sync::{Arc, Mutex};

use http::StatusCode;
use kafka_edge_emulator::{Emulator, NewRecord, Offer, Options};
use kafka_edge_host::upstream::script::{from_fn, read_all};
use kafka_edge_host::upstream::{ErrorCode, RequestOptions, Upstream};
use kafka_edge_host::{Body, Host, HostBuilder, Program, body};
use serde_json::Value;

use crate::program::program;

/// How records are read from the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConsumeApi {
    V2,
    Cloud,
}

pub(crate) type Sent = Result<http::Response<Body>, ErrorCode>;

/// The Kafka REST server and the callbacks that gateways reach. Clones are
/// the same world.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) kafka: Emulator,
    pub(crate) callbacks: Callbacks,
    api: ConsumeApi,
}

/// The host of the Kafka REST server; every other one is a callback's.
const KAFKA: &str = "kafka.test";

impl World {
    /// Topic `t` has a partition, `t3` has three.
    pub(crate) fn new() -> Self {
        Self::with(ConsumeApi::V2, Options::quick())
    }

    pub(crate) fn with(api: ConsumeApi, options: Options) -> Self {
        let offer = match api {
            ConsumeApi::V2 => Offer::Proxy,
            ConsumeApi::Cloud => Offer::Cloud,
        };
        let kafka = Emulator::new(Options { offer, ..options }).unwrap();
        kafka.create_topic("t", 1).unwrap();
        kafka.create_topic("t3", 3).unwrap();
        Self { kafka, callbacks: Callbacks::default(), api }
    }

    /// A gateway in this world, open to all, with a store of its own unless it
    /// is given another one.
    pub(crate) fn gateway(&self) -> HostBuilder {
        self.gateway_over(self.upstream())
    }

    /// The same with another network, that may lead [here](World::answer).
    pub(crate) fn gateway_over(&self, upstream: impl Upstream) -> HostBuilder {
        self.configured(Host::builder(program())).upstream(upstream)
    }

    /// The same of another build of the component.
    pub(crate) fn gateway_of(&self, program: &Program) -> HostBuilder {
        self.configured(Host::builder(program)).upstream(self.upstream())
    }

    fn configured(&self, host: HostBuilder) -> HostBuilder {
        let url = match self.api {
            ConsumeApi::V2 => format!("http://{KAFKA}"),
            ConsumeApi::Cloud => format!("http://{KAFKA}/kafka"),
        };
        let (api, cluster) = match self.api {
            ConsumeApi::V2 => ("v2", ""),
            ConsumeApi::Cloud => ("cloud", "lkc-emulator"),
        };
        host.variables([("open_access", "true"), ("kafka_rest_url", url.as_str())])
            .variables([("kafka_consume_api", api), ("kafka_cluster_id", cluster)])
            .variable("secrets_key", kafka_edge_sim::SECRETS_KEY)
            // What is killed on purpose would fill the screen; what dies
            // otherwise is counted.
            .output(|_| {})
    }

    /// What this world answers to a request of a gateway.
    pub(crate) async fn answer(&self, request: http::Request<Body>) -> Sent {
        match request.uri().host() {
            Some(KAFKA) => Ok(self.kafka.handle(request).await.map(body::boxed)),
            _ => Ok(self.callbacks.answer(request).await),
        }
    }

    /// This world as an upstream, for those that break things.
    pub(crate) fn upstream(&self) -> impl Upstream {
        let world = self.clone();
        from_fn(move |request| {
            let world = world.clone();
            async move { world.answer(request).await }
        })
    }

    /// The same, where the calls that write records are answered by `answer`.
    pub(crate) fn with_produce<R: Future<Output = Sent> + Send>(
        &self,
        answer: impl Fn(Self, http::Request<Body>) -> R + Clone + Send + Sync + 'static,
    ) -> impl Upstream {
        let world = self.clone();
        from_fn(move |request| {
            let (world, answer) = (world.clone(), answer.clone());
            async move {
                match is_produce(&request) {
                    true => answer(world, request).await,
                    false => world.answer(request).await,
                }
            }
        })
    }

    /// Appends records whose values are their offsets.
    pub(crate) fn append(&self, topic: &str, partition: i32, count: usize) {
        for _ in 0..count {
            let offset = self.kafka.end_offset(topic, partition).unwrap();
            let record = NewRecord::value(offset.to_string());
            self.kafka.append(topic, partition, record).unwrap();
        }
    }

    /// How often a value is in a topic.
    pub(crate) fn times(&self, topic: &str, value: &str) -> usize {
        let topics = self.kafka.topics();
        let partitions = topics.iter().find(|(name, _)| name == topic).map_or(0, |(_, n)| *n);
        let records = (0..partitions).flat_map(|partition| self.kafka.records(topic, partition));
        records.filter(|record| record.value.as_deref() == Some(value.as_bytes())).count()
    }

    /// Upstream calls that wrote records.
    pub(crate) fn produce_calls(&self) -> u64 {
        self.kafka.calls_of("POST /clusters/{cluster}/topics/{topic}/records")
    }
}

/// Whether a request writes records.
fn is_produce(request: &http::Request<Body>) -> bool {
    request.uri().path().ends_with("/records") && request.method() == http::Method::POST
}

/// Sends a request through one of the upstreams that break things.
pub(crate) async fn through(upstream: impl Upstream, request: http::Request<Body>) -> Sent {
    upstream.send(request, RequestOptions::default()).await
}

/// Whoever is called back; remembers what came. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Callbacks(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    fails_next: bool,
    received: Vec<Received>,
}

/// One delivery.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) webhook_id: String,
    pub(crate) json: Value,
}

impl Received {
    pub(crate) fn offset(&self) -> i64 {
        self.json["offset"].as_i64().unwrap()
    }

    pub(crate) fn message(&self) -> &str {
        self.json["message"].as_str().unwrap()
    }
}

impl Callbacks {
    /// Does not accept the next delivery.
    pub(crate) fn fail_once(&self) {
        self.0.lock().unwrap().fails_next = true;
    }

    /// What has come so far, accepted or not.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.0.lock().unwrap().received.clone()
    }

    async fn answer(&self, request: http::Request<Body>) -> http::Response<Body> {
        let webhook_id = request.headers()["webhook-id"].to_str().unwrap().to_owned();
        let json = serde_json::from_slice(&read_all(request).await).unwrap();
        let mut inner = self.0.lock().unwrap();
        inner.received.push(Received { webhook_id, json });
        let mut response = http::Response::new(body::empty());
        *response.status_mut() = match std::mem::take(&mut inner.fails_next) {
            true => StatusCode::SERVICE_UNAVAILABLE,
            false => StatusCode::NO_CONTENT,
        };
        response
    }
}
