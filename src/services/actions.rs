//! Actions: payloads with templates. A run of one publishes records, and whoever consumes
//! them reports what became of the run.
//!
//! A run costs two writes of the store, one for its number and one for where its records
//! are, and a report two. Each action has a fixed number of places for runs, and a new run
//! takes the place of the oldest one.

mod action;
mod list;
mod publish;
mod report;
mod run;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use self::action::Action;
pub use self::action::MAX_RECORDS;
use self::list::{ActionList, StoredAction};
pub use self::list::{MAX_ACTION_BYTES, MAX_ACTIONS};
pub use self::publish::Published;
pub use self::report::{MAX_OUTPUT_BYTES, RunResult, RunView, Status};
pub use self::run::{KEPT, MAX_RUNS};
use crate::config::ActionsConfig;
use crate::error::{Error, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
pub use crate::services::condition::Condition;
use crate::services::produce::Producer;
use crate::services::seen::Seen;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;

/// How long an instance uses its copy of the list.
const MAX_LIST_AGE: Duration = Duration::from_secs(2);
/// How long it does so to say that there is no such action.
const MAX_LIST_AGE_TO_REFUSE: Duration = Duration::from_millis(250);

/// An action as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionView {
    pub identifier: String,
    /// A JSON object.
    pub settings: Rc<str>,
    pub created: Millis,
    pub tag: String,
}

/// The answer to a PUT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Put {
    pub view: ActionView,
    pub is_new: bool,
}

/// The actions as one instance works on them.
pub struct Actions<H: Host, L> {
    host: H,
    org_id: Option<String>,
    list: Shared<H, ActionList>,
    producer: Rc<Producer<H, L>>,
    seen: Rc<Seen<H>>,
    params: Params,
}

impl<H: Host, L: Log> Actions<H, L> {
    pub fn new(
        host: H,
        config: ActionsConfig,
        producer: Rc<Producer<H, L>>,
        seen: Rc<Seen<H>>,
        params: Params,
    ) -> Self {
        let list = Shared::new(host.clone(), LaneName::actions(), params);
        Self { host, org_id: config.org_id, list, producer, seen, params }
    }

    /// Makes an action; its identifier must be new.
    pub async fn create(&self, json: &[u8]) -> Result<ActionView> {
        let new = self.stored(Action::read(json, None)?, None);
        let taken = || Error::NameTaken("There is an action of this identifier already".into());
        if self.list.read().await?.get(&new.identifier).is_some() {
            return Err(taken());
        }
        // A first write that seemed to fail may have been stored.
        self.list
            .change(|list| match list.get(&new.identifier) {
                Some(known) if *known == new => Ok(()),
                Some(_) => Err(taken()),
                None => list.put(&new),
            })
            .await?;
        Ok(view(&new))
    }

    /// Makes an action, or replaces the one of this identifier.
    pub async fn put(
        &self,
        identifier: &str,
        json: &[u8],
        condition: Condition<'_>,
    ) -> Result<Put> {
        // What will be refused takes no turn at the list.
        let new = self.stored(Action::read(json, Some(identifier))?, None);
        self.replace(identifier, condition, &|before| {
            let created = before.map_or(new.created, |before| before.created);
            Ok(StoredAction { created, ..new.clone() })
        })
        .await
    }

    /// Changes an action by JSON Merge Patch (RFC 7396).
    pub async fn patch(
        &self,
        identifier: &str,
        patch: &[u8],
        condition: Condition<'_>,
    ) -> Result<ActionView> {
        let make = |before: Option<&StoredAction>| {
            let before = before.ok_or_else(|| unknown(identifier))?;
            let action = Action::patched(&before.settings, patch, identifier)?;
            Ok(self.stored(action, Some(before.created)))
        };
        Ok(self.replace(identifier, condition, &make).await?.view)
    }

    async fn replace(
        &self,
        identifier: &str,
        condition: Condition<'_>,
        make: &dyn Fn(Option<&StoredAction>) -> Result<StoredAction>,
    ) -> Result<Put> {
        let list = self.list.read().await?;
        check(condition, list.get(identifier))?;
        make(list.get(identifier))?;
        let made = RefCell::new(None::<(StoredAction, bool)>);
        self.list
            .change(|list| {
                let before = list.get(identifier);
                if let Some((stored, _)) = &*made.borrow()
                    && before == Some(stored)
                {
                    // An earlier write of the same change has been stored.
                    return Ok(());
                }
                check(condition, before)?;
                let (stored, is_new) = (make(before)?, before.is_none());
                list.put(&stored)?;
                *made.borrow_mut() = Some((stored, is_new));
                Ok(())
            })
            .await?;
        let (stored, is_new) = made.into_inner().ok_or_else(|| unknown(identifier))?;
        Ok(Put { view: view(&stored), is_new })
    }

    /// All actions, oldest first.
    pub async fn list(&self) -> Result<Vec<ActionView>> {
        Ok(self.list.read().await?.iter().map(view).collect())
    }

    pub async fn get(&self, identifier: &str) -> Result<ActionView> {
        let list = self.list.read().await?;
        list.get(identifier).map(view).ok_or_else(|| unknown(identifier))
    }

    /// Removes an action. What is known of its runs is not shown any more.
    pub async fn delete(&self, identifier: &str, condition: Condition<'_>) -> Result<()> {
        let list = self.list.read().await?;
        check(condition, list.get(identifier))?;
        list.get(identifier).ok_or_else(|| unknown(identifier))?;
        let removed = RefCell::new(false);
        self.list
            .change(|list| {
                let before = list.get(identifier);
                if before.is_none() && *removed.borrow() {
                    return Ok(());
                }
                check(condition, before)?;
                before.ok_or_else(|| unknown(identifier))?;
                *removed.borrow_mut() = true;
                list.remove(identifier);
                Ok(())
            })
            .await
    }

    /// The action that a test knows, ready to run.
    async fn open(&self, is: &dyn Fn(&StoredAction) -> bool) -> Result<Option<Action>> {
        let mut list = self.list.recent(MAX_LIST_AGE).await?;
        if !list.iter().any(is) {
            list = self.list.recent(MAX_LIST_AGE_TO_REFUSE).await?;
        }
        let found = list.iter().find(|stored| is(stored));
        let read = |stored: &StoredAction| Action::read(stored.settings.as_bytes(), None);
        found.map(read).transpose()
    }

    fn stored(&self, action: Action, created: Option<Millis>) -> StoredAction {
        let created = created.unwrap_or_else(|| self.host.now());
        let identifier = action.identifier.into();
        StoredAction { identifier, settings: action.settings.into(), created }
    }
}

fn unknown(identifier: &str) -> Error {
    Error::UnknownAction(identifier.to_owned())
}

fn check(condition: Condition<'_>, before: Option<&StoredAction>) -> Result<()> {
    match condition.holds(before.map(StoredAction::tag).as_deref()) {
        true => Ok(()),
        false => Err(Error::Changed("The action is not in the version that was named".into())),
    }
}

fn view(stored: &StoredAction) -> ActionView {
    let StoredAction { identifier, settings, created } = stored.clone();
    ActionView { identifier, settings, created, tag: stored.tag() }
}

impl<H: Host, L> fmt::Debug for Actions<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actions").field("list", &self.list).finish_non_exhaustive()
    }
}
