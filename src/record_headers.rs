//! Which headers of a request become headers of a record: those that the sender
//! has set about its event.
//!
//! Left out are the headers of HTTP itself, whatever holds a credential, and what
//! servers on the way add. `docs/http.md` has the same lists; a test below
//! compares the two.

use std::borrow::Cow;

use bytes::Bytes;

use crate::record::Header;

/// The beginnings of names that are left out: of HTTP, then of proxies, load
/// balancers and CDNs.
const BEGINNINGS: List = List::of(&[
    "accept",
    "access-control-",
    "content-",
    "if-",
    "proxy-",
    "sec-",
    "akamai-",
    "cf-",
    "client-cert",
    "cloudfront-",
    "fastly-",
    "fly-",
    "ssl-client-",
    "x-akamai-",
    "x-amz-cf-",
    "x-amzn-",
    "x-azure-",
    "x-client-cert",
    "x-envoy-",
    "x-forwarded",
    "x-nf-",
    "x-original-",
    "x-ssl-",
    "x-vercel-forwarded-",
]);

/// Names that are left out: of HTTP, then of proxies.
const NAMES: [&str; 44] = [
    "alt-used",
    "cache-control",
    "connection",
    "date",
    "dnt",
    "early-data",
    "expect",
    "forwarded",
    "from",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "origin",
    "pragma",
    "prefer",
    "priority",
    "purpose",
    "range",
    "referer",
    "save-data",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "warning",
    "x-requested-with",
    "cdn-loop",
    "client-ip",
    "true-client-ip",
    "wl-proxy-client-ip",
    "x-appengine-user-ip",
    "x-client-ip",
    "x-cloud-trace-context",
    "x-cluster-client-ip",
    "x-real-ip",
    "x-request-id",
    "x-request-start",
    "x-varnish",
    "x-vercel-id",
    "x-vercel-proxied-for",
];

/// Words between the hyphens of a name that tell of a credential. A signature is
/// none: it proves one event, and a consumer may want to verify it again.
const CREDENTIALS: List = List::of(&[
    "access-key",
    "api-key",
    "apikey",
    "assertion",
    "auth",
    "authentication",
    "authorization",
    "bearer",
    "cookie",
    "cookie2",
    "credential",
    "credentials",
    "functions-key",
    "jwt",
    "license-key",
    "master-key",
    "passphrase",
    "passwd",
    "password",
    "private-key",
    "sas-key",
    "secret",
    "shared-key",
    "subscription-key",
    "token",
]);

/// Words, and which letters they begin with. Each header of an event is held against them,
/// and its first letter rules most of them out.
struct List {
    words: &'static [&'static str],
    /// A bit for each letter, `a` the lowest.
    letters: u32,
}

impl List {
    const fn of(words: &'static [&'static str]) -> Self {
        let (mut letters, mut index) = (0, 0);
        while index < words.len() {
            assert!(letter_bit(words[index]) != 0, "a word begins with no small letter");
            letters |= letter_bit(words[index]);
            index += 1;
        }
        Self { words, letters }
    }

    /// The words that begin with the same letter as this text.
    fn like(&self, text: &str) -> impl Iterator<Item = &'static str> {
        let words = match self.letters & letter_bit(text) {
            0 => &[],
            _ => self.words,
        };
        let first = text.as_bytes().first().copied();
        words.iter().copied().filter(move |word| word.as_bytes().first().copied() == first)
    }
}

/// No bit for a text that does not begin with a small letter.
const fn letter_bit(text: &str) -> u32 {
    match text.as_bytes() {
        [letter @ b'a'..=b'z', ..] => 1 << (*letter - b'a'),
        _ => 0,
    }
}

/// The record's headers, in the order in which they came. Repeated names stay
/// repeated.
pub(crate) fn of_request(headers: &[(String, Bytes)]) -> Vec<Header> {
    let own = headers.iter().filter(|(name, _)| is_of_sender(name));
    let header =
        |(name, value): &(String, Bytes)| Header { name: name.clone(), value: Some(value.clone()) };
    own.map(header).collect()
}

/// Whether a header of this name holds a credential, by one of the words.
pub(crate) fn is_credential(name: &str) -> bool {
    has_credential(&as_in_lists(name))
}

fn is_of_sender(name: &str) -> bool {
    let name = as_in_lists(name);
    !NAMES.contains(&&*name)
        && !BEGINNINGS.like(&name).any(|beginning| name.starts_with(beginning))
        && !has_credential(&name)
}

/// A name in the form that the lists have. Hosts give most names so.
fn as_in_lists(name: &str) -> Cow<'_, str> {
    match name.bytes().any(|byte| byte == b'_' || byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase().replace('_', "-")),
        false => Cow::Borrowed(name),
    }
}

/// Whether one of the words is there, as the whole name or between hyphens.
fn has_credential(name: &str) -> bool {
    let is_word = |behind: &str| behind.is_empty() || behind.starts_with('-');
    let mut rest = Some(name);
    while let Some(from) = rest {
        if CREDENTIALS.like(from).any(|word| from.strip_prefix(word).is_some_and(is_word)) {
            return true;
        }
        rest = from.split_once('-').map(|(_, behind)| behind);
    }
    false
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn kept(headers: &[(&str, &'static [u8])]) -> Vec<(String, Bytes)> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
        let found = of_request(&headers.collect::<Vec<_>>());
        found.into_iter().map(|header| (header.name, header.value.unwrap())).collect()
    }

    #[test]
    fn only_what_the_sender_adds_becomes_a_record_header() {
        let found = kept(&[
            ("Host", b"h"),
            ("content-type", b"text/plain"),
            ("Accept-Encoding", b"gzip"),
            ("X-Forwarded-For", b"::1"),
            ("event-origin", b"my-app"),
            ("X-GitHub-Event", b"push"),
            ("authorization", b"Basic x"),
            ("event-origin", b"\xff"),
        ]);
        let expected: [(&str, &[u8]); 3] =
            [("event-origin", b"my-app"), ("X-GitHub-Event", b"push"), ("event-origin", b"\xff")];
        let expected = expected.map(|(name, value)| (name.to_owned(), Bytes::from(value)));
        assert_eq!(found, expected);
    }

    #[test]
    fn no_credential_and_no_trace_of_the_way_comes_through() {
        for name in [
            "Authorization",
            "Proxy-Authorization",
            "X-API-Key",
            "x_api_key",
            "apikey",
            "Api-Key",
            "X-Goog-Api-Key",
            "X-Auth-Token",
            "X-Gitlab-Token",
            "X-Telegram-Bot-Api-Secret-Token",
            "X-Amz-Security-Token",
            "X-Shopify-Access-Token",
            "X-Functions-Key",
            "Ocp-Apim-Subscription-Key",
            "aeg-sas-key",
            "cf-webhook-auth",
            "Cf-Access-Jwt-Assertion",
            "X-Goog-Iap-Jwt-Assertion",
            "x-client-secret",
            "x-password",
            "Cookie",
            "Cookie2",
            "Set-Cookie",
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Client-Cert",
            "X-Real-IP",
            "True-Client-IP",
            "CF-Connecting-IP",
            "CF-Ray",
            "Fastly-Client-IP",
            "Fly-Client-IP",
            "X-Amzn-Trace-Id",
            "X-Amz-Cf-Id",
            "X-Azure-ClientIP",
            "X-Envoy-External-Address",
            "X-Original-URL",
            "Client-Cert",
            "Via",
            "CDN-Loop",
        ] {
            assert_eq!(kept(&[(name, b"x")]), [], "{name}");
        }
    }

    #[test]
    fn what_tells_of_the_event_stays() {
        for name in [
            "idempotency-key",
            "X-Event-Key",
            "webhook-signature",
            "X-Hub-Signature-256",
            "Stripe-Signature",
            "X-Vercel-Signature",
            "x-amz-sns-message-type",
            "X-Goog-Resource-State",
            "ce-id",
            "traceparent",
            "event-timestamp",
            "tokens-used",
            "x-author",
        ] {
            assert_eq!(kept(&[(name, b"x")]).len(), 1, "{name}");
        }
    }

    #[test]
    fn the_document_has_the_same_lists() {
        let document = include_str!("../docs/http.md");
        let list = |title: &str| -> BTreeSet<&str> {
            let row = document.lines().find(|line| line.starts_with(&format!("| {title} |")));
            let row = row.unwrap_or_else(|| panic!("docs/http.md has no row \"{title}\""));
            row.split('`').skip(1).step_by(2).collect()
        };
        assert_eq!(list("names"), NAMES.into());
        assert_eq!(list("beginnings"), BEGINNINGS.words.iter().copied().collect());
        assert_eq!(list("words of credentials"), CREDENTIALS.words.iter().copied().collect());
    }
}
