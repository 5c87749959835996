//! Topic settings: which there are, their defaults, what overrides them.

use crate::options::Version;
use std::collections::BTreeMap;

/// A setting that Kafka would refuse.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// Kafka has no topic setting of that name.
    #[error("Unknown topic config name: {0}")]
    Unknown(String),
    /// The value is not one of those allowed.
    #[error("Invalid value {value} for configuration {name}: {rule}")]
    Invalid {
        /// The setting.
        name: String,
        /// What was asked for.
        value: String,
        /// What would be right.
        rule: &'static str,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    Flag,
    Int,
    Long,
    Ratio,
    CleanupPolicy,
    TimestampType,
}

/// A topic setting and the broker setting that its default comes from.
#[derive(Debug)]
struct Known {
    name: &'static str,
    kind: Kind,
    default: &'static str,
    /// The broker's setting, where there is one that counts in the same unit.
    broker: Option<&'static str>,
    only: Option<Version>,
}

const fn known(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    broker: Option<&'static str>,
) -> Known {
    Known { name, kind, default, broker, only: None }
}

impl Known {
    const fn only(mut self, version: Version) -> Known {
        self.only = Some(version);
        self
    }
}

const LONG_MAX: &str = "9223372036854775807";

/// In the order of names, as the proxy lists them.
const SETTINGS: &[Known] = &[
    known("cleanup.policy", Kind::CleanupPolicy, "delete", Some("log.cleanup.policy")),
    known("compression.gzip.level", Kind::Int, "-1", Some("compression.gzip.level")),
    known("compression.lz4.level", Kind::Int, "9", Some("compression.lz4.level")),
    known("compression.type", Kind::Text, "producer", Some("compression.type")),
    known("compression.zstd.level", Kind::Int, "3", Some("compression.zstd.level")),
    known("delete.retention.ms", Kind::Long, "86400000", Some("log.cleaner.delete.retention.ms")),
    known("file.delete.delay.ms", Kind::Long, "60000", Some("log.segment.delete.delay.ms")),
    known("flush.messages", Kind::Long, LONG_MAX, Some("log.flush.interval.messages")),
    known("flush.ms", Kind::Long, LONG_MAX, None),
    known("follower.replication.throttled.replicas", Kind::Text, "", None),
    known("index.interval.bytes", Kind::Int, "4096", Some("log.index.interval.bytes")),
    known("leader.replication.throttled.replicas", Kind::Text, "", None),
    known("local.retention.bytes", Kind::Long, "-2", Some("log.local.retention.bytes")),
    known("local.retention.ms", Kind::Long, "-2", Some("log.local.retention.ms")),
    known("max.compaction.lag.ms", Kind::Long, LONG_MAX, Some("log.cleaner.max.compaction.lag.ms")),
    known("max.message.bytes", Kind::Int, "1048588", Some("message.max.bytes")),
    known(
        "message.downconversion.enable",
        Kind::Flag,
        "true",
        Some("log.message.downconversion.enable"),
    )
    .only(Version::V7_9_9),
    known("message.format.version", Kind::Text, "3.0-IV1", Some("log.message.format.version"))
        .only(Version::V7_9_9),
    known(
        "message.timestamp.after.max.ms",
        Kind::Long,
        LONG_MAX,
        Some("log.message.timestamp.after.max.ms"),
    )
    .only(Version::V7_9_9),
    known(
        "message.timestamp.after.max.ms",
        Kind::Long,
        "3600000",
        Some("log.message.timestamp.after.max.ms"),
    )
    .only(Version::V8_3_1),
    known(
        "message.timestamp.before.max.ms",
        Kind::Long,
        LONG_MAX,
        Some("log.message.timestamp.before.max.ms"),
    ),
    known(
        "message.timestamp.difference.max.ms",
        Kind::Long,
        LONG_MAX,
        Some("log.message.timestamp.difference.max.ms"),
    )
    .only(Version::V7_9_9),
    known(
        "message.timestamp.type",
        Kind::TimestampType,
        "CreateTime",
        Some("log.message.timestamp.type"),
    ),
    known("min.cleanable.dirty.ratio", Kind::Ratio, "0.5", Some("log.cleaner.min.cleanable.ratio")),
    known("min.compaction.lag.ms", Kind::Long, "0", Some("log.cleaner.min.compaction.lag.ms")),
    known("min.insync.replicas", Kind::Int, "1", Some("min.insync.replicas")),
    known("preallocate", Kind::Flag, "false", Some("log.preallocate")),
    known("remote.log.copy.disable", Kind::Flag, "false", None),
    known("remote.log.delete.on.disable", Kind::Flag, "false", None),
    known("remote.storage.enable", Kind::Flag, "false", None),
    known("retention.bytes", Kind::Long, "-1", Some("log.retention.bytes")),
    known("retention.ms", Kind::Long, "604800000", None),
    known("segment.bytes", Kind::Int, "1073741824", Some("log.segment.bytes")),
    known("segment.index.bytes", Kind::Int, "10485760", Some("log.index.size.max.bytes")),
    known("segment.jitter.ms", Kind::Long, "0", None),
    known("segment.ms", Kind::Long, "604800000", None),
    known(
        "unclean.leader.election.enable",
        Kind::Flag,
        "false",
        Some("unclean.leader.election.enable"),
    ),
];

/// Where a value comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The topic itself.
    Topic,
    /// The cluster, for all brokers.
    Cluster,
    /// Kafka.
    Default,
}

/// A setting of one topic as it holds now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) source: Source,
    /// The places that the value could come from, by the name it has there:
    /// the one that counts first.
    pub(crate) synonyms: Vec<(&'static str, String, Source)>,
}

impl Known {
    fn setting(&self, own: Option<&String>, version: Version) -> Setting {
        let default = self.default.to_owned();
        let mut synonyms = Vec::new();
        if let Some(value) = own {
            synonyms.push((self.name, value.clone(), Source::Topic));
        }
        // Kafka 4 keeps this one for the whole cluster.
        if version == Version::V8_3_1 && self.name == "min.insync.replicas" {
            synonyms.push((self.name, default.clone(), Source::Cluster));
        }
        if let Some(name) = self.broker {
            synonyms.push((name, default.clone(), Source::Default));
        }
        let (value, source) = match synonyms.first() {
            Some((_, value, source)) => (value.clone(), *source),
            None => (default, Source::Default),
        };
        Setting { name: self.name, value, source, synonyms }
    }
}

/// All settings of a topic, by name.
pub(crate) fn effective_settings(own: &BTreeMap<String, String>, version: Version) -> Vec<Setting> {
    let held = SETTINGS.iter().filter(|known| known.only.is_none_or(|only| only == version));
    held.map(|known| known.setting(own.get(known.name), version)).collect()
}

/// The largest batch that a topic with these settings takes.
pub(crate) fn max_message_bytes(own: &BTreeMap<String, String>) -> usize {
    own.get("max.message.bytes").and_then(|v| v.parse().ok()).unwrap_or(1_048_588)
}

/// Refuses settings that Kafka would refuse.
pub(super) fn check(configs: &BTreeMap<String, String>) -> Result<(), ConfigError> {
    for (name, value) in configs {
        let Some(known) = SETTINGS.iter().find(|known| known.name == name) else {
            return Err(ConfigError::Unknown(name.clone()));
        };
        if let Some(rule) = broken_rule(known.kind, value) {
            return Err(ConfigError::Invalid { name: name.clone(), value: value.clone(), rule });
        }
    }
    Ok(())
}

fn broken_rule(kind: Kind, value: &str) -> Option<&'static str> {
    let (fits, rule) = match kind {
        Kind::Text => (true, ""),
        Kind::Flag => {
            (matches!(value, "true" | "false"), "Expected value to be either true or false")
        }
        Kind::Int => (value.parse::<i32>().is_ok(), "Not a number of type INT"),
        Kind::Long => (value.parse::<i64>().is_ok(), "Not a number of type LONG"),
        Kind::Ratio => (value.parse::<f64>().is_ok(), "Not a number of type DOUBLE"),
        Kind::CleanupPolicy => (
            value.split(',').all(|policy| matches!(policy.trim(), "compact" | "delete")),
            "String must be one of: compact, delete",
        ),
        Kind::TimestampType => (
            matches!(value, "CreateTime" | "LogAppendTime"),
            "String must be one of: CreateTime, LogAppendTime",
        ),
    };
    (!fits).then_some(rule)
}
