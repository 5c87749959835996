//! What became of a request to a source.

use crate::bindings::exports::kafka_edge::api::sources::{
    Error, Handshake, Outcome, Place, Received, Refusal, Stage,
};
use crate::exports::convert::millis;
use kafka_edge::services::sources as service;
use service::NotTaken;

/// A request that is refused is no error of the call.
pub(super) fn received(received: Result<service::Received, NotTaken>) -> Result<Received, Error> {
    match received {
        Ok(received) => Ok(received.into()),
        Err(NotTaken::Refused(refused)) => Ok(Received::Refused(refused.into())),
        Err(NotTaken::Failed(error)) => Err(error.into()),
    }
}

impl From<service::Received> for Received {
    fn from(received: service::Received) -> Self {
        match received {
            service::Received::Handshake { content_type, body, headers } => {
                let headers = headers.into_iter().map(|(name, value)| (name.into(), value));
                let headers = headers.collect();
                Self::Handshake(Handshake { content_type: content_type.into(), body, headers })
            }
            service::Received::Event(event) => Self::Events(vec![outcome(event)]),
            service::Received::Batch(events) => {
                Self::Events(events.into_iter().map(outcome).collect())
            }
        }
    }
}

fn outcome(event: Result<service::Taken, NotTaken>) -> Outcome {
    let places = |written: Vec<service::Written>| {
        let place = |written: service::Written| {
            let service::Written { destination, topic, partition, offset } = written;
            let destination = destination.map(|name| name.to_string());
            Place { destination, topic, partition, offset }
        };
        written.into_iter().map(place).collect()
    };
    match event {
        Ok(service::Taken::Written(written)) => Outcome::Written(places(written)),
        Ok(service::Taken::Repeat(written)) => Outcome::Repeat(places(written)),
        Ok(service::Taken::Filtered) => Outcome::Filtered,
        Ok(service::Taken::DeadLetter(written)) => Outcome::DeadLetter(places(written)),
        Ok(service::Taken::Promised) => Outcome::Promised,
        Err(NotTaken::Refused(refused)) => Outcome::Refused(refused.into()),
        Err(NotTaken::Failed(error)) => Outcome::Failed(error.into()),
    }
}

impl From<service::Refused> for Refusal {
    fn from(refused: service::Refused) -> Self {
        Self {
            stage: refused.stage.into(),
            reason: refused.reason.into(),
            sentence: refused.sentence,
            detail: refused.detail,
            status: refused.status,
            retry_after: refused.retry_after.map(millis),
        }
    }
}

impl From<service::Stage> for Stage {
    fn from(stage: service::Stage) -> Self {
        match stage {
            service::Stage::Allow => Self::Allow,
            service::Stage::Verify => Self::Verify,
            service::Stage::Dedupe => Self::Dedupe,
            service::Stage::Validate => Self::Validate,
            service::Stage::Shape => Self::Shape,
            service::Stage::Produce => Self::Produce,
        }
    }
}
