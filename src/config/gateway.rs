//! The gateway's own location: the path under which it serves, the address that
//! callers use, and the origins whose pages may call it.

use http::Uri;
use http::uri::Scheme;

use super::origins::Origins;
use super::variables::Variables;
use crate::error::{ErrorKind, Result};
use crate::host::Host;

const VARIABLES: [&str; 3] = ["base_path", "public_url", "cors_origins"];

/// This is read separately, because a request has to be routed before the rest is
/// known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GatewayConfig {
    /// The prefix of all paths in the requests that the gateway receives: empty,
    /// or for example `/kafka`, without a slash at the end.
    base_path: String,
    /// The address of the gateway that callers use, with its path and without a
    /// slash at the end: `https://example.com/kafka`.
    public_url: Option<String>,
    /// None by default.
    origins: Origins,
}

impl GatewayConfig {
    pub async fn load(host: &impl Host) -> Result<Self> {
        let variables = Variables::read(host, VARIABLES.into()).await?;
        let [base_path, public_url, origins] = VARIABLES.map(|name| variables.text(name));
        Self::parse(base_path.as_deref(), public_url.as_deref(), origins.as_deref())
    }

    pub fn parse(
        base_path: Option<&str>,
        public_url: Option<&str>,
        origins: Option<&str>,
    ) -> Result<Self> {
        let base_path = base_path.map(base_path_of).transpose()?.unwrap_or_default();
        let public_url = public_url.map(str::trim).filter(|url| !url.is_empty());
        let public_url = public_url.map(public_url_of).transpose()?;
        Ok(Self { base_path, public_url, origins: Origins::of(origins.unwrap_or_default())? })
    }

    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    /// Empty, or for example `/kafka`.
    pub fn base_path(&self) -> &str {
        &self.base_path
    }

    /// For example `https://example.com/kafka`; `None` if it is not known.
    pub fn public_url(&self) -> Option<&str> {
        self.public_url.as_deref()
    }

    /// The part of a request's path after the base path: `/topics` for
    /// `/kafka/topics`, and `/` for `/kafka`. `None` if the request is not for
    /// this gateway.
    pub fn local_path<'p>(&self, path: &'p str) -> Option<&'p str> {
        match path.strip_prefix(&*self.base_path)? {
            "" => Some("/"),
            below => below.starts_with('/').then_some(below),
        }
    }

    /// A link to a path of the gateway, such as `/topics`: an absolute URL if the
    /// public address is known, otherwise a path on the host that was called.
    pub fn link(&self, local_path: &str) -> String {
        format!("{}{local_path}", self.public_url.as_deref().unwrap_or(&self.base_path))
    }
}

fn base_path_of(value: &str) -> Result<String> {
    let path = value.trim().trim_end_matches('/');
    if path.is_empty() {
        return Ok(String::new());
    }
    // The leading slash is optional.
    let segments = path.strip_prefix('/').unwrap_or(path);
    let lawful = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~');
    let is_segment =
        |segment: &str| !matches!(segment, "" | "." | "..") && segment.chars().all(lawful);
    match segments.split('/').all(is_segment) {
        true => Ok(format!("/{segments}")),
        false => Err(ErrorKind::Unconfigured(
            "base_path is not a path of plain segments, such as /kafka or /teams/kafka".into(),
        )
        .into()),
    }
}

fn public_url_of(url: &str) -> Result<String> {
    let malformed = || {
        ErrorKind::Unconfigured(
            "public_url is not an http or https URL of a host, a port and a path, such as \
             https://example.com/kafka"
                .into(),
        )
    };
    let uri: Uri = url.parse().map_err(|_| malformed())?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn below(base_path: &str) -> GatewayConfig {
        GatewayConfig::parse(Some(base_path), None, None).unwrap()
    }

    #[test]
    fn with_nothing_set_it_is_at_the_root_of_whatever_host_is_called() {
        for unset in [None, Some(""), Some(" ")] {
            assert_eq!(GatewayConfig::parse(unset, unset, unset), Ok(GatewayConfig::default()));
        }
        let root = GatewayConfig::default();
        assert_eq!(
            (root.local_path("/topics"), root.local_path("/")),
            (Some("/topics"), Some("/"))
        );
        assert_eq!(root.link("/topics"), "/topics");
    }

    #[test]
    fn a_base_path_has_one_form() {
        for (value, base_path) in [
            ("/kafka", "/kafka"),
            ("kafka", "/kafka"),
            (" /kafka/ ", "/kafka"),
            ("/teams/a-b_c.d~e", "/teams/a-b_c.d~e"),
            ("/", ""),
        ] {
            assert_eq!(below(value).base_path(), base_path, "{value}");
        }
        for wrong in
            ["/a//b", "//a", "/..", "/a/../b", "/a/./b", "/a%2Fb", "/a?b", "/a#b", "/ü", "/a b"]
        {
            let error = GatewayConfig::parse(Some(wrong), None, None).unwrap_err();
            assert!(error.to_string().contains("base_path"), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_below_the_base_path_is_the_gateways() {
        let gateway = below("/kafka");
        for (path, local) in [
            ("/kafka", Some("/")),
            ("/kafka/", Some("/")),
            ("/kafka/producer/t/%2Fkafka", Some("/producer/t/%2Fkafka")),
            ("/kafka//x", Some("//x")),
            ("/kafkaesque", None),
            ("/Kafka/x", None),
            ("/", None),
            ("/x/kafka", None),
        ] {
            assert_eq!(gateway.local_path(path), local, "{path}");
        }
    }

    #[test]
    fn a_link_begins_with_the_public_address() {
        assert_eq!(below("/kafka").link("/webhooks/1"), "/kafka/webhooks/1");
        for (url, link) in [
            ("https://example.com", "https://example.com/webhooks/1"),
            (" https://example.com/ ", "https://example.com/webhooks/1"),
            ("http://h:8080/a/b/", "http://h:8080/a/b/webhooks/1"),
        ] {
            let gateway = GatewayConfig::parse(Some("/kafka"), Some(url), None).unwrap();
            assert_eq!(gateway.link("/webhooks/1"), link);
        }
        for wrong in [
            "example.com",
            "/kafka",
            "ftp://h",
            "http://u:hush@h",
            "http://h?a",
            "http://h#a",
            "http://",
        ] {
            let Err(ErrorKind::Unconfigured(sentence)) =
                GatewayConfig::parse(None, Some(wrong), None).map_err(Error::into_kind)
            else {
                panic!("{wrong}");
            };
            assert!(sentence.contains("public_url") && !sentence.contains("hush"), "{sentence}");
        }
    }
}
