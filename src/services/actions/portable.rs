//! Actions as entries of a document. They have no secrets.

use futures_util::future::LocalBoxFuture;

use super::change::{Change, KIND, Wish};
use super::{Actions, MAX_LIST_AGE};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::services::condition::Condition;
use crate::services::configuration::{Entry, Given, Kind, Taken, What};

impl<H: Host, L: Log> Kind for Actions<H, L> {
    fn name(&self) -> &'static str {
        KIND
    }

    fn names(&self) -> LocalBoxFuture<'_, Result<Vec<String>>> {
        Box::pin(async {
            let list = self.list.read().await?;
            Ok(list.iter().map(|stored| stored.identifier.clone()).collect())
        })
    }

    fn get<'a>(&'a self, name: &'a str, _: bool) -> LocalBoxFuture<'a, Result<Option<Entry>>> {
        Box::pin(async move {
            let list = self.list.recent(MAX_LIST_AGE).await?;
            let settings = list.get(name).map(|stored| stored.settings.to_string());
            Ok(settings.map(|settings| Entry { settings, secrets: None }))
        })
    }

    fn take<'a>(&'a self, given: &'a Given, dry_run: bool) -> LocalBoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            if given.secrets.is_some() {
                return Err(Error::invalid("secrets", "An action has no secrets"));
            }
            let change = Change::Put(given.settings.as_bytes());
            let (identifier, now) = (&*given.name, self.host.now());
            let wish = Wish { identifier, change, condition: Condition::None, now };
            let made = wish.made(&*self.list.recent(MAX_LIST_AGE).await?)?;
            let what = What::of(!made.is_new, made.is_same());
            if what != What::Unchanged && !dry_run {
                self.change(identifier, change, Condition::None).await?;
            }
            Ok(Taken { what, needs_secret: false })
        })
    }
}
