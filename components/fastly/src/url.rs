//! The URL of a request.

/// The parts of an absolute URL, unchanged.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: Option<String>,
    pub(crate) authority: Option<String>,
    /// Path and query.
    pub(crate) target: String,
}

impl Url {
    pub(crate) fn of(url: &str) -> Self {
        let Some((scheme, rest)) = url.split_once("://") else {
            return Self { scheme: None, authority: None, target: url.to_owned() };
        };
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let target = match target.starts_with('/') {
            true => target.to_owned(),
            false => format!("/{target}"),
        };
        Self { scheme: Some(scheme.to_owned()), authority: Some(authority.to_owned()), target }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_nothing_in_it_changes() {
        for (url, authority, target) in [
            ("https://a.example/x/../y?q=%2F", "a.example", "/x/../y?q=%2F"),
            ("http://a:80", "a:80", "/"),
            ("http://a?q", "a", "/?q"),
            ("http://a/webhook/t/https://b//c?d", "a", "/webhook/t/https://b//c?d"),
        ] {
            let parts = Url::of(url);
            assert_eq!(parts.authority.as_deref(), Some(authority), "{url}");
            assert_eq!(parts.target, target, "{url}");
        }
        let path = Url::of("/only/a/path");
        assert_eq!((path.scheme, path.authority), (None, None));
        assert_eq!(path.target, "/only/a/path");
    }
}
