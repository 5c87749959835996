//! The list of groups, and how a group gets onto it.
//!
//! A group is to be listed as long as it is used: nobody could see or delete
//! it otherwise. That it still has to be is written down nowhere. Whoever uses
//! a group looks, so no death forgets it. Where the list cannot be changed at
//! once (others are at it, and on a store with old reads that takes its time)
//! the group is used all the same and gets listed beside that.

mod document;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use self::document::List;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;
use crate::telemetry::{Level, Report, Value};

/// How old this instance's list may be when a group is used.
const LIST_AGE: Duration = Duration::from_secs(60);

/// How long somebody who needs a group waits for it to be listed.
const PATIENCE: Duration = Duration::from_secs(1);

/// How often the list is tried for those who did not wait. Whoever uses the
/// group after that begins anew.
const TRIES: usize = 5;
const PAUSE: Duration = Duration::from_secs(1);

pub struct GroupList<H> {
    host: H,
    list: Shared<H, List>,
    /// What may be missing in the list. As long as there is anything, a task
    /// sees to it.
    missing: RefCell<List>,
}

impl<H: Host> GroupList<H> {
    pub fn new(host: H, params: Params) -> Rc<Self> {
        let list = Shared::new(host.clone(), LaneName::groups(), params);
        Rc::new(Self { host, list, missing: RefCell::default() })
    }

    /// All groups, by name, each with its topics.
    pub async fn all(&self) -> Result<SortedMap<String, SortedSet<String>>> {
        Ok(self.list.read().await?.all().clone())
    }

    /// The topics of a group, if there is such a one.
    pub async fn topics(&self, group: &str) -> Result<Option<SortedSet<String>>> {
        Ok(self.list.read().await?.all().get(group).cloned())
    }

    /// Lists a group before it gets its first position on topics. An error if
    /// there is no room for it; if there only is no getting at the list, it is
    /// listed later.
    pub async fn enlist(self: &Rc<Self>, group: &str, topics: &[impl AsRef<str>]) -> Result<()> {
        if self.is_known(group, topics) {
            return Ok(());
        }
        let list = self.list.read().await?;
        if list.has(group, topics) {
            return Ok(());
        }
        {
            // Those on their way have their places already.
            let missing = self.missing.borrow();
            let mut all = List::clone(&list);
            all.enlist_all(&missing);
            all.enlist(group, topics)?;
            if missing.has(group, topics) {
                return Ok(());
            }
        }
        match self.list.change_within(PATIENCE, |list| list.enlist(group, topics)).await {
            Err(Error::Busy(_)) => {
                self.see_to(group, topics);
                Ok(())
            }
            listed => listed,
        }
    }

    /// Sees that a group which is read stays listed. Nobody waits for that.
    pub fn keep_listed(self: &Rc<Self>, group: &str, topics: &[impl AsRef<str>]) {
        if !self.is_known(group, topics) {
            self.see_to(group, topics);
        }
    }

    /// The group has got a position where it had none. If it was being deleted
    /// just then, it is listed again.
    pub fn begun(self: &Rc<Self>, group: &str, topic: &str) {
        self.see_to(group, &[topic]);
    }

    /// Lists beside the caller's work, whatever this instance knows of the
    /// list: it may be from before a delete.
    fn see_to(self: &Rc<Self>, group: &str, topics: &[impl AsRef<str>]) {
        let at_work = {
            let mut missing = self.missing.borrow_mut();
            let at_work = !missing.is_empty();
            // No event: what there never can be room for is not read either, and
            // whoever reads it was told so.
            let _ = missing.enlist(group, topics);
            at_work
        };
        if !at_work {
            let this = self.clone();
            self.host.spawn(async move { this.list_missing().await });
        }
    }

    pub async fn remove(&self, group: &str) -> Result<()> {
        let remove = |list: &mut List| {
            list.remove(group);
            Ok(())
        };
        self.list.change(remove).await
    }

    fn is_known(&self, group: &str, topics: &[impl AsRef<str>]) -> bool {
        self.list.known(LIST_AGE).is_some_and(|list| list.has(group, topics))
    }

    async fn list_missing(&self) {
        for _ in 0..TRIES {
            let missing = self.missing.borrow().clone();
            match self.list_all(&missing).await {
                Ok(()) => self.missing.borrow_mut().remove_all(&missing),
                Err(error) => {
                    self.host.event(
                        Level::Info,
                        "groups-unlisted",
                        &[("why", error.kind().into())],
                    );
                    self.host.sleep(PAUSE).await;
                }
            }
            if self.missing.borrow().is_empty() {
                return;
            }
        }
        let groups = Value::count(self.missing.take().all().len());
        self.host.event(Level::Warn, "groups-given-up", &[("groups", groups)]);
    }

    async fn list_all(&self, missing: &List) -> Result<()> {
        if self.list.read().await?.has_all(missing) {
            return Ok(());
        }
        let add = |list: &mut List| {
            list.enlist_all(missing);
            Ok(())
        };
        self.list.change(add).await
    }
}

impl<H> fmt::Debug for GroupList<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GroupList").finish_non_exhaustive()
    }
}
