//! Where the schema registry is, if there is one.

use http::Uri;
use http::uri::Scheme;

use super::ApiKey;
use crate::error::{Error, Result};

/// A schema registry, and our credentials for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaRegistryConfig {
    /// Scheme, authority and path prefix, without a trailing slash.
    pub url: String,
    pub api_key: Option<ApiKey>,
}

impl SchemaRegistryConfig {
    pub(super) fn parse(url: &str, api_key: Option<ApiKey>) -> Result<Self> {
        let malformed = || {
            Error::Unconfigured(
                "schema_registry_url is not an http or https URL of a host, a port and a path"
                    .into(),
            )
        };
        let uri: Uri = url.trim().parse().map_err(|_| malformed())?;
        let scheme = uri.scheme().filter(|s| [Scheme::HTTP, Scheme::HTTPS].contains(s));
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'));
        let (Some(scheme), Some(authority)) = (scheme, authority) else { return Err(malformed()) };
        if uri.query().is_some() || url.contains('#') {
            return Err(malformed());
        }
        let url = format!("{scheme}://{authority}{}", uri.path().trim_end_matches('/'));
        Ok(Self { url, api_key })
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
            assert_eq!(SchemaRegistryConfig::parse(url, None).unwrap().url, base);
        }
        for url in ["registry:8081", "ftp://h", "http://u:p@h", "http://h/?a=b", "http://h#f", "/"]
        {
            assert!(SchemaRegistryConfig::parse(url, None).is_err(), "{url}");
        }
    }
}
