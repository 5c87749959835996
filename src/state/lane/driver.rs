//! A lane, and how its turns are taken.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{LocalBoxFuture, try_join};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Origin;
use super::document::{Document, Knock, Now};
use super::held::Held;
use super::look::{self, Busy, Memory, Outcome, Step, Won};
use super::params::{FOUNDER_WAIT, KNOCK_CHECK, POLL_MAX, POLL_MIN, Params, Rules};
use super::payload::Payload;
use super::ticket::{Era, Ticket};
use super::turn::{Change, Start, Turn, Written};
use crate::error::{Error, Result};
use crate::host::{Clock, Store, StoreErrorKind};
use crate::random;
use crate::state::keys::LaneName;
use crate::state::store;

/// How often a refused draw is tried again before the error is given back.
const DRAWS: u32 = 3;

/// A lane, as one instance knows it. Cheap to clone; whoever polls a lane should keep
/// it, since it remembers what the last look has shown.
pub struct Lane<H, T> {
    pub(super) inner: Rc<Inner<H>>,
    payload: PhantomData<fn() -> T>,
}

pub(super) struct Inner<H> {
    pub(super) host: H,
    pub(super) name: LaneName,
    pub(super) params: Params,
    pub(super) memory: RefCell<Memory<Payload>>,
    away_until: Cell<Duration>,
    /// Of two looks at once, both would find the turn of a ticket that was lost.
    is_looked_at: Cell<bool>,
    is_being_settled: Cell<bool>,
}

/// What an instance does only once at a time, until this is dropped.
struct OnlyOne<'a>(&'a Cell<bool>);

impl<'a> OnlyOne<'a> {
    fn begin(is_under_way: &'a Cell<bool>) -> Option<Self> {
        (!is_under_way.replace(true)).then(|| Self(is_under_way))
    }
}

impl Drop for OnlyOne<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// What became of trying to take a lane.
#[derive(Debug)]
pub enum Take<H, T> {
    Held(Held<H, T>),
    /// There is nothing to take it for; with the latest document. Only
    /// [`take_when`](Lane::take_when) answers this.
    Unworthy(Option<Document<T>>),
    /// Somebody has it, or may have it. Worth another try after this time.
    Busy {
        retry_in: Duration,
    },
}

impl<H, T> Clone for Lane<H, T> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), payload: PhantomData }
    }
}

impl<H, T> fmt::Debug for Lane<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lane").field(&self.inner.name).finish()
    }
}

impl<H, T> Lane<H, T>
where
    H: Store + Clock,
    T: Serialize + DeserializeOwned + Clone,
{
    pub fn new(host: H, name: LaneName, params: Params) -> Self {
        let (memory, away_until) = (RefCell::default(), Cell::default());
        let (is_looked_at, is_being_settled) = (Cell::default(), Cell::default());
        let inner =
            Inner { host, name, params, memory, away_until, is_looked_at, is_being_settled };
        Self { inner: Rc::new(inner), payload: PhantomData }
    }

    pub fn name(&self) -> &LaneName {
        &self.inner.name
    }

    pub fn params(&self) -> Params {
        self.inner.params
    }

    /// Takes the lane if it is free. It waits only for a ticket of its own that was
    /// lost: until it is void, or gets its turn, it keeps others waiting. `init`
    /// gives the payload of a lane that has none.
    pub fn try_take(
        &self,
        init: impl AsyncFnOnce(Origin) -> Result<T>,
    ) -> impl Future<Output = Result<Take<H, T>>> {
        self.take_when(|_| true, init)
    }

    /// The same, but draws no ticket if the latest document shows that there is
    /// nothing to do.
    pub fn take_when(
        &self,
        worth: impl Fn(Option<&Document<T>>) -> bool,
        init: impl AsyncFnOnce(Origin) -> Result<T>,
    ) -> impl Future<Output = Result<Take<H, T>>> {
        self.take(worth, None, init, true)
    }

    async fn take(
        &self,
        worth: impl Fn(Option<&Document<T>>) -> bool,
        ask: Option<Ask<'_>>,
        init: impl AsyncFnOnce(Origin) -> Result<T>,
        patient: bool,
    ) -> Result<Take<H, T>> {
        let seen = RefCell::new(None);
        let is_worth = |document: Option<&Document<Payload>>| {
            let document = document.cloned().map(Document::parse).transpose()?;
            let is_worth = worth(document.as_ref());
            *seen.borrow_mut() = document;
            Ok(is_worth)
        };
        let won = match self.inner.take(&is_worth, ask, patient).await? {
            Taken::Won(won) => *won,
            Taken::Unworthy => return Ok(Take::Unworthy(seen.into_inner())),
            Taken::Busy(retry_in) => return Ok(Take::Busy { retry_in }),
        };
        let begun = match won.start() {
            Start::From(payload) => payload.parse().map(|payload| (payload, false)),
            Start::New => init(Origin::New).await.map(|payload| (payload, true)),
            Start::Restart => init(Origin::Restart).await.map(|payload| (payload, true)),
        };
        let (payload, begins) = begun.inspect_err(|_| {
            // The next look gets this turn: nobody else can.
            self.inner.memory.borrow_mut().lost(won.drawn);
        })?;
        Ok(Take::Held(Held::new(self.clone(), Turn::new(&won), payload, begins)))
    }

    /// Takes the lane if it is free and there is something to do, and may act on it at
    /// once. A founder first writes what it starts from, so that others know of it.
    pub async fn hold_when(
        &self,
        worth: impl Fn(Option<&Document<T>>) -> bool,
        init: impl AsyncFnOnce(Origin) -> Result<T>,
    ) -> Result<Take<H, T>> {
        self.begin(self.take(worth, None, init, true).await?).await
    }

    /// The same, but where the latest document seems worth a turn, `ask` decides: it may
    /// read something else. The turn of a ticket that was lost begins without it.
    pub async fn hold_if(
        &self,
        worth: impl Fn(Option<&Document<T>>) -> bool,
        ask: Ask<'_>,
        init: impl AsyncFnOnce(Origin) -> Result<T>,
    ) -> Result<Take<H, T>> {
        self.begin(self.take(worth, Some(ask), init, true).await?).await
    }

    /// The same for whoever holds other lanes: a ticket that is lost is not waited for,
    /// and left to the next try or to [`settle`](Self::settle).
    pub async fn hold_at_once(
        &self,
        worth: impl Fn(Option<&Document<T>>) -> bool,
        init: impl AsyncFnOnce(Origin) -> Result<T>,
    ) -> Result<Take<H, T>> {
        self.begin(self.take(worth, None, init, false).await?).await
    }

    /// Whether a ticket was lost that may still get its turn.
    pub fn has_lost(&self) -> bool {
        self.inner.memory.borrow().has_lost(self.inner.now(), self.inner.params)
    }

    /// Sees a lost ticket through, which others have to wait for until it is void. If it
    /// gets its turn, nothing is changed.
    pub async fn settle(&self) -> Result<()> {
        let _only = match OnlyOne::begin(&self.inner.is_being_settled) {
            Some(only) if self.has_lost() => only,
            _ => return Ok(()),
        };
        let held = match self.inner.take(&|_| Ok(false), None, true).await? {
            Taken::Won(won) => won,
            Taken::Unworthy | Taken::Busy(_) => return Ok(()),
        };
        let turn = RefCell::new(Turn::new(&held));
        let payload = held.base.and_then(|(_, document)| document.payload);
        // Without a document there is nothing to keep: the ticket passes by itself.
        let Some(payload) = payload else { return Ok(()) };
        let ticket = turn.borrow().ticket();
        let upto = self.inner.counter().await.map_or(ticket, Ticket::of);
        let change = Change { payload: Some(payload), release: Some(upto), seek: false };
        self.inner.write(&turn, change).await.map(drop)
    }

    async fn begin(&self, taken: Take<H, T>) -> Result<Take<H, T>> {
        let mut held = match taken {
            Take::Held(held) => held,
            busy => return Ok(busy),
        };
        if held.is_founding() && held.write(held.payload().clone()).await? == Written::Lost {
            return Ok(Take::Busy { retry_in: self.inner.params.grace });
        }
        Ok(Take::Held(held))
    }

    /// Whether nobody has ever drawn a ticket.
    pub async fn is_untouched(&self) -> Result<bool> {
        Ok(self.inner.counter().await? == 0)
    }

    /// The latest document and the ticket of its writer. Somebody may be writing the
    /// next one: it is for answering questions.
    pub async fn peek(&self) -> Result<Option<(Ticket, Document<T>)>> {
        let (_, document) = self.inner.latest().await?;
        document.map(|document| Ok((document.ticket, document.parse()?))).transpose()
    }
}

enum Taken {
    Won(Box<Won<Payload>>),
    Unworthy,
    Busy(Duration),
}

/// What one look led to.
enum Look {
    Taken(Taken),
    Busy(Busy),
}

/// Whether a document is worth a turn.
type IsWorth<'a> = &'a dyn Fn(Option<&Document<Payload>>) -> Result<bool>;

/// Decides on a draw by what has to be read first.
pub type Ask<'a> = &'a dyn Fn() -> LocalBoxFuture<'a, Result<bool>>;

impl<H: Store + Clock> Inner<H> {
    /// Takes the lane, or tells when to try again.
    async fn take(
        &self,
        is_worth: IsWorth<'_>,
        ask: Option<Ask<'_>>,
        patient: bool,
    ) -> Result<Taken> {
        let now = self.now();
        if let Some(rest) = self.away_until.get().checked_sub(now.monotonic)
            && !rest.is_zero()
        {
            return Ok(Taken::Busy(rest));
        }
        loop {
            let drew_at_once = self.memory.borrow().may_draw_at_once();
            let busy = match self.look(is_worth, ask).await? {
                // This instance has judged by the document that it released itself, and
                // somebody else may have had a turn since. So it looks.
                Look::Taken(Taken::Unworthy) | Look::Busy(_)
                    if drew_at_once && !self.memory.borrow().may_draw_at_once() =>
                {
                    continue;
                }
                Look::Taken(taken) => return Ok(taken),
                Look::Busy(busy) => busy,
            };
            let pause = match busy {
                Busy::Soon => random::between(POLL_MIN, POLL_MAX, random::number(&self.host)),
                Busy::Watched(time) => time.max(POLL_MIN),
            };
            if !patient || !self.memory.borrow().has_lost(self.now(), self.params) {
                return Ok(Taken::Busy(pause));
            }
            self.host.sleep(pause.min(POLL_MAX)).await;
        }
    }

    async fn look(&self, is_worth: IsWorth<'_>, ask: Option<Ask<'_>>) -> Result<Look> {
        let Some(_only) = OnlyOne::begin(&self.is_looked_at) else {
            return Ok(Look::Busy(Busy::Soon));
        };
        let memory = self.memory.take();
        // Whatever becomes of this look, the tickets are not forgotten.
        *self.memory.borrow_mut() = memory.tickets();
        let mut step = look::begin(self.params, Rules::ALL, memory, self.now());
        loop {
            if let Step::Draw(draw) = &step
                && let Some(base) = draw.base()
            {
                let is_worth = match (is_worth(base)?, ask) {
                    (true, Some(ask)) => ask().await?,
                    (is_worth, _) => is_worth,
                };
                if !is_worth {
                    *self.memory.borrow_mut() = draw.memory();
                    return Ok(Look::Taken(Taken::Unworthy));
                }
            }
            match self.perform(step).await? {
                Step::Done(Outcome::Won(won)) => {
                    self.memory.borrow_mut().won(won.drawn);
                    return Ok(Look::Taken(Taken::Won(Box::new(won))));
                }
                Step::Done(Outcome::Busy(memory, busy)) => {
                    *self.memory.borrow_mut() = memory;
                    return Ok(Look::Busy(busy));
                }
                next => step = next,
            }
        }
    }

    pub(super) fn now(&self) -> Now {
        Now { wall: self.host.now(), monotonic: self.host.monotonic() }
    }

    /// Stays away for two polls of those who wait.
    pub(super) fn stay_away(&self) {
        self.away_until.set(self.host.monotonic() + KNOCK_CHECK);
    }

    /// The last ticket that was drawn.
    pub(super) async fn counter(&self) -> Result<u64> {
        store::counter(&self.host, &self.name.counter()).await
    }

    async fn document(&self, era: Era) -> Result<Option<Document<Payload>>> {
        store::get(&self.host, &self.name.document(era)).await
    }

    /// The counter and the latest document.
    async fn latest(&self) -> Result<(Ticket, Option<Document<Payload>>)> {
        let guess = self.memory.borrow().era();
        let (counter, document) = try_join(self.counter(), self.document(guess)).await?;
        let ticket = Ticket::of(counter).max(self.memory.borrow().least());
        let mut era = ticket.era();
        if era == guess && (document.is_some() || era == 0) {
            return Ok((ticket, document));
        }
        loop {
            if let Some(document) = self.document(era).await? {
                return Ok((ticket, Some(document)));
            }
            let Some(below) = era.checked_sub(1) else { return Ok((ticket, None)) };
            era = below;
        }
    }

    /// Asks the store what the step asks, and gives the answer to it.
    async fn perform(&self, step: Step<Payload>) -> Result<Step<Payload>> {
        let (host, name) = (&self.host, &self.name);
        Ok(match step {
            Step::Look(look) => {
                let (counter, document) = try_join(self.counter(), self.document(look.era)).await?;
                look.got(counter, document, self.now())
            }
            Step::GetDocument(get) => {
                let document = self.document(get.era).await?;
                get.got(document, self.now())
            }
            Step::GetWatch(get) => {
                let watch = store::get(host, &name.watch()).await?;
                get.got(watch, self.now())
            }
            Step::SetWatch(set) => {
                // It only says since when; the next look sets it again.
                let _ = store::set(host, &name.watch(), &set.watch).await;
                set.done()
            }
            Step::Knock(knock) => {
                let _ = store::set(host, &name.knock(), &Knock { ticket: knock.ticket }).await;
                knock.done(self.now())
            }
            Step::Recheck(recheck) => {
                let wait = random::between(Duration::ZERO, FOUNDER_WAIT, random::number(host));
                host.sleep(wait).await;
                let counter = self.counter().await?;
                recheck.got(counter, self.now())
            }
            Step::Draw(draw) => return self.draw(draw).await,
            Step::Done(outcome) => Step::Done(outcome),
        })
    }

    async fn draw(&self, draw: look::Draw<Payload>) -> Result<Step<Payload>> {
        let mut tries = 1;
        loop {
            match store::increment(&self.host, &self.name.counter(), draw.by).await {
                Ok(counter) => return Ok(draw.got(counter)),
                // Nothing was drawn. The ticket's time counts from the first try.
                Err(error) if error.kind == StoreErrorKind::Refused => {
                    if tries == DRAWS {
                        return Err(Error::from(error));
                    }
                    self.host.sleep(POLL_MAX * tries).await;
                    tries += 1;
                }
                Err(_) => return Ok(draw.unknown()),
            }
        }
    }
}
