//! A lane that this instance holds.

use std::fmt;
use std::time::Duration;

use futures_util::future::try_join;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::document::Epoch;
use super::driver::{Inner, Lane};
use super::payload::Payload;
use super::tenure::{Change, Chore, Tenure, Written};
use crate::error::Result;
use crate::host::{Clock, Store};
use crate::state::keys::LaneName;
use crate::state::store;

/// A lane that this instance holds, for as long as [`is_live`](Held::is_live).
/// Dropped without [`release`](Held::release) it stays taken until its lease
/// is over.
pub struct Held<H, T> {
    lane: Lane<H, T>,
    tenure: Box<Tenure>,
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
    pub(super) fn new(lane: Lane<H, T>, tenure: Box<Tenure>, payload: T, begins: bool) -> Self {
        let knock_checked = lane.inner.host.monotonic();
        Self { lane, tenure, payload, begins, knocked: false, knock_checked }
    }

    /// Whether the lane held nothing before: it is new, or was deleted.
    pub fn begins(&self) -> bool {
        self.begins
    }

    /// What was last written and kept.
    pub fn payload(&self) -> &T {
        &self.payload
    }

    pub fn name(&self) -> &LaneName {
        &self.lane.inner.name
    }

    pub fn epoch(&self) -> Epoch {
        self.tenure.epoch()
    }

    /// The epoch of the last seek or delete.
    pub fn generation(&self) -> Epoch {
        self.tenure.generation()
    }

    /// Whether something may be handed out at this very moment. Ask again
    /// after every wait.
    pub fn is_live(&self) -> bool {
        self.tenure.is_live(self.lane.inner.now())
    }

    /// How long the lane stays held without another write.
    pub fn remaining(&self) -> Duration {
        self.tenure.remaining(self.lane.inner.now())
    }

    /// Whether half of the lease is over. Any write renews it.
    pub fn renew_due(&self) -> bool {
        self.tenure.renew_due(self.lane.inner.now())
    }

    /// Writes a state, all of which must have been done, and holds the lane
    /// for another lease. After an error or [`Written::Lost`] the lane is not
    /// held any more.
    pub async fn write(&mut self, payload: T) -> Result<Written> {
        let change = Change { payload: Some(Payload::of(&payload)?), release: false, seek: false };
        let written = write(&self.lane.inner, &mut self.tenure, change).await?;
        if written == Written::Kept {
            self.payload = payload;
        }
        Ok(written)
    }

    /// Writes a state, all of which must have been done, and lets go. Then it
    /// tidies up, which nobody needs to wait for.
    pub async fn release(self, payload: T) -> Result<Written> {
        self.last(Some(payload), false).await
    }

    /// Sets the state at will and lets go; what earlier holders gave out is
    /// void.
    pub async fn seek(self, payload: T) -> Result<Written> {
        self.last(Some(payload), true).await
    }

    /// Lets go; the lane begins anew with whoever takes it next.
    pub async fn delete(self) -> Result<Written> {
        self.last(None, true).await
    }

    async fn last(mut self, payload: Option<T>, seek: bool) -> Result<Written> {
        let inner = &self.lane.inner;
        if self.knocked {
            inner.stay_away();
        }
        let payload = payload.as_ref().map(Payload::of).transpose()?;
        write(inner, &mut self.tenure, Change { payload, release: true, seek }).await
    }

    /// Whether somebody waits for the lane: then let go with the next write.
    /// Looks at the store only if the last look is older than this.
    pub async fn knocked(&mut self, age: Duration) -> Result<bool> {
        let inner = &self.lane.inner;
        let now = inner.host.monotonic();
        if !self.knocked && now >= self.knock_checked + age {
            self.knock_checked = now;
            let knock = store::get(&inner.host, &inner.name.knock()).await?;
            self.knocked = knock.is_some_and(|knock| knock.epoch >= self.tenure.epoch());
        }
        Ok(self.knocked)
    }
}

/// Writes the document of a tenure and tidies up after it.
pub(super) async fn write<H: Store + Clock>(
    inner: &Inner<H>,
    tenure: &mut Tenure,
    change: Change<Payload>,
) -> Result<Written> {
    let Some(document) = tenure.write(change, inner.now()) else { return Ok(Written::Lost) };
    let key = inner.name.document(tenure.epoch());
    if let Err(error) = store::set(&inner.host, &key, &document).await {
        tenure.failed();
        return Err(error);
    }
    let written = tenure.returned(inner.now());
    for chore in tenure.chores() {
        // The state is safe. A hint not given and a key not deleted cost
        // others a little time; a claim may not go before its document, so
        // the first failure ends it.
        if inner.carry_out(chore).await.is_err() {
            break;
        }
    }
    Ok(written)
}

impl<H: Store + Clock> Inner<H> {
    async fn carry_out(&self, chore: Chore) -> Result<()> {
        let (host, name) = (&self.host, &self.name);
        match chore {
            Chore::SetHint(hint) => store::set(host, &name.hint(), &hint).await,
            Chore::Delete(epoch) => {
                let document = name.document::<Payload>(epoch);
                let watch = name.watch(epoch);
                try_join(store::delete(host, &document), store::delete(host, &watch)).await?;
                Ok(())
            }
            Chore::Free(epoch) => store::free(host, &name.claim(epoch)).await,
        }
    }
}
