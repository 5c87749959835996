//! The address of the schema registry, if there is one.

use std::time::Duration;

use http::Uri;
use http::uri::Scheme;

use super::kafka::KafkaConfig;
use super::variables::Variables;
use crate::api_key::ApiKey;
use crate::error::{ErrorKind, Result};

pub(super) const VARIABLES: [&str; 3] =
    ["schema_registry_url", "schema_registry_api_key", "schema_registry_api_secret"];

/// A schema registry, and the key for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaRegistryConfig {
    /// Scheme, authority and path prefix, without a trailing slash.
    pub url: String,
    pub api_key: Option<ApiKey>,
    /// The timeouts are those for Kafka.
    pub connect_timeout: Duration,
    pub request_timeout: Duration,
}

impl SchemaRegistryConfig {
    pub(super) fn of(variables: &Variables<'_>, kafka: &KafkaConfig) -> Result<Option<Self>> {
        let api_key = variables.api_key("schema_registry_api_key", "schema_registry_api_secret")?;
        let Some(url) = variables.text("schema_registry_url") else { return Ok(None) };
        Ok(Some(Self {
            url: Self::base(&url)?,
            api_key,
            connect_timeout: kafka.connect_timeout,
            request_timeout: kafka.request_timeout,
        }))
    }

    fn base(url: &str) -> Result<String> {
        let malformed = || {
            ErrorKind::Unconfigured(
                "schema_registry_url is not an http or https URL of a host, a port and a path"
                    .into(),
            )
        };
        let uri: Uri = url.trim().parse().map_err(|_| malformed())?;
        let scheme = uri.scheme().filter(|s| [Scheme::HTTP, Scheme::HTTPS].contains(s));
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some(scheme), Some(authority)) = (scheme, authority) else {
            return Err(malformed().into());
        };
        if uri.query().is_some() || url.contains('#') {
            return Err(malformed().into());
        }
        Ok(format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/')))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_address_is_taken() {
        for (url, base) in [
            ("http://registry:8081", "http://registry:8081"),
            ("https://psrc-1.aws.confluent.cloud/", "https://psrc-1.aws.confluent.cloud"),
            (" https://h/registry/ ", "https://h/registry"),
        ] {
            assert_eq!(SchemaRegistryConfig::base(url).unwrap(), base);
        }
        for url in ["registry:8081", "ftp://h", "http://u:p@h", "http://h/?a=b", "http://h#f", "/"]
        {
            assert!(SchemaRegistryConfig::base(url).is_err(), "{url}");
        }
    }
}
