//! The day on which each stored credential was last used.
//!
//! A call that is let in costs no write of the store. The day lies in the list of
//! credentials, which every instance reads anyway, so that a fresh instance sees
//! that today is noted already. An instance tries to write a credential's day once,
//! and again only [`RETRY`] after it did not come to it, because the store failed or
//! another instance was changing the list: of the many that find yesterday's day at
//! midnight, one is enough. Where tasks go on after the answer, no call waits for
//! that; elsewhere the first call of the day does, for [`MAX_WAIT`] at most. No call
//! fails because of it: a day that cannot be written is missing.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::stored::CredentialList;
use crate::calendar::Day;
use crate::deadline::within;
use crate::host::{AfterAnswer, Host};
use crate::sorted::SortedMap;
use crate::state::shared::Shared;

/// After what time an instance tries again.
const RETRY: Duration = Duration::from_secs(600);

/// How long a call waits where it has to.
const MAX_WAIT: Duration = Duration::from_secs(1);

pub(super) struct LastUse<H> {
    host: H,
    list: Rc<Shared<H, CredentialList>>,
    tries: Rc<RefCell<SortedMap<String, Try>>>,
}

/// What this instance has done about a credential.
struct Try {
    day: Day,
    /// By the monotonic clock; `None` after a success.
    again_at: Option<Duration>,
}

impl<H: Host> LastUse<H> {
    pub(super) fn new(host: H, list: Rc<Shared<H, CredentialList>>) -> Self {
        Self { host, list, tries: Rc::default() }
    }

    /// A call with this credential was let in, by this copy of the list.
    pub(super) async fn note(&self, name: &str, known: &CredentialList) {
        let today = Day::of(self.host.now());
        if known.last_used(name).is_some_and(|day| day >= today) || !self.is_due(name, today) {
            return;
        }
        let (list, tries, name) = (self.list.clone(), self.tries.clone(), name.to_owned());
        // On the heap: every request would carry the room for it otherwise.
        let work = Box::pin(async move {
            let is_older = |list: &CredentialList| list.last_used(&name) < Some(today);
            let written = list.change_at_once(is_older, |list| list.used(&name, today)).await;
            if written == Ok(true)
                && let Some(this) = tries.borrow_mut().get_mut(&name)
            {
                this.again_at = None;
            }
        });
        match self.host.capabilities().after_answer {
            AfterAnswer::GoesOn(_) => self.host.spawn(work),
            AfterAnswer::Ends => {
                let _ = within(&self.host, MAX_WAIT, work).await;
            }
        }
    }

    /// Whether it is time to write; if it is, it is not for the next caller.
    fn is_due(&self, name: &str, today: Day) -> bool {
        let now = self.host.monotonic();
        let mut tries = self.tries.borrow_mut();
        // Names of yesterday need not be remembered.
        tries.retain(|_, last| last.day >= today);
        let waits = tries.get(name).is_some_and(|last| last.again_at.is_none_or(|at| now < at));
        if !waits {
            tries.insert(name.to_owned(), Try { day: today, again_at: Some(now + RETRY) });
        }
        !waits
    }
}
