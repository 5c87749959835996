//! The configuration, from the host's variables. `spin.toml` lists and
//! documents them all.

mod access;
mod address;
mod registry;
mod value;

use std::fmt;
use std::time::Duration;

pub use self::access::Access;
use self::address::Address;
pub use self::registry::SchemaRegistryConfig;
use crate::concurrent::try_join_bounded;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::sorted::SortedMap;

/// Both parts of the configuration use this variable.
const STORE_STALENESS: &str = "store_staleness";

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

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Scheme, authority and path prefix, without a trailing slash and
    /// without `/v3`: `http://localhost:8082`, `https://pkc-1.confluent.cloud/kafka`.
    pub rest_url: String,
    /// If absent, the server is asked.
    pub cluster_id: Option<String>,
    pub api_key: Option<ApiKey>,
    pub consume_api: ConsumeApi,
    /// The longest wait for a connection to Kafka.
    pub connect_timeout: Duration,
    /// The longest wait for Kafka in one call; also the limit of a produce with
    /// all its tries.
    pub request_timeout: Duration,
    /// The longest wait for a callback's answer.
    pub webhook_timeout: Duration,
    pub webhook_allow_private: bool,
    /// How old a read of the store may be.
    pub store_staleness: Duration,
    pub schema_registry: Option<SchemaRegistryConfig>,
}

impl Config {
    /// Reads and checks every variable that the services need.
    pub async fn load<H: Host>(host: &H) -> Result<Self> {
        let names = [
            "kafka_rest_url",
            "kafka_bootstrap_servers",
            "kafka_cluster_id",
            "kafka_api_key",
            "kafka_api_secret",
            "kafka_consume_api",
            "connect_timeout",
            "request_timeout",
            "webhook_timeout",
            "webhook_allow_private",
            STORE_STALENESS,
            "schema_registry_url",
            "schema_registry_api_key",
            "schema_registry_api_secret",
        ];
        let read = names.map(async |name| Ok::<_, Error>((name, variable(host, name).await?)));
        let values: SortedMap<_, _> = try_join_bounded(read).await?.into_iter().collect();
        Self::parse(|name| values.get(name).cloned().flatten())
    }

    /// Checks the values of variables; `None` and an empty value are both
    /// "not set".
    pub fn parse(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self> {
        let text = |name| variable(name).filter(|value| !value.trim().is_empty());
        let duration = |name, default| value::duration(name, text(name).as_deref(), default);

        let address = match (text("kafka_rest_url"), text("kafka_bootstrap_servers")) {
            (Some(url), _) => Address::of_rest_url(&url)?,
            (None, Some(servers)) => Address::of_bootstrap_servers(&servers)?,
            (None, None) => {
                return Err(Error::Unconfigured(
                    "Set kafka_rest_url to the address of the Kafka REST server".into(),
                ));
            }
        };
        let cluster_id = text("kafka_cluster_id").map(|id| value::cluster_id(&id)).transpose()?;
        let pair = |key, secret| api_key((key, text(key)), (secret, text(secret)));
        let api_key = pair("kafka_api_key", "kafka_api_secret")?;
        let registry_key = pair("schema_registry_api_key", "schema_registry_api_secret")?;
        let cloud_like =
            address.is_cloud() || cluster_id.as_deref().is_some_and(|id| id.starts_with("lkc-"));
        let consume_api = match text("kafka_consume_api").as_deref().map(str::trim) {
            None | Some("auto") if cloud_like => ConsumeApi::Cloud,
            None | Some("auto" | "v2") => ConsumeApi::V2,
            Some("cloud") => ConsumeApi::Cloud,
            Some(_) => {
                return Err(Error::Unconfigured(
                    "kafka_consume_api is none of auto, v2 and cloud".into(),
                ));
            }
        };
        Ok(Self {
            rest_url: address.base(consume_api),
            cluster_id,
            api_key,
            consume_api,
            connect_timeout: duration("connect_timeout", Duration::from_secs(5))?,
            request_timeout: duration("request_timeout", Duration::from_secs(15))?,
            webhook_timeout: duration("webhook_timeout", Duration::from_secs(15))?,
            webhook_allow_private: switch("webhook_allow_private", &text)?,
            store_staleness: value::age(STORE_STALENESS, text(STORE_STALENESS).as_deref())?,
            schema_registry: text("schema_registry_url")
                .map(|url| SchemaRegistryConfig::parse(&url, registry_key))
                .transpose()?,
        })
    }
}

/// A key and its secret, each with the name of its variable.
fn api_key(
    (key_name, key): (&str, Option<String>),
    (secret_name, secret): (&str, Option<String>),
) -> Result<Option<ApiKey>> {
    let missing = |there: &str, missing: &str| {
        Err(Error::Unconfigured(format!("{there} is set, but {missing} is not")))
    };
    match (key, secret) {
        (None, None) => Ok(None),
        (Some(_), None) => missing(key_name, secret_name),
        (None, Some(_)) => missing(secret_name, key_name),
        (Some(key), Some(secret)) => {
            let (key, secret) = (key.trim().to_owned(), secret.trim().to_owned());
            // Basic authentication ends the user name at the first colon.
            if key.contains(':') || [&key, &secret].iter().any(|s| s.contains(char::is_control)) {
                return Err(Error::Unconfigured(format!(
                    "{key_name} or {secret_name} holds a character that it cannot hold"
                )));
            }
            Ok(Some(ApiKey { key, secret }))
        }
    }
}

fn switch(name: &'static str, text: &impl Fn(&'static str) -> Option<String>) -> Result<bool> {
    value::switch(name, text(name).as_deref())
}

async fn variable<H: Host>(host: &H, name: &str) -> Result<Option<String>> {
    let value = host.variable(name).await;
    value.map_err(|_| Error::Unconfigured(format!("The variable {name} could not be read")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(values: &[(&str, &str)]) -> Result<Config> {
        Config::parse(|name| {
            let value = values.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (*value).to_owned())
        })
    }

    fn sentence(values: &[(&str, &str)]) -> String {
        match parse(values) {
            Err(Error::Unconfigured(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_address_is_enough() {
        let config = parse(&[("kafka_rest_url", "http://localhost:8082")]).unwrap();
        assert_eq!(config.rest_url, "http://localhost:8082");
        assert_eq!(config.consume_api, ConsumeApi::V2);
        assert_eq!((config.cluster_id, config.api_key), (None, None));
        assert!(!config.webhook_allow_private);
        assert_eq!(config.store_staleness, Duration::ZERO);
    }

    #[test]
    fn cloud_is_known_by_its_host_or_its_cluster() {
        for (values, api) in [
            (
                &[("kafka_rest_url", "https://pkc-1.eu.aws.confluent.cloud:443")][..],
                ConsumeApi::Cloud,
            ),
            (
                &[("kafka_bootstrap_servers", "pkc-1.eu.aws.confluent.cloud:9092")],
                ConsumeApi::Cloud,
            ),
            (
                &[("kafka_rest_url", "https://kafka.internal"), ("kafka_cluster_id", "lkc-1")],
                ConsumeApi::Cloud,
            ),
            (&[("kafka_rest_url", "https://confluent.cloud.example.com")], ConsumeApi::V2),
            (
                &[("kafka_rest_url", "https://a.confluent.cloud"), ("kafka_consume_api", "v2")],
                ConsumeApi::V2,
            ),
            (
                &[("kafka_rest_url", "http://localhost:8082"), ("kafka_consume_api", "cloud")],
                ConsumeApi::Cloud,
            ),
        ] {
            assert_eq!(parse(values).unwrap().consume_api, api, "{values:?}");
        }
    }

    #[test]
    fn an_address_of_cloud_without_a_path_gets_the_one_that_cloud_has() {
        let url = |values: &[_]| parse(values).unwrap().rest_url;
        assert_eq!(
            url(&[("kafka_rest_url", "https://pkc-1.confluent.cloud:443")]),
            "https://pkc-1.confluent.cloud:443/kafka"
        );
        assert_eq!(
            url(&[("kafka_bootstrap_servers", "SASL_SSL://pkc-1.confluent.cloud:9092")]),
            "https://pkc-1.confluent.cloud/kafka"
        );
    }

    #[test]
    fn what_is_missing_or_malformed_is_named() {
        let url = ("kafka_rest_url", "http://localhost:8082");
        assert!(sentence(&[]).contains("kafka_rest_url"));
        for (name, value) in [
            ("kafka_rest_url", "localhost"),
            ("kafka_rest_url", "ftp://localhost"),
            ("kafka_cluster_id", "a/b"),
            ("kafka_consume_api", "v3"),
            ("connect_timeout", "soon"),
            ("request_timeout", "0s"),
            ("webhook_timeout", "11m"),
            ("webhook_allow_private", "yes"),
            ("store_staleness", "some"),
            ("kafka_api_key", "key"),
            ("kafka_api_secret", "secret"),
        ] {
            let sentence = sentence(&[(name, value), url]);
            assert!(sentence.contains(name), "{name}: {sentence}");
        }
    }

    #[test]
    fn no_secret_is_echoed() {
        let url = ("kafka_rest_url", "http://localhost:8082");
        let alone = sentence(&[url, ("kafka_api_secret", "hush")]);
        let malformed = sentence(&[url, ("kafka_api_key", "a:hush"), ("kafka_api_secret", "hush")]);
        let inside = sentence(&[("kafka_rest_url", "http://user:hush@localhost")]);
        for sentence in [alone, malformed, inside] {
            assert!(!sentence.contains("hush"), "{sentence}");
        }
        let both = [url, ("kafka_api_key", "key"), ("kafka_api_secret", "hush")];
        assert!(!format!("{:?}", parse(&both).unwrap()).contains("hush"));
    }

    #[test]
    fn blank_is_not_set() {
        let config = parse(&[
            ("kafka_rest_url", " http://localhost:8082/ "),
            ("kafka_cluster_id", ""),
            ("kafka_api_key", " "),
            ("request_timeout", ""),
        ])
        .unwrap();
        assert_eq!(config.rest_url, "http://localhost:8082");
        assert_eq!((config.cluster_id, config.api_key), (None, None));
    }
}
