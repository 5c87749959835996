//! A claim that was won and is still to be announced.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::driver::{Lane, Take};
use super::held::{Held, write};
use super::payload::Payload;
use super::tenure::{Change, Tenure, Written};
use crate::error::Result;
use crate::host::{Clock, Store};

/// A claim that was won: others wait for its announcement, for no longer than
/// the [grace](super::Params::grace). Nothing may be handed out yet. Dropped,
/// it keeps the lane from everybody for that long, so it is not for looking.
pub struct Claimed<H, T> {
    lane: Lane<H, T>,
    tenure: Box<Tenure>,
    payload: T,
    begins: bool,
}

impl<H, T> fmt::Debug for Claimed<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Claimed").field(&self.lane).finish()
    }
}

impl<H, T> Claimed<H, T>
where
    H: Store + Clock,
    T: Serialize + DeserializeOwned + Clone,
{
    pub(super) fn new(lane: Lane<H, T>, tenure: Box<Tenure>, payload: T, begins: bool) -> Self {
        Self { lane, tenure, payload, begins }
    }

    /// What the new holder starts from.
    pub fn payload(&self) -> &T {
        &self.payload
    }

    /// The epoch of the last seek or delete.
    pub fn generation(&self) -> super::Epoch {
        self.tenure.generation()
    }

    /// Takes the lane as it is.
    pub async fn announce(self) -> Result<Take<H, T>> {
        let payload = self.payload.clone();
        self.announce_as(payload).await
    }

    /// Takes the lane and changes it with the same write.
    pub async fn announce_as(mut self, payload: T) -> Result<Take<H, T>> {
        let change = Change { payload: Some(Payload::of(&payload)?), release: false, seek: false };
        match write(&self.lane.inner, &mut self.tenure, change).await? {
            Written::Kept => {
                Ok(Take::Held(Held::new(self.lane, self.tenure, payload, self.begins)))
            }
            // Others count from when they first saw the claim.
            Written::Lost => Ok(Take::Busy { retry_in: self.lane.inner.params.grace }),
        }
    }

    /// Changes the lane without holding it for longer than this write.
    pub async fn settle(self, payload: T) -> Result<Written> {
        self.last(Some(payload), false).await
    }

    /// The same, and what earlier holders gave out is void.
    pub async fn seek(self, payload: T) -> Result<Written> {
        self.last(Some(payload), true).await
    }

    /// The lane begins anew with whoever takes it next.
    pub async fn delete(self) -> Result<Written> {
        self.last(None, true).await
    }

    async fn last(mut self, payload: Option<T>, seek: bool) -> Result<Written> {
        let payload = payload.as_ref().map(Payload::of).transpose()?;
        let change = Change { payload, release: true, seek };
        write(&self.lane.inner, &mut self.tenure, change).await
    }
}
