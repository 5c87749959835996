//! What trying a source shows.

use crate::bindings::exports::kafka_edge::api::sources::{
    Decision, Step, Trial, TrialEvent, TrialRecord,
};
#[cfg(feature = "destinations")]
use crate::bindings::exports::kafka_edge::api::sources::{
    TrialDestination, TrialOutcome as TrialDestinationOutcome,
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
            #[cfg(feature = "destinations")]
            destinations: trial.destinations.into_iter().map(Into::into).collect(),
            #[cfg(not(feature = "destinations"))]
            destinations: Vec::new(),
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

#[cfg(feature = "destinations")]
impl From<service::TargetState> for TrialDestination {
    fn from(state: service::TargetState) -> Self {
        let outcome = match state.outcome() {
            "written" => TrialDestinationOutcome::Written,
            "left-out" => TrialDestinationOutcome::LeftOut,
            _ => TrialDestinationOutcome::Refused,
        };
        let service::TargetState { name, id, topic, format, fault, .. } = state;
        Self {
            name,
            id,
            topic,
            format: format.map(Into::into),
            outcome,
            obstacle: fault.map(|fault| fault.to_string()),
        }
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
