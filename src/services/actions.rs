//! Actions: payloads with templates. A run of one publishes records, and whoever consumes
//! them reports what became of the run.
//!
//! A run costs two writes of the store, one for its number and one for where its records
//! are, and a report two. Each action has a fixed number of places for runs, and a new run
//! takes the place of the oldest one.

mod action;
mod change;
mod list;
#[cfg(feature = "configuration")]
mod portable;
mod publish;
mod report;
mod run;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use self::action::Action;
pub use self::action::MAX_RECORDS;
pub use self::change::Change;
use self::change::{Wish, unknown};
use self::list::{ActionList, StoredAction};
pub use self::list::{MAX_ACTION_BYTES, MAX_ACTIONS};
pub use self::publish::Published;
pub use self::report::{MAX_OUTPUT_BYTES, RunResult, RunView, Status};
pub use self::run::{KEPT, MAX_RUNS};
use crate::config::ActionsConfig;
use crate::error::Result;
use crate::host::{Host, Millis};
use crate::kafka::Log;
pub use crate::services::condition::Condition;
use crate::services::produce::Producer;
use crate::services::seen::Seen;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::{MAX_LIST_AGE, MAX_LIST_AGE_TO_REFUSE, Shared};

/// An action as callers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionView {
    pub identifier: String,
    /// A JSON object.
    pub settings: Rc<str>,
    pub created: Millis,
    pub tag: String,
}

/// What has become of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// `None`: it is gone.
    pub view: Option<ActionView>,
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

    /// Changes the list. Removing an action leaves its runs to nobody.
    pub async fn change(
        &self,
        identifier: &str,
        change: Change<'_>,
        condition: Condition<'_>,
    ) -> Result<Changed> {
        let wish = Wish { identifier, change, condition, now: self.host.now() };
        // What will be refused takes no turn at the list.
        wish.made(&*self.list.read().await?)?;
        let made = RefCell::new(None);
        self.list.change(|list| wish.carry_out(list, &made)).await?;
        let made = made.into_inner().ok_or_else(|| unknown(identifier))?;
        made.report(&self.host);
        Ok(Changed { view: made.stored.as_ref().map(view), is_new: made.is_new })
    }

    /// All actions, oldest first.
    pub async fn list(&self) -> Result<Vec<ActionView>> {
        Ok(self.list.read().await?.iter().map(view).collect())
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
}

/// The one of this identifier.
pub fn find(actions: Vec<ActionView>, identifier: &str) -> Result<ActionView> {
    let found = actions.into_iter().find(|view| view.identifier == identifier);
    found.ok_or_else(|| unknown(identifier))
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
