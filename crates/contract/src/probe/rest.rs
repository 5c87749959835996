//! Logs over Confluent's REST APIs, as the core reaches them through a platform.

use std::time::Duration;

use http::StatusCode;
use kafka_edge::config::{ConsumeApi, KafkaConfig};
use kafka_edge::host::Host;
use kafka_edge::kafka::confluent::ConfluentLog;

use super::get;
use crate::Logs;

/// A REST server, and a server beside it that changes its topic.
pub(super) struct Served<H, F> {
    config: KafkaConfig,
    behind: String,
    host: H,
    another: F,
}

impl<H, F> Served<H, F> {
    /// By two authorities, and the id of a cluster if it is Confluent Cloud's.
    pub(super) fn at(text: &str, host: H, another: F) -> Option<Self> {
        let mut parts = text.split('/');
        let (kafka, behind) = (parts.next()?, parts.next()?.to_owned());
        let (path, consume_api, cluster_id) = match parts.next() {
            None => ("", ConsumeApi::V2, None),
            Some(id) => ("/kafka", ConsumeApi::Cloud, Some(id.to_owned())),
        };
        let config = KafkaConfig {
            rest_url: format!("http://{kafka}{path}"),
            cluster_id,
            api_key: None,
            consume_api,
            json_values: false,
            connect_timeout: Duration::from_secs(5),
            request_timeout: Duration::from_secs(15),
        };
        Some(Self { config, behind, host, another })
    }
}

impl<H: Host, F> Served<H, F> {
    async fn change(&self, what: &str, partition: i32, number: impl ToString) {
        let (behind, number) = (&self.behind, number.to_string());
        let answer = get(&self.host, &format!("http://{behind}/{what}/{partition}/{number}")).await;
        assert_eq!(answer.ok(), Some(StatusCode::NO_CONTENT));
    }
}

impl<H: Host, F: Fn() -> H> Logs for Served<H, F> {
    type Log = ConfluentLog<H>;
    type Clock = H;

    fn log(&self) -> ConfluentLog<H> {
        ConfluentLog::new((self.another)(), &self.config)
    }

    fn clock(&self) -> H {
        self.host.clone()
    }

    /// On a busy machine a call over HTTP takes seconds. It is less than what no answer may
    /// take: the 20 s for which a fetch waits, and the minute of a server of Kafka's own.
    fn slack(&self) -> Duration {
        Duration::from_secs(10)
    }

    async fn append(&self, partition: i32, count: usize) {
        self.change("append", partition, count).await;
    }

    async fn delete_before(&self, partition: i32, offset: i64) {
        self.change("delete-before", partition, offset).await;
    }
}
