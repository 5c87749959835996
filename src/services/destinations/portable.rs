//! Destinations as entries of a document. They keep their ids, which records have in a
//! header.

use std::cell::RefCell;

use futures_util::future::LocalBoxFuture;
use serde_json::Value;

use super::change::{Change, KIND, Wish, owner};
use super::destination::Dialect;
use super::list::StoredDestination;
use super::{Destinations, MAX_LIST_AGE};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::secrets::{MASK, StoredSecret};
use crate::services::condition::Condition;
use crate::services::configuration::{Entry, Given, Kind, Run, Taken, What};
use crate::services::sources::name_if_missing;

fn is_missing(stored: &StoredDestination) -> bool {
    stored.secret.as_ref().is_some_and(StoredSecret::is_missing)
}

/// The settings with the secret that the destination is to have: the mask stands for the one
/// that is there, or for none at all.
fn wanted(given: &Given, before: Option<&StoredDestination>) -> Result<String> {
    let mut settings = given.value()?;
    name_if_missing(&mut settings, &given.name);
    if settings.get("name").and_then(Value::as_str) != Some(&given.name) {
        return Err(Error::invalid("name", "The name is not that in the settings"));
    }
    let secret = settings.pointer_mut("/config/api_secret");
    if secret.as_ref().is_some_and(|secret| secret.as_str() != Some(MASK)) {
        let sentence = "A document has a mask in place of a secret, and that beside the settings";
        return Err(Error::invalid("settings.config.api_secret", sentence));
    }
    let keeps = before.is_some_and(|before| before.secret.is_some() && !is_missing(before));
    match (secret, given.secret()?) {
        (Some(secret), Some(given)) if !keeps => *secret = given.into(),
        (None, Some(_)) => {
            return Err(Error::invalid("secrets", "Not one secret for each mask"));
        }
        _ => {}
    }
    Ok(settings.to_string())
}

impl<H: Host, L: Log> Kind for Destinations<H, L> {
    fn name(&self) -> &'static str {
        KIND
    }

    fn names(&self) -> LocalBoxFuture<'_, Result<Vec<String>>> {
        Box::pin(async {
            let list = self.list.read().await?;
            Ok(list.iter().map(|stored| stored.name.to_string()).collect())
        })
    }

    fn get<'a>(
        &'a self,
        name: &'a str,
        with_secrets: bool,
    ) -> LocalBoxFuture<'a, Result<Option<Entry>>> {
        Box::pin(async move {
            let list = self.list.recent(MAX_LIST_AGE).await?;
            let Some(stored) = list.iter().find(|stored| *stored.name == *name) else {
                return Ok(None);
            };
            // One whose key is gone is as good as missing.
            let secrets = stored
                .secret
                .iter()
                .filter(|_| with_secrets)
                .map(|secret| self.parts.keys.open(&owner(&stored.id), secret).ok());
            Ok(Some(Entry { settings: stored.shown()?, secrets: secrets.collect() }))
        })
    }

    fn take<'a>(&'a self, given: &'a Given, run: Run<'a>) -> LocalBoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            let list = self.list.recent(MAX_LIST_AGE).await?;
            let before = list.iter().find(|stored| *stored.name == *given.name);
            let settings = wanted(given, before)?;
            let wish = Wish {
                reference: &given.name,
                change: Change::Put(settings.as_bytes()),
                condition: Condition::None,
                dialect: Dialect::Gateway,
                allow_private: self.parts.allow_private,
                may_lack_secret: true,
                keys: &self.parts.keys,
                clock: &self.host,
            };
            let made = wish.made(&list)?;
            let needs_secret = made.stored.as_ref().is_some_and(is_missing);
            let what = What::of(!made.is_new, made.stored.as_ref() == before);
            if let (What::Create, Some(planned)) = (what, run.planned()) {
                list.has_room(planned.new.get())?;
                planned.destinations.borrow_mut().push((given.name.clone(), made.id.clone()));
            }
            if what != What::Unchanged && !run.is_dry() {
                let made = RefCell::new(None);
                self.list.change(|list| wish.carry_out(list, &made)).await?;
                if let Some(made) = made.into_inner() {
                    made.report(&self.host);
                }
            }
            Ok(Taken { what, needs_secret })
        })
    }
}
