//! A lane, and how it is taken.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::try_join;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Origin;
use super::claimed::Claimed;
use super::document::{Epoch, Knock, Now};
use super::held::Held;
use super::params::{KNOCK_CHECK, POLL_MAX, POLL_MIN, Params, Rules};
use super::payload::Payload;
use super::take::{self, Memory, Outcome, Step, Won};
use super::tenure::{Start, Tenure};
use crate::error::{Error, Result};
use crate::host::{Clock, Store};
use crate::state::keys::LaneName;
use crate::state::store;

/// A lane, as one instance knows it. Cheap to clone; whoever polls a lane
/// should keep it, since it remembers what the last poll has seen.
pub struct Lane<H, T> {
    pub(super) inner: Rc<Inner<H>>,
    payload: PhantomData<fn() -> T>,
}

pub(super) struct Inner<H> {
    pub(super) host: H,
    pub(super) name: LaneName,
    pub(super) params: Params,
    memory: Cell<Memory>,
    away_until: Cell<Duration>,
}

/// What became of trying to take a lane.
#[derive(Debug)]
pub enum Take<H, T> {
    Held(Held<H, T>),
    /// Somebody has it, or may have it. Worth another try after this time.
    Busy {
        retry_in: Duration,
    },
}

/// What became of trying to claim a lane.
#[derive(Debug)]
pub enum Claim<H, T> {
    Won(Claimed<H, T>),
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
        let inner =
            Inner { host, name, params, memory: Cell::default(), away_until: Cell::default() };
        Self { inner: Rc::new(inner), payload: PhantomData }
    }

    pub fn name(&self) -> &LaneName {
        &self.inner.name
    }

    /// Takes the lane if it is free, and never waits for it. `init` gives the
    /// payload of a lane that has none; only the winner of its first epoch is
    /// asked, and has the [grace](Params::grace) for it.
    pub async fn try_take(
        &self,
        init: impl AsyncFnOnce(Origin) -> Result<T>,
    ) -> Result<Take<H, T>> {
        match self.try_claim(init).await? {
            Claim::Busy { retry_in } => Ok(Take::Busy { retry_in }),
            Claim::Won(claimed) => claimed.announce().await,
        }
    }

    /// Claims the lane if it is free. What it holds is known then, so that
    /// work which takes nobody anything (a fetch) can start; the lane is held
    /// only when the claim was [announced](Claimed::announce).
    pub async fn try_claim(
        &self,
        init: impl AsyncFnOnce(Origin) -> Result<T>,
    ) -> Result<Claim<H, T>> {
        let won = match self.inner.claim().await? {
            Ok(won) => won,
            Err(retry_in) => return Ok(Claim::Busy { retry_in }),
        };
        let (payload, begins) = match won.start() {
            Start::From(payload) => (payload.parse()?, false),
            Start::New => (init(Origin::New).await?, true),
            Start::Restart => (init(Origin::Restart).await?, true),
        };
        Ok(Claim::Won(Claimed::new(self.clone(), Box::new(Tenure::new(&won)), payload, begins)))
    }
}

impl<H: Store + Clock> Inner<H> {
    /// Claims the lane, or tells when to try again.
    async fn claim(&self) -> Result<Result<Won<Payload>, Duration>> {
        let now = self.now();
        if let Some(rest) = self.away_until.get().checked_sub(now.monotonic)
            && !rest.is_zero()
        {
            return Ok(Err(rest));
        }
        let mut step = take::begin::<Payload>(self.params, Rules::ALL, self.memory.get(), now);
        let won = loop {
            match self.perform(step).await? {
                Step::Done(Outcome::Won(won)) => break won,
                Step::Done(Outcome::Busy(memory)) => {
                    self.memory.set(memory);
                    return Ok(Err(self.poll()));
                }
                // A stale store may show a hint and not yet a document.
                Step::Done(Outcome::Missing) if !self.params.stale.is_zero() => {
                    return Ok(Err(self.poll()));
                }
                Step::Done(Outcome::Missing) => {
                    return Err(Error::Store {
                        detail: format!("{} has a hint and no document", self.name.documents()),
                    });
                }
                next => step = next,
            }
        };
        self.memory.set(Memory::default());
        Ok(Ok(won))
    }

    pub(super) fn now(&self) -> Now {
        Now { wall: self.host.now(), monotonic: self.host.monotonic() }
    }

    /// Stays away for two polls of those who wait.
    pub(super) fn stay_away(&self) {
        self.away_until.set(self.host.monotonic() + KNOCK_CHECK);
    }

    fn poll(&self) -> Duration {
        let mut random = [0; 2];
        self.host.random(&mut random);
        let part = f64::from(u16::from_le_bytes(random)) / f64::from(u16::MAX);
        POLL_MIN + (POLL_MAX - POLL_MIN).mul_f64(part)
    }

    /// Asks the store what the step asks, and gives the answer to it.
    async fn perform(&self, step: Step<Payload>) -> Result<Step<Payload>> {
        let (host, name) = (&self.host, &self.name);
        Ok(match step {
            Step::GetHint(step) => {
                let hint = store::get(host, &name.hint()).await?;
                step.got(hint, self.now())
            }
            Step::GetDocument(step) => {
                let document = store::get(host, &name.document(step.epoch)).await?;
                step.got(document, self.now())
            }
            Step::ListDocuments(step) => {
                let highest = self.highest_document().await?;
                step.got(highest, self.now())
            }
            Step::Claim(step) => {
                step.clone().got(store::claim(host, &name.claim(step.epoch)).await?)
            }
            Step::GetBase(step) => {
                let document = async {
                    match step.document() {
                        None => Ok(None),
                        Some(epoch) => store::get(host, &name.document(epoch)).await,
                    }
                };
                let hint = async {
                    if step.wants_hint() { store::get(host, &name.hint()).await } else { Ok(None) }
                };
                let (document, hint) = try_join(document, hint).await?;
                step.got(document, hint)
            }
            Step::GetWatch(step) => {
                let watch = store::get(host, &name.watch(step.epoch)).await?;
                step.got(watch, self.now())
            }
            Step::SetWatch(step) => {
                store::set(host, &name.watch(step.epoch), &step.watch).await?;
                step.done(self.now())
            }
            Step::Knock(step) => {
                store::set(host, &name.knock(), &Knock { epoch: step.epoch }).await?;
                step.done(self.now())
            }
            Step::Done(outcome) => Step::Done(outcome),
        })
    }

    /// Lists the store, which is slow.
    pub(super) async fn highest_document(&self) -> Result<Option<Epoch>> {
        let prefix = self.name.documents();
        let keys = self.host.keys(&prefix).await?;
        Ok(keys.iter().filter_map(|key| key.strip_prefix(&prefix)?.parse().ok()).max())
    }
}
