//! A lane while it is held.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::document::Document;
use super::driver::{Inner, Lane};
use super::params::POLL_MIN;
use super::payload::Payload;
use super::ticket::Ticket;
use super::turn::{Change, Turn, Written};
use crate::error::Result;
use crate::host::{Clock, Store, StoreErrorKind};
use crate::state::keys::LaneName;
use crate::state::store;

/// A turn at a lane. Dropped without [`release`](Held::release) it keeps the lane
/// from others until its time is over.
pub struct Held<H, T> {
    lane: Lane<H, T>,
    /// Shared with a write that is under way.
    turn: Rc<RefCell<Turn>>,
    payload: T,
    begins: bool,
    knocked: bool,
    knock_checked: Duration,
}

impl<H, T> fmt::Debug for Held<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Held").field(&self.lane).finish()
    }
}

impl<H, T> Held<H, T>
where
    H: Store + Clock,
    T: Serialize + DeserializeOwned + Clone,
{
    pub(super) fn new(lane: Lane<H, T>, turn: Turn, payload: T, begins: bool) -> Self {
        let knock_checked = lane.inner.host.monotonic();
        let turn = Rc::new(RefCell::new(turn));
        Self { lane, turn, payload, begins, knocked: false, knock_checked }
    }

    /// Whether the lane held nothing before: it is new, or was deleted.
    pub fn begins(&self) -> bool {
        self.begins
    }

    /// What the turn starts from, or what [`write`](Held::write) last wrote and kept; a
    /// write begun with [`begin_write`](Held::begin_write) does not change it.
    pub fn payload(&self) -> &T {
        &self.payload
    }

    pub fn name(&self) -> &LaneName {
        &self.lane.inner.name
    }

    pub fn ticket(&self) -> Ticket {
        self.turn.borrow().ticket()
    }

    /// The ticket of the last seek or delete.
    pub fn generation(&self) -> Ticket {
        self.turn.borrow().generation()
    }

    /// Whether nothing may be handed out before the first write.
    pub fn is_founding(&self) -> bool {
        self.turn.borrow().is_founding()
    }

    /// Whether something may be handed out at this very moment. Ask again after
    /// every wait.
    pub fn is_live(&self) -> bool {
        self.turn.borrow().is_live(self.lane.inner.now())
    }

    /// How long the turn lasts without another write.
    pub fn remaining(&self) -> Duration {
        self.turn.borrow().remaining(self.lane.inner.now())
    }

    /// From the next write on, the lane is held for so much longer with each.
    pub fn lengthen_lease(&self, by: Duration) {
        self.turn.borrow_mut().lengthen_lease(by);
    }

    /// Whether it is time for a write, if the turn is to last.
    pub fn renew_due(&self) -> bool {
        self.turn.borrow().renew_due(self.lane.inner.now())
    }

    /// How long it is until a write is due, if the turn is to last.
    pub fn until_renewal(&self) -> Duration {
        self.turn.borrow().until_renewal(self.lane.inner.now())
    }

    /// Writes a state, all of which must have been done, and holds the lane for
    /// another lease. After an error or [`Written::Lost`] the turn is over.
    pub async fn write(&mut self, payload: T) -> Result<Written> {
        let written = self.begin_write(&payload)?.await?;
        if written == Written::Kept {
            self.payload = payload;
        }
        Ok(written)
    }

    /// The same, beside whatever else the holder does. No other write may begin
    /// meanwhile: both would count as lost, and the turn would be over.
    pub fn begin_write(
        &self,
        payload: &T,
    ) -> Result<impl Future<Output = Result<Written>> + use<H, T>> {
        let text = Payload::of(payload)?;
        let change = Change { payload: Some(text), release: None, seek: false };
        let (lane, turn) = (self.lane.clone(), self.turn.clone());
        Ok(async move { lane.inner.write(&turn, change).await })
    }

    /// Writes a state, all of which must have been done, and lets go.
    pub fn release(self, payload: T) -> impl Future<Output = Result<Written>> {
        self.last(Some(payload), false)
    }

    /// Sets the state at will and lets go; what earlier holders gave out is void.
    pub fn seek(self, payload: T) -> impl Future<Output = Result<Written>> {
        self.last(Some(payload), true)
    }

    /// Lets go; the lane begins anew with whoever takes it next.
    pub fn delete(self) -> impl Future<Output = Result<Written>> {
        self.last(None, true)
    }

    async fn last(self, payload: Option<T>, seek: bool) -> Result<Written> {
        let inner = &self.lane.inner;
        if self.knocked {
            inner.stay_away();
        }
        let payload = payload.as_ref().map(Payload::of).transpose()?;
        // Every ticket that lost against this turn is told so. Without the answer
        // they find out later.
        let upto = inner.counter().await.map_or(self.ticket(), Ticket::of);
        let change = Change { payload, release: Some(upto), seek };
        inner.write(&self.turn, change).await
    }

    /// Whether it is time to look whether somebody waits for the lane: the last look is
    /// older than this.
    pub fn knock_check_due(&self, age: Duration) -> bool {
        !self.knocked && self.lane.inner.host.monotonic() >= self.knock_checked + age
    }

    /// When the next such look is due.
    pub fn next_knock_check(&self, age: Duration) -> Duration {
        self.knock_checked + age
    }

    /// Looks whether somebody waits for the lane, beside whatever else the holder does.
    /// Whoever is told so calls [`note_knock`](Self::note_knock).
    pub fn begin_knock_check(&mut self) -> impl Future<Output = Result<bool>> + use<H, T> {
        self.knock_checked = self.lane.inner.host.monotonic();
        let (lane, ticket) = (self.lane.clone(), self.ticket());
        async move {
            let knock = store::get(&lane.inner.host, &lane.inner.name.knock()).await?;
            Ok(knock.is_some_and(|knock| knock.ticket >= ticket))
        }
    }

    /// Somebody waits: whoever lets go now stays away for a while.
    pub fn note_knock(&mut self) {
        self.knocked = true;
    }

    /// Whether somebody waits for the lane: then let go with the next write. Looks
    /// at the store only if the last look is older than this.
    pub async fn knocked(&mut self, age: Duration) -> Result<bool> {
        if self.knock_check_due(age) {
            self.knocked = self.begin_knock_check().await?;
        }
        Ok(self.knocked)
    }
}

impl<H: Store + Clock> Inner<H> {
    /// Writes the document of a turn.
    pub(super) async fn write(
        &self,
        turn: &RefCell<Turn>,
        change: Change<Payload>,
    ) -> Result<Written> {
        let released = change.release.is_some();
        let key = self.name.document::<Payload>(turn.borrow().ticket().era());
        let mut refused = None;
        let document = loop {
            let document = turn.borrow_mut().write(change.clone(), self.now());
            let Some(document) = document else {
                // Whoever waits is told of the store, if it was the reason.
                return refused.map_or(Ok(Written::Lost), Err);
            };
            match store::try_set(&self.host, &key, &document).await? {
                Ok(()) => break document,
                // Nothing is under way, so the same may be tried as long as the turn
                // lasts.
                Err(error) if error.kind == StoreErrorKind::Refused => {
                    turn.borrow_mut().refused();
                    refused = Some(error.into());
                    self.host.sleep(POLL_MIN).await;
                }
                Err(error) => {
                    turn.borrow_mut().failed();
                    return Err(error.into());
                }
            }
        };
        let now = self.now();
        let written = turn.borrow_mut().returned(now);
        if written == Written::Kept {
            self.tidy(turn, document, released, now).await;
        }
        Ok(written)
    }

    async fn tidy(
        &self,
        turn: &RefCell<Turn>,
        document: Document<Payload>,
        released: bool,
        now: super::Now,
    ) {
        if released {
            self.memory.borrow_mut().released(document, now);
        }
        let older = turn.borrow_mut().take_older();
        if let Some(era) = older {
            // A document of an era that has ended is read by nobody.
            let _ = store::delete(&self.host, &self.name.document::<Payload>(era)).await;
        }
    }
}
