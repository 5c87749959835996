//! A gateway in front of an emulated Confluent Cloud, with callbacks.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use http::StatusCode;
use kafka_edge::access::AllowedTopic;
use kafka_edge::app::App;
use kafka_edge::error::Result;
use kafka_edge::host::{Incoming, Outgoing};
use kafka_edge::kafka::confluent::ConfluentLog;
use kafka_edge::record::{NewRecord, RecordMetadata};
use kafka_edge::services::Services;
use kafka_edge::telemetry::Trace;
use kafka_edge_emulator::{Emulator, Offer, Options};
use kafka_edge_sim::{Faults, SECRETS_KEY, SimBody, SimHost, World, emulator};

pub(crate) const TOPIC: &str = "orders";
pub(crate) const KEY: &str = "KEYOFTHEGATEWAY";
pub(crate) const SECRET: &str = "hush-hush-hush-hush";
/// A callback's URL, with what only its owner may know.
pub(crate) const CALLBACK: &str = "https://example.com/hook?token=callback-token";

pub(crate) type SimServices = Services<SimHost, ConfluentLog<SimHost>>;

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) faults: Faults,
    pub(crate) host: SimHost,
    pub(crate) app: App<SimHost, ConfluentLog<SimHost>>,
    sent: Rc<RefCell<Vec<Outgoing>>>,
    callbacks_answer: Rc<RefCell<u16>>,
}

impl Scene {
    pub(crate) fn new(log_format: &str, log_level: &str) -> Self {
        let server = Emulator::new(Options { offer: Offer::Cloud, ..Options::default() }).unwrap();
        server.create_topic(TOPIC, 1).unwrap();
        let world = World::new(3);
        for (name, value) in [
            ("kafka_rest_url", "http://kafka.test/kafka"),
            ("secrets_key", SECRETS_KEY),
            ("kafka_cluster_id", "lkc-emulator"),
            ("kafka_consume_api", "cloud"),
            ("kafka_api_key", KEY),
            ("kafka_api_secret", SECRET),
            ("open_access", "true"),
            ("log_format", log_format),
            ("log_level", log_level),
        ] {
            world.set_variable(name, value);
        }
        let faults = Faults::new();
        let sent = Rc::<RefCell<Vec<Outgoing>>>::default();
        let callbacks_answer = Rc::new(RefCell::new(204));
        let (kafka, seen, answer) = (emulator(&server), sent.clone(), callbacks_answer.clone());
        world.set_upstream(faults.wrap(Rc::new(move |request: Outgoing| {
            seen.borrow_mut().push(request.clone());
            if request.uri.host() != Some("example.com") {
                return kafka(request);
            }
            let status = StatusCode::from_u16(*answer.borrow()).unwrap();
            let (headers, body) = (http::HeaderMap::new(), SimBody::full(Bytes::new()));
            Box::pin(std::future::ready(Ok(Incoming { status, headers, body })))
        })));
        let host = world.instance();
        let app = App::new(host.clone(), ConfluentLog::new);
        Self { world, faults, host, app, sent, callbacks_answer }
    }

    pub(crate) async fn services(&self) -> Rc<SimServices> {
        self.app.services().await.unwrap()
    }

    pub(crate) fn answer_callbacks_with(&self, status: u16) {
        *self.callbacks_answer.borrow_mut() = status;
    }

    /// Produces as a request of its own.
    pub(crate) async fn produce(&self, record: NewRecord) -> Result<RecordMetadata> {
        let services = self.services().await;
        let write = async move {
            services.producer.write(&AllowedTopic::trusted(TOPIC), vec![record]).await
        };
        self.host.run(write).await.expect("the instance lives").remove(0)
    }

    /// Takes the requests that were sent and whose `METHOD /path` contains
    /// this.
    pub(crate) fn sent(&self, part: &str) -> Vec<Outgoing> {
        let sent = self.sent.take().into_iter();
        sent.filter(|sent| format!("{} {}", sent.method, sent.uri.path()).contains(part)).collect()
    }

    /// The lines of an event.
    pub(crate) fn lines(&self, event: &str) -> Vec<String> {
        let named = |line: &String| line.contains(&format!(" event={event} "));
        self.world.reported().into_iter().filter(named).collect()
    }
}

pub(crate) fn record(value: &str) -> NewRecord {
    let value = Some(Bytes::copy_from_slice(value.as_bytes()));
    NewRecord { value, ..NewRecord::default() }
}

pub(crate) fn trace(digit: char) -> Trace {
    let digits = |count: usize| digit.to_string().repeat(count);
    Trace::parse(format!("00-{}-{}-01", digits(32), digits(16)).as_bytes()).unwrap()
}

/// The traces that requests name.
pub(crate) fn traces_of(sent: &[Outgoing]) -> Vec<Option<Trace>> {
    let named = |sent: &Outgoing| Trace::parse(sent.headers.get("traceparent")?.as_bytes());
    sent.iter().map(named).collect()
}
