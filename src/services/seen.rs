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

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use self::exact::Taken;
use self::own::{IdHash, Own, SlotHash};
use self::slot::{Entries, Entry, Slot};
pub use self::slot::{PENDING_TIME, Place};
use crate::error::Result;
use crate::host::{Host, Millis};
use crate::state::gate::Gates;
use crate::state::keys::{Key, SeenKeys};
use crate::state::{get_bytes, set_bytes, unreadable};
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

/// For how long a look at the wall clock stands, with the monotonic one. If the clock is set,
/// ids are as much older or younger for this time.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Whose ids they are. Two scopes may use the same ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    keys: SeenKeys,
    /// Callers share documents, and no ids.
    caller: String,
}

impl Scope {
    /// The events of a source, by the name of its memory.
    pub fn source(memory: &str) -> Result<Self> {
        Self::of("source/", memory, "")
    }

    /// The idempotency keys of a credential for the runs of an action.
    #[cfg(feature = "actions")]
    pub fn action(action: &str, caller: &str) -> Result<Self> {
        Self::of("action/", action, caller)
    }

    /// The idempotency keys of a credential on a topic; callers without a name share
    /// one.
    pub fn topic(topic: &str, caller: &str) -> Result<Self> {
        Self::of("topic/", topic, caller)
    }

    fn of(kind: &str, name: &str, caller: &str) -> Result<Self> {
        Ok(Self { keys: SeenKeys::of(&[kind, name].concat())?, caller: caller.to_owned() })
    }

    /// The name of an id within its scope, which says nothing of the id, and its slot.
    fn name(&self, id: &str) -> (String, u16) {
        let mut hash = Sha256::new();
        hash.update((self.caller.len() as u64).to_be_bytes());
        hash.update(&self.caller);
        hash.update(id);
        let hash = hash.finalize();
        let slot = u16::from_be_bytes([hash[0], hash[1]]) % SLOTS;
        (crate::random::hex(&hash[2..14]), slot)
    }
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
    /// When the wall clock was looked at, by the monotonic one, and what it said.
    looked: Cell<Option<(Duration, Millis)>>,
    /// Of the slots that are being written.
    gates: Gates<SlotHash>,
}

/// An id that is noted as pending.
#[derive(Debug)]
pub struct Mark<'s, H: Host> {
    seen: &'s Seen<H>,
    key: Key<Entries>,
    hash: SlotHash,
    id: IdHash,
    entry: Rc<Entry>,
    /// The time of the entry by the monotonic clock.
    began: Duration,
    window: Duration,
    /// The slot as this instance has read or written it, and when.
    slot: Option<(Slot, Duration)>,
    /// Where each id has a key.
    taken: Option<Box<Taken>>,
}

/// An id that is noted as pending, by itself: [`Seen::resume`] goes on with it.
#[derive(Debug)]
pub struct Noted {
    key: Key<Entries>,
    entry: Rc<Entry>,
    began: Duration,
    window: Duration,
    taken: Option<Box<Taken>>,
}

impl<H: Host> Seen<H> {
    pub fn new(host: H, stale: Duration) -> Self {
        let exact = false;
        let (own, looked, gates) = (RefCell::default(), Cell::default(), Gates::default());
        Self { host, stale, exact, own, looked, gates }
    }

    /// The same over a store that can create keys, if it can.
    pub fn exact(self, exact: bool) -> Self {
        Self { exact, ..self }
    }

    /// Notes an id, unless it is known. `content` tells repeats from other things
    /// under the same id.
    pub async fn first(
        &self,
        scope: &Scope,
        id: &str,
        content: Option<&[u8]>,
        window: Duration,
    ) -> Result<First<'_, H>> {
        let (name, slot) = scope.name(id);
        let content = content.map(short);
        if self.exact {
            return self.first_exact(scope.keys.key(&name), name, content, window).await;
        }
        let key = scope.keys.key(itoa::Buffer::new().format(slot));
        let (hash, id) = (SlotHash::of(key.as_str()), IdHash::of(&name));
        let mut pause = FIRST_PAUSE;
        let mut begun = None;
        loop {
            // Each look at a clock is a call of the host, so one stands for the moments before
            // and after a read. What is kept of one's own may be older by that, which does no
            // harm.
            let at = self.host.monotonic();
            let begun = *begun.get_or_insert(at);
            // A repeat within this instance needs no look into the store.
            let own = self.own_entry(hash, (&name, id), at, window);
            let mut time = at;
            let (known, now, slot) = if own.as_ref().is_some_and(|own| !own.is_forgotten()) {
                (own, self.now(at), None)
            } else {
                let (read, now, ended) = self.read(&key, at, window).await?;
                time = ended;
                // Another request may have come in between.
                let own = self.own_entry(hash, (&name, id), at, window);
                let known = match (own, read.find(&name, now, window)) {
                    (Some(own), Some(stored)) if stored.outlasts(&own) => Some(stored),
                    (own, stored) => own.or(stored),
                };
                (known, now, Some((read, at)))
            };
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
            let entry = Rc::new(Entry::pending(name, content, now, written.clone()));
            let began = time;
            let taken = None;
            let mut mark = Mark { seen: self, key, hash, id, entry, began, window, slot, taken };
            mark.write(time).await?;
            return Ok(First::Time { mark, written });
        }
    }

    /// The mark of a note that this instance has made.
    pub fn resume(&self, noted: Noted) -> Mark<'_, H> {
        let Noted { key, entry, began, window, taken } = noted;
        let (hash, id) = (SlotHash::of(key.as_str()), IdHash::of(&entry.id));
        Mark { seen: self, key, hash, id, entry, began, window, slot: None, taken }
    }

    /// A slot, and the time by either clock.
    async fn read(
        &self,
        key: &Key<Entries>,
        begun: Duration,
        window: Duration,
    ) -> Result<(Slot, Millis, Duration)> {
        let (stored, ended) = get_bytes(&self.host, key, begun).await;
        let slot = stored?.map(Slot::from_bytes).transpose();
        let mut slot = slot.map_err(|error| unreadable(key.as_str(), &error))?.unwrap_or_default();
        let now = self.now(ended);
        slot.forget_old(now, window);
        Ok((slot, now, ended))
    }

    /// The time by the wall clock at a moment of the monotonic one that has just been.
    fn now(&self, at: Duration) -> Millis {
        let since = |then: Duration| own::millis(at.saturating_sub(then));
        match self.looked.get() {
            Some((then, said)) if at.saturating_sub(then) < LOOK_AGAIN => {
                said.saturating_add_unsigned(since(then))
            }
            _ => {
                let said = self.host.now();
                self.looked.set(Some((at, said)));
                said
            }
        }
    }

    fn own_entry(
        &self,
        slot: SlotHash,
        id: (&str, IdHash),
        at: Duration,
        window: Duration,
    ) -> Option<Entry> {
        self.own.borrow().find(slot, id, at, window).cloned()
    }
}

impl<H: Host> Mark<'_, H> {
    /// Keeps what is about to be written.
    fn remember(&self, entry: Rc<Entry>, at: Duration) {
        self.seen.own.borrow_mut().put(self.hash, self.id, entry, at);
    }

    /// The note alone, for work that goes on after the answer.
    pub fn noted(self) -> Noted {
        let Self { key, entry, began, window, taken, .. } = self;
        Noted { key, entry, began, window, taken }
    }

    /// Notes that these records are there already, while others are on their way.
    #[cfg(feature = "destinations")]
    pub async fn so_far(&mut self, places: Vec<Option<Place>>) {
        Rc::make_mut(&mut self.entry).places = places;
        let written = match self.taken.take() {
            None => {
                let at = self.seen.host.monotonic();
                self.remember(self.entry.clone(), at);
                self.write_slot(at).await
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
        let at = self.seen.host.monotonic();
        let now = self.entry.at.saturating_add_unsigned(own::millis(at.saturating_sub(self.began)));
        self.entry = self.entry.done(places, now).into();
        self.write_or_report(at).await;
    }

    /// Forgets the id: nothing was written, and a repeat is welcome.
    pub async fn forget(mut self) {
        self.entry = self.entry.forgotten().into();
        self.write_or_report(self.seen.host.monotonic()).await;
    }

    async fn write_or_report(&mut self, at: Duration) {
        let written = match self.taken.take() {
            None => self.write(at).await,
            Some(taken) => self.settle(&taken).await,
        };
        if written.is_err() {
            // Until the mark is too old, a repeat waits; then it is produced again.
            self.seen.host.event(Level::Warn, "repeat-memory-failed", &[]);
        }
    }

    async fn write(&mut self, at: Duration) -> Result<()> {
        self.remember(self.entry.clone(), at);
        let written = self.write_slot(at).await;
        if written.is_err() && self.entry.is_pending() {
            // Nothing is produced without a mark, so a repeat here need not wait.
            let at = self.seen.host.monotonic();
            self.remember(self.entry.forgotten().into(), at);
        }
        written
    }

    /// Writes into its slot, as it was just read or as it is now. `at` is the time.
    async fn write_slot(&mut self, at: Duration) -> Result<()> {
        let Seen { host, stale, own, gates, .. } = self.seen;
        let lately = |(_, read_at): &(Slot, Duration)| at.saturating_sub(*read_at) < READ_AGAIN;
        // The entry has just been made, or is not much older.
        let now = self.entry.at;
        let (mut slot, read_at, time) = match self.slot.take().filter(lately) {
            Some((slot, read_at)) => (slot, read_at, at),
            None => {
                let (slot, _, ended) = self.seen.read(&self.key, at, self.window).await?;
                (slot, at, ended)
            }
        };
        // Two writes at the same time may land in either order, and the older one would
        // take back what the newer one notes.
        let hash = self.hash;
        let gate = gates.at(hash);
        let is_open = gate.is_open();
        let entered = gate.enter(host, PENDING_TIME).await;
        for entry in own.borrow().missing(hash, read_at.saturating_sub(*stale), at) {
            if !Rc::ptr_eq(entry, &self.entry) {
                slot.put(entry, now, self.window);
            }
        }
        // It may not have found room among the others.
        slot.put(&self.entry, now, self.window);
        let until = own.borrow().until_now();
        let begun = if is_open { time } else { host.monotonic() };
        let (written, ended) = set_bytes(host, &self.key, slot.as_bytes(), begun).await;
        drop((entered, gate));
        if written.is_ok() {
            own.borrow_mut().are_stored(hash, until, ended);
            self.slot = Some((slot, at));
        }
        Ok(written?)
    }
}

impl<H> fmt::Debug for Seen<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").finish_non_exhaustive()
    }
}

/// What tells contents apart.
fn short(content: &[u8]) -> String {
    crate::random::hex(&Sha256::digest(content)[..8])
}
