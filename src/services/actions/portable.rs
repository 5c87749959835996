//! Actions as entries of a document. They have no secrets.

use futures_util::future::LocalBoxFuture;

use super::change::{Change, KIND, Wish};
use super::{Actions, MAX_LIST_AGE};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::services::condition::Condition;
use crate::services::configuration::{Entry, Given, Kind, Run, Taken, What};

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

    fn take<'a>(&'a self, given: &'a Given, run: Run<'a>) -> LocalBoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            if given.secrets.is_some() {
                return Err(Error::invalid("secrets", "An action has no secrets"));
            }
            let change = Change::Put(given.settings.as_bytes());
            let (identifier, now) = (&*given.name, self.host.now());
            let wish = Wish { identifier, change, condition: Condition::None, now };
            let list = self.list.recent(MAX_LIST_AGE).await?;
            let made = wish.made(&list)?;
            let what = What::of(!made.is_new, made.is_same());
            if let (What::Create, Some(planned)) = (what, run.planned()) {
                list.has_room(planned.new.get())?;
            }
            if what != What::Unchanged && !run.is_dry() {
                self.change(identifier, change, Condition::None).await?;
            }
            Ok(Taken { what, needs_secret: false })
        })
    }
}
