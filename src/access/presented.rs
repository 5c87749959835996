//! What a caller presents to identify itself.
//!
//! `Basic` carries a name and a secret. `Bearer` carries the secret alone,
//! which is compared with all credentials, even after a match, so that the time
//! reveals only their number. A bearer token is never read as a pair in base64:
//! the same bytes must not have two meanings. `X-API-Key` carries what `Bearer` does,
//! for callers that can set no other header.

use base64::Engine;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};

use super::secret::Secret;

/// Padding is optional, because some clients leave it out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What came with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Presented {
    Nothing,
    /// Basic authentication, or a pair from the query.
    Pair {
        name: String,
        secret: Secret,
    },
    /// A bearer token, or the value of `X-API-Key`.
    Token(Secret),
    /// Anything else, such as another scheme, broken base64 or two headers.
    Malformed,
}

impl Presented {
    /// A name and a secret that did not come in the header. The caller of this
    /// function decides where that is allowed; a query string ends up in the
    /// logs of other systems.
    pub fn pair(name: impl Into<String>, secret: impl Into<String>) -> Self {
        Self::Pair { name: name.into(), secret: Secret::presented(secret.into()) }
    }

    /// Reads the values of all `authorization` headers. Two headers are
    /// refused, because a proxy in between might check one while we use the
    /// other.
    pub fn from_headers<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        match (values.next(), values.next()) {
            (None, _) => Self::Nothing,
            (Some(value), None) => Self::from_header(value).unwrap_or(Self::Malformed),
            (Some(_), Some(_)) => Self::Malformed,
        }
    }

    /// Takes the values of all `x-api-key` headers into account. They count where nothing
    /// else was presented: a gateway in front of this one may have a key of its own in
    /// that header.
    #[must_use]
    pub fn or_api_key<'a>(self, values: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut values = values.into_iter();
        match (&self, values.next(), values.next()) {
            (Self::Nothing, Some(value), None) => {
                let key = std::str::from_utf8(value).ok().map(str::trim);
                let key = key.filter(|key| !key.is_empty());
                key.map_or(Self::Malformed, |key| Self::Token(Secret::presented(key.to_owned())))
            }
            (Self::Nothing, Some(_), Some(_)) => Self::Malformed,
            _ => self,
        }
    }

    fn from_header(value: &[u8]) -> Option<Self> {
        let (scheme, rest) = std::str::from_utf8(value).ok()?.trim().split_once(' ')?;
        let rest = rest.trim_start();
        if scheme.eq_ignore_ascii_case("basic") {
            let pair = String::from_utf8(BASE64.decode(rest).ok()?).ok()?;
            let (name, secret) = pair.split_once(':')?;
            return Some(Self::pair(name, secret));
        }
        scheme
            .eq_ignore_ascii_case("bearer")
            .then(|| Self::Token(Secret::presented(rest.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Presented {
        Presented::from_headers([value.as_bytes()])
    }

    fn token(secret: &str) -> Presented {
        Presented::Token(Secret::presented(secret.into()))
    }

    #[test]
    fn basic_is_a_pair() {
        for (value, name, secret) in [
            ("Basic dXNlcjpwYXNz", "user", "pass"),
            ("basic dXNlcjpwYXNz", "user", "pass"),
            ("BASIC   dXNlcjpwYXNz ", "user", "pass"),
            // The secret may contain colons and non-ASCII characters.
            ("Basic dTpwOmE6Yg==", "u", "p:a:b"),
            ("Basic dTpwOmE6Yg", "u", "p:a:b"),
            ("Basic dTrDvA==", "u", "ü"),
            ("Basic Og==", "", ""),
        ] {
            assert_eq!(of(value), Presented::pair(name, secret), "{value}");
        }
    }

    #[test]
    fn bearer_is_a_secret_alone() {
        assert_eq!(of("Bearer ke_abc"), token("ke_abc"));
        assert_eq!(of("bearer  ke_abc "), token("ke_abc"));
        // The bytes of a pair in base64 are not read as one.
        assert_eq!(of("Bearer dXNlcjpwYXNz"), token("dXNlcjpwYXNz"));
    }

    #[test]
    fn anything_else_is_malformed() {
        for value in [
            "",
            "Basic",
            "Basic ",
            "dXNlcjpwYXNz",
            "Basic dXNlcg==",
            "Basic !!!!",
            "Basic dXNlcjpwYXNz dXNlcjpwYXNz",
            "Basic _-8=",
            "Basic dTr/",
            "Digest username=\"user\"",
            "Bearer",
            "Basic\tdXNlcjpwYXNz",
        ] {
            assert_eq!(of(value), Presented::Malformed, "{value}");
        }
        assert_eq!(Presented::from_headers([&b"Basic \xff"[..]]), Presented::Malformed);
    }

    #[test]
    fn there_is_one_header_or_none() {
        assert_eq!(Presented::from_headers([]), Presented::Nothing);
        let basic = &b"Basic dXNlcjpwYXNz"[..];
        assert_eq!(Presented::from_headers([basic, basic]), Presented::Malformed);
    }

    #[test]
    fn an_api_key_counts_where_nothing_else_was_presented() {
        let key = |values: &[&'static str]| {
            Presented::Nothing.or_api_key(values.iter().map(|value| value.as_bytes()))
        };
        assert_eq!(key(&["ke_abc"]), token("ke_abc"));
        assert_eq!(key(&["  ke_abc "]), token("ke_abc"));
        // It is no scheme, and no pair.
        assert_eq!(key(&["Bearer ke_abc"]), token("Bearer ke_abc"));
        assert_eq!(key(&["dXNlcjpwYXNz"]), token("dXNlcjpwYXNz"));
        assert_eq!(key(&[]), Presented::Nothing);
        for malformed in [&[""][..], &[" "], &["a", "a"]] {
            assert_eq!(key(malformed), Presented::Malformed, "{malformed:?}");
        }
        assert_eq!(Presented::Nothing.or_api_key([&b"\xff"[..]]), Presented::Malformed);
        for first in [of("Bearer ke_abc"), of("Basic dXNlcjpwYXNz"), of("Digest x")] {
            assert_eq!(first.clone().or_api_key([&b"other"[..]]), first);
        }
    }

    #[test]
    fn no_secret_shows_in_debug() {
        let key = Presented::Nothing.or_api_key([&b"pass"[..]]);
        for presented in [of("Basic dXNlcjpwYXNz"), of("Bearer pass"), of("Digest pass"), key] {
            assert!(!format!("{presented:?}").contains("pass"), "{presented:?}");
        }
    }
}
