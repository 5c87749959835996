//! An event for several destinations, which is written to all of them side by side.

use std::cell::RefCell;
use std::pin::pin;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::decide::{Deciding, Decision, Draft};
use super::inbound::{Refused, Stage, Taken, Written};
use super::prepared::Prepared;
use super::receive::{NotTaken, merged, produce, without};
use super::source::{Ack, Source, Target};
use super::{Sources, shares};
use crate::concurrent::join_bounded;
use crate::error::{Error, ErrorKind, Fault, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::record::RecordMetadata;
use crate::services::destinations::Client;
use crate::services::produce::Producer;
use crate::services::seen::{Mark, Place};

/// How often it is noted which destinations have an event already, while others keep it
/// waiting.
const NOTE_EVERY: Duration = Duration::from_secs(1);

/// A destination; `None` is the gateway's own Kafka.
pub(super) type Opened<H, L> = Option<Rc<Client<H, L>>>;

/// What a source would do with a destination now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetState {
    pub name: String,
    /// `None` for the gateway's own Kafka, and for one that is not there.
    pub id: Option<String>,
    pub topic: Option<String>,
    pub format: Option<&'static str>,
    pub optional: bool,
    /// Why nothing is written there.
    pub fault: Option<Fault>,
}

/// What is to be written to one destination.
struct Share<H: Host, L> {
    to: Opened<H, L>,
    /// The places that are known from an earlier try.
    known: Vec<Option<Place>>,
    missing: Vec<Draft>,
}

struct Writing<H: Host, L> {
    host: H,
    producer: Rc<Producer<H, L>>,
    event_id: String,
    shares: Vec<Share<H, L>>,
}

/// The places of a share, and the first error.
type Outcome = (Vec<Option<Place>>, Option<Error>);

impl<H: Host, L: Log> Sources<H, L> {
    pub(super) async fn take_for_several(
        &self,
        prepared: &Rc<Prepared>,
        mut deciding: Deciding<'_>,
    ) -> Result<Taken, NotTaken> {
        let source = &prepared.source;
        let opened = self.opened(source).await?;
        let id = source.dedupe.as_ref().and_then(|_| deciding.id());
        let first = match (&source.dedupe, &id) {
            (Some(dedupe), Some(id)) => Some(self.first(prepared, dedupe, id).await?),
            _ => None,
        };
        let (mark, written) = match first {
            Some(Ok((mark, written))) => (Some(mark), written),
            Some(Err(places)) => return Ok(Taken::Repeat(named(places, &opened))),
            None => (None, Vec::new()),
        };
        let event_id = header_id(&deciding, id);
        let decision = deciding.decide().and_then(|decision| fitting(decision, &opened));
        let (drafts, dead) = match decision {
            Ok(Decision::Write(drafts)) => (drafts, false),
            Ok(Decision::DeadLetter(draft)) => (vec![draft], true),
            Ok(Decision::Filtered) => {
                if let Some(mark) = mark {
                    mark.done(Vec::new()).await;
                }
                return Ok(Taken::Filtered);
            }
            Err(refused) => {
                if let Some(mark) = mark {
                    mark.forget().await;
                }
                return Err(refused.into());
            }
        };
        // A dead letter's topic is one of the gateway's own Kafka.
        let targets = if dead { vec![None] } else { opened.clone() };
        let shares = targets.into_iter().map(|to| {
            let known = shares::of(&written, to.as_ref().map(|client| client.id())).to_vec();
            let missing = match without(Decision::Write(drafts.clone()), &known) {
                Decision::Write(missing) => missing,
                _ => Vec::new(),
            };
            Share { to, known, missing }
        });
        let (host, producer) = (self.host.clone(), self.producer.clone());
        let writing = Writing { host, producer, event_id, shares: shares.collect() };
        if source.answer.ack == Ack::None {
            let (seen, noted) = (self.seen.clone(), mark.map(Mark::noted));
            self.host.spawn(async move {
                writing.run(noted.map(|noted| seen.resume(noted))).await;
            });
            return Ok(Taken::Promised);
        }
        let (places, error) = writing.run(mark).await;
        if let Some(error) = error {
            self.counting.not_written(source.name.as_str(), &error).await;
            return Err(error.into());
        }
        let written = named(places, &opened);
        Ok(if dead { Taken::DeadLetter(written) } else { Taken::Written(written) })
    }

    /// The destinations to which events are written now, the gateway's own Kafka first.
    async fn opened(&self, source: &Source) -> Result<Vec<Opened<H, L>>, NotTaken> {
        let mut opened = Vec::new();
        for (target, client) in self.clients(source).await? {
            match client {
                Ok(client) => opened.push(client),
                Err(Fault::Off | Fault::Missing) if target.optional => {}
                Err(fault @ (Fault::Off | Fault::Missing)) => {
                    let refused = off(fault.kind(), &fault.to_string());
                    return Err(refused.at(&target.name).into());
                }
                Err(fault) => {
                    return Err(ErrorKind::Destination { name: target.name.clone(), fault }.into());
                }
            }
        }
        if opened.is_empty() {
            let sentence = "Every destination of the source is switched off";
            return Err(off(Fault::Off.kind(), sentence).into());
        }
        Ok(opened)
    }

    /// The clients of all destinations, the gateway's own Kafka first, or why there is none.
    async fn clients<'s>(
        &self,
        source: &'s Source,
    ) -> Result<Vec<(&'s Target, Result<Opened<H, L>, Fault>)>> {
        let (own, others): (Vec<_>, Vec<_>) =
            source.destinations.iter().partition(|target| target.is_gateway());
        let names: Vec<_> = others.iter().map(|target| target.name.as_str()).collect();
        let clients = match names.is_empty() {
            true => Vec::new(),
            false => self.destinations.open(&names).await?,
        };
        let others = others.into_iter().zip(clients).map(|(target, client)| {
            let client = match client {
                Ok(client) if !client.is_enabled() => Err(Fault::Off),
                other => other.map(Some),
            };
            (target, client)
        });
        Ok(own.into_iter().map(|target| (target, Ok(None))).chain(others).collect())
    }

    /// What would be done with each destination of a source, and those that are written to.
    pub(super) async fn target_states(
        &self,
        source: &Source,
    ) -> Result<(Vec<TargetState>, Vec<Opened<H, L>>)> {
        let (mut states, mut opened) = (Vec::new(), Vec::new());
        for (target, client) in self.clients(source).await? {
            let (client, fault) = match client {
                Ok(client) => (client, None),
                Err(fault) => (None, Some(fault)),
            };
            let of = client.as_ref();
            states.push(TargetState {
                name: of.map_or_else(|| target.name.clone(), |client| client.name().to_string()),
                id: of.map(|client| client.id().to_owned()),
                topic: of.map(|client| client.topic().to_owned()),
                format: of.map(|client| client.format().name()),
                optional: target.optional,
                fault,
            });
            if fault.is_none() {
                opened.push(client);
            }
        }
        Ok((states, opened))
    }
}

impl<H: Host, L: Log> Writing<H, L> {
    /// Writes all shares, and keeps in mind what became of them.
    async fn run(&self, mark: Option<Mark<'_, H>>) -> Outcome {
        let done: RefCell<Vec<Option<Outcome>>> =
            RefCell::new(self.shares.iter().map(|_| None).collect());
        let all = join_bounded(self.shares.iter().enumerate().map(async |(place, share)| {
            let outcome = self.write(share).await;
            done.borrow_mut()[place] = Some(outcome);
        }));
        let Some(mut mark) = mark else {
            all.await;
            return self.outcome(&done.take());
        };
        let mut all = pin!(all);
        let mut noted = 0;
        while let Either::Right(_) = select(&mut all, pin!(self.host.sleep(NOTE_EVERY))).await {
            let count = done.borrow().iter().flatten().count();
            if count > noted {
                noted = count;
                let (places, _) = self.outcome(&done.borrow());
                // A write that has begun is awaited, so that no later one overtakes it.
                let note = pin!(mark.so_far(places));
                if let Either::Left((_, note)) = select(&mut all, note).await {
                    note.await;
                    break;
                }
            }
        }
        let (places, error) = self.outcome(&done.take());
        match &error {
            // Until its mark is too old a repeat waits, because a record may be there.
            Some(error) if error.is_unknown_outcome() && !shares::has_any(&places) => drop(mark),
            Some(_) if !shares::has_any(&places) => mark.forget().await,
            _ => mark.done(places.clone()).await,
        }
        (places, error)
    }

    async fn write(&self, share: &Share<H, L>) -> Outcome {
        let drafts = share.missing.clone();
        let (places, error) = match &share.to {
            _ if drafts.is_empty() => return (share.known.clone(), None),
            None => produce(&self.producer, drafts).await,
            Some(client) => {
                let records = drafts.into_iter().map(|draft| draft.record);
                let records = records.map(|record| client.record(record, &self.event_id));
                let reports = client.write(records.collect()).await;
                let error = reports.iter().find_map(|report| report.as_ref().err().cloned());
                let topic = format!("{}/{}", client.id(), client.topic());
                let place = |RecordMetadata { partition, offset, .. }| Place {
                    topic: topic.clone(),
                    partition,
                    offset,
                };
                (reports.into_iter().map(|report| report.ok().map(place)).collect(), error)
            }
        };
        (merged(share.known.clone(), places), error)
    }

    /// The places of all shares, and the first error. Of a share that is under way, those are
    /// known that were known before.
    fn outcome(&self, done: &[Option<Outcome>]) -> Outcome {
        let mut error = None;
        let places = self.shares.iter().zip(done).map(|(share, done)| {
            let places = match done {
                Some((places, failed)) => {
                    error = error.take().or_else(|| failed.clone());
                    places.clone()
                }
                None if share.known.is_empty() => share.missing.iter().map(|_| None).collect(),
                None => share.known.clone(),
            };
            (share.to.as_ref().map(|client| client.id()), places)
        });
        let places = shares::joined(places);
        (places, error)
    }
}

fn off(reason: &'static str, sentence: &str) -> Refused {
    Refused::new(Stage::Produce, 503, reason, sentence)
}

/// The decision, unless a destination cannot take what is to be written.
pub(super) fn fitting<H: Host, L: Log>(
    decision: Decision,
    opened: &[Opened<H, L>],
) -> Result<Decision, Refused> {
    let Decision::Write(drafts) = &decision else { return Ok(decision) };
    for client in opened.iter().flatten() {
        let fits =
            |draft: &Draft| draft.record.value.as_ref().is_none_or(|value| client.takes(value));
        if !drafts.iter().all(fits) {
            let sentence = "The event is not JSON, which is all that a destination takes";
            let refused = Refused::new(Stage::Shape, 422, "not-json", sentence);
            return Err(refused.at(&**client.name()));
        }
    }
    Ok(decision)
}

/// By which id the event is known in the headers of its records.
fn header_id(deciding: &Deciding<'_>, id: Option<String>) -> String {
    let own = deciding.event.context.as_ref().and_then(|context| context.attribute("id"));
    own.map(str::to_owned).or(id).unwrap_or_else(|| deciding.made_id())
}

/// Where records are, with the names of their destinations.
fn named<H: Host, L: Log>(places: Vec<Option<Place>>, opened: &[Opened<H, L>]) -> Vec<Written> {
    let name = |id: &str| {
        let client = opened.iter().flatten().find(|client| client.id() == id)?;
        Some(client.name().clone())
    };
    places.into_iter().flatten().filter_map(|place| shares::written(place, name)).collect()
}

impl TargetState {
    /// What happens to an event.
    pub fn outcome(&self) -> &'static str {
        match self.fault {
            None => "written",
            Some(Fault::Off | Fault::Missing) if self.optional => "left-out",
            Some(_) => "refused",
        }
    }
}
