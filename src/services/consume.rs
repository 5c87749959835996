//! Consuming by group, without a session.
//!
//! The group's offsets are in the store, in one lane (see [`state`]) for each
//! partition. The instance that holds a partition's lane reads from its
//! position, hands records to its waiting callers, and moves the position once
//! they have the records: first the answer, then the write. Callers do not wait
//! for lanes themselves: all callers of a group and its topics in an instance
//! share one task, [`serving`], which polls for all of them.
//!
//! [`state`]: crate::state

mod acknowledge;
pub(in crate::services) mod advice;
mod claims;
mod commit;
mod desk;
mod owner;
mod page;
mod position;
mod receipt;
mod serving;
pub(in crate::services) mod start;
mod survey;
mod tend;

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::select;

use self::acknowledge::Acknowledging;
pub use self::acknowledge::{Acknowledged, Disposal};
use self::desk::{Desk, QUEUE_TIME, Want};
pub use self::owner::{NamedReader, Owner, Share};
pub(in crate::services) use self::position::Position;
use self::serving::Serving;
use crate::access::AllowedTopic;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::record::Record;
use crate::services::beyond_end::{BeyondEnd, Reported};
use crate::services::ends::Ends;
use crate::services::group_list::GroupList;
use crate::sorted::SortedMap;
use crate::state::lane::Params;

/// How long the task at a desk may take beyond the waits of its callers.
const LONGEST_ROUND: Duration = Duration::from_secs(15);

/// Where a group starts on a topic without a position.
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
    pub topics: Vec<AllowedTopic>,
    pub from: StartFrom,
    /// How long to wait for a record when there is none.
    pub wait: Duration,
    /// The maximum number of records.
    pub max: usize,
    /// The maximum size of keys, values and headers in bytes. The first record
    /// is returned whatever its size.
    pub max_bytes: usize,
    pub ack: Ack,
}

/// When a record counts as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ack {
    /// When the caller has it.
    #[default]
    Auto,
    /// When the caller acknowledges it. No other caller gets it until the lease
    /// ends; after that, it is handed out again.
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

/// What a caller needs to acknowledge a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acquired {
    /// Opaque; to be presented with the acknowledgement.
    pub receipt: String,
    /// How many times the record has been handed out, including this time.
    pub delivery_count: u32,
}

/// Records on their way to the caller. The group moves past them once
/// [`delivered`](Handed::delivered) is called. If they are dropped without
/// that, because the caller went away or the answer could not be written, the
/// next caller gets them.
#[derive(Debug, Default)]
pub struct Handed {
    /// Records of a partition are in the order of their offsets.
    pub records: Vec<Consumed>,
    /// Where the group stands beyond the end of a partition. This is told only
    /// where there is no record.
    pub beyond: Vec<BeyondEnd>,
    confirmations: Vec<Confirmation>,
}

impl Handed {
    /// Records that move no group.
    pub(in crate::services) fn of(records: Vec<Consumed>) -> Self {
        Self { records, ..Self::default() }
    }

    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The caller has the records.
    pub fn delivered(self) {
        for confirmation in self.confirmations {
            confirmation.settle(true);
        }
    }
}

/// A record on its way. If this is dropped unconfirmed, the record has not
/// arrived.
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
    acknowledging: Acknowledging<H::Wake>,
    /// Positions beyond the end, as far as they were reported.
    reported: Rc<Reported>,
}

/// The desks that are being served, by group, topics and reader.
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
        let (desks, acknowledging, reported) = (Rc::default(), Rc::default(), Rc::default());
        Self { host, log, ends, groups, params, desks, acknowledging, reported }
    }

    /// The group's next records; empty if there is none within the wait.
    pub async fn next(&self, next: Next) -> Result<Handed> {
        self.next_for(NamedReader::default(), next).await
    }

    /// The same for a named reader. With an owner and [`Ack::Manual`] the
    /// records are [committed](Consume::commit) by their offsets, and their
    /// receipts are not needed.
    pub async fn next_for(&self, reader: NamedReader, mut next: Next) -> Result<Handed> {
        next.topics.sort_unstable();
        next.topics.dedup();
        let want = Want { records: next.max.max(1), bytes: next.max_bytes, ack: next.ack };
        let (wake, woken) = self.host.signal();
        let slot = {
            let topics = next.topics.into_iter().map(AllowedTopic::into_name).collect();
            let desk = self.desk(next.group, topics, reader);
            desk.borrow_mut().place(self.host.monotonic(), next.wait, next.from, want, wake)
        };
        // The task at the desk answers every caller in time. This limit ends
        // the wait if that task is stopped.
        let limit = Box::pin(self.host.sleep(next.wait + QUEUE_TIME + LONGEST_ROUND));
        select(woken, limit).await;
        slot.take().unwrap_or_else(|| Err(Error::Busy("The consumer group is busy".into())))
    }

    /// The desk of a group, with a task that serves it after the caller has
    /// placed its order.
    fn desk(&self, group: String, topics: Vec<String>, reader: NamedReader) -> SharedDesk<H> {
        let id = (group, topics, reader);
        if let Some(desk) = self.desks.borrow().get(&id) {
            return desk.clone();
        }
        let desk = SharedDesk::<H>::default();
        self.desks.borrow_mut().insert(id.clone(), desk.clone());
        let serving = Serving::new(self, &id, desk.clone());
        let desks = self.desks.clone();
        self.host.spawn(async move {
            serving.run(|| desks.borrow_mut().remove(&id)).await;
        });
        desk
    }
}

impl<H: Host, L> fmt::Debug for Consume<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consume").finish_non_exhaustive()
    }
}
