//! What sources fetch from other servers: keys of tokens, and schemas.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use kafka_edge_bounded_json::{Budget, Limits, parse};
#[cfg(feature = "jwt")]
use kafka_edge_signatures::{JwkSet, Verifier};
use serde::Deserialize;

use super::Sources;
use super::inbound::{Refused, Stage};
#[cfg(feature = "jwt")]
use super::prepared::{Fetched, Prepared};
use super::programs::Schema;
use super::receive::NotTaken;
#[cfg(feature = "jwt")]
use crate::callers_url;
use crate::deadline::within;
use crate::host::{Host, Incoming, Outgoing};
use crate::kafka::Log;
use crate::services::schema_registry::RegistryCall;
use crate::upstream::read_body;

/// How long what was fetched is used, and how soon it may be fetched again.
const MAX_AGE: Duration = Duration::from_secs(600);
const MIN_AGE: Duration = Duration::from_secs(30);
/// How soon it is fetched again when there is nothing older to use. Whoever asks is not
/// known yet, and each of them must not cost a call.
const PAUSE: Duration = Duration::from_secs(1);
const TIME_LIMIT: Duration = Duration::from_secs(5);
const MAX_KEYS_BYTES: usize = 256 * 1024;

/// The verifier with the keys that its tokens may be signed with. `again`: they did
/// not hold the key that a token names.
#[cfg(feature = "jwt")]
pub(super) async fn verifier<H: Host, L: Log>(
    sources: &Sources<H, L>,
    prepared: &Prepared,
    again: bool,
) -> Result<Verifier, NotTaken> {
    let Some(url) = prepared.verifier.jwks_url() else { return Ok(prepared.verifier.clone()) };
    let now = sources.host.monotonic();
    let unavailable = || {
        let sentence = "The keys of the sender cannot be fetched; try again";
        Refused::new(Stage::Verify, 503, "no-keys", sentence).again_after(PAUSE)
    };
    {
        let mut fetched = prepared.fetched.borrow_mut();
        let within = |at: Duration, time| now.saturating_sub(at) < time;
        let Fetched { keys, tried, failed } = &mut *fetched;
        match keys {
            Some((at, verifier)) => {
                let tried = tried.is_some_and(|at| within(at, MIN_AGE));
                if tried || !again && within(*at, MAX_AGE) {
                    return Ok(verifier.clone());
                }
            }
            None if failed.is_some_and(|at| within(at, PAUSE)) => return Err(unavailable().into()),
            None => {}
        }
        *tried = Some(now);
    }
    let url = callers_url::check(url, sources.rules.allow_private).map_err(|_| unavailable())?;
    let request = Outgoing {
        method: Method::GET,
        uri: url.uri,
        headers: HeaderMap::new(),
        body: Bytes::new(),
        connect_timeout: TIME_LIMIT,
        read_timeout: TIME_LIMIT,
    };
    let fetched = within(&sources.host, TIME_LIMIT, async {
        let Incoming { status, mut body, .. } = sources.host.send(request).await.ok()?;
        let keys = read_body(&mut body, MAX_KEYS_BYTES).await.ok()?;
        status.is_success().then(|| JwkSet::parse(&keys))?
    });
    let keys = fetched.await.flatten();
    let mut fetched = prepared.fetched.borrow_mut();
    match keys {
        Some(keys) => {
            let verifier = prepared.verifier.clone().with_keys(&keys);
            fetched.keys = Some((now, verifier.clone()));
            Ok(verifier)
        }
        None => {
            fetched.failed = Some(sources.host.monotonic());
            // Older keys are better than none.
            let verifier = fetched.keys.as_ref().map(|(_, verifier)| verifier.clone());
            verifier.ok_or_else(|| unavailable().into())
        }
    }
}

/// The latest schema of a subject, with its id.
pub(super) async fn schema<H: Host, L: Log>(
    sources: &Sources<H, L>,
    subject: &str,
    known: &RefCell<Option<(Duration, i32, Schema)>>,
) -> Result<(i32, Schema), NotTaken> {
    let now = sources.host.monotonic();
    if let Some((at, id, schema)) = &*known.borrow()
        && now.saturating_sub(*at) < MAX_AGE
    {
        return Ok((*id, schema.clone()));
    }
    let refused = |status, reason, sentence: &str| {
        NotTaken::from(Refused::new(Stage::Validate, status, reason, sentence))
    };
    let call = RegistryCall {
        method: Method::GET,
        path: format!("subjects/{}/versions/latest", encoded(subject)),
        query: None,
        accept: None,
        content_type: None,
        body: Bytes::new(),
    };
    let answer = sources.schema_registry.forward(call).await;
    let answer = match answer {
        Ok(answer) if answer.status.is_success() => answer,
        Ok(answer) if answer.status == http::StatusCode::NOT_FOUND => {
            let sentence = "The schema registry does not have the source's subject";
            return Err(refused(503, "no-schema", sentence));
        }
        _ => {
            // An older schema is better than none; the registry is asked again soon.
            if let Some((at, id, schema)) = &mut *known.borrow_mut() {
                *at = (now + MIN_AGE).saturating_sub(MAX_AGE);
                return Ok((*id, schema.clone()));
            }
            return Err(refused(503, "no-schema", "The schema cannot be fetched; try again"));
        }
    };
    #[derive(Deserialize)]
    struct Latest {
        id: i32,
        schema: String,
        #[serde(rename = "schemaType", default)]
        schema_type: Option<String>,
    }
    let unreadable = || refused(503, "no-schema", "The schema registry's answer is not understood");
    let latest: Latest = serde_json::from_slice(&answer.body).map_err(|_| unreadable())?;
    // Without a type it is Avro (Confluent's API of the registry).
    if latest.schema_type.as_deref() != Some("JSON") {
        let sentence = "The source's subject holds no JSON Schema: Avro and Protobuf are not taken";
        return Err(refused(503, "no-schema", sentence));
    }
    let mut budget = Budget::new(Limits::default());
    let document = parse(latest.schema.as_bytes(), &mut budget).map_err(|_| unreadable())?;
    let schema = Schema::compile(&document).map_err(|sentence| {
        refused(503, "no-schema", &format!("The schema of the registry is not taken: {sentence}"))
    })?;
    *known.borrow_mut() = Some((now, latest.id, schema.clone()));
    Ok((latest.id, schema))
}

fn encoded(subject: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let byte = |byte: u8| match plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    subject.bytes().map(byte).collect()
}
