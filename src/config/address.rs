//! The address of the Kafka REST server.

use http::Uri;
use http::uri::Scheme;

use super::ConsumeApi;
use crate::error::{Error, ErrorKind, Result};

/// Scheme, authority and the path before `/v3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    origin: String,
    host: String,
    prefix: String,
}

impl Address {
    /// The address may end with `/kafka`, `/kafka/v3` or `/v3`.
    pub(super) fn of_rest_url(url: &str) -> Result<Self> {
        let malformed = |what: &str| ErrorKind::Unconfigured(format!("kafka_rest_url {what}"));
        let uri: Uri = url.trim().parse().map_err(|_| malformed("is not a URL"))?;
        let scheme = uri.scheme().filter(|s| [Scheme::HTTP, Scheme::HTTPS].contains(s));
        let (Some(scheme), Some(authority)) = (scheme, uri.authority()) else {
            return Err(malformed("is not a URL that begins with http:// or https://").into());
        };
        if authority.as_str().contains('@') {
            return Err(malformed(
                "holds credentials; they belong in kafka_api_key and kafka_api_secret",
            )
            .into());
        }
        if uri.query().is_some() || url.contains('#') {
            return Err(malformed("has more than a host, a port and a path").into());
        }
        let path = uri.path().trim_end_matches('/');
        Ok(Self {
            origin: format!("{scheme}://{authority}"),
            host: authority.host().to_ascii_lowercase(),
            prefix: path.strip_suffix("/v3").unwrap_or(path).trim_end_matches('/').to_owned(),
        })
    }

    /// From the first entry of `host:9092,…`: the REST interface of a cluster in
    /// Confluent Cloud is on the same host, at port 443.
    pub(super) fn of_bootstrap_servers(servers: &str) -> Result<Self> {
        let malformed = || {
            Error::from(ErrorKind::Unconfigured(
                "kafka_bootstrap_servers is not a list of host:port".into(),
            ))
        };
        let first = servers.split(',').next().unwrap_or_default().trim();
        let first = first.rsplit_once("://").map_or(first, |(_, address)| address);
        let authority: http::uri::Authority = first.parse().map_err(|_| malformed())?;
        if authority.host().is_empty() || first.contains('@') {
            return Err(malformed());
        }
        let host = authority.host().to_ascii_lowercase();
        Ok(Self { origin: format!("https://{host}"), host, prefix: "/kafka".into() })
    }

    pub(super) fn is_cloud(&self) -> bool {
        self.host.ends_with(".confluent.cloud")
    }

    /// The base of all paths: what precedes `/v3`, or `/consumers` in v2.
    /// Confluent Cloud's API is under `/kafka` (`reference/confluent-rest.md`, 1),
    /// so that is the default path there.
    pub(super) fn base(&self, api: ConsumeApi) -> String {
        match (api, self.prefix.as_str()) {
            (ConsumeApi::Cloud, "") => format!("{}/kafka", self.origin),
            (_, prefix) => format!("{}{prefix}", self.origin),
        }
    }
}

/// The base of the REST server at an address that is not in the configuration; `None` if it
/// is none.
#[cfg(feature = "destinations")]
pub(crate) fn base_of_rest_url(url: &str) -> Option<String> {
    let address = Address::of_rest_url(url).ok()?;
    Some(address.base(if address.is_cloud() { ConsumeApi::Cloud } else { ConsumeApi::V2 }))
}

/// The same of a cluster's bootstrap servers.
#[cfg(feature = "destinations")]
pub(crate) fn base_of_bootstrap_servers(servers: &str) -> Option<String> {
    Some(Address::of_bootstrap_servers(servers).ok()?.base(ConsumeApi::Cloud))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_of_a_path_is_understood() {
        for (url, base) in [
            ("http://localhost:8082", "http://localhost:8082"),
            ("http://localhost:8082/", "http://localhost:8082"),
            ("http://localhost:8082/v3", "http://localhost:8082"),
            ("http://localhost:8082/v3/", "http://localhost:8082"),
            ("https://broker:8090/kafka", "https://broker:8090/kafka"),
            ("https://broker:8090/kafka/v3", "https://broker:8090/kafka"),
            ("https://gateway/some/where/v3", "https://gateway/some/where"),
            ("http://[::1]:8082", "http://[::1]:8082"),
        ] {
            assert_eq!(Address::of_rest_url(url).unwrap().base(ConsumeApi::V2), base);
        }
    }

    #[test]
    fn no_other_url_is() {
        for url in
            ["localhost:8082", "/v3", "ftp://h", "http://", "http://h?x=1", "http://h#x", "h t"]
        {
            assert!(Address::of_rest_url(url).is_err(), "{url}");
        }
    }

    #[test]
    fn bootstrap_servers_lead_to_port_443() {
        for (servers, base) in [
            ("pkc-1.confluent.cloud:9092", "https://pkc-1.confluent.cloud/kafka"),
            ("Pkc-1.Confluent.Cloud:9092,b:9092", "https://pkc-1.confluent.cloud/kafka"),
            ("SASL_SSL://pkc-1.confluent.cloud:9092", "https://pkc-1.confluent.cloud/kafka"),
            ("kafka.internal", "https://kafka.internal/kafka"),
            ("[::1]:9092", "https://[::1]/kafka"),
        ] {
            let address = Address::of_bootstrap_servers(servers).unwrap();
            assert_eq!(address.base(ConsumeApi::Cloud), base);
        }
        for servers in [",", ":9092", "a b:9092", "user:hush@host:9092", "host/path"] {
            assert!(Address::of_bootstrap_servers(servers).is_err(), "{servers}");
        }
    }
}
