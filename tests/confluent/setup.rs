//! What these tests have in common.

use std::time::Duration;

use bytes::Bytes;
use kafka_edge::config::{ConsumeApi, KafkaConfig};
use kafka_edge::error::Result;
use kafka_edge::host::Outgoing;
use kafka_edge::kafka::confluent::ConfluentLog;
use kafka_edge::kafka::{Fetch, Place};
use kafka_edge::record::{NewRecord, Record, RecordMetadata};
use kafka_edge_sim::{Answer, Faults, Script, SimHost, World};
use serde_json::{Value, json};

pub(crate) const TOPIC: &str = "GET /v3/clusters/c1/topics/orders";
pub(crate) const CONFIGS: &str = "GET /v3/clusters/c1/topics/orders/configs/max.message.bytes";
pub(crate) const RECORDS: &str = "POST /v3/clusters/c1/topics/orders/records";

/// A limit that no batch of the proxy's producer is over.
pub(crate) const LIMIT: u64 = 20_000;

/// A scripted server with a topic `orders` of three partitions, whose limit
/// is [`LIMIT`], and a log that talks to it.
pub(crate) struct Scripted {
    pub(crate) script: Script,
    pub(crate) faults: Faults,
    pub(crate) host: SimHost,
    pub(crate) log: ConfluentLog<SimHost>,
}

impl Scripted {
    pub(crate) fn new(api: ConsumeApi) -> Self {
        let world = World::new(11);
        let script = Script::new();
        script.on(TOPIC, [topic()]);
        script.on(CONFIGS, [configs(LIMIT)]);
        let faults = Faults::new();
        world.set_upstream(faults.wrap(script.upstream()));
        let host = world.instance();
        let log = ConfluentLog::new(host.clone(), &config(api));
        Self { script, faults, host, log }
    }

    /// The same server with these answers to a produce.
    pub(crate) fn producing(answers: impl IntoIterator<Item = Answer>) -> Self {
        let this = Self::new(ConsumeApi::V2);
        this.script.on(RECORDS, answers);
        this
    }

    pub(crate) async fn produce(&self, records: Vec<NewRecord>) -> Vec<Result<RecordMetadata>> {
        produce(&self.log, "orders", records).await
    }

    pub(crate) async fn produce_values<const N: usize>(
        &self,
        values: [&'static str; N],
    ) -> [Result<RecordMetadata>; N] {
        let outcomes = self.produce(values.map(value).into()).await;
        outcomes.try_into().expect("one outcome for each record")
    }

    /// What was sent to produce, call by call, as values.
    pub(crate) fn produced(&self) -> Vec<Vec<String>> {
        let calls = self.script.seen().into_iter().filter(|call| call.method == http::Method::POST);
        calls.map(|call| values_of(&call)).collect()
    }
}

pub(crate) fn config(consume_api: ConsumeApi) -> KafkaConfig {
    KafkaConfig {
        rest_url: "http://kafka.test:8082".into(),
        cluster_id: Some("c1".into()),
        api_key: None,
        consume_api,
        json_values: false,
        connect_timeout: Duration::from_secs(5),
        request_timeout: Duration::from_secs(15),
    }
}

pub(crate) fn topic() -> Answer {
    let topic = json!({"kind": "KafkaTopic", "topic_name": "orders", "partitions_count": 3});
    Answer::body(200, topic.to_string())
}

pub(crate) fn configs(max_message_bytes: u64) -> Answer {
    let config = json!({
        "kind": "KafkaTopicConfig",
        "name": "max.message.bytes",
        "value": max_message_bytes.to_string(),
    });
    Answer::body(200, config.to_string())
}

pub(crate) fn error(status: u16, code: i64, message: &str) -> Answer {
    Answer::body(status, refusal(code, message))
}

pub(crate) fn refusal(code: i64, message: &str) -> String {
    json!({"error_code": code, "message": message}).to_string()
}

/// A report of success.
pub(crate) fn report(offset: i64) -> String {
    let time = "2026-03-01T10:15:30.250Z";
    format!(
        r#"{{"error_code":200,"cluster_id":"c1","topic_name":"orders","partition_id":1,"offset":{offset},"timestamp":"{time}","value":{{"type":"STRING","size":1}}}}"#
    )
}

pub(crate) fn written(offset: i64) -> Result<RecordMetadata> {
    Ok(RecordMetadata { partition: 1, offset, timestamp: Some(1_772_360_130_250) })
}

pub(crate) fn value(value: &'static str) -> NewRecord {
    NewRecord { value: Some(Bytes::from_static(value.as_bytes())), ..NewRecord::default() }
}

pub(crate) use kafka_edge_contract::log::produce;

pub(crate) fn values_of(call: &Outgoing) -> Vec<String> {
    let records = serde_json::Deserializer::from_slice(&call.body).into_iter::<Value>();
    let value = |record: Value| record["value"]["data"].as_str().unwrap_or("null").to_owned();
    records.map(|record| value(record.expect("records are JSON"))).collect()
}

/// A fetch of `orders/0` with room for everything.
pub(crate) fn at(offset: i64, place: Option<Place>, wait: Duration) -> Fetch<'static> {
    Fetch {
        topic: "orders",
        partition: 0,
        offset,
        place,
        max_records: 100,
        max_bytes: 1024 * 1024,
        end: None,
        wait,
    }
}

pub(crate) fn offsets_of(records: &[Record]) -> Vec<i64> {
    records.iter().map(|record| record.offset).collect()
}
