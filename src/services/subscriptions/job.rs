//! The unit of delivery: one partition of a topic, for one subscription.

use std::rc::Rc;

use super::RoundReport;
use super::breaker::Hold;
use super::delivery_state::Idle;
use crate::error::{Error, ErrorKind};
use crate::host::{Host, Millis};
use crate::services::beyond_end::BeyondEnd;
use crate::telemetry::{Field, Level, Report};

#[derive(Debug, Clone)]
pub(super) struct Job {
    /// The id of the subscription, whose document is read when there is something to do.
    pub(super) id: Rc<str>,
    pub(super) topic: Rc<str>,
    pub(super) partition: i32,
    /// The end of the partition, if the log knows it. A partition that is
    /// delivered up to its end needs no work.
    pub(super) end: Option<i64>,
    pub(super) kind: Kind,
    /// What other instances have said of the subscription.
    pub(super) hold: Option<Hold>,
    /// The subscription is read even if its lane shows that there is nothing to do: it may
    /// have something else.
    pub(super) is_thorough: bool,
}

/// Which of a subscription's positions a job moves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Live,
    /// Records that are sent once more.
    Run(Part),
}

/// A partition of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The id of the run.
    pub(super) run: Rc<str>,
    /// From this offset on, to before that one.
    pub(super) from: i64,
    pub(super) to: i64,
    /// The topic holds dead letters, and those of the subscription are sent again.
    pub(super) is_redrive: bool,
}

impl Job {
    pub(super) fn live(id: Rc<str>, topic: Rc<str>, partition: i32, end: Option<i64>) -> Self {
        Self { id, topic, partition, end, kind: Kind::Live, hold: None, is_thorough: false }
    }

    /// Where the job ends, if that is known.
    pub(super) fn to(&self) -> Option<i64> {
        match &self.kind {
            Kind::Live => self.end,
            Kind::Run(part) => Some(self.end.map_or(part.to, |end| end.min(part.to))),
        }
    }

    /// Its part of a run, if it is one.
    pub(super) fn part(&self) -> Option<&Part> {
        match &self.kind {
            Kind::Live => None,
            Kind::Run(part) => Some(part),
        }
    }

    /// Reports what happened to it.
    pub(super) fn tell(
        &self,
        host: &impl Host,
        level: Level,
        name: &'static str,
        more: &[Field<'_>],
    ) {
        let fields = [
            ("webhook", (&*self.id).into()),
            ("topic", (&*self.topic).into()),
            ("partition", self.partition.into()),
        ];
        host.event(level, name, &[&fields, more].concat());
    }
}

/// What a job did.
#[derive(Debug, Default)]
pub(super) struct JobReport {
    pub(super) delivered: u64,
    pub(super) failed: u64,
    pub(super) outcome: JobEnd,
    /// The subscription is held back, or is not any more: others are to know it.
    pub(super) hold: Option<Option<Hold>>,
    /// Whether the subscription has runs, if it was read.
    pub(super) has_runs: Option<bool>,
}

impl JobReport {
    pub(super) fn ended(outcome: JobEnd) -> Self {
        Self { outcome, ..Self::default() }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum JobEnd {
    #[default]
    CaughtUp,
    /// Nothing below this offset is to be done before this time.
    Waiting { until: Millis, to: i64 },
    /// Another instance is delivering this partition, or just did.
    Busy,
    /// The time, or the requests that may be sent, ran out before the last record.
    OutOfTime,
    /// The subscription was removed, has left the topic, or is not delivered to for now.
    Removed,
    /// Nothing can be delivered until the subscription is moved.
    BeyondEnd(BeyondEnd),
    /// Kafka or the store failed.
    Error(Error),
}

impl From<Error> for JobEnd {
    fn from(error: Error) -> Self {
        match *error {
            ErrorKind::UnknownSubscription(_) => Self::Removed,
            _ => Self::Error(error),
        }
    }
}

impl From<ErrorKind> for JobEnd {
    fn from(kind: ErrorKind) -> Self {
        Error::from(kind).into()
    }
}

impl From<Idle> for JobEnd {
    fn from(idle: Idle) -> Self {
        match idle {
            Idle::CaughtUp => Self::CaughtUp,
            Idle::NotDue { until, to } => Self::Waiting { until, to },
        }
    }
}

impl RoundReport {
    pub(super) fn new(id: &str, topic: &str) -> Self {
        Self {
            webhook_id: id.to_owned(),
            topic: topic.to_owned(),
            delivered: 0,
            failed: 0,
            busy: false,
            next_attempt: None,
            error: None,
        }
    }

    /// Adds the report on another partition.
    pub(super) fn add(&mut self, report: JobReport) {
        self.delivered += report.delivered;
        self.failed += report.failed;
        match report.outcome {
            JobEnd::CaughtUp | JobEnd::OutOfTime | JobEnd::Removed => {}
            JobEnd::Busy => self.busy = true,
            JobEnd::Waiting { until, .. } => {
                self.next_attempt = Some(self.next_attempt.map_or(until, |known| known.min(until)));
            }
            JobEnd::BeyondEnd(beyond) => {
                self.error.get_or_insert_with(|| format!("{beyond}; a seek moves the webhook"));
            }
            JobEnd::Error(error) => {
                self.error.get_or_insert_with(|| error.to_string());
            }
        }
    }
}
