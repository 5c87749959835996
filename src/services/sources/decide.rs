//! What becomes of an event, by its source's settings: decided without I/O.

use std::borrow::Cow;

use bytes::Bytes;
use kafka_edge_bounded_json::{Budget, Number, Object, Value, parse};
use kafka_edge_signatures::SignedRequest;

use super::cloud_events::{Attribute, CloudEvent};
use super::inbound::{Inbound, Refused, Stage};
use super::prepared::{Place, Prepared, Text};
use super::programs::{Failed, Program, Schema, too_costly};
use super::source::{CloudEvents, Otherwise, Source};
use crate::dead_letter::DeadLetter;
use crate::host::Millis;
use crate::names;
use crate::record::{Header, NewRecord};
use crate::record_headers;
use crate::render::timestamp;

/// The most records that one event may become.
const MAX_RECORDS: usize = 500;

/// An event, out of a request that may bring several.
#[derive(Debug, Clone)]
pub(super) struct Event<'r> {
    pub(super) request: &'r Inbound<'r>,
    /// The event's own data.
    pub(super) body: Bytes,
    /// The event's context, if it came as a CloudEvent.
    pub(super) context: Option<CloudEvent>,
}

/// A record for a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) topic: String,
    pub(super) record: NewRecord,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    Write(Vec<Draft>),
    DeadLetter(Draft),
    Filtered,
}

/// What a stage did, for whoever tries a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub stage: Stage,
    /// Which part of the stage, such as `filter`.
    pub part: &'static str,
    /// What it gave, as JSON, or the sentence of its error.
    pub result: Result<Vec<String>, String>,
}

/// The stage of a step, and its part.
type StepName = (Stage, &'static str);

const ID: StepName = (Stage::Dedupe, "id");

/// One decision: what it is about, and what it may spend.
pub(super) struct Deciding<'a> {
    pub(super) prepared: &'a Prepared,
    pub(super) event: &'a Event<'a>,
    pub(super) now: Millis,
    /// What the value is checked against, and the schema's id if it goes before it.
    pub(super) schema: Option<(&'a Schema, Option<i32>)>,
    pub(super) budget: &'a mut Budget,
    pub(super) steps: Vec<Step>,
    json: Option<Result<Value, String>>,
}

impl<'a> Deciding<'a> {
    pub(super) fn new(
        prepared: &'a Prepared,
        event: &'a Event<'a>,
        now: Millis,
        schema: Option<(&'a Schema, Option<i32>)>,
        budget: &'a mut Budget,
    ) -> Self {
        Self { prepared, event, now, schema, budget, steps: Vec::new(), json: None }
    }

    /// The event's id; `None` if it has none.
    pub(super) fn id(&mut self) -> Option<String> {
        if let Some(context) = &self.event.context
            && self.prepared.source.dedupe.as_ref().is_some_and(|dedupe| dedupe.id.is_none())
        {
            return context.identity();
        }
        let prepared = self.prepared;
        prepared.ids.iter().find_map(|place| self.text_at(ID, place).ok()?)
    }

    pub(super) fn decide(&mut self) -> Result<Decision, Refused> {
        if let Some((schema, _)) = self.schema
            && let Some(decision) = self.validate(schema)?
        {
            return Ok(decision);
        }
        match self.shape() {
            Ok(decision) => Ok(decision),
            Err((part, Failed(sentence))) => {
                self.step(Stage::Shape, part, Err(sentence.clone()));
                let on_error = &self.prepared.source.shape.on_error;
                let reason = if part == "event" { "not-json" } else { "expression" };
                self.otherwise(on_error, Stage::Shape, reason, &sentence, part)
            }
        }
    }

    /// `None`: the event is as it has to be.
    fn validate(&mut self, schema: &Schema) -> Result<Option<Decision>, Refused> {
        let Some(validate) = &self.prepared.source.validate else { return Ok(None) };
        let checked = match self.json() {
            Err(sentence) => Err(("not-json", sentence, String::new())),
            Ok(json) => match schema.check(&json, self.budget) {
                Ok(Ok(())) => Ok(()),
                Ok(Err(unfit)) => Err(("schema", unfit.sentence, unfit.path)),
                Err(Failed(sentence)) => Err(("budget", sentence, String::new())),
            },
        };
        match checked {
            Ok(()) => {
                self.step(Stage::Validate, "schema", Ok(Vec::new()));
                Ok(None)
            }
            Err((reason, sentence, path)) => {
                self.step(Stage::Validate, "schema", Err(sentence.clone()));
                if validate.on_failure == Otherwise::Pass {
                    return Ok(None);
                }
                let on_failure = &validate.on_failure;
                self.otherwise(on_failure, Stage::Validate, reason, &sentence, &path).map(Some)
            }
        }
    }

    fn otherwise(
        &mut self,
        otherwise: &Otherwise,
        stage: Stage,
        reason: &'static str,
        sentence: &str,
        path: &str,
    ) -> Result<Decision, Refused> {
        match otherwise {
            Otherwise::Refuse => {
                let refused = Refused::new(stage, 422, reason, sentence);
                Err(if path.is_empty() { refused } else { refused.at(path) })
            }
            Otherwise::Skip => Ok(Decision::Filtered),
            Otherwise::DeadLetter(topic) => {
                let letter = DeadLetter {
                    source: self.prepared.source.name.as_str(),
                    stage: stage.name(),
                    reason,
                    message: sentence,
                    path: (!path.is_empty()).then_some(path),
                };
                let own = match &self.event.context {
                    // Whoever looks after dead letters has the whole event.
                    Some(context) => self.beside(context.headers()),
                    None => self.headers(self.content_type()),
                };
                let headers = letter.headers(own);
                let value = Some(self.event.body.clone());
                let record = NewRecord { value, headers, ..NewRecord::default() };
                Ok(Decision::DeadLetter(Draft { topic: topic.clone(), record }))
            }
            Otherwise::Pass => match self.own_topic() {
                Some(topic) => {
                    let body = self.event.body.clone();
                    Ok(Decision::Write(vec![self.draft(
                        topic,
                        None,
                        body,
                        self.content_type(),
                        0,
                    )?]))
                }
                None => {
                    let sentence = "The source has no topic for events that it cannot shape";
                    Err(Refused::new(stage, 422, reason, sentence))
                }
            },
        }
    }

    /// The topic of the source, if it has one; of no account where the gateway's own Kafka
    /// is not written to.
    fn own_topic(&self) -> Option<String> {
        let source = &self.prepared.source;
        source.topic.clone().or_else(|| (!source.writes_to_gateway()).then(String::new))
    }

    fn shape(&mut self) -> Result<Decision, (&'static str, Failed)> {
        let Prepared { source, filter, transform, topic, key, .. } = self.prepared;
        let uses = |place: &Option<Place>| matches!(place, Some(Place::Jq(_)));
        let needs_json = filter.is_some() || transform.is_some() || topic.is_some() || uses(key);
        let input = match needs_json {
            true => self.json().map_err(|sentence| ("event", Failed(sentence)))?,
            false => Value::Null,
        };
        if let Some(filter) = filter {
            let values = self.run((Stage::Shape, "filter"), filter, &input, &Value::Null)?;
            // Of several values all have to hold, as with `select` in a row.
            if values.is_empty() || !values.iter().all(Value::is_truthy) {
                return Ok(Decision::Filtered);
            }
        }
        let outputs = match transform {
            None => vec![None],
            Some(transform) => {
                let values =
                    self.run((Stage::Shape, "transform"), transform, &input, &Value::Null)?;
                values.into_iter().map(Some).collect()
            }
        };
        if outputs.is_empty() {
            return Ok(Decision::Filtered);
        }
        if outputs.len() > MAX_RECORDS {
            let sentence = format!("The event becomes more than {MAX_RECORDS} records");
            return Err(("transform", Failed(sentence)));
        }
        let mut drafts = Vec::new();
        for (place, output) in outputs.into_iter().enumerate() {
            let out = output.clone().unwrap_or_else(|| input.clone());
            let topic = match topic {
                None => source.topic.clone().unwrap_or_default(),
                Some((program, allowed)) => {
                    let values = self.run((Stage::Shape, "topic"), program, &input, &out)?;
                    let name = match &values[..] {
                        [Value::String(name)] => name.to_string(),
                        _ => return Err(("topic", Failed("The topic is not one text".into()))),
                    };
                    let known = names::check_topic(&name).is_ok() && allowed.contains(&name);
                    if !known {
                        let sentence = "The topic is none of those that the source may write to";
                        return Err(("topic", Failed(sentence.into())));
                    }
                    name
                }
            };
            let key = match key {
                None => self.partition_key(),
                Some(place) => self
                    .text_at_out((Stage::Shape, "key"), place, &out)
                    .map_err(|failed| ("key", failed))?,
            };
            let (value, content_type) = match output {
                None => (self.event.body.clone(), self.content_type()),
                Some(output) => {
                    let bytes = output.to_vec(self.budget).map_err(too_costly);
                    let bytes = bytes.map_err(|failed| ("transform", failed))?;
                    (Bytes::from(bytes), Some("application/json".to_owned()))
                }
            };
            let key = key.map(|key| Bytes::from(key.into_bytes()));
            let draft = self.draft(topic, key, value, content_type, place);
            drafts.push(draft.map_err(|refused| ("cloud_events", Failed(refused.sentence)))?);
        }
        Ok(Decision::Write(drafts))
    }

    /// A record of the event, as a CloudEvent if the source writes those.
    fn draft(
        &mut self,
        topic: String,
        key: Option<Bytes>,
        value: Bytes,
        content_type: Option<String>,
        place: usize,
    ) -> Result<Draft, Refused> {
        let source = &self.prepared.source;
        let (headers, value) = match &source.cloud_events {
            None => (self.headers(content_type), Some(value)),
            Some(settings) => {
                let mut event = self.cloud_event(settings, place);
                event.content_type = content_type;
                // Empty data is not the same as none, which makes a tombstone.
                let is_given = event.data.is_some() || !value.is_empty();
                event.data = is_given.then_some(value);
                let written = event.write(settings.mode, self.budget).map_err(|malformed| {
                    Refused::new(Stage::Shape, 422, "cloud-event", malformed.0)
                });
                let (headers, value) = written?;
                (self.beside(headers), value)
            }
        };
        let value = match (self.schema, value) {
            (Some((_, Some(id))), Some(value)) => Some(framed(id, &value)),
            (_, value) => value,
        };
        Ok(Draft { topic, record: NewRecord { key, value, headers, ..NewRecord::default() } })
    }

    fn cloud_event(&mut self, settings: &CloudEvents, place: usize) -> CloudEvent {
        let name = self.prepared.source.name.as_str();
        let mut event = self.event.context.clone().unwrap_or_else(|| CloudEvent {
            attributes: vec![Attribute::text("specversion", "1.0")],
            content_type: None,
            data: None,
        });
        if self.event.context.is_none() {
            let prepared = self.prepared;
            let event_type = prepared.event_type.as_ref().and_then(|text| self.text("type", text));
            let event_type = event_type.unwrap_or_else(|| "kafka-edge.event".to_owned());
            let source = settings.source.clone().unwrap_or_else(|| format!("/in/{name}"));
            // Without an id of its own, the event's bytes and time name it.
            let id = self.id().unwrap_or_else(|| self.made_id());
            event.set_if_missing("id", || id);
            event.set_if_missing("source", || source);
            event.set_if_missing("type", || event_type);
            if let Some(subject) =
                prepared.subject.as_ref().and_then(|text| self.text("subject", text))
            {
                event.set_if_missing("subject", || subject);
            }
        }
        if place > 0 {
            // Source and id together are unique (CloudEvents 1.0.2).
            for Attribute { name, value, .. } in &mut event.attributes {
                if name == "id" {
                    *value = format!("{value}-{place}");
                }
            }
        }
        event.set_if_missing("time", || timestamp(self.now));
        event
    }

    pub(super) fn made_id(&self) -> String {
        use sha2::{Digest, Sha256};
        let mut hash = Sha256::new();
        hash.update(self.now.to_be_bytes());
        hash.update(&self.event.body);
        crate::random::hex(&hash.finalize()[..16])
    }

    fn partition_key(&self) -> Option<String> {
        let settings = self.prepared.source.cloud_events.as_ref()?;
        let context = self.event.context.as_ref().filter(|_| settings.partition_key)?;
        context.attribute("partitionkey").map(str::to_owned)
    }

    /// The headers of a CloudEvent, and behind them those of a record. Readers find each of
    /// the event's own once.
    fn beside(&self, mut own: Vec<Header>) -> Vec<Header> {
        let mut others = self.headers(None);
        others.retain(|other| own.iter().all(|own| !own.name.eq_ignore_ascii_case(&other.name)));
        own.extend(others);
        own
    }

    /// The headers of a record.
    fn headers(&self, content_type: Option<String>) -> Vec<Header> {
        let Source { shape, .. } = &self.prepared.source;
        let (request, header) = (&self.event.request, |name: &str, value: Bytes| Header {
            name: name.to_owned(),
            value: Some(value),
        });
        let mut headers = Vec::new();
        match &shape.headers.keep {
            None => {
                headers.extend(content_type.map(|value| header("content-type", value.into())));
                // What a sender calls `ce_…` would be an attribute to readers of the record.
                let (is_event, becomes_one) =
                    (self.event.context.is_some(), self.prepared.source.cloud_events.is_some());
                let is_context = |name: &str| {
                    let begins = |start: &str| {
                        name.get(..3).is_some_and(|found| found.eq_ignore_ascii_case(start))
                    };
                    is_event && begins("ce-") || becomes_one && begins("ce_")
                };
                let is_secret = |name: &str| {
                    let mut secret = self.prepared.secret_headers.iter();
                    secret.any(|known| known.eq_ignore_ascii_case(name))
                };
                let of_sender = record_headers::of_request(&request.headers).into_iter();
                headers.extend(
                    of_sender
                        .filter(|header| !is_context(&header.name) && !is_secret(&header.name)),
                );
            }
            Some(keep) => {
                let kept = |name: &str| keep.iter().any(|known| known.eq_ignore_ascii_case(name));
                let found = request.headers.iter().filter(|(name, _)| kept(name));
                headers.extend(found.map(|(name, value)| header(name, value.clone())));
            }
        }
        let added = shape.headers.add.iter();
        headers.extend(added.map(|(name, value)| header(name, value.clone().into())));
        headers
    }

    fn content_type(&self) -> Option<String> {
        match &self.event.context {
            Some(context) => context.content_type.clone(),
            None => self.event.request.header("content-type").map(str::to_owned),
        }
    }

    fn text(&mut self, part: &'static str, text: &Text) -> Option<String> {
        match text {
            Text::Fixed(text) => Some(text.clone()),
            Text::At(place) => self.text_at((Stage::Shape, part), place).ok().flatten(),
        }
        .filter(|text| !text.is_empty())
    }

    fn text_at_out(
        &mut self,
        step: StepName,
        place: &Place,
        out: &Value,
    ) -> Result<Option<String>, Failed> {
        match place {
            Place::At(at) => self.event.request.signed(None, |request| {
                let found = at.find(&SignedRequest { body: &self.event.body, ..*request });
                Ok(found.ok().map(Cow::into_owned))
            }),
            Place::Jq(program) => {
                let input = self.json().map_err(Failed)?;
                let values = self.run(step, program, &input, out).map_err(|(_, failed)| failed)?;
                match &values[..] {
                    [] | [Value::Null] => Ok(None),
                    [Value::String(text)] => Ok(Some(text.to_string())),
                    [other] => {
                        let bytes = other.to_vec(self.budget).map_err(too_costly)?;
                        Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
                    }
                    _ => Err(Failed("The expression gives more than one value".into())),
                }
            }
        }
    }

    fn text_at(&mut self, step: StepName, place: &Place) -> Result<Option<String>, Failed> {
        Ok(self.text_at_out(step, place, &Value::Null)?.filter(|text| !text.is_empty()))
    }

    fn run(
        &mut self,
        (stage, part): StepName,
        program: &Program,
        input: &Value,
        out: &Value,
    ) -> Result<Vec<Value>, (&'static str, Failed)> {
        let record = self.record();
        let values =
            program.run(input, &record, out, self.budget).map_err(|failed| (part, failed))?;
        let shown = values.iter().map(|value| {
            let bytes = value.to_vec(self.budget).unwrap_or_default();
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let shown = shown.collect();
        self.step(stage, part, Ok(shown));
        Ok(values)
    }

    /// What expressions see as `$record`.
    fn record(&mut self) -> Value {
        let text = |text: &str| Value::String(text.into());
        let mut headers = Object::new();
        let seen = match &self.event.context {
            // The attributes, by the names that they have in Kafka.
            Some(context) => self.beside(context.headers()),
            None => self.headers(self.content_type()),
        };
        for Header { name, value } in seen {
            let value = value.unwrap_or_default();
            let value = String::from_utf8_lossy(&value).into_owned();
            headers.insert(name.to_ascii_lowercase().into(), text(&value));
        }
        let topic = self.prepared.source.topic.as_deref().map_or(Value::Null, text);
        let mut record = Object::new();
        record.insert("topic".into(), topic);
        record.insert("key".into(), self.partition_key().map_or(Value::Null, |key| text(&key)));
        record.insert("headers".into(), Value::Object(headers.into()));
        record.insert("time".into(), Value::Number(Number::from(i128::from(self.now))));
        Value::Object(record.into())
    }

    /// The event as JSON, parsed once.
    fn json(&mut self) -> Result<Value, String> {
        if self.json.is_none() {
            let parsed = parse(&self.event.body, self.budget);
            self.json = Some(parsed.map_err(|error| format!("The event is not JSON: {error}")));
        }
        self.json.clone().unwrap_or(Ok(Value::Null))
    }

    fn step(&mut self, stage: Stage, part: &'static str, result: Result<Vec<String>, String>) {
        self.steps.push(Step { stage, part, result });
    }
}

/// The magic byte and the schema's id before the value (Confluent's wire format).
fn framed(id: i32, value: &[u8]) -> Bytes {
    [&[0][..], &id.to_be_bytes(), value].concat().into()
}
