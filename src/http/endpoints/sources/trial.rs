//! `POST /sources/{name}/test`: what would become of an event.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::PutSource;
use crate::error::Error;
use crate::host::Host;
use crate::http::answer::Response;
use crate::http::declaration::{BodyRule, Declaration};
#[cfg(feature = "description")]
use crate::http::description::Operation;
use crate::http::encoded_text::Encoding;
use crate::http::endpoint::{Call, Endpoint, OfSource};
use crate::http::json;
use crate::http::refusal::Refusal;
use crate::http::request::RequestBody;
use crate::kafka::Log;
use crate::render::Text;
#[cfg(feature = "destinations")]
use crate::services::sources::TargetState;
use crate::services::sources::{
    Inbound, MAX_EVENT_BYTES, Refused, Trial, TrialEvent, TrialOutcome,
};
use crate::sorted::SortedMap;

/// A request as the sender would make it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
pub(super) struct Sample<'a> {
    /// The event as JSON. `body` is for everything else.
    #[serde(borrow)]
    #[cfg_attr(feature = "description", schemars(with = "Option<serde_json::Value>"))]
    event: Option<&'a RawValue>,
    #[serde(borrow)]
    body: Option<Cow<'a, str>>,
    /// `base64` if the body is not text.
    #[cfg_attr(feature = "description", schemars(with = "Option<String>"))]
    encoding: Option<Encoding>,
    /// `POST` by default.
    method: Option<String>,
    /// The query of the request, without a question mark.
    query: Option<String>,
    #[serde(default)]
    #[cfg_attr(
        feature = "description",
        schemars(with = "std::collections::BTreeMap<String, String>")
    )]
    headers: SortedMap<String, String>,
    /// A JSON Merge Patch (RFC 7396) of the source's `shape`, to try other expressions. The
    /// source stays what it is.
    #[serde(borrow)]
    #[cfg_attr(feature = "description", schemars(with = "Option<serde_json::Value>"))]
    shape: Option<&'a RawValue>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct TrialJson {
    allow: StageJson,
    verify: StageJson,
    /// Why no event could be read from the body.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable: Option<RefusedJson>,
    /// What would be done with each destination, if the source names any.
    #[cfg(feature = "destinations")]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "description", serde(default))]
    destinations: Vec<TrialDestination>,
    events: Vec<TrialEventJson>,
}

/// Each record that is shown is written to it, with the headers of the destination.
#[cfg(feature = "destinations")]
#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct TrialDestination {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[cfg_attr(feature = "description", serde(default))]
    optional: bool,
    /// `written`, `left-out`, or `refused`, and then the source takes no event.
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[cfg(feature = "destinations")]
impl From<TargetState> for TrialDestination {
    fn from(state: TargetState) -> Self {
        let (outcome, error) = (state.outcome(), state.fault.map(|fault| fault.to_string()));
        let TargetState { name, id, topic, format, optional, .. } = state;
        Self { name, id, topic, format, optional, outcome, error }
    }
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct StageJson {
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<RefusedJson>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct RefusedJson {
    reason: &'static str,
    error: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct TrialEventJson {
    /// By which a repeat would be known.
    id: Option<String>,
    steps: Vec<StepJson>,
    /// `written`, `dead-letter` or `filtered`; null if the event would be refused.
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<RefusedJson>,
    records: Vec<TrialRecord>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct StepJson {
    stage: &'static str,
    part: &'static str,
    /// What an expression gave, each value as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct TrialRecord {
    topic: String,
    key: Option<String>,
    value: Option<String>,
    /// `base64` if the value is not text.
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<&'static str>,
    headers: Vec<TrialHeader>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "description", derive(schemars::JsonSchema))]
struct TrialHeader {
    name: String,
    value: String,
}

impl From<Refused> for RefusedJson {
    fn from(refused: Refused) -> Self {
        let Refused { reason, sentence, detail, status, .. } = refused;
        Self { reason, error: sentence, status, detail }
    }
}

impl From<Result<(), Refused>> for StageJson {
    fn from(result: Result<(), Refused>) -> Self {
        Self { passed: result.is_ok(), refused: result.err().map(RefusedJson::from) }
    }
}

impl From<Trial> for TrialJson {
    fn from(trial: Trial) -> Self {
        let Trial { allow, verify, unreadable, events, .. } = trial;
        Self {
            allow: allow.into(),
            verify: verify.into(),
            unreadable: unreadable.map(RefusedJson::from),
            #[cfg(feature = "destinations")]
            destinations: trial.destinations.into_iter().map(TrialDestination::from).collect(),
            events: events.into_iter().map(TrialEventJson::from).collect(),
        }
    }
}

impl From<TrialEvent> for TrialEventJson {
    fn from(event: TrialEvent) -> Self {
        let steps = event.steps.into_iter().map(|step| {
            let (values, error) = match step.result {
                Ok(values) => (Some(values), None),
                Err(error) => (None, Some(error)),
            };
            StepJson { stage: step.stage.name(), part: step.part, values, error }
        });
        let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
        let records = event.records.into_iter().map(|(topic, record)| {
            let value = record.value.as_ref().map(|value| Text::of(value));
            let encoding = value.as_ref().and_then(|value| value.encoding);
            let headers = record.headers.iter().map(|header| TrialHeader {
                name: header.name.clone(),
                value: header.value.as_ref().map(text).unwrap_or_default(),
            });
            TrialRecord {
                topic,
                key: record.key.as_ref().map(text),
                value: value.map(|value| value.text.into_owned()),
                encoding,
                headers: headers.collect(),
            }
        });
        let (outcome, refused) = match event.outcome {
            Ok(TrialOutcome::Written) => (Some("written"), None),
            Ok(TrialOutcome::DeadLetter) => (Some("dead-letter"), None),
            Ok(TrialOutcome::Filtered) => (Some("filtered"), None),
            Err(refused) => (None, Some(refused.into())),
        };
        Self { id: event.id, steps: steps.collect(), outcome, refused, records: records.collect() }
    }
}

pub(in crate::http::endpoints) struct TestSource;

impl Endpoint for TestSource {
    const DECLARATION: Declaration = Declaration {
        name: "testSource",
        methods: &[Method::POST],
        path: "/sources/{name}/test",
        about: "Says what each stage would decide about an event, and writes nothing",
        body: BodyRule::Json { limit: 2 * MAX_EVENT_BYTES },
        ..PutSource::DECLARATION
    };

    type Topics = OfSource;

    async fn answer<H: Host, L: Log, B: RequestBody>(
        mut call: Call<'_, H, L, B>,
        OfSource(grant): OfSource,
    ) -> Result<Response, Refusal> {
        let name = call.path_text("name")?;
        let body = call.body().await?;
        let sample: Sample<'_> = json::object(&body)?;
        let shape = sample.shape;
        let request = inbound(&name, sample)?;
        let sources = &call.app.services().await?.sources;
        let mut prepared = sources.open_for(&name, &grant).await?;
        if let Some(shape) = shape {
            prepared = sources.reshaped(&prepared, shape.get().as_bytes(), &grant)?;
        }
        let trial = sources.trial(&prepared, &request).await?;
        Ok(Response::json(StatusCode::OK, &TrialJson::from(trial)))
    }

    #[cfg(feature = "description")]
    fn describe(operation: &mut Operation) {
        operation
            .takes::<Sample<'_>>()
            .gives::<TrialJson>(200, "What each stage decided, and what each expression gave")
            .fails(404, "There is no such source")
            .example_with("/sources/github/test", r#"{"event":{"id":1,"total":2}}"#);
    }
}

fn inbound(name: &str, sample: Sample<'_>) -> Result<Inbound<'static>, Error> {
    let Sample { event, body, encoding, method, query, headers, shape: _ } = sample;
    let mut headers: Vec<(String, Bytes)> =
        headers.into_iter().map(|(name, value)| (name, value.into())).collect();
    let body = match (event, body) {
        (Some(event), None) => {
            let is_typed = |(name, _): &(String, Bytes)| name.eq_ignore_ascii_case("content-type");
            if !headers.iter().any(is_typed) {
                headers.push(("content-type".into(), Bytes::from_static(b"application/json")));
            }
            Bytes::copy_from_slice(event.get().as_bytes())
        }
        (None, Some(body)) => match encoding {
            None => Bytes::copy_from_slice(body.as_bytes()),
            Some(Encoding::Base64) => STANDARD
                .decode(body.as_bytes())
                .map_err(|_| Error::invalid("body", "Not base64"))?
                .into(),
        },
        _ => return Err(Error::invalid("event", "Exactly one of event and body is needed")),
    };
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    Ok(Inbound {
        method: method.unwrap_or_else(|| "POST".into()),
        target: format!("/in/{name}{query}"),
        headers: headers.into(),
        body,
        client: None,
        scheme: None,
        authority: None,
    })
}
