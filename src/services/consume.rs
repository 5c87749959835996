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

mod acknowledge;
mod claims;
mod commit;
mod desk;
mod owner;
mod page;
mod position;
mod receipt;
mod survey;
mod tend;
mod turn;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::select;

use self::acknowledge::Folding;
pub use self::acknowledge::{Acknowledged, Disposal};
use self::desk::{Desk, QUEUE_TIME, Want};
pub use self::owner::{NamedReader, Owner, Share};
pub(in crate::services) use self::position::Position;
use self::turn::Turn;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::record::Record;
use crate::services::ends::Ends;
use crate::services::group_list::GroupList;
use crate::sorted::SortedMap;
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
    /// One or more; records of all of them come together.
    pub topics: Vec<String>,
    pub from: StartFrom,
    /// How long to wait for a record when there is none.
    pub wait: Duration,
    /// At most so many records.
    pub max: usize,
    /// At most so many bytes of keys, values and headers; the first record
    /// comes however large.
    pub max_bytes: usize,
    pub ack: Ack,
}

/// When a record counts as done with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ack {
    /// When the caller has it.
    #[default]
    Auto,
    /// When the caller acknowledges it. Until the lease ends nobody else gets
    /// it; then somebody does.
    Manual { lease: Duration },
}

/// A record and its topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consumed {
    pub topic: Rc<str>,
    pub record: Record,
    /// Only with [`Ack::Manual`].
    pub acquired: Option<Acquired>,
}

/// What a caller needs to acknowledge a record that it was handed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acquired {
    /// To be given back with the acknowledgement. Opaque.
    pub receipt: String,
    /// How often the record has been handed out, this time included.
    pub delivery_count: u32,
}

/// Records on their way to the caller. The group moves past them once
/// [`delivered`](Handed::delivered) is called; dropped without that (the
/// caller hung up, the answer could not be written), they are handed to the
/// next caller.
#[derive(Debug, Default)]
pub struct Handed {
    /// At least one; those of one partition in order of their offsets.
    pub records: Vec<Consumed>,
    confirmations: Vec<Confirmation>,
}

impl Handed {
    /// The caller has the records.
    pub fn delivered(self) {
        for confirmation in self.confirmations {
            confirmation.settle(true);
        }
    }
}

/// One record on its way. Dropped, it has not arrived.
struct Confirmation(Option<Box<dyn FnOnce(bool)>>);

impl Confirmation {
    fn new(settle: impl FnOnce(bool) + 'static) -> Self {
        Self(Some(Box::new(settle)))
    }

    fn settle(mut self, delivered: bool) {
        if let Some(settle) = self.0.take() {
            settle(delivered);
        }
    }
}

impl Drop for Confirmation {
    fn drop(&mut self) {
        if let Some(settle) = self.0.take() {
            settle(false);
        }
    }
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Confirmation")
    }
}

pub struct Consume<H: Host, L> {
    host: H,
    log: Rc<L>,
    ends: Rc<Ends<H, L>>,
    groups: Rc<GroupList<H>>,
    params: Params,
    desks: Desks<H>,
    folding: Folding,
}

/// The desks that a turn is serving, by group, topics and reader.
type Desks<H> = Rc<RefCell<SortedMap<(String, Vec<String>, NamedReader), SharedDesk<H>>>>;
type SharedDesk<H> = Rc<RefCell<Desk<<H as Host>::Wake>>>;

impl<H: Host, L: Log> Consume<H, L> {
    pub fn new(
        host: H,
        log: Rc<L>,
        ends: Rc<Ends<H, L>>,
        groups: Rc<GroupList<H>>,
        params: Params,
    ) -> Self {
        Self { host, log, ends, groups, params, desks: Rc::default(), folding: Rc::default() }
    }

    /// The group's next records; `None` when there is none within the wait.
    pub async fn next(&self, next: Next) -> Result<Option<Handed>> {
        self.next_for(NamedReader::default(), next).await
    }

    /// The same for somebody whom it matters to be. With an owner and
    /// [`Ack::Manual`] the records are to be [committed](Consume::commit) by
    /// their offsets, and nobody has a use for their receipts.
    pub async fn next_for(&self, reader: NamedReader, mut next: Next) -> Result<Option<Handed>> {
        next.topics.sort_unstable();
        next.topics.dedup();
        let want = Want { records: next.max.max(1), bytes: next.max_bytes, ack: next.ack };
        let (wake, woken) = self.host.signal();
        let slot = {
            let desk = self.desk(next.group, next.topics, reader);
            desk.borrow_mut().place(self.host.monotonic(), next.wait, next.from, want, wake)
        };
        // The turn answers everybody in time. Should it be stopped, nobody
        // waits for ever.
        let limit = Box::pin(self.host.sleep(next.wait + 2 * QUEUE_TIME));
        select(woken, limit).await;
        slot.take().unwrap_or_else(|| Err(Error::Busy("The consumer group is busy".into())))
    }

    /// The desk of a group, with a turn that serves it once the caller has
    /// placed its order.
    fn desk(&self, group: String, topics: Vec<String>, reader: NamedReader) -> SharedDesk<H> {
        let id = (group, topics, reader);
        if let Some(desk) = self.desks.borrow().get(&id) {
            return desk.clone();
        }
        let desk = SharedDesk::<H>::default();
        self.desks.borrow_mut().insert(id.clone(), desk.clone());
        let (host, log) = (self.host.clone(), self.log.clone());
        let (ends, groups) = (self.ends.clone(), self.groups.clone());
        let turn = Turn::new(host, log, ends, groups, &id, self.params, desk.clone());
        let desks = self.desks.clone();
        self.host.spawn(async move {
            turn.run(|| desks.borrow_mut().remove(&id)).await;
        });
        desk
    }
}

impl<H: Host, L> fmt::Debug for Consume<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consume").finish_non_exhaustive()
    }
}
