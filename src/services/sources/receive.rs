//! An event's way through a source, with everything that has to be asked for.

use std::rc::Rc;
use std::time::Duration;

use kafka_edge_bounded_json::{Budget, Limits};
use kafka_edge_signatures::{Failure, consent};

use super::admission;
use super::cloud_events::{self, Incoming};
use super::decide::{Deciding, Decision, Draft, Event};
use super::inbound::{Inbound, Received, Refused, Stage, Taken, Written};
#[cfg(feature = "jwt")]
use super::keys;
use super::prepared::{Prepared, SchemaOf};
use super::programs::Schema;
use super::source::{Ack, Dedupe, Source};
use super::{Sources, registry, shares};
use crate::access::AllowedTopic;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::record::{NewRecord, RecordMetadata};
use crate::services::produce::Producer;
use crate::services::seen::{First, Mark, Place};
use crate::sorted::SortedMap;

/// Why an event was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotTaken {
    /// The event is not what the source takes.
    Refused(Refused),
    /// Kafka, the store or the configuration failed.
    Failed(Error),
}

impl From<Refused> for NotTaken {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Error> for NotTaken {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<ErrorKind> for NotTaken {
    fn from(kind: ErrorKind) -> Self {
        Error::from(kind).into()
    }
}

impl<H: Host, L: Log> Sources<H, L> {
    /// Checks everything but the body, so that a body that nobody wants is not read.
    pub async fn check_head(
        &self,
        prepared: &Prepared,
        request: &Inbound<'_>,
    ) -> Result<(), Refused> {
        let checked = self.check_head_only(prepared, request);
        if let Err(refused) = &checked {
            self.counting.refused(prepared.source.name.as_str(), request, refused).await;
        }
        checked
    }

    /// Counts a request whose body was larger than it may be.
    pub async fn count_too_large(&self, prepared: &Prepared, request: &Inbound<'_>) {
        let refused = Refused::new(Stage::Allow, 413, "size", "The event is too large");
        self.counting.refused(prepared.source.name.as_str(), request, &refused).await;
    }

    fn check_head_only(&self, prepared: &Prepared, request: &Inbound<'_>) -> Result<(), Refused> {
        let source = &prepared.source;
        let refused =
            |status, reason, sentence| Refused::new(Stage::Allow, status, reason, sentence);
        enabled(source)?;
        // Asking comes before sending, by whichever method the sender asks. If it is no
        // question after all, the rest is checked with the body.
        let asks = prepared
            .handshake
            .is_some_and(|handshake| request.signed(None, |request| handshake.may_ask(request)));
        admission::check_address(source, &prepared.networks, request)?;
        if !asks {
            admission::check_kind(source, request)?;
        }
        if let Some(rate) = source.allow.rate {
            prepared.rate.take(rate, self.host.monotonic()).map_err(|wait| {
                let sentence = "There are too many events in this second";
                refused(429, "rate", sentence).again_after(wait)
            })?;
        }
        Ok(())
    }

    /// The answer to `OPTIONS` of a sender of CloudEvents that asks whether it may send,
    /// if it names itself.
    pub fn consent(
        &self,
        prepared: &Prepared,
        request: &Inbound<'_>,
    ) -> Result<Option<Received>, Refused> {
        let source = &prepared.source;
        enabled(source)?;
        let per_minute = source.allow.rate.map(|rate| u64::from(rate) * 60);
        let headers = request.signed(None, |request| consent(request, per_minute));
        let (content_type, body) = ("text/plain", String::new());
        Ok(headers.map(|headers| {
            let headers = headers.into();
            Received::Handshake { content_type, body, headers }
        }))
    }

    /// Takes a request whose head was checked.
    pub async fn receive(
        &self,
        prepared: &Rc<Prepared>,
        request: &Inbound<'_>,
    ) -> Result<Received, NotTaken> {
        // Each look at the clock is a call of the host.
        let now = self.host.now();
        let name = prepared.source.name.as_str();
        let received = self.receive_only(prepared, request, now).await;
        match &received {
            Ok(Received::Event(event)) => self.count(name, request, event.as_ref(), now).await,
            Ok(Received::Batch(events)) => {
                for event in events {
                    self.count(name, request, event.as_ref(), now).await;
                }
            }
            Err(not_taken) => self.count(name, request, Err(not_taken), now).await,
            Ok(Received::Handshake { .. }) => {}
        }
        received
    }

    async fn count(
        &self,
        name: &str,
        request: &Inbound<'_>,
        event: Result<&Taken, &NotTaken>,
        now: Millis,
    ) {
        match event {
            Ok(taken) => self.counting.taken(name, taken, now).await,
            Err(NotTaken::Refused(refused)) => {
                self.counting.refused(name, request, refused).await;
            }
            Err(NotTaken::Failed(_)) => {}
        }
    }

    async fn receive_only(
        &self,
        prepared: &Rc<Prepared>,
        request: &Inbound<'_>,
        now: Millis,
    ) -> Result<Received, NotTaken> {
        admission::check_size(&prepared.source, request)?;
        let url = self.url(prepared, request);
        if let Some(answer) = self.handshake(prepared, request, url.as_deref(), false) {
            return Ok(answer);
        }
        admission::check_kind(&prepared.source, request)?;
        self.verify(prepared, request, url.as_deref(), now).await?;
        if let Some(answer) = self.handshake(prepared, request, url.as_deref(), true) {
            return Ok(answer);
        }
        let mut budget = Budget::new(Limits::default());
        let (events, is_batch) = events(prepared, request, &mut budget)?;
        let mut taken = Vec::new();
        for event in events {
            taken.push(self.take(prepared, event, &mut budget, now).await);
            // Each event of a batch has a budget of its own.
            budget = Budget::new(Limits::default());
        }
        match taken.pop() {
            Some(one) if !is_batch => Ok(Received::Event(Ok(one?))),
            last => {
                taken.extend(last);
                Ok(Received::Batch(taken))
            }
        }
    }

    fn handshake(
        &self,
        prepared: &Prepared,
        request: &Inbound<'_>,
        url: Option<&str>,
        verified: bool,
    ) -> Option<Received> {
        let handshake = prepared.handshake?;
        if handshake.is_unsigned() == verified {
            return None;
        }
        let secrets: Vec<_> = prepared.secrets.iter().map(String::as_str).collect();
        let answer = request.signed(url, |request| handshake.answer(request, &secrets))?;
        let (content_type, body) = (answer.content_type, answer.body);
        Some(Received::Handshake { content_type, body, headers: Vec::new() })
    }

    /// The address to which the sender sent the request.
    pub(super) fn url(&self, prepared: &Prepared, request: &Inbound<'_>) -> Option<String> {
        let source = &prepared.source;
        let query = request.query();
        if let Some(url) = &source.url {
            return Some(format!("{url}{query}"));
        }
        if let Some(public) = &self.public_url {
            return Some(format!("{public}/in/{}{query}", source.name));
        }
        let base = admission::forwarded_base(source, request)?;
        Some(format!("{base}{}", request.target))
    }

    pub(super) async fn verify(
        &self,
        prepared: &Prepared,
        request: &Inbound<'_>,
        url: Option<&str>,
        now: Millis,
    ) -> Result<(), NotTaken> {
        let check = || request.signed(url, |request| prepared.verifier.check(request, now));
        #[cfg(feature = "jwt")]
        let checked = if prepared.verifier.jwks_url().is_none() {
            check()
        } else {
            let known = keys::known(prepared);
            let mut checked = request.signed(url, |request| known.check(request, now));
            // A token that may be good is worth a look at its sender's keys.
            if checked == Err(Failure::UnknownKey) || keys::are_old(self, prepared) {
                // On the heap: every event would carry the room for it otherwise.
                let verifier = Box::pin(keys::fetched(self, prepared)).await?;
                checked = request.signed(url, |request| verifier.check(request, now));
            }
            checked
        };
        #[cfg(not(feature = "jwt"))]
        let checked = check();
        checked.map_err(|failure: Failure| {
            Refused::new(Stage::Verify, 401, failure.kind(), &failure.to_string()).into()
        })
    }

    async fn take(
        &self,
        prepared: &Rc<Prepared>,
        event: Event<'_>,
        budget: &mut Budget,
        now: Millis,
    ) -> Result<Taken, NotTaken> {
        let source = &prepared.source;
        let schema = self.schema(prepared).await?;
        let schema = schema.as_ref().map(|(schema, id)| (schema, *id));
        let mut deciding = Deciding::new(prepared, &event, now, schema, budget);
        #[cfg(feature = "destinations")]
        if !source.destinations.is_empty() {
            return Box::pin(self.take_for_several(prepared, deciding)).await;
        }
        let id = source.dedupe.as_ref().and_then(|_| deciding.id());
        let (Some(dedupe), Some(id)) = (&source.dedupe, id) else {
            let decision = deciding.decide()?;
            return self.write(prepared, decision).await.1;
        };
        let (mark, written) = match self.first(prepared, dedupe, &id).await? {
            Ok(first) => first,
            Err(places) => return Ok(Taken::Repeat(self.places(prepared, places))),
        };
        // It may have been written to several destinations, before the source was changed.
        let written = shares::of_gateway(&written).to_vec();
        if !written.is_empty() && written.iter().all(Option::is_some) {
            mark.done(written.clone()).await;
            return Ok(Taken::Repeat(self.places(prepared, written)));
        }
        let decision = match deciding.decide() {
            Ok(decision) => decision,
            Err(refused) => {
                mark.forget().await;
                return Err(refused.into());
            }
        };
        let decision = without(decision, &written);
        if source.answer.ack == Ack::None && decision != Decision::Filtered {
            let (producer, seen, noted) = (self.producer.clone(), self.seen.clone(), mark.noted());
            let (drafts, _) = drafts(decision);
            self.host.spawn(async move {
                let (places, error) = produce(&producer, drafts).await;
                settle(seen.resume(noted), merged(written, places), error.as_ref()).await;
            });
            return Ok(Taken::Promised);
        }
        let (places, taken) = self.write(prepared, decision).await;
        let error = match &taken {
            Err(NotTaken::Failed(error)) => Some(error),
            _ => None,
        };
        settle(mark, merged(written, places), error).await;
        taken
    }

    /// Marks an event as pending, beside what was written of it; or says where its records
    /// are.
    pub(super) async fn first(
        &self,
        prepared: &Prepared,
        dedupe: &Dedupe,
        id: &str,
    ) -> Result<Result<(Mark<'_, H>, Vec<Option<Place>>), Vec<Option<Place>>>, NotTaken> {
        let window = Duration::from_secs(dedupe.window);
        match self.seen.first(&prepared.scope, id, None, window).await? {
            First::Time { mark, written } => Ok(Ok((mark, written))),
            First::Repeat(places) => Ok(Err(places)),
            First::Pending { retry_after } => {
                let sentence = "The same event is being written; try again";
                let refused = Refused::new(Stage::Dedupe, 503, "pending", sentence);
                Err(refused.again_after(retry_after).into())
            }
            // Events are compared by their id alone.
            First::Different => {
                Err(Refused::new(Stage::Dedupe, 409, "different", "Another event").into())
            }
        }
    }

    /// Writes what was decided. The places are those of the records in order.
    async fn write(
        &self,
        prepared: &Prepared,
        decision: Decision,
    ) -> (Vec<Option<Place>>, Result<Taken, NotTaken>) {
        if decision == Decision::Filtered {
            return (Vec::new(), Ok(Taken::Filtered));
        }
        let (drafts, dead) = drafts(decision);
        if prepared.source.answer.ack == Ack::None {
            let producer = self.producer.clone();
            self.host.spawn(async move {
                produce(&producer, drafts).await;
            });
            return (Vec::new(), Ok(Taken::Promised));
        }
        let (places, error) = produce(&self.producer, drafts).await;
        let taken = match error {
            Some(error) => {
                self.counting.not_written(prepared.source.name.as_str(), &error).await;
                Err(error.into())
            }
            None => {
                let written = self.places(prepared, places.clone());
                Ok(if dead { Taken::DeadLetter(written) } else { Taken::Written(written) })
            }
        };
        (places, taken)
    }

    fn places(&self, prepared: &Prepared, places: Vec<Option<Place>>) -> Vec<Written> {
        let own = prepared.source.topic.clone().unwrap_or_default();
        let written = places.into_iter().flatten().filter_map(|place| {
            let written = shares::written(place, |_| None)?;
            let is_own = written.topic.is_empty();
            Some(Written { topic: if is_own { own.clone() } else { written.topic }, ..written })
        });
        written.collect()
    }

    pub(super) async fn schema(
        &self,
        prepared: &Prepared,
    ) -> Result<Option<(Schema, Option<i32>)>, NotTaken> {
        let frame = prepared.source.validate.as_ref().is_some_and(|validate| validate.frame);
        match &prepared.schema {
            None => Ok(None),
            Some(SchemaOf::Given(schema)) => Ok(Some((schema.clone(), None))),
            Some(SchemaOf::Registry { subject, known }) => {
                let (id, schema) = registry::schema(self, subject, known).await?;
                Ok(Some((schema, frame.then_some(id))))
            }
        }
    }
}

fn enabled(source: &Source) -> Result<(), Refused> {
    if source.enabled {
        return Ok(());
    }
    let (status, sentence) = (source.disabled_status, "The source is switched off");
    Err(Refused::new(Stage::Allow, status, "disabled", sentence))
}

/// The events that a request brings, and whether they came as a batch.
pub(super) fn events<'r>(
    prepared: &Prepared,
    request: &'r Inbound<'r>,
    budget: &mut Budget,
) -> Result<(Vec<Event<'r>>, bool), Refused> {
    let event = |body, context| Event { request, body, context };
    let plain = || (vec![event(request.body.clone(), None)], false);
    if prepared.source.cloud_events.is_none() {
        return Ok(plain());
    }
    let incoming = cloud_events::read(request, budget)
        .map_err(|malformed| Refused::new(Stage::Shape, 400, "cloud-event", malformed.0))?;
    let event_of = |context: cloud_events::CloudEvent| {
        let body = context.data.clone().unwrap_or_default();
        event(body, Some(context))
    };
    Ok(match incoming {
        Incoming::None => plain(),
        Incoming::One(context) => (vec![event_of(context)], false),
        Incoming::Batch(contexts) => (contexts.into_iter().map(event_of).collect(), true),
    })
}

/// The records to write, and whether they are dead letters.
fn drafts(decision: Decision) -> (Vec<Draft>, bool) {
    match decision {
        Decision::Filtered => (Vec::new(), false),
        Decision::Write(drafts) => (drafts, false),
        Decision::DeadLetter(draft) => (vec![draft], true),
    }
}

/// Keeps in mind what became of the records of an event.
async fn settle<H: Host>(mark: Mark<'_, H>, places: Vec<Option<Place>>, error: Option<&Error>) {
    match error.map(|error| &**error) {
        // Until its mark is too old a repeat waits, because the record may be there.
        Some(ErrorKind::OutcomeUnknown { .. }) if places.iter().all(Option::is_none) => drop(mark),
        Some(_) if places.iter().all(Option::is_none) => mark.forget().await,
        _ => mark.done(places).await,
    }
}

/// Writes records to their topics. The places are in the order of the drafts, and the
/// error is the first one in this order.
pub(super) async fn produce<H: Host, L: Log>(
    producer: &Producer<H, L>,
    drafts: Vec<Draft>,
) -> (Vec<Option<Place>>, Option<Error>) {
    let mut places: Vec<Option<Place>> = vec![None; drafts.len()];
    let mut by_topic: SortedMap<String, (Vec<usize>, Vec<NewRecord>)> = SortedMap::new();
    for (index, Draft { topic, record }) in drafts.into_iter().enumerate() {
        let (indexes, records) = by_topic.get_or_default(topic);
        indexes.push(index);
        records.push(record);
    }
    let mut first_error = None::<(usize, Error)>;
    for (topic, (indexes, records)) in by_topic {
        // The topics were checked when the source was registered.
        let topic = AllowedTopic::trusted(topic);
        let written = producer.write(&topic, records).await;
        for (index, report) in indexes.into_iter().zip(written) {
            match report {
                Ok(RecordMetadata { partition, offset, .. }) => {
                    places[index] = Some(Place { topic: topic.to_string(), partition, offset });
                }
                Err(error) => match &first_error {
                    Some((first, _)) if *first < index => {}
                    _ => first_error = Some((index, error)),
                },
            }
        }
    }
    let error = first_error.map(|(_, error)| error).or_else(|| {
        let detail = "there is no report on this record".into();
        places.contains(&None).then(|| ErrorKind::OutcomeUnknown { detail }.into())
    });
    (places, error)
}

/// What is left to write after an earlier try wrote some of it. An event that becomes
/// other records now is written as a whole.
pub(super) fn without(decision: Decision, written: &[Option<Place>]) -> Decision {
    match decision {
        Decision::Write(drafts) if drafts.len() == written.len() => {
            let left = drafts.into_iter().zip(written).filter(|(_, place)| place.is_none());
            Decision::Write(left.map(|(draft, _)| draft).collect())
        }
        other => other,
    }
}

/// The places of all records: those of an earlier try, and the new ones between them.
pub(super) fn merged(written: Vec<Option<Place>>, new: Vec<Option<Place>>) -> Vec<Option<Place>> {
    let missing = written.iter().filter(|place| place.is_none()).count();
    if written.is_empty() || missing != new.len() {
        return new;
    }
    let mut new = new.into_iter();
    written.into_iter().map(|place| place.or_else(|| new.next().flatten())).collect()
}
