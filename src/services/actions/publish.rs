//! Running an action: its payload is rendered, and published.

use bytes::Bytes;
use kafka_edge_bounded_json::{Budget, Exceeded, Object, Value, parse};
use sha2::{Digest, Sha256};

use super::Actions;
use super::action::{Action, invalid, sentence};
use super::change::unknown;
use super::run::{Run, RunId, counter};
use crate::access::{AccessError, AllowedTopic, Grant, Permission};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::record::{Header, NewRecord, RecordMetadata};
use crate::render::timestamp;
use crate::services::produce::once::{self, Once, WINDOW};
use crate::services::seen::{First, Mark, Place, Scope};
use crate::state::{increment, set};
use crate::telemetry::{Level, Report};

/// A run, and a report on each of its records, in the order of the payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    pub run_id: String,
    pub node_run_id: String,
    pub topic: AllowedTopic,
    pub reports: Vec<Result<RecordMetadata>>,
    /// All of them were written by an earlier call.
    pub is_repeat: bool,
}

/// What a run is made of.
struct Draft<'a> {
    action: &'a Action,
    org_id: Option<String>,
    trigger: Value,
    /// One value for each record.
    payloads: Vec<Value>,
}

impl<H: Host, L: Log> Actions<H, L> {
    /// Renders the payload of an action and publishes it. An error of a template, or of
    /// anything before, writes nothing.
    pub async fn run(
        &self,
        identifier: &str,
        outputs: &[u8],
        once: Option<Once<'_>>,
        grant: &Grant,
    ) -> Result<Published, AccessError> {
        grant.permits(Permission::Produce)?;
        let action = self.open(&|stored| stored.identifier == identifier).await?;
        let action = action.ok_or_else(|| unknown(identifier))?;
        let (org_id, topic) = action.topic(self.org_id.as_deref())?;
        let topic = grant.topic(topic)?;
        let now = self.host.now();
        let mut budget = Budget::default();
        let data = read(outputs, &mut budget)?;
        let trigger = trigger(&data)?;
        let payload = action.payload.render(&data, now, &mut budget).map_err(|error| {
            let field = format!("config.payload{}", error.at);
            ErrorKind::Unprocessable { field, sentence: sentence(&error.failure) }
        })?;
        let payloads = match &payload {
            Value::Array(items) if action.is_list => items.iter().cloned().collect(),
            _ => vec![payload],
        };
        let draft = Draft { action: &action, org_id, trigger, payloads };
        let (first, earlier) = match once {
            None => (None, Vec::new()),
            Some(Once { key, caller }) => {
                once::check(key)?;
                let scope = Scope::action(identifier, caller)?;
                let content = Sha256::digest(outputs);
                match self.seen.first(&scope, key, Some(&content), WINDOW).await? {
                    First::Time { mark, written } => (Some(mark), written),
                    First::Repeat(places) => return repeated(&places, topic),
                    First::Pending { .. } => {
                        let sentence = "The same call is being made; try again";
                        return Err(ErrorKind::Busy(sentence.into()).into());
                    }
                    First::Different => {
                        let sentence = "The key came with something else before";
                        return Err(Error::invalid(once::FIELD, sentence).into());
                    }
                }
            }
        };
        Ok(self.publish(draft, topic, first, &earlier, budget).await?)
    }

    async fn publish(
        &self,
        draft: Draft<'_>,
        topic: AllowedTopic,
        mark: Option<Mark<'_, H>>,
        earlier: &[Option<Place>],
        mut budget: Budget,
    ) -> Result<Published> {
        let drawn = match earlier.first() {
            // An earlier call with the same key has its run already.
            Some(run) => run_in(run.as_ref()).ok_or_else(no_report),
            None => self.draw(draft.action).await,
        };
        let records = match &drawn {
            Ok(id) => draft.records(id, &mut budget).map_err(|exceeded| too_costly(&exceeded)),
            Err(error) => Err(error.clone()),
        };
        let (id, records) = match (drawn, records) {
            (Ok(id), Ok(records)) => (id, records),
            (_, Err(error)) | (Err(error), _) => {
                if let Some(mark) = mark {
                    mark.forget().await;
                }
                return Err(error);
            }
        };
        let known = |place: usize| earlier.get(1 + place).cloned().flatten();
        let mut places: Vec<_> = (0..records.len()).map(known).collect();
        let mut reports: Vec<_> = places.iter().map(report).collect();
        let is_missing: Vec<_> = places.iter().map(Option::is_none).collect();
        let missing = records.into_iter().zip(&is_missing).filter(|(_, is_missing)| **is_missing);
        let missing = missing.map(|(record, _)| record).collect();
        let mut written = self.producer.write(&topic, missing).await.into_iter();
        for (place, report) in reports.iter_mut().enumerate() {
            if is_missing[place] {
                *report = written.next().unwrap_or_else(|| Err(no_report()));
                places[place] = report.as_ref().ok().map(|written| Place {
                    topic: String::new(),
                    partition: written.partition,
                    offset: written.offset,
                });
            }
        }
        let is_unknown =
            |report: &Result<_>| report.as_ref().is_err_and(|error| error.is_unknown_outcome());
        let unknown = reports.iter().any(is_unknown);
        if places.iter().any(Option::is_some) {
            self.keep(&id, &topic, &places).await;
        }
        if let Some(mark) = mark.filter(|_| !unknown) {
            let run = Place { topic: id.run(), partition: 0, offset: 0 };
            mark.done([Some(run)].into_iter().chain(places.iter().cloned()).collect()).await;
        }
        if !unknown && places.iter().all(Option::is_none) {
            // Nothing was written, so there is no run.
            return Err(reports.into_iter().find_map(Result::err).unwrap_or_else(no_report));
        }
        Ok(Published::new(&id, topic, reports, false))
    }

    /// The id of a new run. What happens to the store now has produced nothing.
    async fn draw(&self, action: &Action) -> Result<RunId> {
        let identifier = action.identifier.as_str();
        let number = increment(&self.host, &counter(identifier), 1).await?;
        let mut chance = [0; 4];
        self.host.random(&mut chance);
        Ok(RunId::new(identifier, number, self.host.now(), chance))
    }

    /// Notes where the records of a run are. They are there whatever the store does now.
    async fn keep(&self, id: &RunId, topic: &str, places: &[Option<Place>]) {
        let place = |place: &Option<Place>| place.as_ref().map(|p| (p.partition, p.offset));
        let places = places.iter().map(place).collect();
        let run = Run { id: id.run(), number: id.number, topic: topic.to_owned(), places };
        if set(&self.host, &id.key(), &run).await.is_err() {
            self.host.event(Level::Warn, "run-not-kept", &[("topic", topic.into())]);
        }
    }
}

impl Draft<'_> {
    /// The payloads, each in what `docs/action-record.schema.json` describes.
    fn records(&self, id: &RunId, budget: &mut Budget) -> Result<Vec<NewRecord>, Exceeded> {
        let run: Bytes = id.run().into_bytes().into();
        let count = self.payloads.len();
        let mut records = Vec::with_capacity(count);
        for (index, payload) in self.payloads.iter().enumerate() {
            let mut whole = Object::new();
            let mut member = |name: &str, value: Value| whole.insert(name.into(), value);
            member("run_id", id.run().as_str().into());
            member("node_run_id", id.node().as_str().into());
            let mut action = Object::new();
            action.insert("identifier".into(), self.action.identifier.as_str().into());
            if let Some(title) = &self.action.title {
                action.insert("title".into(), title.as_str().into());
            }
            member("action", action.into());
            if let Some(org_id) = &self.org_id {
                member("org_id", org_id.as_str().into());
            }
            member("created", timestamp(id.created).as_str().into());
            member("kept_until", timestamp(id.kept_until()).as_str().into());
            member("index", (index as i64).into());
            member("count", (count as i64).into());
            member("trigger", self.trigger.clone());
            member("payload", payload.clone());
            let value = Value::from(whole).not_too_deep()?.to_vec(budget)?;
            let content_type = Some(Bytes::from_static(b"application/json"));
            records.push(NewRecord {
                // All records of a run are in one partition, in order.
                key: Some(run.clone()),
                value: Some(value.into()),
                headers: vec![Header { name: "content-type".into(), value: content_type }],
                ..NewRecord::default()
            });
        }
        Ok(records)
    }
}

impl Published {
    fn new(
        id: &RunId,
        topic: AllowedTopic,
        reports: Vec<Result<RecordMetadata>>,
        is_repeat: bool,
    ) -> Self {
        Self { run_id: id.run(), node_run_id: id.node(), topic, reports, is_repeat }
    }
}

/// What an earlier call with the same key has published.
fn repeated(places: &[Option<Place>], topic: AllowedTopic) -> Result<Published, AccessError> {
    let id = places.first().and_then(|run| run_in(run.as_ref())).ok_or_else(no_report)?;
    let reports = places.iter().skip(1).map(report).collect();
    Ok(Published::new(&id, topic, reports, true))
}

/// The memory of repeats holds places; the first one of a run has its id in place of a
/// topic.
fn run_in(place: Option<&Place>) -> Option<RunId> {
    RunId::parse(&place?.topic)
}

fn report(place: &Option<Place>) -> Result<RecordMetadata> {
    let place = place.as_ref().ok_or_else(no_report)?;
    Ok(RecordMetadata { partition: place.partition, offset: place.offset, timestamp: None })
}

fn no_report() -> Error {
    ErrorKind::OutcomeUnknown { detail: "there is no report on this record".into() }.into()
}

fn too_costly(exceeded: &Exceeded) -> Error {
    ErrorKind::Unprocessable { field: "config.payload".into(), sentence: sentence(exceeded) }.into()
}

/// What the templates read: `{"outputs":{"trigger":{…}}}`, and the outputs of other nodes.
fn read(outputs: &[u8], budget: &mut Budget) -> Result<Value> {
    let data = parse(outputs, budget).map_err(|error| invalid("body", &sentence(&error)))?;
    let Value::Object(whole) = &data else {
        return Err(invalid("body", "Not an object with outputs"));
    };
    if let Some(name) = whole.keys().find(|name| &***name != "outputs") {
        return Err(Error::no_such_field("", name));
    }
    Ok(data)
}

fn trigger(data: &Value) -> Result<Value> {
    let Some(outputs @ Value::Object(_)) = data.get("outputs") else {
        return Err(invalid("outputs", "An object is needed"));
    };
    match outputs.get("trigger") {
        Some(trigger @ Value::Object(_)) => Ok(trigger.clone()),
        _ => Err(invalid("outputs.trigger", "An object is needed")),
    }
}
