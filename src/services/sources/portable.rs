//! Sources as entries of a document.

use std::rc::Rc;

use futures_util::future::LocalBoxFuture;

use super::list::StoredSource;
use super::prepared::{invalid, owner};
use super::source::Source;
use super::{KIND, MAX_LIST_AGE, Sources, masking};
use crate::access::Grant;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::secrets::{MASK, StoredSecret};
use crate::services::condition::Condition;
use crate::services::configuration::{Entry, Given, Kind, Run, Taken, What, failed};

fn is_missing(source: &Source) -> bool {
    source.verify.secrets.iter().any(StoredSecret::is_missing)
}

/// The source as it is given, with the secrets that it is to have: a mask for each one that
/// stays, and nothing in place of those that there are not.
fn wanted(given: &Given, before: Option<&Source>) -> Result<Source> {
    let mut settings = given.value()?;
    super::name_if_missing(&mut settings, &given.name);
    let mut source =
        Source::from_value(settings).map_err(|error| Error::of_json(&error, "settings"))?;
    if source.name.as_str() != given.name {
        return Err(Error::invalid("name", "The name is not that in the settings"));
    }
    let secrets = &mut source.verify.secrets;
    let mask = || StoredSecret::Plain(MASK.into());
    if secrets.iter().any(|secret| *secret != mask()) {
        let sentence = "A document has masks in place of secrets, and these beside the settings";
        return Err(invalid("settings.verify.secrets", sentence));
    }
    let masks = secrets.len();
    *secrets = match (before, &given.secrets) {
        (Some(before), None) => before.verify.secrets.iter().map(|_| mask()).collect(),
        (Some(before), Some(_)) if !is_missing(before) => {
            before.verify.secrets.iter().map(|_| mask()).collect()
        }
        (_, Some(given)) if given.len() != masks => {
            return Err(Error::invalid("secrets", "Not one secret for each mask"));
        }
        (_, Some(given)) => given.iter().cloned().map(StoredSecret::Plain).collect(),
        (None, None) => vec![StoredSecret::missing(); masks],
    };
    Ok(source)
}

fn settings(source: &Source) -> String {
    masking::masked(source).to_json()
}

impl<H: Host, L: Log> Kind for Sources<H, L> {
    fn name(&self) -> &'static str {
        KIND
    }

    fn names(&self) -> LocalBoxFuture<'_, Result<Vec<String>>> {
        Box::pin(async {
            let list = self.list.read().await?;
            Ok(list.iter().map(|stored| stored.source.name.to_string()).collect())
        })
    }

    fn get<'a>(
        &'a self,
        name: &'a str,
        with_secrets: bool,
    ) -> LocalBoxFuture<'a, Result<Option<Entry>>> {
        Box::pin(async move {
            let list = self.list.recent(MAX_LIST_AGE).await?;
            let Ok(StoredSource { source, .. }) = list.get(name) else { return Ok(None) };
            let secrets = source.verify.secrets.iter().filter(|_| with_secrets);
            // One whose key is gone is as good as missing.
            let secrets = secrets.map(|secret| self.keys.open(&owner(name), secret).ok());
            Ok(Some(Entry { settings: settings(source), secrets: secrets.collect() }))
        })
    }

    fn take<'a>(&'a self, given: &'a Given, run: Run<'a>) -> LocalBoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            let grant = Grant::open();
            let list = self.list.recent(MAX_LIST_AGE).await?;
            let before = list.get(&given.name).ok();
            let known = before.map(|before| &*before.source);
            let source = wanted(given, known)?;
            let planned = |reference: &str| {
                let planned = run.planned()?.destinations.borrow();
                let is_it =
                    |(name, id): &&(String, Rc<str>)| name == reference || **id == *reference;
                planned.iter().find(is_it).map(|(_, id)| id.clone())
            };
            self.check_targets(&source, &planned).await?;
            let admitted = self.admit(source, before, &grant).map_err(failed)?;
            let after = &*admitted.source;
            let is_same = known.is_some_and(|known| {
                settings(known) == settings(after) && is_missing(known) == is_missing(after)
            });
            let taken =
                Taken { what: What::of(known.is_some(), is_same), needs_secret: is_missing(after) };
            if let Some(planned) = run.planned().filter(|_| !is_same) {
                admitted.is_small()?;
                if known.is_none() {
                    list.has_room(planned.new.get())?;
                }
            }
            if !is_same && !run.is_dry() {
                let make = |before: Option<&StoredSource>| {
                    wanted(given, before.map(|before| &*before.source))
                };
                self.replace(&given.name, Condition::None, &grant, &make).await.map_err(failed)?;
            }
            Ok(taken)
        })
    }
}
