//! Which callbacks may be called: at registration, and again before each call.

use crate::callers_url::{self, CallersUrl};
use crate::config::DeliveriesConfig;

/// Checks a URL. The error is the predicate of a sentence.
pub(super) fn check(text: &str, config: &DeliveriesConfig) -> Result<CallersUrl, String> {
    let url = callers_url::check(text, config.allow_private)?;
    let host = url.uri.host().unwrap_or_default();
    match config.allowed_hosts.is_empty() || is_listed(host, &config.allowed_hosts) {
        true => Ok(url),
        false => Err("has a host that webhook_allowed_hosts does not name".into()),
    }
}

/// Whether a host, in its normal form, is in a list of hosts and of `*.` with a domain.
fn is_listed(host: &str, list: &[String]) -> bool {
    let host = host.trim_end_matches('.');
    list.iter().any(|listed| match listed.strip_prefix("*.") {
        Some(domain) => {
            host.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }
        None => host == listed,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_names_hosts_and_all_below_a_domain() {
        let list = ["example.com".to_owned(), "*.example.org".to_owned()];
        for host in ["example.com", "example.com.", "a.example.org", "a.b.example.org"] {
            assert!(is_listed(host, &list), "{host}");
        }
        for host in
            ["a.example.com", "example.org", ".example.org", "badexample.org", "xexample.com"]
        {
            assert!(!is_listed(host, &list), "{host}");
        }
    }
}
