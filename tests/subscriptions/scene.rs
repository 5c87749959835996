//! A world with a log, callbacks, and any number of instances.

use std::rc::Rc;
use std::time::Duration;

use kafka_edge::access::{AllowedTopic, Grant};
use kafka_edge::config::Config;
use kafka_edge::services::consume::StartFrom;
use kafka_edge::services::subscriptions::{RoundReport, Subscriptions};
use kafka_edge::state::lane::Params;
use kafka_edge_sim::{SECRETS_KEY, SimHost, SimLog, World};
use serde_json::{Value, json};

use crate::receiver::Receiver;

pub(crate) const TOPIC: &str = "orders.eu";
pub(crate) const HOOK: &str = "https://example.com/hook";

pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) log: SimLog,
    pub(crate) receiver: Receiver,
}

impl Scene {
    /// A world in which the topic has so many partitions.
    pub(crate) fn new(partitions: usize) -> Self {
        Self::seeded(7, partitions)
    }

    pub(crate) fn seeded(seed: u64, partitions: usize) -> Self {
        let world = World::new(seed);
        let receiver = Receiver::default();
        world.set_upstream(receiver.upstream());
        let log = SimLog::new();
        log.create_topic(TOPIC, partitions);
        Self { world, log, receiver }
    }

    pub(crate) fn instance(&self) -> Instance {
        self.instance_with(&[])
    }

    /// With these variables, too.
    pub(crate) fn instance_with(&self, more: &[(&str, &str)]) -> Instance {
        let host = self.world.instance();
        let variable = |name| match name {
            "kafka_rest_url" => Some("http://localhost:8082".to_owned()),
            "secrets_key" => Some(SECRETS_KEY.to_owned()),
            name => {
                let given = more.iter().find(|(known, _)| *known == name);
                given.map(|(_, value)| (*value).to_owned())
            }
        };
        let Config { deliveries, secrets, .. } = Config::parse(variable).unwrap();
        let log = Rc::new(self.log.called_by(&host));
        let params = Params::default();
        let webhooks = Subscriptions::new(host.clone(), log, deliveries, secrets, params);
        let webhooks = Rc::new(webhooks);
        Instance { host, webhooks }
    }

    /// Appends records to a partition of the topic.
    pub(crate) fn append(&self, partition: usize, count: usize) {
        for _ in 0..count {
            self.log.append(TOPIC, partition, format!("{}", self.log.end(TOPIC, partition)));
        }
    }
}

/// An instance of the gateway.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) host: SimHost,
    pub(crate) webhooks: Rc<Subscriptions<SimHost, SimLog>>,
}

impl Instance {
    /// Registers a callback for the topic, from its end, and gives its id.
    pub(crate) async fn register(&self, url: &str) -> String {
        let registered =
            self.webhooks.register(&AllowedTopic::trusted(TOPIC), url, StartFrom::Latest).await;
        registered.unwrap().subscription.id
    }

    /// Makes a subscription to the topic from its beginning, with these settings beside,
    /// and gives its id.
    pub(crate) async fn create(&self, more: Value) -> String {
        let mut settings = json!({"topics": [TOPIC], "callback_url": HOOK, "from": "earliest"});
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let json = settings.to_string();
        let made = self.webhooks.create(json.as_bytes(), &Grant::open()).await;
        made.unwrap().view.id
    }

    /// How often what happened to a subscription.
    pub(crate) async fn total(&self, id: &str, name: &str) -> u64 {
        let standing = self.webhooks.describe(id, &Grant::open()).await.unwrap();
        standing.totals.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// One round of delivery. `None`: the instance died.
    pub(crate) async fn try_deliver(&self) -> Option<Vec<RoundReport>> {
        let webhooks = self.webhooks.clone();
        let round = async move { webhooks.deliver(Duration::from_secs(10), &Grant::open()).await };
        Some(self.host.run(round).await?.unwrap())
    }

    pub(crate) async fn deliver(&self) -> Vec<RoundReport> {
        self.try_deliver().await.expect("the instance lives")
    }
}

pub(crate) fn counts(deliveries: &[RoundReport]) -> Vec<(u64, u64)> {
    deliveries.iter().map(|delivery| (delivery.delivered, delivery.failed)).collect()
}
