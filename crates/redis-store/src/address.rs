//! Where the operator wants state to be kept.

use std::fmt;

/// The URL of a Redis. A password may be in it, so it is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// What is wrong with the variable, without a word of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Malformed {
    NoUrl,
    NoServer,
    NoPort,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoUrl => {
                "state_store is neither host nor a URL that begins with redis:// or rediss://"
            }
            Self::NoServer => "state_store is a URL without a server",
            Self::NoPort => "state_store begins with rediss:// and does not name a port",
        })
    }
}

impl Address {
    /// Reads the variable; `None` for the store that the host gives.
    pub fn parse(value: &str) -> Result<Option<Self>, Malformed> {
        let value = value.trim();
        if matches!(value, "" | "host") {
            return Ok(None);
        }
        let (scheme, rest) = value.split_once("://").ok_or(Malformed::NoUrl)?;
        let wants_port = match scheme {
            "redis" => false,
            // Spin knows no port that this stands for: it would refuse the connection
            // without saying why (its list of outbound hosts, 3.7 to 4.1).
            "rediss" => true,
            _ => return Err(Malformed::NoUrl),
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let server = authority.rsplit('@').next().unwrap_or_default();
        // Colons also stand within an address in brackets.
        let after = server.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match server[after..].find(':') {
            Some(colon) => (&server[..after + colon], Some(&server[after + colon + 1..])),
            None => (server, None),
        };
        let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
        match port {
            _ if host.is_empty() || value.contains(char::is_whitespace) => Err(Malformed::NoServer),
            Some(port) if !is_port(port) => Err(Malformed::NoServer),
            None if wants_port => Err(Malformed::NoPort),
            _ => Ok(Some(Self(value.to_owned()))),
        }
    }

    /// The URL, with its secret.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_own_store_needs_no_address() {
        for value in ["", " ", "host", " host "] {
            assert_eq!(Address::parse(value), Ok(None), "{value}");
        }
    }

    #[test]
    fn a_url_of_redis_is_taken_as_it_is() {
        for url in [
            "redis://localhost",
            "redis://localhost:6379/3",
            "redis://:hush@localhost:6379",
            "redis://me:hu@sh@10.0.0.7:7000",
            "rediss://me:hush@cache.example.com:6380/0",
            "redis://[::1]:6379",
            "redis://[::1]",
        ] {
            let address = Address::parse(url).unwrap().expect("it is an address");
            assert_eq!(address.as_str(), url);
            assert!(!format!("{address:?}").contains("hush"));
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_quoting_it() {
        for (value, malformed) in [
            ("redis", Malformed::NoUrl),
            ("Host", Malformed::NoUrl),
            ("http://hush", Malformed::NoUrl),
            ("unix:///hush", Malformed::NoUrl),
            ("redis://", Malformed::NoServer),
            ("redis://:hush@", Malformed::NoServer),
            ("redis://:hush@:6379", Malformed::NoServer),
            ("redis://hush:0", Malformed::NoServer),
            ("redis://hush:70000", Malformed::NoServer),
            ("redis://hush:port", Malformed::NoServer),
            ("redis://a b", Malformed::NoServer),
            ("rediss://hush", Malformed::NoPort),
            ("rediss://hush/0", Malformed::NoPort),
        ] {
            assert_eq!(Address::parse(value), Err(malformed), "{value}");
            assert!(!malformed.to_string().contains("hush"));
        }
    }
}
