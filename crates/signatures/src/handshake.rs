//! What a sender asks before it sends anything, and what it wants to hear.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::field;
use crate::request::SignedRequest;

/// The longest text that is sent back to whoever asks.
const MAX_ECHO_BYTES: usize = 1_024;

/// The handshake of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handshake {
    /// A body of the type `url_verification` has a `challenge`.
    Slack,
    /// `GET` with `crc_token` in the query; the answer is its HMAC.
    X,
    /// `validationToken` in the query.
    MicrosoftGraph,
    /// A body of the event `endpoint.url_validation` has a `plainToken`.
    Zoom,
    /// A body of type 1.
    Discord,
    /// `GET` with the header `x-okta-verification-challenge`.
    Okta,
    /// A form that holds nothing but `webhook_id`, which is sent when the webhook is made.
    Woocommerce,
}

/// The answer to a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub content_type: &'static str,
    pub body: String,
}

impl Handshake {
    /// Whether a question comes unsigned, before the sender knows whether its
    /// signature is understood.
    pub fn is_unsigned(self) -> bool {
        !matches!(self, Self::Slack | Self::Zoom | Self::Discord)
    }

    /// The answer, if the request is such a question. Some answers are made with the
    /// first secret.
    pub fn answer(self, request: &SignedRequest<'_>, secrets: &[&str]) -> Option<Answer> {
        let json = |body: serde_json::Value| Answer {
            content_type: "application/json",
            body: body.to_string(),
        };
        let field = |pointer: &str| field::one_text(request.body, pointer);
        let digest = |text: &str| mac(secrets.first()?, text);
        match self {
            Self::Slack => {
                let challenge = echo(field("/challenge")?.into_owned())?;
                (field("/type")? == "url_verification")
                    .then(|| json(serde_json::json!({ "challenge": challenge })))
            }
            Self::Discord => {
                (field("/type")? == "1").then(|| json(serde_json::json!({ "type": 1 })))
            }
            Self::Zoom => {
                if field("/event")? != "endpoint.url_validation" {
                    return None;
                }
                let plain = echo(field("/payload/plainToken")?.into_owned())?;
                let encrypted = hex(&digest(&plain)?);
                Some(json(serde_json::json!({ "plainToken": plain, "encryptedToken": encrypted })))
            }
            Self::X => {
                if request.method != "GET" {
                    return None;
                }
                let token = echo(request.parameter("crc_token")?)?;
                let response = format!("sha256={}", STANDARD.encode(digest(&token)?));
                Some(json(serde_json::json!({ "response_token": response })))
            }
            Self::MicrosoftGraph => {
                let token = echo(request.parameter("validationToken")?)?;
                // As text, so that a browser never runs what a stranger has put in.
                Some(Answer { content_type: "text/plain", body: token })
            }
            Self::Woocommerce => {
                let id = std::str::from_utf8(request.body).ok()?.strip_prefix("webhook_id=")?;
                let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
                is_id.then(|| Answer { content_type: "text/plain", body: String::new() })
            }
            Self::Okta => {
                if request.method != "GET" {
                    return None;
                }
                let challenge = echo(request.header("x-okta-verification-challenge")?.to_owned())?;
                Some(json(serde_json::json!({ "verification": challenge })))
            }
        }
    }
}

/// The headers that let a sender of CloudEvents deliver, if it asks for that: as often as
/// it wants, or so many times a minute (HTTP 1.1 Web Hooks for Event Delivery 1.0.2,
/// section 4.2).
pub fn consent(
    request: &SignedRequest<'_>,
    per_minute: Option<u64>,
) -> Option<[(&'static str, String); 2]> {
    let origin = echo(request.header("webhook-request-origin")?.to_owned())?;
    let rate = per_minute.map_or_else(|| "*".to_owned(), |rate| rate.to_string());
    Some([("webhook-allowed-origin", origin), ("webhook-allowed-rate", rate)])
}

fn echo(text: String) -> Option<String> {
    (!text.is_empty() && text.len() <= MAX_ECHO_BYTES).then_some(text)
}

fn mac(secret: &str, text: &str) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(mac.finalize().into_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
