//! The configuration, from the host's variables. `spin.toml` lists and
//! documents them all.

use std::time::Duration;

use crate::error::{Error, Result};
use crate::host::Host;

/// How records are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumeApi {
    /// Consumer instances of a self-hosted REST Proxy.
    V2,
    /// Confluent Cloud's stateless call.
    Cloud,
}

/// The key and secret for the Kafka server. Its `Debug` shows neither.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey {
    pub key: String,
    pub secret: String,
}

impl std::fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Scheme, authority and path prefix, without a trailing slash and
    /// without `/v3`: `http://localhost:8082`, `https://pkc-1.confluent.cloud/kafka`.
    pub rest_url: String,
    /// Asked from the server when absent.
    pub cluster_id: Option<String>,
    pub api_key: Option<ApiKey>,
    pub consume_api: ConsumeApi,
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
    pub webhook_timeout: Duration,
    pub webhook_allow_private: bool,
}

impl Config {
    /// Reads and checks every variable that the services need.
    pub async fn load<H: Host>(host: &H) -> Result<Self> {
        let _ = host;
        Err(Error::Unconfigured("Not built yet".into()))
    }
}

/// Who may call. Read on its own, since health checks and refusals must work
/// without the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    pub open: bool,
}

impl Access {
    pub async fn load<H: Host>(host: &H) -> Result<Self> {
        let _ = host;
        Ok(Self { open: false })
    }
}
