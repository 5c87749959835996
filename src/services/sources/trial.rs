//! What a source would do with a request, shown without writing anything.

use std::rc::Rc;

use kafka_edge_bounded_json::{Budget, Limits};

use super::decide::{Deciding, Decision, Step};
use super::inbound::{Inbound, Refused};
use super::prepared::Prepared;
use super::receive::{NotTaken, events};
#[cfg(feature = "destinations")]
use super::several::fitting;
use super::{Sources, admission};
use crate::error::Result;
use crate::host::Host;
use crate::kafka::Log;
use crate::record::NewRecord;

/// What trying a source shows. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// Why it would be refused before its body is looked at. What comes after that is
    /// tried all the same.
    pub allow: Result<(), Refused>,
    pub verify: Result<(), Refused>,
    /// Why no event could be read from the body.
    pub unreadable: Option<Refused>,
    /// What would be done with each destination, if the source names any.
    #[cfg(feature = "destinations")]
    pub destinations: Vec<super::TargetState>,
    pub events: Vec<TrialEvent>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialEvent {
    /// By which repeats would be known.
    pub id: Option<String>,
    pub steps: Vec<Step>,
    pub outcome: Result<TrialOutcome, Refused>,
    /// The records that would be written.
    pub records: Vec<(String, NewRecord)>,
}

/// What would become of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialOutcome {
    Written,
    DeadLetter,
    Filtered,
}

impl<H: Host, L: Log> Sources<H, L> {
    /// Says what each stage would decide about a request, and writes nothing.
    pub async fn trial(&self, prepared: &Rc<Prepared>, request: &Inbound<'_>) -> Result<Trial> {
        let url = self.url(prepared, request);
        let allow = admission::check_kind(&prepared.source, request)
            .and_then(|()| admission::check_size(&prepared.source, request));
        let verify = match self.verify(prepared, request, url.as_deref(), self.host.now()).await {
            Ok(()) => Ok(()),
            Err(NotTaken::Refused(why)) => Err(why),
            Err(NotTaken::Failed(error)) => return Err(error),
        };
        #[cfg(feature = "destinations")]
        let (destinations, opened) = self.target_states(&prepared.source).await?;
        let mut trial = Trial {
            allow,
            verify,
            unreadable: None,
            #[cfg(feature = "destinations")]
            destinations,
            events: Vec::new(),
        };
        let mut budget = Budget::new(Limits::default());
        let events = match events(prepared, request, &mut budget) {
            Ok((events, _)) => events,
            Err(why) => return Ok(Trial { unreadable: Some(why), ..trial }),
        };
        let schema = match self.schema(prepared).await {
            Ok(schema) => schema,
            Err(NotTaken::Refused(why)) => return Ok(Trial { unreadable: Some(why), ..trial }),
            Err(NotTaken::Failed(error)) => return Err(error),
        };
        let schema = schema.as_ref().map(|(schema, id)| (schema, *id));
        for event in &events {
            let mut budget = Budget::new(Limits::default());
            let mut deciding = Deciding::new(prepared, event, self.host.now(), schema, &mut budget);
            let id = prepared.source.dedupe.as_ref().and_then(|_| deciding.id());
            let decision = deciding.decide();
            #[cfg(feature = "destinations")]
            let decision = decision.and_then(|decision| fitting(decision, &opened));
            let steps = deciding.steps;
            let (outcome, drafts) = match decision {
                Ok(Decision::Write(drafts)) => (Ok(TrialOutcome::Written), drafts),
                Ok(Decision::DeadLetter(draft)) => (Ok(TrialOutcome::DeadLetter), vec![draft]),
                Ok(Decision::Filtered) => (Ok(TrialOutcome::Filtered), Vec::new()),
                Err(why) => (Err(why), Vec::new()),
            };
            let records = drafts.into_iter().map(|draft| (draft.topic, draft.record)).collect();
            trial.events.push(TrialEvent { id, steps, outcome, records });
        }
        Ok(trial)
    }
}
