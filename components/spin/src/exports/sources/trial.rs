//! What trying a source shows.

use crate::bindings::exports::kafka_edge::api::sources::{
    Decision, Step, Trial, TrialEvent, TrialRecord,
};
use kafka_edge::record::NewRecord;
use kafka_edge::services::sources as service;
use service::TrialOutcome;

impl From<service::Trial> for Trial {
    fn from(trial: service::Trial) -> Self {
        Self {
            allow: trial.allow.err().map(Into::into),
            verify: trial.verify.err().map(Into::into),
            unreadable: trial.unreadable.map(Into::into),
            events: trial.events.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<service::TrialEvent> for TrialEvent {
    fn from(event: service::TrialEvent) -> Self {
        let records = event.records.into_iter().map(trial_record).collect();
        let decision = match event.outcome {
            Ok(TrialOutcome::Written) => Decision::Written(records),
            Ok(TrialOutcome::DeadLetter) => Decision::DeadLetter(records),
            Ok(TrialOutcome::Filtered) => Decision::Filtered,
            Err(refused) => Decision::Refused(refused.into()),
        };
        Self { id: event.id, steps: event.steps.into_iter().map(Into::into).collect(), decision }
    }
}

fn trial_record((topic, record): (String, NewRecord)) -> TrialRecord {
    TrialRecord { topic, record: record.into() }
}

impl From<service::Step> for Step {
    fn from(step: service::Step) -> Self {
        Self { stage: step.stage.into(), part: step.part.into(), result: step.result }
    }
}
