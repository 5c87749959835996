//! A round over the partitions: one task takes them, reads them side by side and lets
//! them go. It hands records out, as callers do themselves where there are records in
//! hand.

use std::collections::VecDeque;
use std::future::Future;
use std::time::Duration;

use super::alarm::Alarm;
use super::{Round, ServedPartition, Serving};
use crate::concurrent::Running;
use crate::error::{Error, Result};
use crate::host::{Host, Millis};
use crate::kafka::{Fetched, Log, Place};
use crate::services::consume::PARTITION_LINGER;
use crate::services::consume::attended::Attended;
use crate::services::consume::desk::Desk;
use crate::services::consume::position::Position;
use crate::services::consume::start;
use crate::services::consume::survey::Known;
use crate::services::consume::tend::{Act, Demand, ReadAgain, Tended};
use crate::state::lane::{Document, Held, Take, Written};
use crate::telemetry::with_trace;

/// How many records are kept in hand for the next caller, at least, if callers come at
/// short intervals; and how many a fetch asks for at most.
const READ_AHEAD_RECORDS: usize = 50;
const MAX_FETCH_RECORDS: usize = 500;

/// What a round has under way, and what has come of it so far.
struct Shift<H: Host> {
    running: Running<'static, Finished<H>>,
    /// The partitions that are worth taking, in the order in which to try them.
    candidates: VecDeque<usize>,
    /// Those that are being taken.
    opening: Vec<usize>,
    /// The pause before another try of those that others hold.
    busy: Option<Duration>,
    served: bool,
    failure: Option<Error>,
    /// The writes of claims that callers wait for.
    claims: Option<ClaimWrites>,
    ahead: Vec<ReadAhead>,
}

/// What was read of a partition for the next callers while the claims of others were
/// written, with which the partition was let go.
struct ReadAhead {
    index: usize,
    /// The position that it goes on from. Only whoever finds the partition there uses it.
    from: i64,
    /// `None` while it is being read.
    fetched: Option<Fetched>,
    /// Whether the partition has been let go.
    released: bool,
}

struct ClaimWrites {
    left: usize,
    kept: bool,
}

/// What has come of something that was begun for a partition.
struct Finished<H: Host> {
    index: usize,
    what: What<H>,
}

enum What<H: Host> {
    Taken { asked: Millis, taken: Result<Taken<H>> },
    Fetched(Result<Fetched>),
    FetchedAgain(Result<ReadAgain>),
    FetchedAhead { from: i64, fetched: Result<Fetched> },
    KnockChecked(bool),
    Written { written: Result<Written>, of_claims: bool },
    LetGo { begins: bool, position: Result<Option<Position>>, of_claims: bool },
}

enum Taken<H: Host> {
    Held(Held<H, Position>),
    /// With the latest position.
    Unworthy(Option<Position>),
    Busy {
        retry_in: Duration,
    },
}

impl<H: Host> Shift<H> {
    fn new(candidates: Vec<usize>) -> Self {
        Self {
            running: Running::default(),
            candidates: candidates.into(),
            opening: Vec::new(),
            busy: None,
            served: false,
            failure: None,
            claims: None,
            ahead: Vec::new(),
        }
    }

    fn fail(&mut self, error: Error) {
        self.failure.get_or_insert(error);
    }

    fn begin(&mut self, index: usize, what: impl Future<Output = What<H>> + 'static) {
        self.running.add(async move { Finished { index, what: what.await } });
    }
}

impl<H: Host, L: Log> Serving<H, L> {
    /// Serves callers as long as there are records for them.
    pub(super) async fn serve(&mut self) -> Result<Round> {
        let mut shift = Shift::new(self.worth_taking());
        let mut alarm = Alarm::new(self.host.clone(), self.desk.borrow().bell.clone());
        loop {
            let now = self.host.monotonic();
            self.hand_out(&mut shift, now);
            self.open_more(&mut shift);
            self.complete_order(&shift, now);
            let next_act = self.act_on_all(&mut shift, now);
            let is_done = shift.running.is_empty() && self.desk.borrow().open.is_empty();
            if is_done && !self.expects_callers(&shift, now) {
                break;
            }
            if let Some(finished) = alarm.next(&mut shift.running, next_act).await {
                self.note(finished, &mut shift);
            }
        }
        self.found_nothing = !shift.served;
        if let Some(error) = shift.failure {
            return Err(error);
        }
        let has_arrived = self.needs_new_ends || self.desk.borrow().desk.has_arrived();
        self.was_idle &= !shift.served;
        self.is_misled = self.was_idle && shift.busy.is_none();
        if !shift.served && shift.busy.is_none() && (has_arrived || self.is_misled) {
            return Ok(Round::Again);
        }
        if !shift.served && shift.busy.is_none() {
            // Whoever finds nothing looks at a partition itself, because the advice may
            // be wrong.
            if !std::mem::replace(&mut self.has_looked_at_one, true) {
                self.look_at_one().await?;
                if self.is_anything_worth_taking() {
                    return Ok(Round::Again);
                }
            }
            self.correct_advice().await;
        }
        Ok(match shift.busy {
            _ if shift.served => Round::Served,
            Some(retry_in) => Round::Busy { retry_in },
            None => Round::Nothing,
        })
    }

    fn hand_out(&self, shift: &mut Shift<H>, now: Duration) {
        let attended = &mut *self.desk.borrow_mut();
        attended.open.iter_mut().for_each(|tended| tended.note_settled(now));
        shift.served |= attended.hand_out(&self.host);
        if !shift.candidates.is_empty() || self.ends_are_old() {
            attended.open.iter_mut().for_each(|tended| tended.note_others(now));
        }
    }

    /// Takes further partitions as long as those that are open give less than callers
    /// want.
    fn open_more(&self, shift: &mut Shift<H>) {
        loop {
            let (wanted, supply, open) = {
                let attended = self.desk.borrow();
                let has_open_order = attended.desk.has_open_order();
                let of_open = attended.open.iter();
                let of_open = of_open.map(|tended| self.supply(tended, has_open_order));
                let of_opening = shift.opening.iter().map(|index| self.survey.expected(*index));
                // Large pages that follow each other are read from several partitions side
                // by side.
                let share = match self.reads_side_by_side(&attended.desk) {
                    true => self.share(&attended.desk, self.open_partitions),
                    false => usize::MAX,
                };
                let supplies = of_open.chain(of_opening).map(|supply| supply.min(share));
                let supply = supplies.fold(0, usize::saturating_add);
                (attended.desk.wanted(), supply, attended.open.len() + shift.opening.len())
            };
            if shift.failure.is_some() || supply >= wanted || open >= self.open_partitions {
                return;
            }
            let Some(index) = shift.candidates.pop_front() else { return };
            shift.opening.push(index);
            let taken = self.take(index);
            shift.begin(index, taken);
        }
    }

    /// How many records are to come from a partition that is held, as far as that is
    /// known.
    fn supply(&self, tended: &Tended<H>, has_open_order: bool) -> usize {
        let is_coming =
            tended.is_fetching() || (tended.can_read() && self.reads(tended, has_open_order));
        match self.survey.end(tended.index) {
            _ if !is_coming => 0,
            Some(end) => usize::try_from(end - tended.next()).unwrap_or(0),
            None => usize::MAX,
        }
    }

    /// Whether to read on: if there is more, or if the server does not tell where the
    /// end is and nobody has got a record yet.
    fn reads(&self, tended: &Tended<H>, has_open_order: bool) -> bool {
        match self.survey.end(tended.index) {
            Some(end) => end > tended.next(),
            None => !has_open_order,
        }
    }

    /// Answers the caller that has got records and for whom no more are coming.
    fn complete_order(&self, shift: &Shift<H>, now: Duration) {
        let desk = &mut self.desk.borrow_mut();
        let Attended { desk, open, .. } = &mut **desk;
        let Some(fill_until) = desk.fill_until() else { return };
        let is_coming =
            !shift.opening.is_empty() || open.iter().any(|tended| self.supply(tended, true) > 0);
        if !is_coming || now >= fill_until || shift.failure.is_some() {
            desk.complete_open();
        }
    }

    /// Begins what is due for each open partition. Returns when something may be due
    /// next.
    fn act_on_all(&mut self, shift: &mut Shift<H>, now: Duration) -> Duration {
        let attended = self.desk.clone();
        let attended = &mut *attended.borrow_mut();
        let Attended { desk, open, .. } = attended;
        // Callers that have gone away have let go of their records since the last look.
        open.iter_mut().for_each(|tended| tended.note_settled(now));
        let claims = desk.has_claims()
            && shift.claims.is_none()
            && !open.iter().any(Tended::is_writing_claims);
        if claims {
            desk.write_claims();
            shift.claims = Some(ClaimWrites { left: 0, kept: true });
        }
        let linger = desk.last_arrival().map_or(now, |arrival| arrival + PARTITION_LINGER);
        let demand = Demand {
            waiting: !desk.is_empty(),
            reads: true,
            is_read_out: false,
            claims,
            unanswered: desk.has_unanswered_claims(),
            expected: desk.is_busy() && now < linger,
            closing: shift.failure.is_some(),
        };
        let (wanted, has_open_order) = (self.wanted(desk), desk.has_open_order());
        // Over v2, what is left of a large page is lost together with the server's place.
        // So, side by side, each partition is read for its share only.
        let fetch_size = match self.reads_side_by_side(desk) && !self.random_access {
            true => self.share(desk, open.len()),
            false => self.fetch_size(desk),
        };
        let in_hand: usize = open.iter().map(Tended::records).sum();
        let stocks = demand.expected && in_hand < wanted;
        let trace = desk.trace();
        let mut next_act = desk.fill_until().unwrap_or(Duration::MAX);
        if demand.expected {
            next_act = next_act.min(linger);
        }
        let mut place = 0;
        while let Some(tended) = open.get_mut(place) {
            let index = tended.index;
            let is_read_out = self.survey.end(index).is_some_and(|end| end <= tended.next());
            let reads = self.reads(tended, has_open_order) && (demand.waiting || stocks);
            let demand = Demand { reads, is_read_out, ..demand };
            let of_claims = claims && tended.has_claimed();
            let act = tended.act(demand, now);
            if let (Some(writes), true, Act::Write | Act::LetGo) =
                (&mut shift.claims, of_claims, act)
            {
                writes.left += 1;
            }
            match act {
                Act::Nothing => {}
                Act::Fetch => {
                    self.reads_since += 1;
                    let end = self.survey.end(index);
                    let fetch = tended.begin_fetch(self.log.clone(), fetch_size, end);
                    let fetch = async move { What::Fetched(fetch.await) };
                    shift.begin(index, with_trace(trace, fetch));
                }
                Act::CheckKnock => {
                    let check = tended.begin_knock_check();
                    let check = async move { What::KnockChecked(check.await) };
                    shift.begin(index, check);
                }
                Act::Write => {
                    let write = tended.begin_write(now);
                    let write = async move { What::Written { written: write.await, of_claims } };
                    shift.begin(index, write);
                }
                Act::LetGo => {
                    match tended.has_records() {
                        true => self.survey.begin_with(index),
                        false => self.survey.served(index),
                    }
                    let mut tended = open.remove(place);
                    if of_claims && demand.expected && self.random_access {
                        self.read_ahead(shift, &mut tended, fetch_size);
                    }
                    self.let_go(shift, tended, of_claims);
                    continue;
                }
            }
            next_act = next_act.min(tended.next_act(demand, now));
            place += 1;
        }
        if claims {
            self.settle_claims(shift, desk);
        }
        next_act
    }

    /// Reads for the next callers while the claims of these are written.
    fn read_ahead(&self, shift: &mut Shift<H>, tended: &mut Tended<H>, records: usize) {
        let (index, end) = (tended.index, self.survey.end(tended.index));
        shift.ahead.retain(|ahead| ahead.index != index);
        // What is not used soon takes memory until the round ends.
        if shift.ahead.len() >= self.open_partitions {
            return;
        }
        let Some((from, untaken)) = tended.untaken() else { return };
        let fetched = (!untaken.records.is_empty()).then_some(untaken);
        if fetched.is_none() {
            if end.is_some_and(|end| end <= from) {
                return;
            }
            let fetch = tended.begin_fetch(self.log.clone(), records, end);
            shift.begin(index, async move { What::FetchedAhead { from, fetched: fetch.await } });
        }
        shift.ahead.push(ReadAhead { index, from, fetched, released: false });
    }

    /// Takes a partition once more for what was read ahead. Now and then a round ends all the
    /// same, because the next one looks at what is not read.
    fn take_again(&self, shift: &mut Shift<H>, index: usize) {
        let is_read = |ahead: &ReadAhead| ahead.index == index && ahead.fetched.is_some();
        if shift.ahead.iter().any(|ahead| is_read(ahead) && ahead.released)
            && !self.looks_are_old()
            && self.worth_taking().contains(&index)
        {
            shift.candidates.push_back(index);
        }
    }

    /// Whether what was read ahead is kept for callers who are likely to come soon.
    fn expects_callers(&self, shift: &Shift<H>, now: Duration) -> bool {
        let desk = &self.desk.borrow().desk;
        let is_late = desk.last_arrival().is_none_or(|last| now >= last + PARTITION_LINGER);
        let is_ready = shift.ahead.iter().any(|ahead| ahead.fetched.is_some());
        is_ready && desk.is_empty() && desk.is_busy() && !is_late && shift.failure.is_none()
    }

    /// Gives up the server's place, beside whatever else is done.
    fn close(&self, place: Place) {
        let log = self.log.clone();
        self.host.spawn(async move { log.close(place).await });
    }

    fn let_go(&self, shift: &mut Shift<H>, mut tended: Tended<H>, of_claims: bool) {
        let (index, begins) = (tended.index, tended.begins());
        let left = tended.abandoned_place();
        let letting_go = tended.let_go(self.host.clone());
        left.into_iter().for_each(|place| self.close(place));
        let letting_go =
            async move { What::LetGo { begins, position: letting_go.await, of_claims } };
        shift.begin(index, letting_go);
    }

    /// Takes a partition if nobody else holds it and there is something to read.
    fn take(&self, index: usize) -> impl Future<Output = What<H>> + use<H, L> {
        let ServedPartition { topic, number, lane } = &self.partitions[index];
        let (topic, number, lane) = (topic.clone(), *number, lane.clone());
        let (host, group, params) = (self.host.clone(), self.group.clone(), self.params);
        let (surveyed, owner) = (self.survey.partition(index), self.reader.owner.clone());
        let max_claimed = self.desk.borrow().max_claimed;
        let asked = self.host.now();
        let taking = async move {
            let worth = |document: Option<&Document<Position>>| {
                let position = document.and_then(|document| document.payload.as_ref());
                position.is_none_or(|position| {
                    let now = host.now();
                    let margin = params.margin();
                    let known = Known::of(position, owner.as_ref(), max_claimed, margin, now);
                    surveyed.clone().would_be_worth(known, now)
                })
            };
            // What this task knows may be from before the group was deleted.
            let start = async |_| {
                let start = start::lane(&host, &group, &topic, params)?.peek().await?;
                let start = start.and_then(|(_, document)| document.payload);
                Ok(Position::at(start.map_or(0, |start| start.of(number))))
            };
            let payload = |document: Document<Position>| document.payload;
            Ok(match lane.hold_at_once(worth, start).await? {
                Take::Held(held) => Taken::Held(held),
                Take::Unworthy(document) => Taken::Unworthy(document.and_then(payload)),
                Take::Busy { retry_in } => Taken::Busy { retry_in },
            })
        };
        let trace = self.desk.borrow().desk.trace();
        let taking = with_trace(trace, taking);
        async move { What::Taken { asked, taken: taking.await } }
    }

    /// Takes note of what has come of something.
    fn note(&mut self, Finished { index, what }: Finished<H>, shift: &mut Shift<H>) {
        match what {
            What::Taken { asked, taken } => {
                shift.opening.retain(|opening| *opening != index);
                match taken {
                    Ok(taken) => self.note_taken(index, asked, taken, shift),
                    Err(error) => shift.fail(error),
                }
            }
            What::Fetched(fetched) => {
                if let Ok(Fetched { place: Some(place), .. }) = &fetched
                    && self.of_open(index, |_| ()).is_none()
                {
                    self.close(place.clone());
                }
                let noted = self.of_open(index, |tended| {
                    let noted = tended.fetched(fetched);
                    noted.map(|()| tended.is_drained().then(|| tended.next()))
                });
                match noted {
                    Some(Ok(Some(drained))) => self.survey.set_drained(index, drained),
                    Some(Err(error)) => {
                        let place = self.of_open(index, Tended::take_failed_place).flatten();
                        place.into_iter().for_each(|place| self.close(place));
                        shift.fail(error);
                    }
                    _ => {}
                }
            }
            What::FetchedAgain(again) => {
                let now = self.host.now();
                let noted = self.of_open(index, |tended| tended.fetched_again(again, now));
                if let Some(Err(error)) = noted {
                    shift.fail(error);
                }
            }
            What::FetchedAhead { from, fetched } => {
                self.reads_since += 1;
                let fetched = fetched.ok().filter(|fetched| !fetched.records.is_empty());
                let of_this = |ahead: &ReadAhead| ahead.index == index && ahead.from == from;
                match shift.ahead.iter_mut().find(|ahead| of_this(ahead)) {
                    Some(ahead) if fetched.is_some() => ahead.fetched = fetched,
                    _ => shift.ahead.retain(|ahead| !of_this(ahead)),
                }
                self.take_again(shift, index);
            }
            What::KnockChecked(knocked) => {
                self.of_open(index, |tended| tended.knock_checked(knocked));
            }
            What::Written { written, of_claims } => {
                let host = self.host.clone();
                let kept = self.of_open(index, |tended| tended.written(&host, &written));
                let kept = kept == Some(true);
                if !kept {
                    self.lose(index);
                }
                if let Err(error) = written {
                    shift.fail(error);
                }
                self.note_claims(of_claims, kept, shift);
            }
            What::LetGo { begins, position, of_claims } => {
                let kept = matches!(position, Ok(Some(_)));
                match position {
                    Ok(Some(position)) => {
                        // Whoever deletes the group looks for the position after the list.
                        if begins {
                            self.groups.begun(&self.group, &self.partitions[index].topic);
                        }
                        self.survey.set_known(index, Some(self.known_of(&position)));
                        let of_this = shift.ahead.iter_mut().find(|ahead| ahead.index == index);
                        if let Some(ahead) = of_this {
                            ahead.released = true;
                            self.take_again(shift, index);
                        }
                    }
                    Ok(None) => {}
                    Err(error) => shift.fail(error),
                }
                if of_claims && !kept {
                    self.lose(index);
                }
                self.note_claims(of_claims, kept, shift);
            }
        }
    }

    fn note_taken(&mut self, index: usize, asked: Millis, taken: Taken<H>, shift: &mut Shift<H>) {
        let held = match taken {
            Taken::Unworthy(position) => {
                let known = position.map(|position| self.known_of(&position));
                self.survey.set_known(index, known);
                self.misjudged.insert(index);
                return;
            }
            Taken::Busy { retry_in } => {
                shift.busy = Some(shift.busy.map_or(retry_in, |other| other.min(retry_in)));
                return;
            }
            Taken::Held(held) => held,
        };
        let ServedPartition { topic, number, .. } = &self.partitions[index];
        let (now, bell) = (self.host.monotonic(), self.desk.borrow().bell.clone());
        let mut tended = Tended::new(index, topic.clone(), *number, held, asked, now, bell);
        let margin = self.params.margin();
        let ahead = shift.ahead.iter().position(|ahead| ahead.index == index);
        let ahead = ahead.map(|place| shift.ahead.remove(place));
        if let Some(owner) = &self.reader.owner
            && tended.held_by_others(owner, &self.host, margin)
        {
            self.let_go(shift, tended, false);
            return;
        }
        let unclaimed = self.desk.borrow_mut().take_unclaimed(topic, *number);
        tended.unclaim_earlier(&unclaimed, self.reader.owner.as_ref());
        if let Some(ReadAhead { from, fetched: Some(fetched), .. }) = ahead
            && from == tended.next()
            && let Err(error) = tended.fetched(Ok(fetched))
        {
            shift.fail(error);
        }
        let wanted = self.fetch_size(&self.desk.borrow().desk);
        let (log, giving_up) = (self.log.clone(), self.giving_up.clone());
        let group = self.group.clone();
        let again = tended.begin_fetch_again(log, giving_up, group, margin, wanted);
        if let Some(again) = again {
            let trace = self.desk.borrow().desk.trace();
            let again = async move { What::FetchedAgain(again.await) };
            shift.begin(index, with_trace(trace, again));
        }
        self.desk.borrow_mut().open.push(tended);
    }

    fn of_open<R>(&self, index: usize, f: impl FnOnce(&mut Tended<H>) -> R) -> Option<R> {
        let mut attended = self.desk.borrow_mut();
        attended.open.iter_mut().find(|tended| tended.index == index).map(f)
    }

    /// The turn is over. What was handed out since the last write may come again.
    fn lose(&self, index: usize) {
        let attended = &mut *self.desk.borrow_mut();
        attended.desk.take_back_open();
        attended.desk.write_claims();
        attended.desk.settle_claims(false, 0);
        attended.open.retain(|tended| tended.index != index);
    }

    fn note_claims(&self, of_claims: bool, kept: bool, shift: &mut Shift<H>) {
        if let (true, Some(writes)) = (of_claims, &mut shift.claims) {
            writes.left -= 1;
            writes.kept &= kept;
            self.settle_claims(shift, &mut self.desk.borrow_mut().desk);
        }
    }

    /// Answers the callers whose claims have been written.
    fn settle_claims(&self, shift: &mut Shift<H>, desk: &mut Desk<H::Wake>) {
        if shift.claims.as_ref().is_some_and(|writes| writes.left == 0)
            && let Some(ClaimWrites { kept, .. }) = shift.claims.take()
        {
            desk.settle_claims(kept, self.host.now());
        }
    }

    /// How many records callers want, and those who are likely to come soon.
    fn wanted(&self, desk: &Desk<H::Wake>) -> usize {
        let stock = match desk.is_busy() {
            true => desk.likely_wanted().max(READ_AHEAD_RECORDS),
            false => 0,
        };
        desk.wanted().max(stock)
    }

    fn reads_side_by_side(&self, desk: &Desk<H::Wake>) -> bool {
        desk.is_busy() && desk.likely_wanted() > READ_AHEAD_RECORDS
    }

    /// How many records one of several partitions is read for.
    fn share(&self, desk: &Desk<H::Wake>, partitions: usize) -> usize {
        self.fetch_size(desk).div_ceil(partitions.max(1))
    }

    fn fetch_size(&self, desk: &Desk<H::Wake>) -> usize {
        self.wanted(desk).clamp(1, MAX_FETCH_RECORDS)
    }
}
