//! What these calls take and answer, as JSON.

use serde::Serialize;

use crate::services::destinations::{Finding, Trial};

/// The fields of a destination that a caller sets. `docs/destinations.md` tells of them.
#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
pub(super) struct DestinationFields {
    /// It may be left out where the path has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// To keep the one that it had elsewhere: `dest_` and 16 hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    r#type: DestinationType,
    config: DestinationConfig,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<DestinationFormat>,
    /// What the names of the headers begin with that the gateway adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    header_prefix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled: Option<bool>,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
pub(super) struct DestinationConfig {
    /// `host:9092`, which stands for `https://host/kafka` at port 443.
    #[serde(skip_serializing_if = "Option::is_none")]
    bootstrap_servers: Option<String>,
    /// The address of a REST Proxy, in place of `bootstrap_servers`.
    #[serde(skip_serializing_if = "Option::is_none")]
    rest_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cluster_id: Option<String>,
    topic: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<String>,
    /// It is stored encrypted, and masked in answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_secret: Option<String>,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
#[serde(rename_all = "lowercase")]
pub(super) enum DestinationType {
    Kafka,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
#[serde(rename_all = "lowercase")]
pub(super) enum DestinationFormat {
    Bytes,
    Json,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
pub(super) struct DestinationJson {
    id: String,
    name: String,
    r#type: DestinationType,
    config: DestinationConfig,
    format: DestinationFormat,
    header_prefix: String,
    enabled: bool,
    created: String,
    /// Present and true where the secret cannot be read, because its key is not in
    /// `secrets_key` any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    secret_gone: bool,
}

#[cfg(feature = "description")]
#[derive(schemars::JsonSchema)]
#[allow(dead_code)]
pub(super) struct DestinationListJson {
    destinations: Vec<DestinationJson>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
pub(super) struct DestinationTrialJson {
    /// Whether the REST server answers.
    reachable: FindingJson,
    /// Whether the topic is there.
    topic: FindingJson,
    #[serde(skip_serializing_if = "Option::is_none")]
    partitions: Option<i32>,
    /// Whether the key may write to it.
    write: FindingJson,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
pub(super) struct FindingJson {
    /// Null where it could not be found out.
    passed: Option<bool>,
    /// In kebab case, if it did not pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Why it could not be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

impl From<Finding> for FindingJson {
    fn from(finding: Finding) -> Self {
        let nothing = Self { passed: None, reason: None, error: None, note: None };
        match finding {
            Finding::Yes => Self { passed: Some(true), ..nothing },
            Finding::No(fault) => {
                let (reason, error) = (Some(fault.kind()), Some(fault.to_string()));
                Self { passed: Some(false), reason, error, ..nothing }
            }
            Finding::Unknown(note) => Self { note: Some(note), ..nothing },
        }
    }
}

impl From<Trial> for DestinationTrialJson {
    fn from(trial: Trial) -> Self {
        Self {
            reachable: trial.reachable.into(),
            topic: trial.topic.into(),
            partitions: trial.partitions,
            write: trial.write.into(),
        }
    }
}
