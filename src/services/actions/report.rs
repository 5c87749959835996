//! What became of a run: consumers report it, and everyone who may consume sees it.

use kafka_edge_bounded_json::{Budget, Limits, Value, equal, parse};
use serde::{Deserialize, Serialize};

use super::Actions;
use super::action::{invalid, sentence};
use super::run::{MAX_RUNS, Run, RunId, counter};
use crate::access::{AccessError, Grant, Permission};
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::state::shared::Shared;
use crate::state::stored::stored;
use crate::state::{self, get};

/// The largest output of a report.
pub const MAX_OUTPUT_BYTES: usize = 16 * 1024;

/// What reading a report, and comparing it with another one, may cost.
const LIMITS: Limits = Limits { steps: 200_000, bytes: 1 << 20, depth: 192 };

/// Where a run is, in Port's words (docs.port.io, "Interact with workflow runs").
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    #[default]
    #[serde(rename = "IN_PROGRESS")]
    InProgress,
    #[serde(rename = "COMPLETED")]
    Completed,
}

/// How a run has ended, in Port's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RunResult {
    #[serde(rename = "SUCCESS")]
    Success,
    #[serde(rename = "FAILED")]
    Failed,
    #[serde(rename = "CANCELLED")]
    Cancelled,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Completed => "COMPLETED",
        }
    }
}

impl RunResult {
    pub fn name(self) -> &'static str {
        match self {
            Self::Success => "SUCCESS",
            Self::Failed => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// A run as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunView {
    pub run_id: String,
    pub node_run_id: String,
    pub action: String,
    pub topic: String,
    pub created: Millis,
    pub kept_until: Millis,
    pub status: Status,
    pub result: Option<RunResult>,
    /// JSON, as it was reported.
    pub output: Option<String>,
    /// When somebody last reported.
    pub updated: Option<Millis>,
    /// Partition and offset of each record. None are known if the publisher could not
    /// note them.
    pub places: Vec<Option<(i32, i64)>>,
}

/// What was reported on a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct Reported {
    /// Of the run; empty if nothing was reported.
    #[serde(rename = "i")]
    id: String,
    #[serde(rename = "n")]
    number: u64,
    #[serde(rename = "s")]
    status: Status,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    result: Option<RunResult>,
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    output: Option<String>,
    #[serde(rename = "u")]
    updated: Millis,
}

stored!(Reported, "a report on a run");

/// What a consumer reports.
struct Update {
    status: Status,
    result: Option<RunResult>,
    output: Option<Value>,
    text: Option<String>,
}

/// A run that was found.
struct Found {
    id: RunId,
    action: String,
    topic: String,
    places: Vec<Option<(i32, i64)>>,
}

impl<H: Host, L: Log> Actions<H, L> {
    /// A run, for callers who may consume its topic; with a report, which names the run's
    /// node and is JSON, as it is after it. The same report again changes nothing, and a
    /// finished run keeps its result.
    pub async fn report(
        &self,
        run_id: &str,
        report: Option<(&str, &[u8])>,
        grant: &Grant,
    ) -> Result<RunView, AccessError> {
        let found = self.find(run_id, grant).await?;
        let update = match report {
            Some((node, _)) if node != found.id.node() => {
                return Err(ErrorKind::UnknownRun(node.to_owned()).into());
            }
            report => report.map(|(_, json)| Update::read(json)).transpose()?,
        };
        let reports = self.reports(&found.id);
        let mut reported = reports.read().await?;
        if let Some(update) = update
            // What changes nothing takes no turn.
            && update.changes(&found.id, &reported)?
        {
            let now = self.host.now();
            let after = reports.change(|reported| update.carry_out(&found.id, reported, now));
            reported = after.await?.into();
        }
        Ok(found.view(&reported)?)
    }

    fn reports(&self, id: &RunId) -> Shared<H, Reported> {
        Shared::new(self.host.clone(), id.report(), self.params)
    }

    async fn find(&self, run_id: &str, grant: &Grant) -> Result<Found, AccessError> {
        grant.permits(Permission::Consume)?;
        let unknown = || Error::from(ErrorKind::UnknownRun(run_id.to_owned()));
        let id = RunId::parse(run_id).ok_or_else(unknown)?;
        let action = self.open(&|stored| id.is_of(&stored.identifier)).await?;
        let action = action.ok_or_else(unknown)?;
        let run: Option<Run> = get(&self.host, &id.key()).await?;
        let run = run.filter(|run| run.number >= id.number);
        if self.host.now() >= id.kept_until() || run.as_ref().is_some_and(|run| run.id != run_id) {
            return Err(unknown().into());
        }
        let identifier = action.identifier.as_str();
        let (topic, places) = match run {
            Some(run) => (run.topic, run.places),
            None => {
                // Its publisher is about to note it, or was unable to. Its records may have
                // been consumed already.
                let last = state::counter(&self.host, &counter(identifier)).await?;
                if !(last.saturating_sub(MAX_RUNS - 1)..=last).contains(&id.number) {
                    return Err(unknown().into());
                }
                (action.topic(self.org_id.as_deref())?.1, Vec::new())
            }
        };
        let topic = grant.topic(topic)?.into_name();
        Ok(Found { action: identifier.to_owned(), id, topic, places })
    }
}

impl Found {
    fn view(self, reported: &Reported) -> Result<RunView> {
        let Self { id, action, topic, places } = self;
        let nothing = Reported::default();
        let reported = match reported.number.cmp(&id.number) {
            _ if reported.id == id.run() => reported,
            std::cmp::Ordering::Greater => return Err(ErrorKind::UnknownRun(id.run()).into()),
            _ => &nothing,
        };
        Ok(RunView {
            run_id: id.run(),
            node_run_id: id.node(),
            action,
            topic,
            created: id.created,
            kept_until: id.kept_until(),
            status: reported.status,
            result: reported.result,
            output: reported.output.clone(),
            updated: Some(reported.updated).filter(|_| !reported.id.is_empty()),
            places,
        })
    }
}

impl Update {
    fn read(json: &[u8]) -> Result<Self> {
        let mut budget = Budget::new(LIMITS);
        let whole = parse(json, &mut budget).map_err(|error| invalid("body", &sentence(&error)))?;
        let Value::Object(object) = &whole else {
            return Err(invalid("body", "A report is a JSON object"));
        };
        if let Some(name) =
            object.keys().find(|name| !["status", "result", "output"].contains(&&***name))
        {
            return Err(Error::no_such_field("", name));
        }
        let status = match object.get("status").and_then(Value::as_str) {
            Some("IN_PROGRESS") => Status::InProgress,
            Some("COMPLETED") => Status::Completed,
            _ => return Err(invalid("status", "Neither IN_PROGRESS nor COMPLETED")),
        };
        let result = match object.get("result") {
            None | Some(Value::Null) => None,
            Some(value) => Some(match value.as_str() {
                Some("SUCCESS") => RunResult::Success,
                Some("FAILED") => RunResult::Failed,
                Some("CANCELLED") => RunResult::Cancelled,
                _ => return Err(invalid("result", "None of SUCCESS, FAILED and CANCELLED")),
            }),
        };
        if (status == Status::Completed) != result.is_some() {
            let sentence = "A run that is COMPLETED has a result, and one IN_PROGRESS has none";
            return Err(invalid("result", sentence));
        }
        let output = object.get("output").cloned();
        let text = output.as_ref().map(|output| output.to_vec(&mut budget)).transpose();
        let text = text.map_err(|exceeded| invalid("output", &sentence(&exceeded)))?;
        if text.as_ref().is_some_and(|text| text.len() > MAX_OUTPUT_BYTES) {
            let sentence = format!("The output has more than {MAX_OUTPUT_BYTES} bytes");
            return Err(invalid("output", &sentence));
        }
        let text = text.map(|text| String::from_utf8(text).unwrap_or_default());
        Ok(Self { status, result, output, text })
    }

    /// Whether it says anything that is not known, if it may be said.
    fn changes(&self, id: &RunId, known: &Reported) -> Result<bool> {
        if known.id != id.run() {
            // A place that a later run has taken is not given back.
            return match known.number > id.number {
                true => Err(ErrorKind::UnknownRun(id.run()).into()),
                false => Ok(true),
            };
        }
        let same = self.status == known.status
            && self.result == known.result
            && self.same_output(known.output.as_deref());
        match known.status {
            _ if same => Ok(false),
            Status::InProgress => Ok(true),
            Status::Completed => {
                Err(ErrorKind::NameTaken("The run is finished, with another result".into()).into())
            }
        }
    }

    /// A report without an output says nothing about it.
    fn same_output(&self, known: Option<&str>) -> bool {
        let Some(output) = &self.output else { return true };
        let mut budget = Budget::new(LIMITS);
        let known = known.map(|known| parse(known.as_bytes(), &mut budget));
        match known {
            Some(Ok(known)) => equal(&known, output, &mut budget) == Ok(true),
            _ => false,
        }
    }

    /// Notes what it says, unless that is known.
    fn carry_out(&self, id: &RunId, known: &mut Reported, updated: Millis) -> Result<Reported> {
        if self.changes(id, known)? {
            let before = known.output.take().filter(|_| known.id == id.run());
            *known = Reported {
                id: id.run(),
                number: id.number,
                status: self.status,
                result: self.result,
                output: self.text.clone().or(before),
                updated,
            };
        }
        Ok(known.clone())
    }
}
