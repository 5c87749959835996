//! A document that all instances share and read, and that is changed as a whole
//! under a lease.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::gate::Gate;
use super::keys::LaneName;
use super::lane::{Document, Lane, Params, Take, Written};
use crate::error::{Error, Result};
use crate::host::Host;

/// How long a change waits for those of other instances.
const MAX_WAIT: Duration = Duration::from_secs(7);

/// A document, and this instance's copy of it. A document that was never
/// written has its default value.
pub struct Shared<H, T> {
    host: H,
    lane: Lane<H, T>,
    /// The changes of this instance take their turns one after the other.
    gate: Gate,
    snapshot: RefCell<Option<Snapshot<T>>>,
    /// When a request of this instance last began to read the document.
    asked: Cell<Option<Duration>>,
}

/// What became of a turn.
enum Turned {
    Kept,
    /// Whether the change was stored is not known.
    Lost,
    /// The document needed no change.
    Unneeded,
    Busy {
        retry_in: Duration,
    },
}

/// A copy of the document, with the time when it was read by the monotonic
/// clock.
struct Snapshot<T> {
    at: Duration,
    document: Rc<T>,
}

impl<H, T> Shared<H, T>
where
    H: Host,
    T: Serialize + DeserializeOwned + Clone + Default,
{
    pub fn new(host: H, name: LaneName, params: Params) -> Self {
        let lane = Lane::new(host.clone(), name, params);
        let (gate, snapshot, asked) = (Gate::default(), RefCell::default(), Cell::default());
        Self { host, lane, gate, snapshot, asked }
    }

    /// The current document.
    pub async fn read(&self) -> Result<Rc<T>> {
        let at = self.host.monotonic();
        self.asked.set(Some(at));
        let latest = self.lane.peek().await?;
        let document = latest.and_then(|(_, document)| document.payload).unwrap_or_default();
        Ok(self.remember(at, document))
    }

    /// This instance's copy of the document, if it is at most `age` old.
    pub fn known(&self, age: Duration) -> Option<Rc<T>> {
        let oldest = self.host.monotonic().checked_sub(age).unwrap_or_default();
        let snapshot = self.snapshot.borrow();
        let fresh = snapshot.as_ref().filter(|snapshot| snapshot.at >= oldest);
        fresh.map(|snapshot| snapshot.document.clone())
    }

    /// The document, from a copy that is at most `age` old. While one request
    /// reads it again, the others use the old copy, for at most the same time
    /// again.
    pub async fn recent(&self, age: Duration) -> Result<Rc<T>> {
        let being_read =
            self.asked.get().is_some_and(|at| self.host.monotonic().saturating_sub(at) < age);
        match self.known(if being_read { age * 2 } else { age }) {
            Some(document) => Ok(document),
            None => self.read().await,
        }
    }

    /// Changes the document. `edit` gets the latest one, and may be called
    /// again, even if its earlier change may have been stored. Its result is
    /// returned only after the changed document was stored for good. If `edit`
    /// fails, the document stays unchanged.
    pub async fn change<R>(&self, edit: impl Fn(&mut T) -> Result<R>) -> Result<R> {
        self.change_within(MAX_WAIT, edit).await
    }

    /// The same, with a limit for the wait.
    pub async fn change_within<R>(
        &self,
        wait: Duration,
        edit: impl Fn(&mut T) -> Result<R>,
    ) -> Result<R> {
        let give_up = self.host.monotonic() + wait;
        let busy = || Error::Busy("Others are changing the same list; try again".into());
        let _only = self.gate.enter(&self.host, wait).await.ok_or_else(busy)?;
        let answer = RefCell::new(None);
        loop {
            let edit = |document: &mut T| *answer.borrow_mut() = Some(edit(document));
            let pause = match self.turn(&|_| true, &edit).await? {
                Turned::Kept => return answer.take().unwrap_or_else(|| Err(busy())),
                // The change may have been stored or not; the next look will show it.
                Turned::Lost | Turned::Unneeded => Duration::ZERO,
                Turned::Busy { retry_in } => retry_in,
            };
            if self.host.monotonic() + pause >= give_up {
                return Err(busy());
            }
            self.host.sleep(pause).await;
        }
    }

    /// Changes the document if it `needs` that and nobody else is changing it. Returns
    /// whether it is as wanted now.
    pub async fn change_at_once(
        &self,
        needs: impl Fn(&T) -> bool,
        edit: impl Fn(&mut T),
    ) -> Result<bool> {
        let Some(_only) = self.gate.enter(&self.host, Duration::ZERO).await else {
            return Ok(false);
        };
        let turned = self.turn(&needs, &edit).await?;
        Ok(matches!(turned, Turned::Kept | Turned::Unneeded))
    }

    /// One try to take the lane and change the document. It is not generic, to be there
    /// once for each document.
    async fn turn(&self, needs: &dyn Fn(&T) -> bool, edit: &dyn Fn(&mut T)) -> Result<Turned> {
        let is_worth = |document: Option<&Document<T>>| {
            document.and_then(|document| document.payload.as_ref()).is_none_or(needs)
        };
        // An instance that died in the first turn has returned no result, so starting
        // again loses nothing.
        match self.lane.take_when(is_worth, async |_| Ok(T::default())).await? {
            Take::Busy { retry_in } => Ok(Turned::Busy { retry_in }),
            Take::Unworthy(_) => Ok(Turned::Unneeded),
            Take::Held(held) => {
                let at = self.host.monotonic();
                let mut document = held.payload().clone();
                edit(&mut document);
                match held.release(document.clone()).await? {
                    Written::Kept => {
                        self.remember(at, document);
                        Ok(Turned::Kept)
                    }
                    Written::Lost => Ok(Turned::Lost),
                }
            }
        }
    }

    fn remember(&self, at: Duration, document: T) -> Rc<T> {
        let document = Rc::new(document);
        let mut snapshot = self.snapshot.borrow_mut();
        // A slow read must not replace a newer copy.
        if snapshot.as_ref().is_none_or(|known| known.at <= at) {
            *snapshot = Some(Snapshot { at, document: document.clone() });
        }
        document
    }
}

impl<H, T> fmt::Debug for Shared<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
