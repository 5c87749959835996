//! Looking at a lane without taking it.

use futures_util::future::try_join;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::document::{Document, Epoch};
use super::driver::{Inner, Lane};
use super::payload::Payload;
use crate::error::Result;
use crate::host::{Clock, Store};
use crate::state::store;

impl<H, T> Lane<H, T>
where
    H: Store + Clock,
    T: Serialize + DeserializeOwned + Clone,
{
    /// The latest document and its epoch. Somebody may be writing the next
    /// one, and a late write of an old holder may for a moment show a state
    /// from before: it is for answering questions and for acknowledgements,
    /// which have checks of their own, not for deciding where to go on.
    pub async fn peek(&self) -> Result<Option<(Epoch, Document<T>)>> {
        let latest = self.inner.peek().await?;
        latest.map(|(epoch, document)| Ok((epoch, document.parse()?))).transpose()
    }

    /// The document that the hint names, for two reads. It was the latest one
    /// when somebody last let go, and enough to see that there is nothing to
    /// take the lane for.
    pub async fn glance(&self) -> Result<Option<Document<T>>> {
        self.inner.glance().await?.map(Document::parse).transpose()
    }
}

impl<H: Store + Clock> Inner<H> {
    async fn peek(&self) -> Result<Option<(Epoch, Document<Payload>)>> {
        let (host, name) = (&self.host, &self.name);
        let hint = store::get(host, &name.hint()).await?;
        let mut epoch = hint.map_or(1, |hint| hint.epoch);
        let mut latest = None;
        loop {
            let document = name.document::<Payload>(epoch);
            let watch = name.watch(epoch);
            match try_join(store::get(host, &document), store::get(host, &watch)).await? {
                (Some(document), _) => latest = Some((epoch, document)),
                // A claim whose winner may be dead: the next ones may live.
                (None, Some(_)) => {}
                (None, None) => break,
            }
            epoch += 1;
        }
        if latest.is_some() || hint.is_none() {
            return Ok(latest);
        }
        // The hint is from before a sweep.
        let Some(epoch) = self.highest_document().await? else { return Ok(None) };
        let document = store::get(host, &name.document(epoch)).await?;
        Ok(document.map(|document| (epoch, document)))
    }

    async fn glance(&self) -> Result<Option<Document<Payload>>> {
        let (host, name) = (&self.host, &self.name);
        match store::get(host, &name.hint()).await? {
            None => Ok(None),
            Some(hint) => store::get(host, &name.document(hint.epoch)).await,
        }
    }
}
