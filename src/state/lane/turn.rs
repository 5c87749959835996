//! The time in which an instance may act on a lane, as decisions without a clock or
//! a store.

use std::time::Duration;

use super::document::{Document, HeldUntil, Now, Version, millis};
use super::look::{Drawn, Won};
use super::params::{Params, Rules};
use super::ticket::{Era, Ticket};

/// What a write became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Written {
    /// It is the state of the lane, and the next holder starts from it.
    Kept,
    /// It came too late or its outcome is not known: the turn is over, and the next
    /// holder may or may not start from it.
    Lost,
}

/// What a holder writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change<T> {
    /// `None` deletes.
    pub payload: Option<T>,
    /// Lets go of the lane. The counter was read just before: all tickets up to this
    /// one are finished with.
    pub release: Option<Ticket>,
    /// What earlier holders gave out is void.
    pub seek: bool,
}

/// Where a holder starts from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Start<T> {
    From(T),
    /// Nothing was ever done here, or all of it was deleted just before.
    New,
    /// There is no document, or it says "deleted"; but somebody may have begun since.
    /// Whoever does not start at the very beginning now may pass over what that one
    /// was to do.
    Restart,
}

/// A turn. It ends with its ticket, and a ticket with which anything was written of
/// unknown outcome is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Turn {
    params: Params,
    rules: Rules,
    drawn: Drawn,
    phase: Phase,
    end: Now,
    pending: Option<Pending>,
    generation: Ticket,
    /// The older document's key, to be deleted after the first write.
    older: Option<Era>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    /// The document of the new era is not there yet: nobody knows of it.
    Founding,
    Held,
    Released,
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pending {
    /// The end once this write is back.
    end: Now,
    release: bool,
    /// Nothing may be handed out while it is under way.
    quiet: bool,
    generation: Ticket,
}

impl<T: Clone> Won<T> {
    pub fn start(&self) -> Start<T> {
        let document = self.base.as_ref().map(|(_, document)| document);
        let upto = document.map_or(Ticket::NONE, |document| document.upto);
        let chooses = !self.rules.only_the_first_chooses || self.drawn.ticket == upto.plus(1);
        match document.and_then(|document| document.payload.clone()) {
            Some(payload) => Start::From(payload),
            None if chooses => Start::New,
            None => Start::Restart,
        }
    }
}

impl Turn {
    pub fn new<T>(won: &Won<T>) -> Self {
        let Won { drawn, params, rules, .. } = *won;
        let base = won.base.as_ref();
        let older = base
            .map(|(era, _)| *era)
            .filter(|era| *era != drawn.ticket.era() && (*era != 0 || !rules.keep_first));
        let grace = if rules.end_of_grace { params.grace } else { params.grace * 1_000 };
        let founding = won.founds && rules.found_before_acting;
        Self {
            params,
            rules,
            drawn,
            phase: if founding { Phase::Founding } else { Phase::Held },
            end: drawn.since.plus(grace),
            pending: None,
            generation: base.map_or(Ticket::NONE, |(_, document)| document.generation),
            older,
        }
    }

    pub fn ticket(&self) -> Ticket {
        self.drawn.ticket
    }

    pub fn generation(&self) -> Ticket {
        self.generation
    }

    /// Whether the first write has to come before anything else.
    pub fn is_founding(&self) -> bool {
        self.phase == Phase::Founding
    }

    /// Whether something may be handed out at this very moment: not while a
    /// founder's first write or a release is under way. Ask again after every wait.
    pub fn is_live(&self, now: Now) -> bool {
        let quiet = self.pending.is_some_and(|pending| pending.quiet);
        self.phase == Phase::Held && !quiet && now.before(self.end)
    }

    /// How long the turn lasts without another write.
    pub fn remaining(&self, now: Now) -> Duration {
        match self.phase {
            Phase::Held => now.until(self.end),
            Phase::Founding | Phase::Released | Phase::Lost => Duration::ZERO,
        }
    }

    /// From the next write on, the lane is held for so much longer with each.
    pub fn lengthen_lease(&mut self, by: Duration) {
        self.params = self.params.with_longer_lease(by);
    }

    /// Half of the grace is over, or half of the lease: whoever stays writes now.
    pub fn renew_due(&self, now: Now) -> bool {
        self.until_renewal(now).is_zero()
    }

    /// How long it is until then.
    pub fn until_renewal(&self, now: Now) -> Duration {
        let within_grace = self.end == self.drawn.since.plus(self.params.grace);
        let half = if within_grace { self.params.grace / 2 } else { self.params.lease / 2 };
        self.remaining(now).saturating_sub(half)
    }

    /// The document to `set`; `None` if this turn may write no more: it is over, or
    /// a write has not returned, which may still land after any later one.
    pub fn write<T>(&mut self, change: Change<T>, now: Now) -> Option<Document<T>> {
        let over = matches!(self.phase, Phase::Released | Phase::Lost);
        let late = !now.before(self.end) && self.rules.upto_before_end;
        if self.pending.is_some() || over || late {
            self.phase = Phase::Lost;
            return None;
        }
        let Change { payload, release, seek } = change;
        let ticket = self.drawn.ticket;
        let generation = if seek { ticket } else { self.generation };
        let end = now.plus(self.params.lease);
        let quiet = release.is_some() || self.phase == Phase::Founding;
        self.pending = Some(Pending { end, release: release.is_some(), quiet, generation });
        let held = HeldUntil { until: end.wall, lease: millis(self.params.lease) };
        Some(Document {
            version: Version::CURRENT,
            ticket,
            upto: release.map_or(ticket, |upto| upto.max(ticket)),
            held: release.is_none().then_some(held),
            generation,
            payload,
        })
    }

    /// The outcome of that write is not known: it counts as not done, and may still
    /// land.
    pub fn failed(&mut self) {
        match self.rules.spent {
            true => self.phase = Phase::Lost,
            false => self.pending = None,
        }
    }

    /// That write certainly had no effect: nothing is under way.
    pub fn refused(&mut self) {
        self.pending = None;
    }

    /// That write has returned.
    pub fn returned(&mut self, now: Now) -> Written {
        let Some(pending) = self.pending.take() else { return Written::Lost };
        if self.phase == Phase::Lost || (self.rules.timed_writes && !now.before(self.end)) {
            self.phase = Phase::Lost;
            return Written::Lost;
        }
        self.phase = if pending.release { Phase::Released } else { Phase::Held };
        self.end = pending.end;
        self.generation = pending.generation;
        Written::Kept
    }

    /// The document that is to be deleted now that the first write was kept.
    pub fn take_older(&mut self) -> Option<Era> {
        self.older.take()
    }
}
