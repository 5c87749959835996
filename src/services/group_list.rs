//! The list of groups, and how a group is added to it.
//!
//! A group has to be on the list as long as it is used: otherwise it could not
//! be seen or deleted. Whoever begins it on a topic, moves it or commits by offset
//! checks the list. If the list cannot be changed at once, because other instances
//! are changing it (which takes time on a store with stale reads), the group is used
//! all the same and added in the background. If the instance dies before that, the
//! group is missing until one of these calls comes again: a check with every read
//! would cost each fresh instance a read of the store.

mod document;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use self::document::ListedGroups;
use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::services::group_settings::GroupSettings;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;
use crate::telemetry::{Level, Report, Value};

/// How old this instance's copy of the list may be when a group is used.
const MAX_GROUP_LIST_AGE: Duration = Duration::from_secs(60);

/// How long a caller waits for its group to be added.
const MAX_LISTING_WAIT: Duration = Duration::from_secs(1);

/// How many times an addition is tried in the background. A later use of the
/// group starts again.
const MAX_LISTING_TRIES: usize = 5;
const LISTING_RETRY_DELAY: Duration = Duration::from_secs(1);

pub struct GroupList<H> {
    host: H,
    list: Shared<H, ListedGroups>,
    settings: GroupSettings<H>,
    /// Groups that may be missing on the list. While there are any, a task adds
    /// them.
    missing: RefCell<ListedGroups>,
}

impl<H: Host> GroupList<H> {
    pub fn new(host: H, params: Params) -> Rc<Self> {
        let list = Shared::new(host.clone(), LaneName::groups(), params);
        let settings = GroupSettings::new(host.clone(), params);
        Rc::new(Self { host, list, settings, missing: RefCell::default() })
    }

    /// What each group is set to.
    pub(super) fn settings(&self) -> &GroupSettings<H> {
        &self.settings
    }

    /// All groups, by name, each with its topics.
    pub async fn all(&self) -> Result<SortedMap<String, SortedSet<String>>> {
        Ok(self.list.read().await?.all().clone())
    }

    /// The topics of a group, if it is listed.
    pub async fn topics(&self, group: &str) -> Result<Option<SortedSet<String>>> {
        Ok(self.list.read().await?.all().get(group).cloned())
    }

    /// Adds a group that has no position yet. Fails if the list is full; if the
    /// list is only busy, the group is added later.
    pub async fn enlist(self: &Rc<Self>, group: &str, topics: &[impl AsRef<str>]) -> Result<()> {
        if self.is_known(group, topics) {
            return Ok(());
        }
        let list = self.list.read().await?;
        if list.has(group, topics) {
            return Ok(());
        }
        {
            // Groups that are about to be added have their places already.
            let missing = self.missing.borrow();
            let mut all = ListedGroups::clone(&list);
            all.enlist_all(&missing);
            all.enlist(group, topics)?;
            if missing.has(group, topics) {
                return Ok(());
            }
        }
        match self.list.change_within(MAX_LISTING_WAIT, |list| list.enlist(group, topics)).await {
            Err(error) if matches!(*error, ErrorKind::Busy(_)) => {
                self.see_to(group, topics);
                Ok(())
            }
            listed => listed,
        }
    }

    /// The group has got a position on a partition where it had none. If it was
    /// being deleted at that time, it is listed again.
    pub fn begun(self: &Rc<Self>, group: &str, topic: &str) {
        self.see_to(group, &[topic]);
    }

    /// Adds a group in the background without trusting this instance's copy of
    /// the list, which may be older than a delete.
    fn see_to(self: &Rc<Self>, group: &str, topics: &[impl AsRef<str>]) {
        let at_work = {
            let mut missing = self.missing.borrow_mut();
            let at_work = !missing.is_empty();
            // No event: a group that can never fit is refused when it is read,
            // and its caller was told so.
            let _ = missing.enlist(group, topics);
            at_work
        };
        if !at_work {
            let this = self.clone();
            self.host.spawn(async move { this.list_missing().await });
        }
    }

    pub fn remove(&self, group: &str) -> impl Future<Output = Result<()>> {
        let remove = |list: &mut ListedGroups| {
            list.remove(group);
            Ok(())
        };
        self.list.change(remove)
    }

    fn is_known(&self, group: &str, topics: &[impl AsRef<str>]) -> bool {
        self.list.known(MAX_GROUP_LIST_AGE).is_some_and(|list| list.has(group, topics))
    }

    async fn list_missing(&self) {
        for _ in 0..MAX_LISTING_TRIES {
            let missing = self.missing.borrow().clone();
            match self.list_all(&missing).await {
                Ok(()) => self.missing.borrow_mut().remove_all(&missing),
                Err(error) => {
                    self.host.event(
                        Level::Info,
                        "groups-unlisted",
                        &[("why", error.kind().into())],
                    );
                    self.host.sleep(LISTING_RETRY_DELAY).await;
                }
            }
            if self.missing.borrow().is_empty() {
                return;
            }
        }
        let groups = Value::count(self.missing.take().all().len());
        self.host.event(Level::Warn, "groups-given-up", &[("groups", groups)]);
    }

    async fn list_all(&self, missing: &ListedGroups) -> Result<()> {
        if self.list.read().await?.has_all(missing) {
            return Ok(());
        }
        let add = |list: &mut ListedGroups| {
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
