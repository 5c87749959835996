//! Tokens by OAuth 2.0's client credentials grant (RFC 6749, section 4.4), kept in the
//! memory of an instance until shortly before they end.

use std::cell::RefCell;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde::Deserialize;
use url::form_urlencoded;

use super::attempt::Attempt;
use super::callback;
use crate::deadline::within;
use crate::host::{Host, Incoming, Outgoing};
use crate::upstream::read_body;

/// The most tokens that an instance keeps.
const MAX_TOKENS: usize = 100;

/// A token is not used any more so long before its end: the callback's clock may be ahead.
const MARGIN: Duration = Duration::from_secs(30);

/// How long a token is used that does not say when it ends, and the longest for any.
const USUAL_LIFE: Duration = Duration::from_secs(300);
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 60 * 60);

const MAX_ANSWER_BYTES: usize = 64 * 1024;
const MAX_TOKEN_BYTES: usize = 16 * 1024;

/// Who asks for a token, and where. Its `Debug` does not show the secret.
#[derive(Clone)]
pub(super) struct Client {
    /// What it is remembered by: the subscription, and which version of it.
    pub(super) name: String,
    pub(super) token_url: String,
    pub(super) client_id: String,
    pub(super) client_secret: String,
    pub(super) scope: Option<String>,
    pub(super) audience: Option<String>,
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Client").field(&self.name).finish()
    }
}

#[derive(Default)]
pub(super) struct Tokens(RefCell<Vec<Known>>);

struct Known {
    name: String,
    token: HeaderValue,
    /// By the monotonic clock.
    until: Duration,
}

/// The answer of a token endpoint (RFC 6749, section 5.1).
#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    access_token: std::borrow::Cow<'a, str>,
    /// A number, or, from some servers, a text.
    #[serde(borrow, default)]
    expires_in: Option<&'a serde_json::value::RawValue>,
}

impl Tokens {
    /// The value of `Authorization` for this client, for an attempt. The error is a sentence.
    pub(super) async fn token<H: Host>(
        &self,
        host: &H,
        client: &Client,
        attempt: &Attempt<'_>,
    ) -> Result<HeaderValue, String> {
        let now = host.monotonic();
        if let Some(known) = self.0.borrow().iter().find(|known| known.name == client.name)
            && now < known.until
        {
            return Ok(known.token.clone());
        }
        let timeout = attempt.timeout;
        let url = callback::check(&client.token_url, attempt.config)
            .map_err(|_| "The token's URL is no longer allowed".to_owned())?;
        let request = Outgoing {
            method: Method::POST,
            uri: url.uri,
            headers: client.headers()?,
            body: client.form().into(),
            connect_timeout: timeout,
            read_timeout: timeout,
        };
        let fetched = within(host, timeout, async {
            attempt.count();
            let answer = host.send(request).await;
            let Incoming { status, mut body, .. } =
                answer.map_err(|error| format!("The token endpoint gave no answer: {error}"))?;
            if !status.is_success() {
                return Err(format!("The token endpoint answered {}", status.as_u16()));
            }
            let body = read_body(&mut body, MAX_ANSWER_BYTES).await;
            body.ok()
                .and_then(|body| read(&body))
                .ok_or_else(|| "The token endpoint's answer is not understood".to_owned())
        });
        let slow = || Err(format!("The token endpoint did not answer within {timeout:?}"));
        let (token, life) = fetched.await.unwrap_or_else(slow)?;
        let known = Known { name: client.name.clone(), token: token.clone(), until: now + life };
        let mut all = self.0.borrow_mut();
        all.retain(|other| other.name != client.name && now < other.until);
        if all.len() >= MAX_TOKENS {
            all.remove(0);
        }
        all.push(known);
        Ok(token)
    }

    /// The callback does not take the token.
    pub(super) fn forget(&self, client: &Client) {
        self.0.borrow_mut().retain(|known| known.name != client.name);
    }
}

impl Client {
    /// Id and secret as Basic credentials, each form-encoded (RFC 6749, section 2.3.1).
    fn headers(&self) -> Result<HeaderMap, String> {
        let encoded =
            |text: &str| -> String { form_urlencoded::byte_serialize(text.as_bytes()).collect() };
        let pair = format!("{}:{}", encoded(&self.client_id), encoded(&self.client_secret));
        let mut basic = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)))
            .map_err(|_| "The client's credentials cannot be sent".to_owned())?;
        basic.set_sensitive(true);
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        let json = HeaderValue::from_static("application/json");
        Ok([(AUTHORIZATION, basic), (CONTENT_TYPE, form), (ACCEPT, json)].into_iter().collect())
    }

    fn form(&self) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        for (name, value) in [("scope", &self.scope), ("audience", &self.audience)] {
            if let Some(value) = value {
                form.append_pair(name, value);
            }
        }
        form.finish()
    }
}

/// The value of `Authorization`, and how long it is used.
fn read(body: &[u8]) -> Option<(HeaderValue, Duration)> {
    let answer: Answer<'_> = kafka_edge_json::from_slice(body).ok()?;
    if answer.access_token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let mut token = HeaderValue::try_from(format!("Bearer {}", answer.access_token)).ok()?;
    token.set_sensitive(true);
    let seconds = answer.expires_in.map(|text| text.get().trim_matches('"'));
    let seconds = seconds.and_then(|text| text.parse::<f64>().ok());
    let life = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let life = life.unwrap_or(USUAL_LIFE).min(LONGEST_LIFE);
    // Of a short life, a part is kept.
    Some((token, life.saturating_sub(MARGIN.min(life / 2))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(body: &str) -> Option<u64> {
        read(body.as_bytes()).map(|(_, life)| life.as_secs())
    }

    #[test]
    fn a_token_is_used_until_shortly_before_its_end() {
        let (token, life) =
            read(br#"{"access_token":"a.b-c","token_type":"Bearer","expires_in":3600}"#).unwrap();
        assert_eq!((token.as_bytes(), life.as_secs()), (&b"Bearer a.b-c"[..], 3570));
        assert!(token.is_sensitive());
    }

    #[test]
    fn how_long_it_lives_may_be_a_text_or_missing_or_too_long() {
        assert_eq!(life(r#"{"access_token":"a","expires_in":"600"}"#), Some(570));
        assert_eq!(life(r#"{"access_token":"a"}"#), Some(270));
        assert_eq!(life(r#"{"access_token":"a","expires_in":-1}"#), Some(270));
        assert_eq!(life(r#"{"access_token":"a","expires_in":1e300}"#), Some(270));
        assert_eq!(life(r#"{"access_token":"a","expires_in":10}"#), Some(5));
        assert_eq!(life(r#"{"access_token":"a","expires_in":9999999999}"#), Some(86_370));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for body in ["", "[]", r#"{"token":"a"}"#, r#"{"access_token":"a\nb"}"#] {
            assert_eq!(life(body), None, "{body}");
        }
        let long = format!(r#"{{"access_token":"{}"}}"#, "a".repeat(MAX_TOKEN_BYTES + 1));
        assert_eq!(life(&long), None);
    }

    #[test]
    fn a_client_says_who_it_is_by_the_rfc() {
        let client = Client {
            name: "webhook_1".into(),
            token_url: "https://example.com/token".into(),
            client_id: "a b".into(),
            client_secret: "c:d%".into(),
            scope: Some("read write".into()),
            audience: None,
        };
        let headers = client.headers().unwrap();
        let pair = STANDARD.encode("a+b:c%3Ad%25");
        assert_eq!(headers[AUTHORIZATION].as_bytes(), format!("Basic {pair}").as_bytes());
        assert_eq!(client.form(), "grant_type=client_credentials&scope=read+write");
        assert!(!format!("{client:?}").contains("c:d"));
    }
}
