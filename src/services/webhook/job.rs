//! The unit of delivery: one partition of a topic, for one callback.

use std::rc::Rc;

use super::Delivery;
use super::standing::Idle;
use super::subscription::Subscription;
use crate::error::Error;
use crate::host::Millis;

#[derive(Debug, Clone)]
pub(super) struct Job {
    pub(super) subscription: Rc<Subscription>,
    pub(super) partition: i32,
    /// Where the partition ends, where the log tells: what is delivered up to
    /// there needs no work.
    pub(super) end: Option<i64>,
}

/// What a job did.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) delivered: u64,
    pub(super) failed: u64,
    pub(super) outcome: Outcome,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) enum Outcome {
    #[default]
    CaughtUp,
    /// The next record is to be tried again, not before this time.
    Failing(Millis),
    /// Somebody else delivers this partition, or just did.
    Busy,
    /// The time was over with records left.
    OutOfTime,
    /// The subscription was removed.
    Removed,
    /// Kafka or the store failed.
    Error(Error),
}

impl From<Error> for Outcome {
    fn from(error: Error) -> Self {
        match error {
            Error::UnknownWebhook(_) => Self::Removed,
            error => Self::Error(error),
        }
    }
}

impl From<Idle> for Outcome {
    fn from(idle: Idle) -> Self {
        match idle {
            Idle::CaughtUp => Self::CaughtUp,
            Idle::NotDue(due) => Self::Failing(due),
        }
    }
}

impl Delivery {
    pub(super) fn new(subscription: &Subscription) -> Self {
        Self {
            webhook_id: subscription.id.clone(),
            topic: subscription.topic.clone(),
            delivered: 0,
            failed: 0,
            busy: false,
            next_attempt: None,
            error: None,
        }
    }

    /// Adds what was done in one more partition.
    pub(super) fn add(&mut self, report: Report) {
        self.delivered += report.delivered;
        self.failed += report.failed;
        match report.outcome {
            Outcome::CaughtUp | Outcome::OutOfTime | Outcome::Removed => {}
            Outcome::Busy => self.busy = true,
            Outcome::Failing(due) => {
                self.next_attempt = Some(self.next_attempt.map_or(due, |known| known.min(due)));
            }
            Outcome::Error(error) => {
                self.error.get_or_insert_with(|| error.to_string());
            }
        }
    }
}
