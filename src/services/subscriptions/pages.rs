//! Records that this instance has read lately, for all subscriptions that stand at the same
//! place: each page is read once. At the head of the log all of them share one reader for
//! each partition.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;
use std::time::Duration;

use super::allowance::Reservations;
use super::job::Job;
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::{Fetch, Fetched, Log, Place};
use crate::record::Record;
use crate::sorted::SortedMap;

/// The limits of one read.
const MAX_PAGE_RECORDS: usize = 100;
const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// What a read may send: of a REST Proxy's consumer it is made, given its partition and its
/// place, and read.
const READ_CALLS: u32 = 4;

/// What is kept in all, and of one partition.
const MAX_BYTES: usize = 4 * 1024 * 1024;
const MAX_PAGES: usize = 4;

/// The most partitions of which it is remembered who has the place.
const MAX_SHELVES: usize = 1_000;

/// Records do not change, but a topic may be made anew under its name.
const MAX_AGE: Duration = Duration::from_secs(5);

/// What was read: whatever the log has from one offset up to another.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) from: i64,
    pub(super) next: i64,
    pub(super) records: Vec<Record>,
    /// There is no record from `next` up to this offset now.
    pub(super) silent_to: Option<i64>,
    bytes: usize,
    at: Duration,
}

/// Where to read.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) topic: Rc<str>,
    pub(super) partition: i32,
    pub(super) offset: i64,
    /// The end of the partition, if it is known.
    pub(super) end: Option<i64>,
}

type Name = (Rc<str>, i32);

pub(super) struct Pages<H: Host>(RefCell<SortedMap<Name, Shelf<H::Wake>>>);

/// The pages of one partition.
struct Shelf<W> {
    pages: Vec<Rc<Page>>,
    /// A read at this offset is under way; what is here wakes whoever waits for it.
    reading: Option<(i64, Vec<W>)>,
    /// How many reads that others wait for have begun.
    begun: u64,
    /// The last one of these that found nothing, with its number.
    nothing: Option<(u64, Rc<Page>)>,
    /// When a read last failed, and how.
    failed: Option<(Duration, Error)>,
    /// Where the next read in sequence starts.
    place: Option<(i64, Place)>,
    /// How many jobs of this instance are at work here.
    users: u32,
    /// The subscription that was given the place when the last one left.
    keeper: Option<Rc<str>>,
    /// It is about to enter; what is here wakes whoever waits for its place.
    coming: Option<Vec<W>>,
}

impl<W> Default for Shelf<W> {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            reading: None,
            begun: 0,
            nothing: None,
            failed: None,
            place: None,
            users: 0,
            keeper: None,
            coming: None,
        }
    }
}

/// A read under way. However it ends, others go on.
struct Reading<'a, H: Host>(&'a Pages<H>, Name);

impl<H: Host> Drop for Reading<'_, H> {
    fn drop(&mut self) {
        let woken = self.0.0.borrow_mut().get_mut(&self.1).and_then(|shelf| shelf.reading.take());
        drop(woken);
    }
}

/// The keeper of a place is about to enter. Whatever becomes of it, others go on.
pub(super) struct Coming<'a, H: Host>(&'a Pages<H>, Name);

impl<H: Host> Drop for Coming<'_, H> {
    fn drop(&mut self) {
        let woken = self.0.0.borrow_mut().get_mut(&self.1).and_then(|shelf| shelf.coming.take());
        drop(woken);
    }
}

impl<H: Host> Pages<H> {
    /// Reads from an offset on. The page may begin before it.
    pub(super) async fn read<L: Log>(
        &self,
        host: &H,
        log: &L,
        reads: &Reservations,
        spot: Spot,
    ) -> Result<Rc<Page>> {
        let name = (spot.topic.clone(), spot.partition);
        let asked = host.monotonic();
        let mut known = None;
        loop {
            let wait = {
                let mut shelves = self.0.borrow_mut();
                let shelf = shelves.get_or_default(name.clone());
                let now = host.monotonic();
                shelf.pages.retain(|page| now.saturating_sub(page.at) < MAX_AGE);
                let covers = |page: &&Rc<Page>| (page.from..page.next).contains(&spot.offset);
                if let Some(page) = shelf.pages.iter().find(covers) {
                    return Ok(page.clone());
                }
                // What had begun before may have missed a record; what began since has not.
                let known = *known.get_or_insert(shelf.begun);
                if let Some((number, page)) = &shelf.nothing
                    && *number > known
                    && page.from == spot.offset
                {
                    return Ok(page.clone());
                }
                // Whoever waited for a read that failed shares its failure.
                if let Some((at, error)) = &shelf.failed
                    && *at > asked
                {
                    return Err(error.clone());
                }
                let has_place = shelf.place.as_ref().is_some_and(|(at, _)| *at == spot.offset);
                match &mut shelf.reading {
                    // A reader of its own costs more than this.
                    None if !has_place && let Some(waiting) = &mut shelf.coming => {
                        let (wake, wait) = host.signal();
                        waiting.push(wake);
                        Ok(wait)
                    }
                    Some((offset, waiting)) if *offset == spot.offset => {
                        let (wake, wait) = host.signal();
                        waiting.push(wake);
                        Ok(wait)
                    }
                    // A read elsewhere, which nobody shares.
                    Some(_) => break,
                    None => {
                        shelf.reading = Some((spot.offset, Vec::new()));
                        shelf.begun += 1;
                        Err(shelf.begun)
                    }
                }
            };
            match wait {
                Ok(wait) => wait.await,
                Err(number) => {
                    let _reading = Reading(self, name.clone());
                    let _reserved = reads.take(READ_CALLS);
                    return self.fetch(host, log, &name, &spot, Some(number)).await;
                }
            }
        }
        let _reserved = reads.take(READ_CALLS);
        self.fetch(host, log, &name, &spot, None).await
    }

    /// A read has a number if others wait for it.
    async fn fetch<L: Log>(
        &self,
        host: &H,
        log: &L,
        name: &Name,
        spot: &Spot,
        number: Option<u64>,
    ) -> Result<Rc<Page>> {
        let place = {
            let mut shelves = self.0.borrow_mut();
            let shelf = shelves.get_or_default(name.clone());
            shelf.place.take_if(|(next, _)| *next == spot.offset).map(|(_, place)| place)
        };
        let fetch = Fetch {
            topic: &spot.topic,
            partition: spot.partition,
            offset: spot.offset,
            place,
            max_records: MAX_PAGE_RECORDS,
            max_bytes: MAX_PAGE_BYTES,
            end: spot.end,
            wait: Duration::ZERO,
        };
        let fetched = log.fetch(fetch).await;
        let (page, old) = self.keep(name, spot, number, fetched, host.monotonic())?;
        if let Some(old) = old {
            log.close(old).await;
        }
        Ok(page)
    }

    /// Keeps what a read has given. Also returns a place that is of no use any more.
    fn keep(
        &self,
        name: &Name,
        spot: &Spot,
        number: Option<u64>,
        fetched: Result<Fetched>,
        now: Duration,
    ) -> Result<(Rc<Page>, Option<Place>)> {
        let mut shelves = self.0.borrow_mut();
        let shelf = shelves.get_or_default(name.clone());
        let Fetched { records, next, place, silent_to } = fetched.inspect_err(|error| {
            shelf.failed = Some((now, error.clone()));
        })?;
        let old = place.and_then(|place| shelf.place.replace((next, place)));
        let bytes = records.iter().map(Record::size).sum();
        let page = Rc::new(Page { from: spot.offset, next, records, silent_to, bytes, at: now });
        if next > spot.offset {
            if shelf.pages.len() >= MAX_PAGES {
                shelf.pages.remove(0);
            }
            shelf.pages.push(page.clone());
        } else if let Some(number) = number {
            shelf.nothing = Some((number, page.clone()));
        }
        make_room(&mut shelves, now);
        Ok((page, old.map(|(_, place)| place)))
    }

    /// A job is about to take its lane: whether it has the place, and others may wait for it.
    pub(super) fn come(&self, job: &Job) -> Option<Coming<'_, H>> {
        let name = (job.topic.clone(), job.partition);
        let mut shelves = self.0.borrow_mut();
        let shelf = shelves.get_mut(&name)?;
        let is_keeper = job.part().is_none() && shelf.keeper.as_ref() == Some(&job.id);
        if !is_keeper || shelf.coming.is_some() {
            return None;
        }
        shelf.keeper = None;
        shelf.coming = Some(Vec::new());
        Some(Coming(self, name))
    }

    /// A job begins to read a partition, at a place that it may have kept.
    pub(super) fn enter(
        &self,
        topic: &Rc<str>,
        partition: i32,
        kept: Option<(i64, Place)>,
    ) -> Option<Place> {
        let mut shelves = self.0.borrow_mut();
        let shelf = shelves.get_or_default((topic.clone(), partition));
        shelf.users += 1;
        match &shelf.place {
            None => {
                shelf.place = kept;
                None
            }
            // It is of no use any more.
            Some(_) => kept.map(|(_, place)| place),
        }
    }

    /// A job has ended. Whoever is the last one keeps the place, if it is at its position.
    pub(super) fn leave(&self, job: &Job, position: i64) -> Option<Place> {
        let mut shelves = self.0.borrow_mut();
        let shelf = shelves.get_mut(&(job.topic.clone(), job.partition))?;
        shelf.users = shelf.users.saturating_sub(1);
        if shelf.users > 0 {
            return None;
        }
        let place = shelf.place.take_if(|(next, _)| *next == position).map(|(_, place)| place);
        shelf.keeper = place.as_ref().filter(|_| job.part().is_none()).map(|_| job.id.clone());
        place
    }
}

/// Lets go of what is old, and of the oldest if there is too much.
fn make_room<W>(shelves: &mut SortedMap<Name, Shelf<W>>, now: Duration) {
    for shelf in shelves.values_mut() {
        shelf.pages.retain(|page| now.saturating_sub(page.at) < MAX_AGE);
    }
    let are_few = shelves.len() <= MAX_SHELVES;
    shelves.retain(|_, shelf| {
        shelf.users > 0
            || shelf.reading.is_some()
            || shelf.place.is_some()
            || (shelf.keeper.is_some() && are_few)
            || !shelf.pages.is_empty()
    });
    let size = |shelves: &SortedMap<Name, Shelf<W>>| -> usize {
        shelves.values().flat_map(|shelf| &shelf.pages).map(|page| page.bytes).sum()
    };
    while size(shelves) > MAX_BYTES {
        let first = |shelf: &Shelf<W>| shelf.pages.first().map(|page| page.at);
        let oldest = shelves.values().filter_map(first).min();
        for shelf in shelves.values_mut() {
            shelf.pages.retain(|page| Some(page.at) != oldest);
        }
    }
}

impl<H: Host> Default for Pages<H> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

impl<H: Host> fmt::Debug for Pages<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}
