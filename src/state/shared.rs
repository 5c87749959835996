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
use super::lane::{Document, Lane, Params, Payload, Take, Written};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;

/// How long an instance uses its copy of a list of what callers have configured.
pub const MAX_LIST_AGE: Duration = Duration::from_secs(2);

/// How long it does so to say that something is not on the list.
pub const MAX_LIST_AGE_TO_REFUSE: Duration = Duration::from_millis(250);

/// How long a change waits for those of other instances.
const MAX_WAIT: Duration = Duration::from_secs(7);

/// A document, and this instance's copy of it. A document that was never
/// written has its default value.
pub struct Shared<H, T> {
    lane: SharedLane<H>,
    snapshot: RefCell<Option<Snapshot<T>>>,
    /// When a request of this instance last began to read the document.
    asked: Cell<Option<Duration>>,
}

/// The lane of a document, and how that is changed, whatever it holds: kept apart from the
/// type of that, this is in the component once and not once for each document.
struct SharedLane<H> {
    host: H,
    lane: Lane<H, Payload>,
    /// The changes of this instance take their turns one after the other.
    gate: Gate,
}

/// Whether a document needs a change; `None` if it was never written.
type Needs<'a> = &'a dyn Fn(Option<&Payload>) -> Result<bool>;

/// What a document becomes.
type Edit<'a> = &'a dyn Fn(Option<&Payload>) -> Result<Payload>;

/// What became of a turn.
enum Turned {
    /// The turn began at this time.
    Kept {
        at: Duration,
    },
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

fn busy() -> Error {
    ErrorKind::Busy("Others are changing the same list; try again".into()).into()
}

fn parsed<T: DeserializeOwned + Default>(payload: Option<&Payload>) -> Result<T> {
    payload.map_or_else(|| Ok(T::default()), Payload::parse)
}

impl<H, T> Shared<H, T>
where
    H: Host,
    T: Serialize + DeserializeOwned + Clone + Default,
{
    pub fn new(host: H, name: LaneName, params: Params) -> Self {
        let lane = Lane::new(host.clone(), name, params);
        let lane = SharedLane { host, lane, gate: Gate::default() };
        Self { lane, snapshot: RefCell::default(), asked: Cell::default() }
    }

    /// The current document.
    pub async fn read(&self) -> Result<Rc<T>> {
        let at = self.lane.host.monotonic();
        self.asked.set(Some(at));
        let latest = self.lane.lane.peek().await?;
        let payload = latest.and_then(|(_, document)| document.payload);
        Ok(self.remember(at, parsed(payload.as_ref())?))
    }

    /// This instance's copy of the document, if it is at most `age` old.
    pub fn known(&self, age: Duration) -> Option<Rc<T>> {
        self.known_at(self.lane.host.monotonic(), age)
    }

    fn known_at(&self, now: Duration, age: Duration) -> Option<Rc<T>> {
        let oldest = now.checked_sub(age).unwrap_or_default();
        let snapshot = self.snapshot.borrow();
        let fresh = snapshot.as_ref().filter(|snapshot| snapshot.at >= oldest);
        fresh.map(|snapshot| snapshot.document.clone())
    }

    /// The document, from a copy that is at most `age` old. While one request
    /// reads it again, the others use the old copy, for at most the same time
    /// again.
    pub async fn recent(&self, age: Duration) -> Result<Rc<T>> {
        let now = self.lane.host.monotonic();
        let being_read = self.asked.get().is_some_and(|at| now.saturating_sub(at) < age);
        match self.known_at(now, if being_read { age * 2 } else { age }) {
            Some(document) => Ok(document),
            None => self.read().await,
        }
    }

    /// Changes the document. `edit` gets the latest one, and may be called
    /// again, even if its earlier change may have been stored. Its result is
    /// returned only after the changed document was stored for good. If `edit`
    /// fails, the document stays unchanged.
    pub fn change<R>(&self, edit: impl Fn(&mut T) -> Result<R>) -> impl Future<Output = Result<R>> {
        self.change_within(MAX_WAIT, edit)
    }

    /// The same, with a limit for the wait.
    pub async fn change_within<R>(
        &self,
        wait: Duration,
        edit: impl Fn(&mut T) -> Result<R>,
    ) -> Result<R> {
        let answer = Cell::new(None);
        self.edit_within(wait, &|document| answer.set(Some(edit(document)))).await?;
        answer.take().ok_or_else(busy)?
    }

    /// The same, for an edit that keeps its result. This is in the component once for each
    /// document, and not once for each edit.
    async fn edit_within(&self, wait: Duration, edit: &dyn Fn(&mut T)) -> Result<()> {
        let made = Cell::new(None);
        let needs = |before: Option<&Payload>| parsed::<T>(before).map(|_| true);
        let edit = |before: Option<&Payload>| self.edited(before, edit, &made);
        let at = self.lane.change(wait, &needs, &edit).await?;
        self.remember(at, made.take().ok_or_else(busy)?);
        Ok(())
    }

    /// Edits the document, and puts it where it is found once it has been stored.
    fn edited(
        &self,
        before: Option<&Payload>,
        edit: &dyn Fn(&mut T),
        made: &Cell<Option<T>>,
    ) -> Result<Payload> {
        let mut document = parsed(before)?;
        edit(&mut document);
        let payload = Payload::of(&document)?;
        made.set(Some(document));
        Ok(payload)
    }

    /// Changes the document if it `needs` that and nobody else is changing it. Returns
    /// whether it is as wanted now.
    pub async fn change_at_once(
        &self,
        needs: impl Fn(&T) -> bool,
        edit: impl Fn(&mut T),
    ) -> Result<bool> {
        let made = Cell::new(None);
        let needs = |before: Option<&Payload>| {
            before.map_or(Ok(true), |before| before.parse().map(|document| needs(&document)))
        };
        let edit = |before: Option<&Payload>| self.edited(before, &edit, &made);
        let turned = self.lane.change_at_once(&needs, &edit).await?;
        if let (Turned::Kept { at }, Some(document)) = (&turned, made.take()) {
            self.remember(*at, document);
        }
        Ok(matches!(turned, Turned::Kept { .. } | Turned::Unneeded))
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

impl<H: Host> SharedLane<H> {
    /// Returns when the turn began whose change was stored.
    async fn change(&self, wait: Duration, needs: Needs<'_>, edit: Edit<'_>) -> Result<Duration> {
        let give_up = self.host.monotonic() + wait;
        let _only = self.gate.enter(&self.host, wait).await.ok_or_else(busy)?;
        loop {
            let pause = match self.turn(needs, edit).await? {
                Turned::Kept { at } => return Ok(at),
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

    async fn change_at_once(&self, needs: Needs<'_>, edit: Edit<'_>) -> Result<Turned> {
        match self.gate.enter(&self.host, Duration::ZERO).await {
            Some(_only) => self.turn(needs, edit).await,
            None => Ok(Turned::Lost),
        }
    }

    /// One try to take the lane and change the document.
    async fn turn(&self, needs: Needs<'_>, edit: Edit<'_>) -> Result<Turned> {
        let failed = RefCell::new(None);
        let is_worth = |document: Option<&Document<Payload>>| {
            let needed = needs(document.and_then(|document| document.payload.as_ref()));
            let is_worth = matches!(needed, Ok(true));
            *failed.borrow_mut() = needed.err();
            is_worth
        };
        // An instance that died in the first turn has returned no result, so starting
        // again loses nothing.
        let taken = self.lane.take_when(is_worth, async |_| Payload::of(&())).await?;
        if let Some(error) = failed.into_inner() {
            return Err(error);
        }
        match taken {
            Take::Busy { retry_in } => Ok(Turned::Busy { retry_in }),
            Take::Unworthy(_) => Ok(Turned::Unneeded),
            Take::Held(held) => {
                let at = self.host.monotonic();
                let before = (!held.begins()).then(|| held.payload().clone());
                match held.release(edit(before.as_ref())?).await? {
                    Written::Kept => Ok(Turned::Kept { at }),
                    Written::Lost => Ok(Turned::Lost),
                }
            }
        }
    }
}

impl<H, T> fmt::Debug for Shared<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
