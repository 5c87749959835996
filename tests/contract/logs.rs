//! The logs, each with a server behind it.

use std::time::Duration;

use kafka_edge::config::{ConsumeApi, KafkaConfig};
use kafka_edge::kafka::confluent::ConfluentLog;
use kafka_edge_contract::Logs;
use kafka_edge_emulator::{Emulator, NewRecord, Offer, Options, Version};
use kafka_edge_sim::{SimHost, SimLog, World};

pub(crate) struct Simulated(SimLog, SimHost);

impl Simulated {
    pub(crate) fn new() -> Self {
        let log = SimLog::new();
        log.create_topic("orders", 3);
        Self(log, World::new(5).instance())
    }

    /// As Confluent's v2 API reads.
    pub(crate) fn read_in_places() -> Self {
        let this = Self::new();
        this.0.read_in_places(30);
        this
    }
}

impl Logs for Simulated {
    type Log = SimLog;
    type Clock = SimHost;

    fn log(&self) -> SimLog {
        self.0.clone()
    }

    fn clock(&self) -> SimHost {
        self.1.clone()
    }

    async fn append(&self, partition: i32, count: usize) {
        for n in 0..count {
            self.0.append("orders", partition as usize, n.to_string());
        }
    }

    async fn delete_before(&self, partition: i32, offset: i64) {
        self.0.delete_before("orders", partition as usize, offset);
    }
}

/// Confluent's REST APIs, as the emulator speaks them.
pub(crate) struct Confluent {
    world: World,
    server: Emulator,
    config: KafkaConfig,
}

/// A self-hosted REST Proxy of a version.
pub(crate) fn confluent_v2(version: Version) -> Confluent {
    let options = Options { offer: Offer::Proxy, version, ..Options::default() };
    Confluent::new(options, "http://kafka.test", None, ConsumeApi::V2)
}

pub(crate) fn confluent_cloud() -> Confluent {
    let options = Options { offer: Offer::Cloud, ..Options::default() };
    let cluster = Some(options.cluster_id.clone());
    Confluent::new(options, "http://kafka.test/kafka", cluster, ConsumeApi::Cloud)
}

impl Confluent {
    fn new(
        options: Options,
        rest_url: &str,
        cluster_id: Option<String>,
        consume_api: ConsumeApi,
    ) -> Self {
        let server = Emulator::new(options).unwrap();
        server.create_topic("orders", 3).unwrap();
        let world = World::new(5);
        world.set_upstream(kafka_edge_sim::emulator(&server));
        let config = KafkaConfig {
            rest_url: rest_url.into(),
            cluster_id,
            api_key: None,
            consume_api,
            json_values: false,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(15),
        };
        Self { world, server, config }
    }
}

impl Logs for Confluent {
    type Log = ConfluentLog<SimHost>;
    type Clock = SimHost;

    fn log(&self) -> ConfluentLog<SimHost> {
        ConfluentLog::new(self.world.instance(), &self.config)
    }

    fn clock(&self) -> SimHost {
        self.world.instance()
    }

    async fn append(&self, partition: i32, count: usize) {
        for n in 0..count {
            self.server.append("orders", partition, NewRecord::value(n.to_string())).unwrap();
        }
    }

    async fn delete_before(&self, partition: i32, offset: i64) {
        self.server.delete_records_before("orders", partition, offset).unwrap();
    }
}
