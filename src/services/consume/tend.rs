//! A partition while its lane is held, from the fetch to the write of the
//! position.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::{Either, select};

use super::desk::{Counter, Desk};
use super::owner::Owner;
use super::page::RecordsInHand;
use super::position::Position;
use super::receipt::{self, Receipt};
use super::{Ack, Acquired, Consumed, claims};
use crate::error::Result;
use crate::host::{Host, Millis};
use crate::kafka::{Fetch, Log};
use crate::record::Record;
use crate::sorted::SortedSet;
use crate::state::keys::LaneName;
use crate::state::lane::{Held, Written};
use crate::telemetry::{Level, Report};

/// How long a caller may take to accept a record before the next caller gets
/// it.
const MAX_SETTLE_TIME: Duration = Duration::from_secs(3);

/// The approximate number of bytes that a fetch asks for.
const MAX_FETCH_BYTES: usize = 4 * 1024 * 1024;

/// A partition that this instance holds for the group.
pub(super) struct Tended<H: Host> {
    pub(super) index: usize,
    topic: Rc<str>,
    partition: i32,
    held: Held<H, Position>,
    page: RecordsInHand,
    counter: Counter<H::Wake>,
    /// Whether the position has changed and is not written yet.
    dirty: bool,
    /// The time by which the leases of claims are judged: before the lane was asked
    /// for.
    judged: Millis,
}

impl<H: Host> Tended<H> {
    pub(super) fn new(
        index: usize,
        topic: Rc<str>,
        partition: i32,
        held: Held<H, Position>,
        judged: Millis,
    ) -> Self {
        let page = RecordsInHand::resume(held.payload(), partition);
        Self { index, topic, partition, held, page, counter: Counter::new(), dirty: false, judged }
    }

    /// Whether the group has had no position here.
    pub(super) fn begins(&self) -> bool {
        self.held.begins()
    }

    /// The offset of the next read.
    pub(super) fn next(&self) -> i64 {
        self.page.next()
    }

    pub(super) fn has_records(&self) -> bool {
        self.page.has_records()
    }

    /// Whether another reader has claimed records of this partition and not
    /// acknowledged them.
    pub(super) fn held_by_others(&mut self, owner: &Owner, host: &H, margin: Duration) -> bool {
        self.page.claims().held_by_others(owner, host.now(), millis(margin))
    }

    /// Reads the next records after those that were fetched.
    pub(super) async fn fetch<L: Log>(
        &mut self,
        host: &H,
        log: &L,
        max_records: usize,
    ) -> Result<()> {
        let fetch = Fetch {
            topic: &self.topic,
            partition: self.partition,
            offset: self.page.next(),
            place: self.page.take_place(),
            max_records,
            max_bytes: MAX_FETCH_BYTES,
            wait: Duration::ZERO,
        };
        let mut fetching = Box::pin(log.fetch(fetch));
        // The turn is kept while the log is slow.
        let fetched = loop {
            let renewal = Box::pin(host.sleep(self.held.until_renewal()));
            match select(fetching, renewal).await {
                Either::Left((fetched, _)) => break fetched?,
                Either::Right(((), rest)) => fetching = rest,
            }
            // What comes after the turn is handed out to nobody.
            if self.held.write(self.page.position()).await? == Written::Lost {
                break fetching.await?;
            }
        };
        self.page.add(fetched);
        Ok(())
    }

    /// Hands records to waiting callers while the lease lasts. Returns whether
    /// there were any.
    pub(super) fn hand_out(
        &mut self,
        desk: &mut Desk<H::Wake>,
        host: &H,
        owner: Option<&Owner>,
    ) -> bool {
        let mut any = false;
        while self.held.is_live()
            && let Some(bytes) = self.page.first().map(Record::size)
            && let Some(ack) = desk.takes(bytes)
            && self.give(desk, bytes, ack, host, owner).is_some()
        {
            any = true;
        }
        any
    }

    fn give(
        &mut self,
        desk: &mut Desk<H::Wake>,
        bytes: usize,
        ack: Ack,
        host: &H,
        owner: Option<&Owner>,
    ) -> Option<()> {
        let topic = self.topic.clone();
        match ack {
            Ack::Auto => {
                let record = self.page.hand_out()?;
                let confirmation = self.counter.confirmation(record.offset);
                desk.serve(Consumed { topic, record, acquired: None }, bytes, confirmation);
            }
            Ack::Manual { lease } => {
                let offset = self.page.first()?.offset;
                if self.page.claims().is_full() && !self.page.claims().contains(offset) {
                    return None;
                }
                let random = || receipt::nonce(host);
                let nonce = owner.map_or_else(random, |owner| owner.nonce().to_owned());
                let until = host.now().saturating_add(millis(lease));
                let (record, delivery_count) = self.page.claim(nonce.clone(), until)?;
                let receipt = Receipt {
                    topic: topic.to_string(),
                    partition: self.partition,
                    ticket: self.held.ticket(),
                    offset,
                    nonce,
                    until,
                };
                let acquired = Some(Acquired { receipt: receipt.to_text(), delivery_count });
                desk.serve_claimed(Consumed { topic, record, acquired }, bytes, until);
                self.dirty = true;
            }
        }
        Some(())
    }

    /// Reads records again whose claims had ended when the lane was asked for, up to
    /// the given number.
    pub(super) async fn fetch_again<L: Log>(
        &mut self,
        log: &L,
        margin: Duration,
        max_records: usize,
    ) -> Result<()> {
        let mut free = self.page.claims().free(self.judged, millis(margin));
        free.truncate(max_records);
        for (offset, count) in claims::ranges(&free) {
            let fetch = Fetch {
                topic: &self.topic,
                partition: self.partition,
                offset,
                place: None,
                max_records: count,
                max_bytes: MAX_FETCH_BYTES,
                wait: Duration::ZERO,
            };
            let fetched = log.fetch(fetch).await?;
            let there: SortedSet<_> = fetched.records.iter().map(|record| record.offset).collect();
            let asked = offset..offset + count as i64;
            for offset in asked.clone() {
                // Retention or compaction has removed it, so it cannot be
                // handed out again.
                if offset < fetched.next && !there.contains(&offset) {
                    self.page.done(offset);
                    self.dirty = true;
                }
            }
            self.page.add_again(fetched.records, asked);
            if let Some(place) = fetched.place {
                log.close(place).await;
            }
        }
        Ok(())
    }

    /// Waits until every caller has its record or will not take it.
    pub(super) async fn settle(&mut self, host: &H) {
        let give_up = host.monotonic() + MAX_SETTLE_TIME;
        while !self.counter.all_settled() {
            let left = give_up.saturating_sub(host.monotonic());
            let limit = left.min(self.held.until_renewal());
            if !limit.is_zero() {
                let (bell, rung) = host.signal();
                self.counter.ring_when_settled(bell);
                select(rung, Box::pin(host.sleep(limit))).await;
                continue;
            }
            self.note_settled();
            // The turn is kept for those that are slow.
            let renewed = match left.is_zero() {
                true => None,
                false => self.held.write(self.page.position()).await.ok(),
            };
            if renewed != Some(Written::Kept) {
                break;
            }
        }
        self.note_settled();
        if !self.counter.all_settled() {
            self.page.give_up_waiting();
            // Other callers may get the records of these callers now, so their
            // confirmations no longer count.
            self.counter = Counter::new();
        }
    }

    fn note_settled(&mut self) {
        for (offset, arrived) in self.counter.take_settled() {
            if arrived {
                self.page.arrived(offset);
                self.dirty = true;
            } else {
                self.page.returned(offset);
            }
        }
    }

    /// Whether this instance still holds the records that it handed out.
    pub(super) fn is_live(&self) -> bool {
        self.held.is_live()
    }

    /// Whether the lane can be kept for later callers. If the store does not
    /// answer, it is released, because the position has to be written. `look`
    /// is how old the last look at the lane may be.
    pub(super) async fn may_stay(&mut self, look: Duration) -> bool {
        let knocked = self.held.knocked(look).await;
        self.held.is_live() && !knocked.unwrap_or(true)
    }

    /// Writes the position if that is due. Returns whether the lane is still
    /// held.
    pub(super) async fn keep(&mut self, host: &H) -> Result<bool> {
        if !self.dirty && !self.held.renew_due() {
            return Ok(true);
        }
        self.dirty = false;
        let kept = self.held.write(self.page.position()).await? == Written::Kept;
        if !kept {
            report_loss(host, self.held.name());
        }
        Ok(kept)
    }

    /// Writes the position and releases the lane. Returns the position if it
    /// was stored. If not, the lane was lost, and its records are handed out
    /// again.
    pub(super) async fn let_go(mut self, host: &H) -> Result<Option<Position>> {
        let position = self.page.position();
        let lane = self.held.name().clone();
        let written = self.held.release(position.clone()).await?;
        if written == Written::Lost {
            report_loss(host, &lane);
            return Ok(None);
        }
        Ok(Some(position))
    }
}

/// Others have the lane, so that what was handed out since the last write may
/// be handed out again.
fn report_loss(host: &impl Host, lane: &LaneName) {
    host.event(Level::Warn, "lane-lost", &[("lane", lane.as_str().into())]);
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX)
}
