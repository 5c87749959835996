//! Where Kafka is, and how the gateway calls it.

use std::time::Duration;

use super::address::Address;
use super::value;
use super::variables::Variables;
use crate::api_key::ApiKey;
use crate::error::{ErrorKind, Result};

pub(super) const VARIABLES: [&str; 8] = [
    "kafka_rest_url",
    "kafka_bootstrap_servers",
    "kafka_cluster_id",
    "kafka_api_key",
    "kafka_api_secret",
    "kafka_consume_api",
    "connect_timeout",
    "request_timeout",
];

/// How records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumeApi {
    /// Consumer instances of a self-hosted REST Proxy.
    V2,
    /// Confluent Cloud's stateless call.
    Cloud,
}

/// The Kafka REST server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaConfig {
    /// Scheme, authority and path prefix, without a trailing slash and
    /// without `/v3`: `http://localhost:8082`, `https://pkc-1.confluent.cloud/kafka`.
    pub rest_url: String,
    /// If absent, the server is asked for it.
    pub cluster_id: Option<String>,
    pub api_key: Option<ApiKey>,
    pub consume_api: ConsumeApi,
    /// Values are written as JSON, which the server parses and writes anew; otherwise as
    /// the bytes that they are.
    pub json_values: bool,
    /// The longest wait for a connection.
    pub connect_timeout: Duration,
    /// The longest wait for the server in one call, and for a produce including
    /// its retries.
    pub request_timeout: Duration,
}

impl KafkaConfig {
    pub(super) fn of(variables: &Variables<'_>) -> Result<Self> {
        let text = |name| variables.text(name);
        let address = match (text("kafka_rest_url"), text("kafka_bootstrap_servers")) {
            (Some(url), _) => Address::of_rest_url(&url)?,
            (None, Some(servers)) => Address::of_bootstrap_servers(&servers)?,
            (None, None) => {
                return Err(ErrorKind::Unconfigured(
                    "Set kafka_rest_url to the address of the Kafka REST server".into(),
                )
                .into());
            }
        };
        let cluster_id = text("kafka_cluster_id").map(|id| value::cluster_id(&id)).transpose()?;
        let api_key = variables.api_key("kafka_api_key", "kafka_api_secret")?;
        let cloud_like =
            address.is_cloud() || cluster_id.as_deref().is_some_and(|id| id.starts_with("lkc-"));
        let consume_api = match text("kafka_consume_api").as_deref().map(str::trim) {
            None | Some("auto") if cloud_like => ConsumeApi::Cloud,
            None | Some("auto" | "v2") => ConsumeApi::V2,
            Some("cloud") => ConsumeApi::Cloud,
            Some(_) => {
                return Err(ErrorKind::Unconfigured(
                    "kafka_consume_api is none of auto, v2 and cloud".into(),
                )
                .into());
            }
        };
        Ok(Self {
            rest_url: address.base(consume_api),
            cluster_id,
            api_key,
            consume_api,
            json_values: false,
            connect_timeout: variables.duration("connect_timeout", Duration::from_secs(5))?,
            request_timeout: variables.duration("request_timeout", Duration::from_secs(15))?,
        })
    }
}
