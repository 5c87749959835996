//! The emulator that a file is replayed against, and what was there before.

use crate::recording::{Exchange, Recording};
use bytes::Bytes;
use kafka_edge_emulator::{Clock, Emulator, Header, NewRecord, Options, ProduceRateLimit, Version};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// 2026-11-21T05:00:00.527Z, in the hour of the recordings.
const START_MS: i64 = 1_795_237_200_527;
const CLUSTER: &str = "4L6g3nShT-eMCtK--X86sw";

pub(crate) struct World {
    pub(crate) emulator: Emulator,
}

impl World {
    pub(crate) fn new(recording: &Recording) -> World {
        let emulator = Emulator::new(options(recording, false)).expect("an emulator");
        let world = World { emulator };
        world.set_up(recording);
        world
    }

    /// The second half of the file about produce limits was recorded with
    /// another setting.
    pub(crate) fn again_with_both_limits(&mut self, recording: &Recording) {
        self.emulator = Emulator::new(options(recording, true)).expect("an emulator");
        self.set_up(recording);
    }

    pub(crate) fn topic(&self, name: &str, partitions: i32) {
        self.topic_with(name, partitions, &[]);
    }

    fn topic_with(&self, name: &str, partitions: i32, configs: &[(&str, &str)]) {
        self.emulator
            .create_topic_with(name, partitions, configs.iter().copied())
            .unwrap_or_else(|error| panic!("topic {name}: {error}"));
    }

    pub(crate) fn append(&self, topic: &str, partition: i32, record: NewRecord) {
        self.emulator.append(topic, partition, record).expect("a topic");
    }

    fn values(&self, topic: &str, partition: i32, values: impl IntoIterator<Item = String>) {
        for value in values {
            self.append(topic, partition, NewRecord::value(value));
        }
    }

    fn set_up(&self, recording: &Recording) {
        if let Some(names) = listed_topics(recording) {
            for name in names {
                let partitions = match name.as_str() {
                    "test-topic" => 3,
                    "parts-7" => 7,
                    "made-1" => 4,
                    _ => 1,
                };
                self.topic(&name, partitions);
            }
        } else {
            self.topic("test-topic", 3);
            ["red", "green", "blue"].iter().for_each(|name| self.topic(name, 1));
        }
        match recording.stem() {
            "v3-partitioning" => self.topic("parts-7", 7),
            "v3-produce-odd-topics" => {
                for name in ["fresh-0", "fresh-1", "fresh-2", "fresh-a", "fresh-b"] {
                    self.topic(name, 1);
                }
            }
            "v3-produce-more" | "v3-produce-dead-producer" => {
                self.topic_with("small-max", 1, &[("max.message.bytes", "1000")]);
                self.topic_with("lat", 1, &[("message.timestamp.type", "LogAppendTime")]);
                self.topic_with("compacted", 1, &[("cleanup.policy", "compact")]);
                self.topic("nums", 1);
            }
            "v2-consumer" => {
                self.topic("c1", 2);
                // A lone record without a key came first, to either partition.
                let lone = if recording.is_newer() { 0 } else { 1 };
                self.append("c1", lone, NewRecord::value("v0"));
                for i in 0..100 {
                    self.append("c1", 0, NewRecord::value(format!("p0-{i}")).with_key("k"));
                }
                for i in 0..100 {
                    self.append("c1", 1, NewRecord::value(format!("p1-{i}")).with_key("k"));
                }
                self.topic("hang", 1);
                self.values("hang", 0, (0..50).map(|i| format!("h{i}")));
            }
            "v2-consumer-limits" | "v2-consumer-reset" => {
                self.hundred_bytes_each();
                self.topic("c2", 1);
                self.values("c2", 0, (0..30).map(|i| format!("v{i}")));
            }
            "v2-consumer-formats" => self.formats(),
            "v2-consumer-concurrency" => {
                self.topic("cc", 1);
                self.values("cc", 0, (0..1000).map(|i| format!("v{i}")));
            }
            "v2-consumer-group" => {
                self.topic("gg", 2);
                for partition in 0..2 {
                    self.values("gg", partition, (0..20).map(|i| format!("{partition}-{i}")));
                }
            }
            "v2-stateless-reading" => {
                self.topic("sl", 1);
                self.values("sl", 0, (0..20_000).map(|i| format!("{i:06}{}", "x".repeat(94))));
            }
            _ => {}
        }
    }

    fn hundred_bytes_each(&self) {
        self.topic("sz", 1);
        self.values("sz", 0, (0..10).map(|_| "x".repeat(100)));
    }

    fn formats(&self) {
        self.hundred_bytes_each();
        self.topic("nulls", 1);
        let tombstone = NewRecord { key: Some(Bytes::from("k")), ..NewRecord::default() };
        self.append("nulls", 0, tombstone);
        self.append("nulls", 0, NewRecord::value(""));
        let header = Header { name: "h".into(), value: Some(Bytes::from("v")) };
        self.append("nulls", 0, NewRecord { headers: vec![header], ..NewRecord::value("x") });
        self.topic("nulls2", 1);
        let tombstone = NewRecord { key: Some(Bytes::from("{\"a\":1}")), ..NewRecord::default() };
        self.append("nulls2", 0, tombstone);
        self.append("nulls2", 0, NewRecord::value("{\"b\":[1,2.5,\"é\"]}"));
        self.topic("poison", 1);
        self.values("poison", 0, (0..5).map(|i| i.to_string()));
        self.append("poison", 0, NewRecord::value("{not json"));
        self.values("poison", 0, (0..5).map(|i| i.to_string()));
    }

    /// What others wrote between two recorded exchanges can be seen only from
    /// the offsets of the next one: they are skipped. And where records
    /// without a key went was a matter of chance.
    pub(crate) fn catch_up(&self, exchange: &Exchange) {
        let Some(topic) = produced_topic(&exchange.path) else {
            self.catch_up_with_end(exchange);
            return;
        };
        let mut seen = Vec::new();
        for (partition, offset) in written(exchange) {
            if !seen.contains(&partition) {
                seen.push(partition);
                self.skip(&topic, partition, offset);
            }
        }
        let without_key = !String::from_utf8_lossy(exchange.body.as_deref().unwrap_or_default())
            .contains("\"key\":{\"type\":\"STRING\"");
        if let (true, Some(partition)) = (without_key, seen.first()) {
            self.emulator.stick_to(&topic, *partition);
        }
    }

    /// Nothing is skipped in a topic that is only about to appear.
    fn skip(&self, topic: &str, partition: i32, offset: i64) {
        if self.emulator.end_offset(topic, partition).is_some() {
            self.emulator.skip_offsets_to(topic, partition, offset).expect("a partition");
        }
    }

    fn catch_up_with_end(&self, exchange: &Exchange) {
        let answer: Value = serde_json::from_slice(&exchange.answer.body).unwrap_or_default();
        let end = answer["end_offset"].as_i64().or(answer["latest_offset"].as_i64());
        let parts: Vec<&str> = exchange.path.split(['/', '?']).collect();
        let at = |name: &str| parts.iter().position(|p| *p == name).and_then(|i| parts.get(i + 1));
        if let (Some(end), Some(topic), Some(partition)) = (end, at("topics"), at("partitions")) {
            let partition = partition.parse().expect("a partition that has offsets");
            self.skip(topic, partition, end);
        }
    }
}

fn produced_topic(path: &str) -> Option<String> {
    let parts: Vec<&str> = path.split(['/', '?']).collect();
    let topics = parts.iter().position(|p| *p == "topics")?;
    let topic = parts.get(topics + 1)?;
    let produces = match parts.get(topics + 2) {
        Some(next) => next.starts_with("records"),
        None => parts.get(1) == Some(&"topics"),
    };
    let to_partition = parts.get(topics + 2) == Some(&"partitions") && parts.len() == topics + 4;
    (produces || (to_partition && parts.get(1) == Some(&"topics"))).then(|| topic.to_string())
}

/// Partition and offset of every record that the recorded answer reports.
pub(crate) fn written(exchange: &Exchange) -> Vec<(i32, i64)> {
    let mut found = Vec::new();
    let mut answers = vec![exchange.answer.text()];
    let pipelined = exchange.answer.json["responses"].as_array();
    answers
        .extend(pipelined.into_iter().flatten().filter_map(|r| Some(r["body"].as_str()?.into())));
    answers.extend(exchange.answer.json["after_body"].as_str().map(str::to_owned));
    answers.extend(exchange.answer.json["before_body"].as_str().map(str::to_owned));
    for text in answers {
        for part in text.split("\"partition").skip(1) {
            let partition = number_after(part, ":");
            let offset = part.split("\"offset\":").nth(1).and_then(|o| number_after(o, ""));
            if let (Some(partition), Some(offset)) = (partition, offset) {
                found.push((partition as i32, offset));
            }
        }
    }
    found
}

fn number_after(text: &str, mark: &str) -> Option<i64> {
    let start = text.find(mark)? + mark.len();
    let digits: String = text[start..].chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// The topics there were, where a list of them was recorded.
fn listed_topics(recording: &Recording) -> Option<Vec<String>> {
    let list = recording
        .exchanges
        .iter()
        .find(|e| e.path == "/topics" && e.method == "GET" && e.answer.status == Some(200))?;
    serde_json::from_slice(&list.answer.body).ok()
}

fn options(recording: &Recording, both_limits: bool) -> Options {
    let start = Instant::now();
    let clock =
        Clock::new(move || START_MS + i64::try_from(start.elapsed().as_millis()).expect("a time"));
    let mut options = Options {
        version: if recording.is_newer() { Version::V8_3_1 } else { Version::V7_9_9 },
        cluster_id: CLUSTER.into(),
        clock,
        ..Options::default()
    };
    match recording.stem() {
        "broker-creates-topics" => options.auto_create_topics = true,
        "configured-consumer-timeout-4s" => {
            options.consumer_request_timeout = Duration::from_secs(4);
        }
        "configured-endpoint-blocklist" => {
            options.endpoint_blocklist = vec![
                "GET /clusters/{cluster}/topics/{topic}".into(),
                "POST /clusters/{cluster}/topics/{topic}/records".into(),
            ];
        }
        "configured-host-name" => options.host_name = Some("public.example:80".into()),
        "configured-instance-timeout-5s" => {
            options.consumer_instance_timeout = Duration::from_secs(5);
        }
        "configured-max-block-2s-no-schema-registry" => {
            options.max_block = Duration::from_secs(2);
            options.schema_registry = false;
        }
        "configured-produce-rate-limit" => {
            options.produce_rate_limit = Some(ProduceRateLimit {
                records_per_second: 5,
                bytes_per_second: 10_000_000,
                with_general_limit: both_limits,
            });
        }
        "configured-rate-limit" => options.rate_limit = Some(1),
        "configured-size-limit" => options.produce_size_limit = Some(20_000),
        "configured-stream-age-2s" => options.stream_max_age = Duration::from_secs(2),
        _ => {}
    }
    options
}
