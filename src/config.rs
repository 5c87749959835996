//! The configuration, from the host's variables. `docs/operations.md` lists them,
//! and the manifest in the root folder documents each.
//!
//! There is a struct for each concern, and each part of the gateway receives
//! only its own. [`Config`] is what the services need. [`Access`],
//! [`GatewayConfig`] and [`telemetry`] are read separately, since they must work
//! even if the rest is missing or malformed.

mod access;
mod actions;
mod address;
mod consuming;
mod deliveries;
mod gateway;
mod kafka;
mod origins;
mod schema_registry;
mod secrets;
mod store;
pub mod telemetry;
mod value;
mod variables;

pub use self::access::Access;
pub use self::actions::ActionsConfig;
#[cfg(feature = "destinations")]
pub(crate) use self::address::{base_of_bootstrap_servers, base_of_rest_url};
pub use self::consuming::ConsumingConfig;
pub use self::deliveries::DeliveriesConfig;
pub use self::gateway::GatewayConfig;
pub use self::kafka::{ConsumeApi, KafkaConfig};
pub use self::origins::{OriginAccess, Origins};
pub use self::schema_registry::SchemaRegistryConfig;
pub use self::store::StoreConfig;
use self::variables::Variables;
use crate::error::Result;
use crate::host::Host;
use crate::secrets::SecretKeys;

/// What the services need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    pub kafka: KafkaConfig,
    pub actions: ActionsConfig,
    pub consuming: ConsumingConfig,
    pub deliveries: DeliveriesConfig,
    /// `None` if there is no registry.
    pub schema_registry: Option<SchemaRegistryConfig>,
    /// None if no key is set.
    pub secrets: SecretKeys,
    pub store: StoreConfig,
}

impl Config {
    /// Reads and checks every variable that the services need.
    pub async fn load(host: &impl Host) -> Result<Self> {
        let names = [
            &kafka::VARIABLES[..],
            &actions::VARIABLES[..],
            &consuming::VARIABLES[..],
            &deliveries::VARIABLES[..],
            &schema_registry::VARIABLES[..],
            &secrets::VARIABLES[..],
            &store::VARIABLES[..],
        ];
        let variables = Variables::read(host, names.concat()).await?;
        let config = Self::of(&variables)?;
        let store = StoreConfig::on(host, &variables)?.with_capabilities(host).await?;
        Ok(Self { store, ..config })
    }

    /// Checks the values of variables. Both `None` and an empty value mean "not
    /// set".
    pub fn parse(variable: impl Fn(&'static str) -> Option<String>) -> Result<Self> {
        Self::of(&Variables::of(&variable))
    }

    fn of(variables: &Variables<'_>) -> Result<Self> {
        let kafka = KafkaConfig::of(variables)?;
        Ok(Self {
            actions: ActionsConfig::of(variables)?,
            consuming: ConsumingConfig::of(variables)?,
            deliveries: DeliveriesConfig::of(variables, kafka.connect_timeout)?,
            schema_registry: SchemaRegistryConfig::of(variables, &kafka)?,
            secrets: secrets::keys(variables)?,
            store: StoreConfig::of(variables)?,
            kafka,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::Error;
    use crate::error::ErrorKind;

    fn parse(values: &[(&str, &str)]) -> Result<Config> {
        Config::parse(|name| {
            let value = values.iter().find(|(known, _)| *known == name);
            value.map(|(_, value)| (*value).to_owned())
        })
    }

    fn sentence(values: &[(&str, &str)]) -> String {
        match parse(values).map_err(Error::into_kind) {
            Err(ErrorKind::Unconfigured(sentence)) => sentence,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn four_partitions_are_open_or_from_1_to_64() {
        let address = ("kafka_rest_url", "http://a");
        let open = |text| parse(&[address, ("open_partitions", text)]);
        assert_eq!(parse(&[address]).unwrap().consuming.open_partitions, 4);
        assert_eq!(open(" 12 ").unwrap().consuming.open_partitions, 12);
        for text in ["0", "65", "-1", "many", "1.5"] {
            let refused =
                Err(ErrorKind::Unconfigured("open_partitions is no number from 1 to 64".into())
                    .into());
            assert_eq!(open(text).map(|_| ()), refused, "{text}");
        }
    }

    #[test]
    fn an_address_is_enough() {
        let config = parse(&[("kafka_rest_url", "http://localhost:8082")]).unwrap();
        assert_eq!(config.kafka.rest_url, "http://localhost:8082");
        assert_eq!(config.kafka.consume_api, ConsumeApi::V2);
        assert_eq!((config.kafka.cluster_id, config.kafka.api_key), (None, None));
        assert!(!config.deliveries.allow_private);
        assert_eq!(config.store.staleness, Duration::ZERO);
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
            assert_eq!(parse(values).unwrap().kafka.consume_api, api, "{values:?}");
        }
    }

    #[test]
    fn an_address_of_cloud_without_a_path_gets_the_one_that_cloud_has() {
        let url = |values: &[_]| parse(values).unwrap().kafka.rest_url;
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
            ("wall_time", "soon"),
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
        assert_eq!(config.kafka.rest_url, "http://localhost:8082");
        assert_eq!((config.kafka.cluster_id, config.kafka.api_key), (None, None));
    }
}
