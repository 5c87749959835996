//! The list of groups, and how a group gets onto it.
//!
//! A group is to be listed as long as it is used: nobody could see or delete
//! it otherwise. That it still has to be is written down nowhere. Whoever uses
//! a group looks, so no death forgets it. Where the list cannot be changed at
//! once (others are at it, and on a store with old reads that takes its time)
//! the group is used all the same and gets listed beside that.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::list::GroupList;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;

/// How old this instance's list may be when a group is used.
const MAX_GROUP_LIST_AGE: Duration = Duration::from_secs(60);

/// How long somebody who needs a group waits for it to be listed.
const MAX_LISTING_WAIT: Duration = Duration::from_secs(1);

/// How often the list is tried for those who did not wait. Whoever uses the
/// group after that begins anew.
const MAX_LISTING_TRIES: usize = 5;
const LISTING_RETRY_DELAY: Duration = Duration::from_secs(1);

pub(super) struct Listing<H> {
    host: H,
    list: Shared<H, GroupList>,
    /// What may be missing in the list. As long as there is anything, a task
    /// sees to it.
    missing: RefCell<GroupList>,
}

impl<H: Host> Listing<H> {
    pub(super) fn new(host: H, params: Params) -> Rc<Self> {
        let list = Shared::new(host.clone(), LaneName::groups(), params);
        Rc::new(Self { host, list, missing: RefCell::default() })
    }

    pub(super) async fn read(&self) -> Result<Rc<GroupList>> {
        self.list.read().await
    }

    /// Lists a group that has no position yet. An error if there is no room
    /// for it; if there only is no getting at the list, it comes later.
    pub(super) async fn enter(
        self: &Rc<Self>,
        group: &str,
        topics: &[impl AsRef<str>],
    ) -> Result<()> {
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
            let mut all = GroupList::clone(&list);
            all.enlist_all(&missing);
            all.enlist(group, topics)?;
            if missing.has(group, topics) {
                return Ok(());
            }
        }
        match self.list.change_within(MAX_LISTING_WAIT, |list| list.enlist(group, topics)).await {
            Err(Error::Busy(_)) => {
                self.see_to(group, topics);
                Ok(())
            }
            listed => listed,
        }
    }

    /// Sees beside the caller's work that a group which is used is listed.
    pub(super) fn keep(self: &Rc<Self>, group: &str, topics: &[impl AsRef<str>]) {
        if !self.is_known(group, topics) {
            self.see_to(group, topics);
        }
    }

    /// The same, whatever this instance knows of the list: it may be from
    /// before a delete.
    pub(super) fn see_to(self: &Rc<Self>, group: &str, topics: &[impl AsRef<str>]) {
        let at_work = {
            let mut missing = self.missing.borrow_mut();
            let at_work = !missing.is_empty();
            // What there never can be room for is not read either.
            let _ = missing.enlist(group, topics);
            at_work
        };
        if !at_work {
            let this = self.clone();
            self.host.spawn(async move { this.list_missing().await });
        }
    }

    pub(super) async fn remove(&self, group: &str) -> Result<()> {
        let remove = |list: &mut GroupList| {
            list.remove(group);
            Ok(())
        };
        self.list.change(remove).await
    }

    fn is_known(&self, group: &str, topics: &[impl AsRef<str>]) -> bool {
        self.list.known(MAX_GROUP_LIST_AGE).is_some_and(|list| list.has(group, topics))
    }

    async fn list_missing(&self) {
        for _ in 0..MAX_LISTING_TRIES {
            let missing = self.missing.borrow().clone();
            if self.list_all(&missing).await.is_ok() {
                self.missing.borrow_mut().remove_all(&missing);
            } else {
                self.host.sleep(LISTING_RETRY_DELAY).await;
            }
            if self.missing.borrow().is_empty() {
                return;
            }
        }
        self.missing.take();
    }

    async fn list_all(&self, missing: &GroupList) -> Result<()> {
        if self.list.read().await?.has_all(missing) {
            return Ok(());
        }
        let add = |list: &mut GroupList| {
            list.enlist_all(missing);
            Ok(())
        };
        self.list.change(add).await
    }
}

impl<H> fmt::Debug for Listing<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing").finish_non_exhaustive()
    }
}
