//! The list of all subscriptions, shared by all instances.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::subscription::{Subscription, SubscriptionList};
use crate::error::Result;
use crate::host::Host;
use crate::state::keys::LaneName;
use crate::state::lane::Params;
use crate::state::shared::Shared;

pub(super) struct StoredList<H>(Shared<H, SubscriptionList>);

impl<H> fmt::Debug for StoredList<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StoredList").field(&self.0).finish()
    }
}

impl<H: Host> StoredList<H> {
    pub(super) fn new(host: H, params: Params) -> Self {
        Self(Shared::new(host, LaneName::subscriptions(), params))
    }

    /// The current list.
    pub(super) async fn read(&self) -> Result<Rc<SubscriptionList>> {
        self.0.read().await
    }

    /// This instance's copy of the list, if it is at most `age` old.
    pub(super) fn known(&self, age: Duration) -> Option<Rc<SubscriptionList>> {
        self.0.known(age)
    }

    /// The list, from this instance's copy if it is at most about `age` old.
    pub(super) async fn recent(&self, age: Duration) -> Result<Rc<SubscriptionList>> {
        self.0.recent(age).await
    }

    pub(super) async fn add(&self, new: Subscription) -> Result<Rc<Subscription>> {
        let new = Rc::new(new);
        self.0.change(|list| list.add(&new)).await
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
        self.0.change(remove).await
    }
}
