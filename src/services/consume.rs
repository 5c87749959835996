//! Consuming by group, without a session.
//!
//! The group's offsets are in the store, in one lane (see [`state`]) for each
//! partition. The instance that holds a partition's lane reads from its position and
//! hands records to its callers. It moves the position once they have the records, and
//! hands out further ones while it writes; only claims are written before their callers
//! are answered. Records in hand are given out in the callers' own requests
//! ([`attended`]). For everything else all callers of a group and its topics in an
//! instance share one task, [`serving`], so that no caller waits for a lane itself.
//!
//! [`state`]: crate::state

mod acknowledge;
pub(in crate::services) mod advice;
mod attended;
mod claims;
mod commit;
mod desk;
mod disposal;
mod giving_up;
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
use self::attended::{Attended, SharedDesk};
pub use self::claims::MAX_CLAIMS;
use self::desk::{QUEUE_TIME, Want};
pub use self::disposal::{Acknowledged, Disposal};
use self::giving_up::GivingUp;
pub use self::owner::{NamedReader, Owner, Share};
use self::page::HandOut;
pub(in crate::services) use self::position::Position;
pub use self::position::{OldestClaim, Tally};
use self::serving::Serving;
use crate::access::AllowedTopic;
use crate::config::ConsumingConfig;
use crate::error::{ErrorKind, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::record::Record;
use crate::services::beyond_end::{BeyondEnd, Reported};
use crate::services::ends::Ends;
use crate::services::group_list::GroupList;
use crate::services::produce::Producer;
use crate::sorted::{SortedMap, in_order};
use crate::state::lane::Params;

/// How long the task at a desk may take beyond the waits of its callers.
const LONGEST_ROUND: Duration = Duration::from_secs(15);

/// How long a partition is kept for the next caller if callers come at short
/// intervals.
const PARTITION_LINGER: Duration = Duration::from_millis(100);

/// How long, and for how many desks, it is remembered where a group stands while it has
/// no callers.
const MAX_IDLE: Duration = Duration::from_secs(60);
const MAX_DESKS: usize = 100;

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

/// Records of one partition on their way. If this is dropped unconfirmed, they have
/// not arrived.
struct Confirmation {
    counter: Rc<dyn Settle>,
    hand_outs: Vec<HandOut>,
}

/// Takes note of what has become of records.
trait Settle {
    fn settle(&self, hand_outs: Vec<HandOut>, arrived: bool);
}

impl Confirmation {
    fn settle(mut self, arrived: bool) {
        self.counter.settle(std::mem::take(&mut self.hand_outs), arrived);
    }
}

impl Drop for Confirmation {
    fn drop(&mut self) {
        if !self.hand_outs.is_empty() {
            self.counter.settle(std::mem::take(&mut self.hand_outs), false);
        }
    }
}

impl fmt::Debug for Confirmation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Confirmation").field(&self.hand_outs).finish()
    }
}

pub struct Consume<H: Host, L> {
    host: H,
    log: Rc<L>,
    ends: Rc<Ends<H, L>>,
    groups: Rc<GroupList<H>>,
    params: Params,
    desks: Desks<H, L>,
    acknowledging: Acknowledging<H::Wake>,
    giving_up: Rc<GivingUp<H, L>>,
    /// How many partitions are read at once.
    open_partitions: usize,
    /// Positions beyond the end, as far as they were reported.
    reported: Rc<Reported>,
}

/// The desks of this instance, by group, topics and reader.
type Desks<H, L> = Rc<RefCell<SortedMap<DeskId, DeskEntry<H, L>>>>;
type DeskId = (String, Vec<String>, NamedReader);

struct DeskEntry<H: Host, L> {
    desk: SharedDesk<H>,
    /// Whoever serves the desk, while there are no callers. It knows where the group
    /// stands, as far as this instance has seen.
    idle: Option<Box<Serving<H, L>>>,
    since: Duration,
}

impl<H: Host, L: Log> Consume<H, L> {
    pub fn new(
        host: H,
        log: Rc<L>,
        ends: Rc<Ends<H, L>>,
        groups: Rc<GroupList<H>>,
        producer: Rc<Producer<H, L>>,
        params: Params,
    ) -> Self {
        let (desks, acknowledging, reported) = (Rc::default(), Rc::default(), Rc::default());
        let giving_up = GivingUp::new(host.clone(), log.clone(), groups.clone(), producer);
        Self {
            host,
            log,
            ends,
            groups,
            params,
            desks,
            acknowledging,
            giving_up: Rc::new(giving_up),
            open_partitions: ConsumingConfig::default().open_partitions,
            reported,
        }
    }

    /// The same, with another number of partitions read at once.
    #[must_use]
    pub fn opening(self, open_partitions: usize) -> Self {
        Self { open_partitions, ..self }
    }

    /// The group's next records; empty if there is none within the wait.
    pub fn next(&self, next: Next) -> impl Future<Output = Result<Handed>> {
        self.next_for(NamedReader::default(), next)
    }

    /// The same for a named reader. With an owner and [`Ack::Manual`] the
    /// records are [committed](Consume::commit) by their offsets, and their
    /// receipts are not needed.
    pub async fn next_for(&self, reader: NamedReader, mut next: Next) -> Result<Handed> {
        next.topics = in_order(next.topics);
        next.topics.dedup();
        // Whoever claims in a name has no more than what one caller takes.
        let max_claimed = match next.ack {
            Ack::Manual { lease } if reader.owner.is_none() => {
                let settings = self.giving_up.settings(&next.group).await?;
                settings.check_lease(lease)?;
                Some(settings.max_claimed())
            }
            _ => None,
        };
        let bytes = next.max_bytes.min(self.host.capabilities().readable_bytes());
        let want = Want { records: next.max.max(1), bytes, ack: next.ack };
        let topics = next.topics.into_iter().map(AllowedTopic::into_name).collect();
        let desk = self.desk((next.group, topics, reader));
        let slot = {
            let mut attended = desk.borrow_mut();
            attended.max_claimed = max_claimed.unwrap_or(attended.max_claimed);
            let slot = attended.desk.place(self.host.monotonic(), next.wait, next.from, want);
            attended.hand_out(&self.host);
            slot
        };
        if let Some(answer) = slot.take() {
            return answer;
        }
        let (wake, woken) = self.host.signal();
        slot.wake_with(wake);
        desk.borrow().bell.ring();
        self.start(&desk);
        drop(desk);
        // The task at the desk answers every caller in time. This limit ends
        // the wait if that task is stopped.
        let limit = Box::pin(self.host.sleep(next.wait + QUEUE_TIME + LONGEST_ROUND));
        select(woken, limit).await;
        slot.take()
            .unwrap_or_else(|| Err(ErrorKind::Busy("The consumer group is busy".into()).into()))
    }

    /// The desk of a group.
    fn desk(&self, id: DeskId) -> SharedDesk<H> {
        if let Some(entry) = self.desks.borrow().get(&id) {
            return entry.desk.clone();
        }
        let desk = Rc::new(RefCell::new(Attended::new(id.2.owner.clone())));
        let idle = Some(Box::new(Serving::new(self, &id, desk.clone())));
        let entry = DeskEntry { desk: desk.clone(), idle, since: self.host.monotonic() };
        self.desks.borrow_mut().insert(id, entry);
        desk
    }

    /// Starts the task that serves a desk, if it does not run.
    fn start(&self, desk: &SharedDesk<H>) {
        let found = {
            let mut desks = self.desks.borrow_mut();
            let mut entries = desks.iter_mut();
            let entry = entries.find(|(_, entry)| Rc::ptr_eq(&entry.desk, desk));
            entry.and_then(|(id, entry)| Some((id.clone(), entry.idle.take()?)))
        };
        let Some((id, mut serving)) = found else { return };
        let mut task = Task { id: Some(id), desks: self.desks.clone() };
        let host = self.host.clone();
        self.host.spawn(async move {
            serving.run().await;
            task.rest(serving, host.monotonic());
        });
    }
}

/// The task of a desk. However it ends, the next caller can start another one.
struct Task<H: Host, L> {
    id: Option<DeskId>,
    desks: Desks<H, L>,
}

impl<H: Host, L: Log> Task<H, L> {
    /// Leaves the desk until another caller comes.
    fn rest(&mut self, serving: Box<Serving<H, L>>, now: Duration) {
        let Some(id) = self.id.take() else { return };
        let mut desks = self.desks.borrow_mut();
        let is_kept = |entry: &DeskEntry<H, L>| now.saturating_sub(entry.since) < MAX_IDLE;
        desks.retain(|_, entry| entry.idle.is_none() || is_kept(entry));
        if let Some(entry) = desks.get_mut(&id) {
            (entry.idle, entry.since) = (Some(serving), now);
        }
        while desks.len() > MAX_DESKS {
            let idle = desks.iter().filter(|(_, entry)| entry.idle.is_some());
            let Some(id) = idle.min_by_key(|(_, entry)| entry.since).map(|(id, _)| id.clone())
            else {
                break;
            };
            desks.remove(&id);
        }
    }
}

impl<H: Host, L> Drop for Task<H, L> {
    fn drop(&mut self) {
        if let Some(id) = self.id.take() {
            let entry = self.desks.borrow_mut().remove(&id);
            drop(entry);
        }
    }
}

impl<H: Host, L> fmt::Debug for Consume<H, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consume").finish_non_exhaustive()
    }
}
