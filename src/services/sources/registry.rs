//! The schemas that sources fetch from the registry.

use std::cell::RefCell;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use kafka_edge_bounded_json::{Budget, Limits, parse};
use serde::Deserialize;

use super::Sources;
use super::inbound::{Refused, Stage};
use super::programs::Schema;
use super::receive::NotTaken;
use crate::host::Host;
use crate::kafka::Log;
use crate::services::schema_registry::RegistryCall;

/// How long what was fetched is used.
const MAX_AGE: Duration = Duration::from_secs(600);
/// How soon it is fetched again after a failure, while there is something older to use.
const MIN_AGE: Duration = Duration::from_secs(30);

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
    // On the heap: every event would carry the room for it otherwise.
    let answer = Box::pin(sources.schema_registry.forward(call)).await;
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
    let latest: Latest = kafka_edge_json::from_slice(&answer.body).map_err(|_| unreadable())?;
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
