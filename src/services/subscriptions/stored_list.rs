//! The list of all subscriptions, shared by all instances.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::subscription::{Subscription, SubscriptionList};
use crate::error::Result;
use crate::host::Host;
use crate::secrets::SecretKeys;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;

pub(super) struct StoredList<H> {
    host: H,
    list: Shared<H, SubscriptionList>,
    keys: SecretKeys,
}

impl<H> fmt::Debug for StoredList<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredList").field("list", &self.list).finish_non_exhaustive()
    }
}

impl<H: Host> StoredList<H> {
    pub(super) fn new(host: H, keys: SecretKeys, params: Params) -> Self {
        let list = Shared::new(host.clone(), LaneName::subscriptions(), params);
        Self { host, list, keys }
    }

    /// The current list.
    pub(super) async fn read(&self) -> Result<Rc<SubscriptionList>> {
        self.list.read().await
    }

    /// This instance's copy of the list, if it is at most `age` old.
    pub(super) fn known(&self, age: Duration) -> Option<Rc<SubscriptionList>> {
        self.list.known(age)
    }

    /// The list, from this instance's copy if it is at most about `age` old.
    pub(super) async fn recent(&self, age: Duration) -> Result<Rc<SubscriptionList>> {
        self.list.recent(age).await
    }

    pub(super) async fn add(&self, new: Subscription) -> Result<Rc<Subscription>> {
        let new = Rc::new(new);
        self.change(|list| list.add(&new)).await
    }

    pub(super) async fn remove(&self, id: &str) -> Result<Rc<Subscription>> {
        // A repeated write may find that the first one was stored after all.
        let removed = RefCell::new(None);
        let remove =
            |list: &mut SubscriptionList| match (list.remove(id), &mut *removed.borrow_mut()) {
                (Err(_), Some(before)) => Ok(Rc::clone(before)),
                (answer, before) => {
                    *before = answer.clone().ok();
                    answer
                }
            };
        self.change(remove).await
    }

    /// Encrypts secrets under the first key that are not; returns how many were, and of
    /// how many the key is gone.
    pub(super) async fn rewrap(&self) -> Result<(usize, usize)> {
        let counted = Cell::new((0, 0));
        self.list
            .change(|list| {
                counted.set(list.rewrap(&self.host, &self.keys));
                Ok(())
            })
            .await?;
        Ok(counted.get())
    }

    /// Plain secrets, as they were stored before there were keys, are encrypted with
    /// every change.
    async fn change<R>(&self, edit: impl Fn(&mut SubscriptionList) -> Result<R>) -> Result<R> {
        let edit = |list: &mut SubscriptionList| {
            list.rewrap(&self.host, &self.keys);
            edit(list)
        };
        self.list.change(edit).await
    }
}
