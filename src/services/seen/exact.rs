//! The memory over a store that can create a key if there is none: each id has a key of
//! its own, which ends by itself.
//!
//! | the key of an id | |
//! |---|---|
//! | is created, for [`PENDING_TIME`] | whoever created it produces the records |
//! | is set to their places, for the window | every repeat is answered with them |
//! | is set to the places of a part | whoever creates the key behind it produces the rest |
//! | is deleted, or ends by itself | the id is new |
//!
//! An event costs two writes and no read. The memory is exact: of all that bring an id at
//! the same time, one produces. Two ways are left to a second record: the first try took
//! longer than an id can be pending, or nobody knows what became of it.

use std::time::Duration;

use super::own::{IdHash, SlotHash};
use super::slot::{Entries, Entry, PENDING_TIME};
use super::{FIRST_PAUSE, First, LONGEST_PAUSE, Mark, REPEAT_WAIT, Seen};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::state::keys::Key;
use crate::state::{create, delete, set_for};

/// What a caller is asked to wait if the clock of whoever holds an id says nothing useful.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// An id in the hands of this instance.
#[derive(Debug)]
pub(super) struct Taken {
    /// Not after it was created, by the monotonic clock.
    at: Duration,
    /// The key behind that of the id, if a part was written before.
    rest: Option<Key<Entries>>,
}

impl<H: Host> Seen<H> {
    pub(super) async fn first_exact(
        &self,
        key: Key<Entries>,
        name: String,
        content: Option<String>,
        window: Duration,
    ) -> Result<First<'_, H>> {
        let begun = self.host.monotonic();
        let mut pause = FIRST_PAUSE;
        loop {
            let at = self.host.monotonic();
            let entry = Entry::pending(name.clone(), content.clone(), self.host.now(), Vec::new());
            let note = Entries::of(&entry);
            let (mut rest, mut written) = (None, Vec::new());
            let mut holder = self.create(&key, &note).await?;
            if let Some(known) = &holder {
                if content.is_some() && known.content != content {
                    return Ok(First::Different);
                }
                if known.is_done() {
                    return Ok(First::Repeat(known.places.clone()));
                }
                if known.is_forgotten() {
                    // A part. Its time is in the key, so that each part has another one.
                    let behind = key.behind(known.at);
                    written = known.places.clone();
                    holder = self.create(&behind, &note).await?;
                    rest = Some(behind);
                }
            }
            let Some(holder) = holder else {
                let taken = Some(Box::new(Taken { at, rest }));
                // Nothing is kept of what has a key of its own.
                let (hash, id, entry) = (SlotHash::default(), IdHash::default(), entry.into());
                let mark =
                    Mark { seen: self, key, hash, id, entry, began: at, window, slot: None, taken };
                return Ok(First::Time { mark, written });
            };
            if self.host.monotonic().saturating_sub(begun) >= REPEAT_WAIT {
                let retry_after = holder.pending_for(self.host.now()).unwrap_or(RETRY_AFTER);
                return Ok(First::Pending { retry_after });
            }
            self.host.sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// What is under this key already.
    async fn create(&self, key: &Key<Entries>, note: &Entries) -> Result<Option<Entry>> {
        let unreadable =
            || Error::from(ErrorKind::Store { detail: format!("{} cannot be read", key.as_str()) });
        let there = create(&self.host, key, note, PENDING_TIME).await?;
        there.map(|there| there.only().ok_or_else(unreadable)).transpose()
    }
}

impl<H: Host> Mark<'_, H> {
    /// Writes a part while the rest is on its way: what is under the key is a part from now
    /// on, and the key behind it says that this instance produces the rest.
    #[cfg(feature = "destinations")]
    pub(super) async fn note_part(&self, taken: &mut Taken) -> Result<()> {
        let (host, entry) = (&self.seen.host, &self.entry);
        if host.monotonic().saturating_sub(taken.at) >= PENDING_TIME {
            // It may be another's by now.
            return Ok(());
        }
        let mut part = entry.forgotten();
        match &taken.rest {
            Some(rest) => part.at = rest.last().unwrap_or(part.at),
            None => {
                let behind = self.key.behind(part.at);
                // Where the part is, the key of the id alone says: nobody looks behind it
                // before that does.
                let mut holder = (**entry).clone();
                holder.places.clear();
                if self.seen.create(&behind, &Entries::of(&holder)).await?.is_some() {
                    return Ok(());
                }
                taken.rest = Some(behind);
            }
        }
        set_for(host, &self.key, &Entries::of(&part), self.window).await
    }

    /// Writes what became of the id.
    pub(super) async fn settle(&self, taken: &Taken) -> Result<()> {
        let (host, entry) = (&self.seen.host, &self.entry);
        let age = host.monotonic().saturating_sub(taken.at);
        let is_part = entry.is_forgotten() && entry.places.iter().any(Option::is_some);
        // What is done is true for ever. A part may have been completed by another one
        // once the id was not this one's any more, and its end would be lost.
        if entry.is_done() || (is_part && age < PENDING_TIME) {
            set_for(host, &self.key, &Entries::of(entry), self.window).await?;
        }
        // What is deleted late could be another's by then.
        let left = match &taken.rest {
            None if entry.is_forgotten() && !is_part => Some(&self.key),
            rest => rest.as_ref(),
        };
        match left {
            Some(left) if age < PENDING_TIME / 2 => delete(host, left).await,
            _ => Ok(()),
        }
    }
}
