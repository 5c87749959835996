//! Where the component may connect to.
//!
//! It checks the hosts in callback URLs itself, but sees no addresses: the host
//! has to check what a name resolves to, and this one does.

use crate::variables::Variables;
use kafka_edge_host::upstream::Policy;

/// Every address where callbacks may be private ones; else only public ones,
/// and the servers that the variables name.
pub(crate) fn policy(variables: &Variables) -> Policy {
    match trusted(variables) {
        None => Policy::allow_all(),
        Some(trusted) => trusted.into_iter().fold(Policy::allow_all().public_only(), Policy::trust),
    }
}

/// The servers that may be reached wherever they are, as `host:port`; `None`:
/// all there are.
fn trusted(variables: &Variables) -> Option<Vec<String>> {
    let value = |name| variables.get(name).map_or("", |value| value.trim());
    if value("webhook_allow_private") == "true" {
        return None;
    }
    let urls = ["kafka_rest_url", "schema_registry_url"].map(value).into_iter().filter_map(of_url);
    Some(urls.chain(of_bootstrap_servers(value("kafka_bootstrap_servers"))).collect())
}

fn of_url(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    Some(format!("{}:{}", uri.host()?, uri.port_u16().unwrap_or(port)))
}

/// The REST interface is on the first one's host.
fn of_bootstrap_servers(servers: &str) -> Option<String> {
    let first = servers.split(',').next()?.trim();
    let first = first.rsplit_once("://").map_or(first, |(_, address)| address);
    let authority: http::uri::Authority = first.parse().ok()?;
    Some(format!("{}:443", authority.host()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trusted_by(variables: &[(&str, &str)]) -> Option<Vec<String>> {
        let named = variables.iter().map(|(name, value)| (name.to_string(), value.to_string()));
        trusted(&named.collect())
    }

    #[test]
    fn private_addresses_are_for_the_servers_that_are_named() {
        let rest = ("kafka_rest_url", "http://127.0.0.1:8082/kafka");
        let registry = ("schema_registry_url", "https://registry.lan");
        let bootstrap = ("kafka_bootstrap_servers", "SASL_SSL://[::1]:9092,other:9092");
        let all = trusted_by(&[rest, registry, bootstrap]).unwrap();
        assert_eq!(all, ["127.0.0.1:8082", "registry.lan:443", "[::1]:443"]);
        let none = trusted_by(&[("kafka_rest_url", ""), ("webhook_allow_private", "false")]);
        assert_eq!(none, Some(Vec::new()));
        assert_eq!(trusted_by(&[rest, ("webhook_allow_private", " true ")]), None);
    }
}
