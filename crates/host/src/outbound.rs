//! Where a component may connect, by Spin's rules for `allowed_outbound_hosts`.
//!
//! As Spin's main branch has them (4.1, source; what an empty or a malformed entry does was
//! tried: `reference/hosts.md`), but for networks and `self`, which are malformed here.

/// The list in a manifest, with its variables filled in.
#[derive(Clone, Debug)]
pub struct OutboundHosts {
    /// `None`: an entry is malformed, and nothing may be reached.
    entries: Option<Vec<Entry>>,
}

#[derive(Clone, Debug)]
struct Entry {
    /// `None`: any.
    scheme: Option<String>,
    host: HostPattern,
    port: PortPattern,
}

#[derive(Clone, Debug)]
enum HostPattern {
    Any,
    /// What is before this, which begins with a dot.
    Below(String),
    Named(String),
}

#[derive(Clone, Debug)]
enum PortPattern {
    Any,
    /// From the first one up to, and without, the last one.
    Range(u16, u32),
}

/// What Spin answers where a connection is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NotListed,
    Malformed,
}

impl OutboundHosts {
    /// An empty entry is none.
    pub fn new<E: AsRef<str>>(entries: impl IntoIterator<Item = E>) -> Self {
        let entries = entries.into_iter();
        let parsed = entries.filter_map(|entry| match entry.as_ref().trim() {
            "" => None,
            text => Some(Entry::parse(text)),
        });
        Self { entries: parsed.collect() }
    }

    pub(crate) fn check(&self, scheme: &str, host: &str, port: Option<u16>) -> Result<(), Refusal> {
        let entries = self.entries.as_ref().ok_or(Refusal::Malformed)?;
        match entries.iter().any(|entry| entry.allows(scheme, host, port)) {
            true => Ok(()),
            false => Err(Refusal::NotListed),
        }
    }

    /// The same for a URL.
    pub(crate) fn check_uri(&self, uri: &http::Uri) -> Result<(), Refusal> {
        let (scheme, host) = (uri.scheme_str().unwrap_or("https"), uri.host().unwrap_or_default());
        self.check(scheme, host, uri.port_u16())
    }
}

/// The port that a scheme stands for. `rediss` stands for none.
fn well_known(scheme: &str) -> Option<u16> {
    Some(match scheme {
        "http" => 80,
        "https" => 443,
        "mqtt" => 1883,
        "mysql" => 3306,
        "postgres" => 5432,
        "redis" => 6379,
        _ => return None,
    })
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let (host, rest) = rest.rsplit_once(':').unwrap_or((rest, ""));
        let (port, path) = rest.split_once('/').unwrap_or((rest, ""));
        let is_word = !scheme.is_empty() && scheme.chars().all(char::is_alphabetic);
        let host = host.trim().trim_end_matches('/');
        let host_pattern = match host.strip_prefix("*.") {
            _ if host == "*" => HostPattern::Any,
            Some(domain) if !domain.contains('*') => HostPattern::Below(format!(".{domain}")),
            None if !host.contains(['*', '{', '/']) => HostPattern::Named(host.to_owned()),
            _ => return None,
        };
        let port = match port.split_once("..") {
            _ if port == "*" => PortPattern::Any,
            Some((from, to)) => PortPattern::Range(from.parse().ok()?, to.parse().ok()?),
            None => {
                let port = match port {
                    "" => well_known(scheme)?,
                    port => port.parse().ok()?,
                };
                PortPattern::Range(port, u32::from(port) + 1)
            }
        };
        let scheme = (scheme != "*").then(|| scheme.to_owned());
        let is_right = path.is_empty() && (scheme.is_none() || is_word);
        is_right.then_some(Self { scheme, host: host_pattern, port })
    }

    fn allows(&self, scheme: &str, host: &str, port: Option<u16>) -> bool {
        let port = port.or_else(|| well_known(scheme));
        self.scheme.as_deref().is_none_or(|known| known == scheme)
            && match &self.host {
                HostPattern::Any => true,
                HostPattern::Below(domain) => host.ends_with(domain),
                HostPattern::Named(name) => name == host,
            }
            && match self.port {
                PortPattern::Any => true,
                PortPattern::Range(from, to) => {
                    port.is_some_and(|port| port >= from && u32::from(port) < to)
                }
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entries: &[&str], url: &str) -> Result<(), Refusal> {
        OutboundHosts::new(entries).check_uri(&url.parse().unwrap())
    }

    #[test]
    fn entries_are_patterns() {
        for (entry, url, is_allowed) in [
            ("https://*:*", "https://a.test:8443/x", true),
            ("https://*:*", "http://a.test", false),
            ("https://*", "https://a.test", true),
            ("https://*", "https://a.test:8443", false),
            ("https://*.a.test", "https://b.a.test", true),
            ("https://*.a.test", "https://a.test", false),
            ("*://a.test:1000..1002", "redis://a.test:1001", true),
            ("*://a.test:1000..1002", "redis://a.test:1002", false),
            ("redis://a.test", "redis://a.test:6379", true),
            ("redis://a.test:6379/", "redis://a.test", true),
            ("redis://a.test:6379", "rediss://a.test:6379", false),
            ("rediss://a.test:6379", "rediss://a.test:6379", true),
            // There is no port that it stands for.
            ("rediss://a.test:6379", "rediss://a.test", false),
            ("rediss://a.test:*", "rediss://a.test", true),
        ] {
            let expected = if is_allowed { Ok(()) } else { Err(Refusal::NotListed) };
            assert_eq!(allows(&[entry], url), expected, "{entry} {url}");
        }
    }

    #[test]
    fn an_empty_entry_is_none_and_a_malformed_one_closes_all() {
        assert_eq!(allows(&["", " ", "https://*:*"], "https://a.test"), Ok(()));
        for malformed in [
            "a.test",
            "*",
            "https://a.test/path",
            "https://a.test:443/path",
            "https://a.test:port",
            "https://a.*.test",
            "https://a.test,https://b.test",
            "https://a.test https://b.test",
            "rediss://a.test",
            "h2c://a.test:80",
        ] {
            let both = ["https://*:*", malformed];
            let refused = allows(&both, "https://other.test");
            assert_eq!(refused, Err(Refusal::Malformed), "{malformed}");
        }
    }
}
