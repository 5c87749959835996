//! Consuming by group, without a session.
//!
//! The group's offsets live in the store, one lane (see [`state`]) for each
//! partition. Whoever holds a partition's lane reads from its position, hands
//! records to the callers that wait in this instance, and moves the position
//! once they have them: answer, then write. A caller never waits for its
//! lane itself; all callers of one group and topic in an instance share one
//! task, the [`turn`], and so one set of polls.
//!
//! [`state`]: crate::state

mod desk;
mod page;
mod survey;
mod turn;

use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::select;

use self::desk::{Desk, QUEUE_TIME};
use self::turn::Turn;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::log::Log;
use crate::record::Record;
use crate::state::lane::Params;

/// Where a group starts on a topic that it has no position for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartFrom {
    #[default]
    Earliest,
    Latest,
}

/// What a caller asks for.
#[derive(Debug, Clone)]
pub struct Next {
    pub group: String,
    pub topic: String,
    pub from: StartFrom,
    /// How long to wait for a record when there is none.
    pub wait: Duration,
}

/// A record on its way to the caller. The group moves past it once
/// [`delivered`](Handed::delivered) is called; dropped without that (the
/// caller hung up, the answer could not be written), the record is handed to
/// the next caller.
pub struct Handed {
    pub record: Record,
    settle: Option<Box<dyn FnOnce(bool)>>,
}

impl Handed {
    fn new(record: Record, settle: impl FnOnce(bool) + 'static) -> Self {
        Self { record, settle: Some(Box::new(settle)) }
    }

    /// The caller has the record.
    pub fn delivered(mut self) {
        self.settle(true);
    }

    fn settle(&mut self, delivered: bool) {
        if let Some(settle) = self.settle.take() {
            settle(delivered);
        }
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        self.settle(false);
    }
}

impl fmt::Debug for Handed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handed").field("offset", &self.record.offset).finish_non_exhaustive()
    }
}

pub struct Consume<H: Host, L> {
    host: H,
    log: Rc<L>,
    params: Params,
    desks: Desks<H>,
}

/// The desks that a turn is serving, by group and topic.
type Desks<H> = Rc<RefCell<HashMap<(String, String), Rc<RefCell<Desk<<H as Host>::Wake>>>>>>;

impl<H: Host, L: Log> Consume<H, L> {
    pub fn new(host: H, log: Rc<L>, params: Params) -> Self {
        Self { host, log, params, desks: Rc::default() }
    }

    /// The group's next record; `None` when there is none within the wait.
    pub async fn next(&self, next: Next) -> Result<Option<Handed>> {
        let (wake, woken) = self.host.signal();
        let wait = next.wait;
        let slot = {
            let mut desks = self.desks.borrow_mut();
            let id = (next.group, next.topic);
            let desk = desks.entry(id.clone()).or_insert_with(|| {
                let desk = Rc::new(RefCell::new(Desk::default()));
                let turn =
                    Turn::new(&self.host, &self.log, &id.0, &id.1, self.params, desk.clone());
                let desks = self.desks.clone();
                self.host.spawn(async move {
                    turn.run(|| desks.borrow_mut().remove(&id)).await;
                });
                desk
            });
            desk.borrow_mut().place(self.host.monotonic(), wait, next.from, wake)
        };
        // The turn answers everybody in time. Should it be stopped, nobody
        // waits for ever.
        let limit = Box::pin(self.host.sleep(wait + 2 * QUEUE_TIME));
        select(woken, limit).await;
        slot.take().unwrap_or_else(|| Err(Error::Busy("The consumer group is busy".into())))
    }
}

impl<H: Host, L> fmt::Debug for Consume<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consume").finish_non_exhaustive()
    }
}
