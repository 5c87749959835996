//! Holding the lane, as decisions without a clock or a store.

use std::time::Duration;

use super::document::{Document, Epoch, Hint, Now, Version, millis};
use super::params::{Params, Rules};
use super::sweep::{Sweep, Swept};
use super::take::Won;

/// What a write became.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Written {
    /// It is the state of the lane, and the next holder starts from it.
    Kept,
    /// It came too late or its outcome is not known: the lane is no longer
    /// held, and the next holder may or may not start from it.
    Lost,
}

/// What a holder writes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Change<T> {
    /// `None` deletes.
    pub payload: Option<T>,
    /// Lets go of the lane.
    pub release: bool,
    /// Begins another generation: what earlier holders gave out is void.
    pub seek: bool,
}

/// What is to be done once a write was kept, in this order, each when the one
/// before has returned. Whatever of it fails may be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chore {
    SetHint(Hint),
    /// Deletes the document and the watch of an epoch.
    Delete(Epoch),
    /// Deletes the claim of an epoch.
    Free(Epoch),
}

/// The time of one holder, from the claim that it won. Its first write is the
/// announcement; only once that was kept is the lane held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tenure {
    params: Params,
    rules: Rules,
    epoch: Epoch,
    phase: Phase,
    /// Before the announcement, the end of the grace; then of the lease.
    ends: Now,
    pending: Option<Pending>,
    generation: Epoch,
    swept: Swept,
    chores_due: bool,
    has_swept: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Phase {
    Claimed,
    Announced,
    Released,
    Lost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Pending {
    ends: Now,
    release: bool,
    generation: Epoch,
}

/// Where the payload of a new holder comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Start<T> {
    From(T),
    /// Nothing was ever done here, or all of it was deleted just before.
    New,
    /// There is no document, but somebody may have begun: whoever does not
    /// start at the very beginning now may pass over what that one was to do.
    Restart,
}

impl<T: Clone> Won<T> {
    pub fn start(&self) -> Start<T> {
        let chooses = |known: Epoch| !self.rules.only_the_first_chooses || self.epoch == known + 1;
        match &self.base {
            Some((_, Document { payload: Some(payload), .. })) => Start::From(payload.clone()),
            Some((epoch, _)) if chooses(*epoch) => Start::New,
            None if chooses(0) => Start::New,
            _ => Start::Restart,
        }
    }
}

impl Tenure {
    pub fn new<T>(won: &Won<T>) -> Self {
        let Won { epoch, since, swept, params, rules, .. } = *won;
        let generation = won.base.as_ref().map_or(0, |(_, base)| base.generation);
        let ends = since.plus(params.grace);
        Self {
            params,
            rules,
            epoch,
            phase: Phase::Claimed,
            ends,
            pending: None,
            generation,
            swept,
            chores_due: false,
            has_swept: false,
        }
    }

    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    pub fn generation(&self) -> Epoch {
        self.generation
    }

    /// Whether this instance may act as the holder at this very moment: not
    /// while a write is under way, and never again when that was given up.
    pub fn is_live(&self, now: Now) -> bool {
        self.pending.is_none() && !self.remaining(now).is_zero()
    }

    /// How long the lane stays this instance's without another write.
    pub fn remaining(&self, now: Now) -> Duration {
        if self.phase != Phase::Announced || !now.before(self.ends) {
            return Duration::ZERO;
        }
        let wall = u64::try_from(self.ends.wall.saturating_sub(now.wall)).unwrap_or(0);
        Duration::from_millis(wall).min(self.ends.monotonic.saturating_sub(now.monotonic))
    }

    /// Half of the lease is over: a write now leaves time for another try of
    /// somebody else's, should it be lost.
    pub fn renew_due(&self, now: Now) -> bool {
        !now.plus(self.params.lease / 2).before(self.ends)
    }

    /// The document to `set` for a change; `None` when this tenure may write
    /// no more: it was lost or let go, or a write has not returned, which may
    /// still land after any later one.
    pub fn write<T>(&mut self, change: Change<T>, now: Now) -> Option<Document<T>> {
        if self.pending.is_some() || matches!(self.phase, Phase::Released | Phase::Lost) {
            self.phase = Phase::Lost;
            return None;
        }
        let Change { payload, release, seek } = change;
        let generation = if seek { self.epoch } else { self.generation };
        let ends = now.plus(self.params.lease);
        self.pending = Some(Pending { ends, release, generation });
        Some(Document {
            version: Version::CURRENT,
            until: ends.wall,
            lease: millis(self.params.lease),
            released: release,
            generation,
            payload,
        })
    }

    /// The outcome of that write is not known: it counts as not done, and may
    /// still land later.
    pub fn failed(&mut self) {
        self.phase = Phase::Lost;
    }

    /// That write has returned. Without this, for whatever reason, it counts
    /// as not done, and the tenure is over.
    pub fn returned(&mut self, now: Now) -> Written {
        let Some(pending) = self.pending.take() else { return Written::Lost };
        let timed = match self.phase {
            Phase::Claimed => self.rules.timed_announcement,
            _ => self.rules.timed_renewal,
        };
        if timed && !(now.before(self.ends) && now.before(pending.ends)) {
            self.phase = Phase::Lost;
            return Written::Lost;
        }
        let Pending { ends, release, generation } = pending;
        // A holder that stays shows itself in the hint, once: else it would
        // send those who come on a walk for as long as it holds.
        self.chores_due = release || (self.phase == Phase::Announced && !self.has_swept);
        self.phase = if release { Phase::Released } else { Phase::Announced };
        self.ends = ends;
        self.generation = generation;
        Written::Kept
    }

    /// What is to be done after the write that was just kept.
    pub fn chores(&mut self) -> Vec<Chore> {
        if !std::mem::take(&mut self.chores_due) {
            return Vec::new();
        }
        let released = self.phase == Phase::Released;
        let mut sweep = Sweep::default();
        if !std::mem::replace(&mut self.has_swept, true) {
            let written = self.ends.wall.saturating_sub(millis(self.params.lease));
            (self.swept, sweep) = self.swept.go_on(self.epoch, written, self.params, self.rules);
        }
        let hint = Hint { epoch: self.epoch, released, swept: self.swept };
        let mut chores = sweep.delete.map(Chore::Delete).collect::<Vec<_>>();
        chores.push(Chore::SetHint(hint));
        chores.extend(sweep.free.map(Chore::Free));
        chores
    }
}
