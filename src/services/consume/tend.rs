//! One partition while its lane is held: from the fetch to the position.

use std::rc::Rc;
use std::time::Duration;

use futures_util::future::select;

use super::desk::{Counter, Desk};
use super::page::Page;
use super::position::Position;
use super::{Consumed, Ticket};
use crate::error::Result;
use crate::host::Host;
use crate::log::{Fetch, Log};
use crate::record::Record;
use crate::state::lane::{Held, Written};

/// How long a caller may take to accept its record before it is handed to
/// the next one.
const SETTLE_TIME: Duration = Duration::from_secs(3);

/// Bytes that one fetch asks for, about.
const FETCH_BYTES: usize = 4 * 1024 * 1024;

/// A partition that this instance holds for the group.
pub(super) struct Tended<H: Host> {
    pub(super) index: usize,
    topic: Rc<str>,
    partition: i32,
    held: Held<H, Position>,
    page: Page,
    counter: Counter<H::Wake>,
    /// Records have arrived that the position does not tell yet.
    dirty: bool,
}

impl<H: Host> Tended<H> {
    pub(super) fn new(
        index: usize,
        topic: Rc<str>,
        partition: i32,
        held: Held<H, Position>,
    ) -> Self {
        let page = Page::resume(held.payload(), partition);
        Self { index, topic, partition, held, page, counter: Counter::new(), dirty: false }
    }

    pub(super) fn has_records(&self) -> bool {
        self.page.has_records()
    }

    /// Reads on from where the group stands.
    pub(super) async fn fetch<L: Log>(&mut self, log: &L, max_records: usize) -> Result<()> {
        let fetch = Fetch {
            topic: &self.topic,
            partition: self.partition,
            offset: self.page.next(),
            place: self.page.take_place(),
            max_records,
            max_bytes: FETCH_BYTES,
            wait: Duration::ZERO,
        };
        let fetched = log.fetch(fetch).await?;
        self.page.add(fetched);
        Ok(())
    }

    /// Hands records to those who wait, while the lease lasts. Answers
    /// whether there were any.
    pub(super) fn hand_out(&mut self, desk: &mut Desk<H::Wake>) -> bool {
        let mut any = false;
        while self.held.is_live()
            && let Some(bytes) = self.page.first().map(size)
            && desk.takes(bytes)
            && let Some(record) = self.page.hand_out()
        {
            let ticket: Ticket = self.counter.ticket(record.offset);
            desk.serve(Consumed { topic: self.topic.clone(), record }, bytes, ticket);
            any = true;
        }
        any
    }

    /// Waits until every caller has its record or will not take it.
    pub(super) async fn settle(&mut self, host: &H) {
        if !self.counter.all_settled() {
            let (bell, rung) = host.signal();
            self.counter.ring_when_settled(bell);
            let limit = SETTLE_TIME.min(self.held.remaining());
            select(rung, Box::pin(host.sleep(limit))).await;
        }
        for (offset, arrived) in self.counter.take_settled() {
            if arrived {
                self.page.arrived(offset);
                self.dirty = true;
            } else {
                self.page.returned(offset);
            }
        }
        self.page.give_up_waiting();
    }

    /// Whether the lane can be kept for others who come.
    pub(super) async fn may_stay(&mut self) -> Result<bool> {
        Ok(self.held.is_live() && !self.held.knocked().await?)
    }

    /// Writes the position down, if that is due. Answers whether the lane is
    /// still held.
    pub(super) async fn keep(&mut self) -> Result<bool> {
        if !self.dirty && !self.held.renew_due() {
            return Ok(true);
        }
        self.dirty = false;
        Ok(self.held.write(self.page.position()).await? == Written::Kept)
    }

    /// Writes the position down and lets go. Answers the offset that the
    /// group has reached.
    pub(super) async fn let_go(mut self) -> Result<i64> {
        let position = self.page.position();
        let offset = position.offset;
        // Lost means that the position may come to nothing; then the records
        // come again, which is what losing a lane means.
        self.held.release(position).await?;
        Ok(offset)
    }
}

/// What counts towards a caller's `max_bytes`.
fn size(record: &Record) -> usize {
    let headers = record.headers.iter().flatten();
    let headers = headers
        .map(|header| header.name.len() + header.value.as_ref().map_or(0, bytes::Bytes::len));
    let part = |part: &Option<bytes::Bytes>| part.as_ref().map_or(0, bytes::Bytes::len);
    part(&record.key) + part(&record.value) + headers.sum::<usize>()
}
