//! The list of all subscriptions, shared by all instances: one document that
//! is changed under a lease.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::subscription::{Subscription, Subscriptions};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::state::keys::LaneName;
use crate::state::lane::{Claim, Lane, Params, Written};

/// How long a registration or a removal waits for others.
const MAX_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Registry<H> {
    host: H,
    lane: Lane<H, Subscriptions>,
    snapshot: RefCell<Option<Snapshot>>,
    /// When somebody last began to read the list anew.
    asked: Cell<Option<Duration>>,
}

/// The list as it was at some time of the monotonic clock.
#[derive(Clone)]
struct Snapshot {
    at: Duration,
    list: Rc<Subscriptions>,
}

impl<H> fmt::Debug for Registry<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Registry").field(&self.lane).finish()
    }
}

impl<H: Host> Registry<H> {
    pub(super) fn new(host: H) -> Self {
        let lane = Lane::new(host.clone(), LaneName::registry(), Params::default());
        Self { host, lane, snapshot: RefCell::default(), asked: Cell::default() }
    }

    /// The list as it is now.
    pub(super) async fn read(&self) -> Result<Rc<Subscriptions>> {
        let at = self.host.monotonic();
        self.asked.set(Some(at));
        let latest = self.lane.peek().await?;
        let list = latest.and_then(|(_, document)| document.payload).unwrap_or_default();
        Ok(self.remember(at, list))
    }

    /// The list as it was at most `age` ago, if this instance knows it.
    pub(super) fn known(&self, age: Duration) -> Option<Rc<Subscriptions>> {
        let oldest = self.host.monotonic().checked_sub(age).unwrap_or_default();
        let snapshot = self.snapshot.borrow();
        snapshot.as_ref().filter(|snapshot| snapshot.at >= oldest).map(|known| known.list.clone())
    }

    /// The list as it was about `age` ago at most: while one request reads it
    /// anew the others go on with what is known, for as long again.
    pub(super) async fn recent(&self, age: Duration) -> Result<Rc<Subscriptions>> {
        let being_read =
            self.asked.get().is_some_and(|at| self.host.monotonic().saturating_sub(at) < age);
        match self.known(if being_read { age * 2 } else { age }) {
            Some(list) => Ok(list),
            None => self.read().await,
        }
    }

    pub(super) async fn add(&self, new: Subscription) -> Result<Rc<Subscription>> {
        let new = Rc::new(new);
        self.change(|list| list.add(&new)).await
    }

    pub(super) async fn remove(&self, id: &str) -> Result<Rc<Subscription>> {
        self.change(|list| list.remove(id)).await
    }

    /// Changes the list; it is the latest one, and `edit` may be asked again.
    /// Its answer is given only when the changed list is in the store for good.
    async fn change<T>(&self, edit: impl Fn(&mut Subscriptions) -> Result<T>) -> Result<T> {
        let give_up = self.host.monotonic() + MAX_WAIT;
        loop {
            // Who died in the first epoch was not heard of: nothing is lost by
            // beginning anew.
            let pause = match self.lane.try_claim(async |_| Ok(Subscriptions::default())).await? {
                Claim::Busy { retry_in } => retry_in,
                Claim::Won(claimed) => {
                    let at = self.host.monotonic();
                    let mut list = claimed.payload().clone();
                    let answer = edit(&mut list);
                    match claimed.settle(list.clone()).await? {
                        Written::Kept => {
                            self.remember(at, list);
                            return answer;
                        }
                        // It may be there or not; the next look tells.
                        Written::Lost => Duration::ZERO,
                    }
                }
            };
            if self.host.monotonic() + pause >= give_up {
                return Err(Error::Busy("Other webhooks are being registered; try again".into()));
            }
            self.host.sleep(pause).await;
        }
    }

    fn remember(&self, at: Duration, list: Subscriptions) -> Rc<Subscriptions> {
        let list = Rc::new(list);
        let mut snapshot = self.snapshot.borrow_mut();
        // A slow read must not hide what was learnt since.
        if snapshot.as_ref().is_none_or(|known| known.at <= at) {
            *snapshot = Some(Snapshot { at, list: list.clone() });
        }
        list
    }
}
