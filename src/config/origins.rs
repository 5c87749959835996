//! The origins whose pages may call the gateway from a browser.

use url::{Origin, Url};

use crate::error::{Error, ErrorKind, Result};

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origins {
    any: bool,
    /// As a browser writes them in `origin`.
    named: Vec<String>,
}

/// What a page of an origin may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OriginAccess {
    /// It may call, also with the credentials that the browser remembers.
    Named,
    /// It may call without them.
    Any,
    None,
}

impl Origins {
    /// A list with commas between its items, each an origin or `*`.
    pub(super) fn of(list: &str) -> Result<Self> {
        let mut origins = Self::default();
        for item in list.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            match item {
                "*" => origins.any = true,
                name => origins.named.push(origin(name).ok_or_else(malformed)?),
            }
        }
        Ok(origins)
    }

    pub fn is_empty(&self) -> bool {
        !self.any && self.named.is_empty()
    }

    /// Whether answers differ by the origin of the page that asks.
    pub fn vary(&self) -> bool {
        !self.named.is_empty()
    }

    pub fn access(&self, origin: &[u8]) -> OriginAccess {
        match self.named.iter().any(|known| known.as_bytes() == origin) {
            true => OriginAccess::Named,
            false if self.any => OriginAccess::Any,
            false => OriginAccess::None,
        }
    }
}

/// An origin as browsers write it: the scheme and host in lower case, without a
/// port that is the scheme's own (HTML, "serialization of an origin").
fn origin(name: &str) -> Option<String> {
    let url = Url::parse(name).ok()?;
    let bare = matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none();
    if !bare || url.host_str().is_none_or(|host| host.is_empty() || host.contains('*')) {
        return None;
    }
    match url.origin() {
        origin @ Origin::Tuple(..) => Some(origin.ascii_serialization()),
        // Extensions and apps have schemes of their own.
        Origin::Opaque(_) => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            Some(format!("{}://{}{port}", url.scheme(), url.host_str()?))
        }
    }
}

fn malformed() -> Error {
    ErrorKind::Unconfigured(
        "cors_origins is not a list of origins, such as https://app.example.com,\
         http://localhost:5173, or *"
            .into(),
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for (name, written) in [
            ("https://app.example.com", "https://app.example.com"),
            ("HTTPS://App.Example.com:443/", "https://app.example.com"),
            ("http://localhost:5173", "http://localhost:5173"),
            ("https://XN--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:80", "http://[::1]"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            let origins = Origins::of(name).unwrap();
            assert_eq!(origins.access(written.as_bytes()), OriginAccess::Named, "{name}");
        }
        for wrong in [
            "app.example.com",
            "https://*.example.com",
            "https://example.com/app",
            "https://example.com?a",
            "https://user@example.com",
            "null",
            "file:///",
            "data:text/html,x",
        ] {
            let Err(ErrorKind::Unconfigured(sentence)) =
                Origins::of(wrong).map_err(Error::into_kind)
            else {
                panic!("{wrong}")
            };
            assert!(sentence.contains("cors_origins"), "{sentence}");
        }
    }

    #[test]
    fn an_origin_that_is_named_may_do_more_than_any_other() {
        let access =
            |list: &str, origin: &str| Origins::of(list).unwrap().access(origin.as_bytes());
        assert_eq!(access("", "https://a.test"), OriginAccess::None);
        assert_eq!(access("https://a.test", "https://b.test"), OriginAccess::None);
        assert_eq!(access("https://a.test", "https://a.test:8443"), OriginAccess::None);
        assert_eq!(access("https://a.test", "null"), OriginAccess::None);
        assert_eq!(access("https://a.test, *", "https://a.test"), OriginAccess::Named);
        assert_eq!(access("https://a.test, *", "https://b.test"), OriginAccess::Any);
        assert_eq!(access("*", "null"), OriginAccess::Any);
        assert!(Origins::of(" , ").unwrap().is_empty() && !Origins::of("*").unwrap().is_empty());
        assert!(!Origins::of("*").unwrap().vary() && Origins::of("*,http://a").unwrap().vary());
    }
}
