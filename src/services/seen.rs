//! The memory of what has come already: the ids of events, and the idempotency keys
//! of callers.
//!
//! An id is noted as pending before its records are produced, and as done after it,
//! with the places of the records. A repeat of a done one is answered with these
//! places. A repeat of a pending one waits for it; after [`PENDING_TIME`] its first try
//! may have died, and it is produced again. So a death never loses an event, and may
//! repeat one.
//!
//! Where the store can create a key if there is none, each id has one: [`exact`].
//! Elsewhere the ids of a scope lie in a fixed number of slot documents, each of which
//! forgets its oldest ids when it is full. Instances write them without taking turns,
//! which costs two writes for an event, and one read or two. One that overwrites what
//! another has just written lets a repeat through, and loses no event.

mod exact;
mod own;
mod slot;

use std::cell::RefCell;
use std::fmt;
use std::time::Duration;

use sha2::{Digest, Sha256};

use self::exact::Taken;
use self::own::Own;
use self::slot::{Entry, Slot};
pub use self::slot::{PENDING_TIME, Place};
use crate::error::Result;
use crate::host::Host;
use crate::sorted::SortedMap;
use crate::state::gate::Gate;
use crate::state::keys::{self, Key};
use crate::state::{get, set};
use crate::telemetry::{Level, Report};

/// How many documents a scope has. More and smaller ones cost an event less, and forget
/// ids that come to the same one earlier.
const SLOTS: u16 = 2_048;

/// How long a repeat waits for the one that is being produced.
const REPEAT_WAIT: Duration = Duration::from_secs(3);
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// For how long a slot that was read stands for what is stored. Another instance's id
/// is lost if it comes to the slot in between; the longer this is, the more often.
const READ_AGAIN: Duration = Duration::from_millis(100);

/// Whose ids they are. Two scopes may use the same ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The events of a source.
    Source(&'a str),
    /// The idempotency keys of a credential for the runs of an action.
    #[cfg(feature = "actions")]
    Action { action: &'a str, caller: &'a str },
    /// The idempotency keys of a credential on a topic; callers without a name share
    /// one.
    Topic { topic: &'a str, caller: &'a str },
}

/// What is known of an id.
#[derive(Debug)]
pub enum First<'s, H: Host> {
    /// It has not come yet, or its first try may have died. What was written of it is
    /// in `written`.
    Time { mark: Mark<'s, H>, written: Vec<Option<Place>> },
    /// Its records are there.
    Repeat(Vec<Option<Place>>),
    /// It is being produced, and was for as long as a repeat waits.
    Pending { retry_after: Duration },
    /// The same id came with something else.
    Different,
}

/// The memory as one instance works on it.
pub struct Seen<H> {
    host: H,
    /// How old a read may be.
    stale: Duration,
    /// The store can create a key for each id.
    exact: bool,
    own: RefCell<Own>,
    /// Of the slots that are being written.
    gates: RefCell<SortedMap<String, Gate>>,
}

/// An id that is noted as pending.
#[derive(Debug)]
pub struct Mark<'s, H: Host> {
    seen: &'s Seen<H>,
    key: Key<Slot>,
    entry: Entry,
    window: Duration,
    /// The slot as this instance has read or written it, and when.
    slot: Option<(Slot, Duration)>,
    /// Where each id has a key.
    taken: Option<Box<Taken>>,
}

/// An id that is noted as pending, by itself: [`Seen::resume`] goes on with it.
#[derive(Debug)]
pub struct Noted {
    key: Key<Slot>,
    entry: Entry,
    window: Duration,
    taken: Option<Box<Taken>>,
}

impl<H: Host> Seen<H> {
    pub fn new(host: H, stale: Duration) -> Self {
        let exact = false;
        Self { host, stale, exact, own: RefCell::default(), gates: RefCell::default() }
    }

    /// The same over a store that can create keys, if it can.
    pub fn exact(self, exact: bool) -> Self {
        Self { exact, ..self }
    }

    /// Notes an id, unless it is known. `content` tells repeats from other things
    /// under the same id.
    pub async fn first(
        &self,
        scope: &Scope<'_>,
        id: &str,
        content: Option<&[u8]>,
        window: Duration,
    ) -> Result<First<'_, H>> {
        let (name, slot) = names(scope, id);
        let (scope, content) = (scope_name(scope), content.map(short));
        if self.exact {
            return self.first_exact(&scope, name, content, window).await;
        }
        let key = keys::seen(&scope, slot)?;
        let begun = self.host.monotonic();
        let mut pause = FIRST_PAUSE;
        loop {
            // A repeat within this instance needs no look into the store.
            let mut known = self.own_entry(&key, &name, window).filter(|own| !own.is_forgotten());
            let mut slot = None;
            if known.is_none() {
                let read_at = self.host.monotonic();
                let read = self.read(&key, window).await?;
                let stored = read.find(&name, self.host.now(), window);
                slot = Some((read, read_at));
                // Another request may have come in between.
                known = match (self.own_entry(&key, &name, window), stored) {
                    (Some(own), Some(stored)) if stored.outlasts(&own) => Some(stored),
                    (own, stored) => own.or(stored),
                };
            }
            let now = self.host.now();
            let written = match known {
                Some(entry) if content.is_some() && entry.content != content => {
                    return Ok(First::Different);
                }
                Some(entry) if entry.is_done() => return Ok(First::Repeat(entry.places)),
                Some(entry) => match entry.pending_for(now) {
                    None => entry.places,
                    Some(left) => {
                        if self.host.monotonic().saturating_sub(begun) >= REPEAT_WAIT {
                            return Ok(First::Pending { retry_after: left });
                        }
                        self.host.sleep(pause).await;
                        pause = (pause * 2).min(LONGEST_PAUSE);
                        continue;
                    }
                },
                None => Vec::new(),
            };
            let entry = Entry::pending(name, content, now, written.clone());
            let mut mark = Mark { seen: self, key, entry, window, slot, taken: None };
            mark.write().await?;
            return Ok(First::Time { mark, written });
        }
    }

    /// The mark of a note that this instance has made.
    pub fn resume(&self, noted: Noted) -> Mark<'_, H> {
        let Noted { key, entry, window, taken } = noted;
        Mark { seen: self, key, entry, window, slot: None, taken }
    }

    async fn read(&self, key: &Key<Slot>, window: Duration) -> Result<Slot> {
        let mut slot = get(&self.host, key).await?.unwrap_or_default();
        slot.forget_old(self.host.now(), window);
        Ok(slot)
    }

    fn own_entry(&self, key: &Key<Slot>, id: &str, window: Duration) -> Option<Entry> {
        let own = self.own.borrow();
        let entry = own.find(key.as_str(), id, self.host.monotonic());
        entry.filter(|entry| !entry.is_over(self.host.now(), window)).cloned()
    }

    /// Keeps what is about to be written.
    fn remember(&self, key: &Key<Slot>, entry: &Entry) {
        self.own.borrow_mut().put(key.as_str(), entry.clone(), self.host.monotonic());
    }
}

impl<H: Host> Mark<'_, H> {
    /// The note alone, for work that goes on after the answer.
    pub fn noted(self) -> Noted {
        Noted { key: self.key, entry: self.entry, window: self.window, taken: self.taken }
    }

    /// Notes that these records are there already, while others are on their way.
    #[cfg(feature = "destinations")]
    pub async fn so_far(&mut self, places: Vec<Option<Place>>) {
        self.entry.places = places;
        let written = match self.taken.take() {
            None => {
                self.seen.remember(&self.key, &self.entry);
                self.write_slot().await
            }
            Some(mut taken) => {
                let written = self.note_part(&mut taken).await;
                self.taken = Some(taken);
                written
            }
        };
        if written.is_err() {
            self.seen.host.event(Level::Warn, "repeat-memory-failed", &[]);
        }
    }

    /// Notes that the records are at these places. Those that were not written are
    /// `None`, and a repeat produces them. The records are there whatever the store
    /// does now.
    pub async fn done(mut self, places: Vec<Option<Place>>) {
        self.entry = self.entry.done(places, self.seen.host.now());
        self.write_or_report().await;
    }

    /// Forgets the id: nothing was written, and a repeat is welcome.
    pub async fn forget(mut self) {
        self.entry = self.entry.forgotten();
        self.write_or_report().await;
    }

    async fn write_or_report(&mut self) {
        let written = match self.taken.take() {
            None => self.write().await,
            Some(taken) => self.settle(&taken).await,
        };
        if written.is_err() {
            // Until the mark is too old, a repeat waits; then it is produced again.
            self.seen.host.event(Level::Warn, "repeat-memory-failed", &[]);
        }
    }

    async fn write(&mut self) -> Result<()> {
        self.seen.remember(&self.key, &self.entry);
        let written = self.write_slot().await;
        if written.is_err() && self.entry.is_pending() {
            // Nothing is produced without a mark, so a repeat here need not wait.
            self.seen.remember(&self.key, &self.entry.forgotten());
        }
        written
    }

    /// Writes into its slot, as it was just read or as it is now.
    async fn write_slot(&mut self) -> Result<()> {
        let Seen { host, stale, own, gates, .. } = self.seen;
        let lately = |(_, at): &(Slot, Duration)| host.monotonic().saturating_sub(*at) < READ_AGAIN;
        let (mut slot, read_at) = match self.slot.take().filter(lately) {
            Some(slot) => slot,
            None => {
                let read_at = host.monotonic();
                (self.seen.read(&self.key, self.window).await?, read_at)
            }
        };
        // Two writes at the same time may land in either order, and the older one would
        // take back what the newer one notes.
        let name = self.key.as_str();
        let gate = gates.borrow_mut().get_or_default(name.to_owned()).clone();
        let entered = gate.enter(host, PENDING_TIME).await;
        let now = host.now();
        for entry in own.borrow().missing(name, read_at.saturating_sub(*stale), host.monotonic()) {
            slot.put(entry, now, self.window);
        }
        // It may not have found room among the others.
        slot.put(&self.entry, now, self.window);
        let (until, written_at) = (own.borrow().until_now(), host.monotonic());
        let written = set(host, &self.key, &slot).await;
        drop((entered, gate));
        gates.borrow_mut().retain(|_, gate| gate.is_used());
        if written.is_ok() {
            own.borrow_mut().are_stored(name, until, host.monotonic());
            self.slot = Some((slot, written_at));
        }
        written
    }
}

impl<H> fmt::Debug for Seen<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

fn scope_name(scope: &Scope<'_>) -> String {
    match scope {
        Scope::Source(name) => format!("source/{name}"),
        #[cfg(feature = "actions")]
        Scope::Action { action, .. } => format!("action/{action}"),
        Scope::Topic { topic, .. } => format!("topic/{topic}"),
    }
}

/// The name of an id within its scope, which says nothing of the id, and its slot.
fn names(scope: &Scope<'_>, id: &str) -> (String, u16) {
    let mut hash = Sha256::new();
    let caller = match scope {
        Scope::Source(_) => "",
        #[cfg(feature = "actions")]
        Scope::Action { caller, .. } => caller,
        Scope::Topic { caller, .. } => caller,
    };
    for part in [scope_name(scope).as_str(), caller] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.update(id);
    let hash = hash.finalize();
    let slot = u16::from_be_bytes([hash[0], hash[1]]) % SLOTS;
    (crate::random::hex(&hash[2..14]), slot)
}

/// What tells contents apart.
fn short(content: &[u8]) -> String {
    crate::random::hex(&Sha256::digest(content)[..8])
}
