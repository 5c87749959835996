//! A partition while its lane is held, from the fetch to the write of the
//! position.
//!
//! Nothing here waits. Fetches and writes are begun here and run beside each other in
//! [`serving`](super::serving), which tells the partition what came of them; meanwhile
//! callers get records, as the state protocol allows.

use std::future::Future;
use std::ops::Range;
use std::rc::Rc;
use std::time::Duration;

use super::desk::{Bell, Counter, Desk};
use super::giving_up::{Case, GivingUp};
use super::owner::Owner;
use super::page::RecordsInHand;
use super::position::Position;
use super::receipt;
use super::{Ack, Acquired, Consumed, claims};
use crate::dead_letter::GivenUp;
use crate::error::Result;
use crate::host::{Host, Millis};
use crate::kafka::{Fetch, Fetched, Log, Place};
use crate::record::Record;
use crate::sorted::SortedSet;
use crate::state::keys::LaneName;
use crate::state::lane::params::{KNOCK_CHECK, KNOCK_CHECK_IDLE};
use crate::state::lane::{Held, Written};
use crate::telemetry::{Level, Report};

/// How long a caller may take to accept a record before the next caller gets
/// it.
const MAX_SETTLE_TIME: Duration = Duration::from_secs(3);

/// The shortest time between two writes of a position while records are handed out.
/// An instance that dies in between repeats what arrived since the last one. It is as
/// long as a partition is kept for the next caller, so that the last write lets go.
const WRITE_PAUSE: Duration = super::PARTITION_LINGER;

/// How long it takes until a record is given up again whose dead letter could not be
/// written.
const GIVE_UP_AGAIN: Millis = 10_000;

/// The approximate number of bytes that a fetch asks for.
const MAX_FETCH_BYTES: usize = 4 * 1024 * 1024;

/// How long, and for how many records, a partition is read while others wait.
const MAX_STAY: Duration = Duration::from_secs(1);
const MAX_STAY_RECORDS: usize = 500;

/// A partition that this instance holds for the group.
pub(super) struct Tended<H: Host> {
    pub(super) index: usize,
    topic: Rc<str>,
    partition: i32,
    held: Held<H, Position>,
    page: RecordsInHand,
    counter: Counter<H::Wake>,
    /// Whether the position has changed since the last write began.
    dirty: bool,
    /// Whether claims are among that.
    claimed: bool,
    /// The page for which records were last claimed, the end of its leases, and its text.
    receipts: Option<(Rc<str>, Millis, String)>,
    /// The time by which the leases of claims are judged: before the lane was asked
    /// for.
    judged: Millis,
    under_way: UnderWay,
    fetching_from: Option<Place>,
    /// The last fetch found nothing.
    drained: bool,
    /// It was read for long enough, and others wait to be read.
    has_stayed: bool,
    /// Somebody else waits for the partition.
    knocked: bool,
    taken_at: Duration,
    last_write: Duration,
    handed: usize,
}

#[derive(Debug, Default)]
struct UnderWay {
    fetch: bool,
    write: bool,
    /// Claims are in that write.
    claims: bool,
    knock_check: bool,
}

/// What the desk asks of its partitions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Demand {
    /// Callers wait for records.
    pub(super) waiting: bool,
    /// It is worth reading on, for them or for those who are expected.
    pub(super) reads: bool,
    /// All that there was when the end was asked for has been read.
    pub(super) is_read_out: bool,
    /// Claims are to be written now.
    pub(super) claims: bool,
    /// Callers have claims that they were not answered with yet.
    pub(super) unanswered: bool,
    /// More callers are expected soon.
    pub(super) expected: bool,
    /// All partitions are let go.
    pub(super) closing: bool,
}

/// What is to be done next for a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Nothing,
    Fetch,
    CheckKnock,
    Write,
    LetGo,
}

/// What came of records whose claims had ended.
pub(super) struct ReadAgain {
    /// Those that were read again, and the range that was asked for.
    again: Vec<(Range<i64>, Fetched)>,
    /// Those that were handed out as often as they may be, and whether they may be
    /// forgotten.
    spent: Vec<(i64, bool)>,
}

impl<H: Host> Tended<H> {
    pub(super) fn new(
        index: usize,
        topic: Rc<str>,
        partition: i32,
        held: Held<H, Position>,
        judged: Millis,
        now: Duration,
        bell: Bell<H::Wake>,
    ) -> Self {
        let page = RecordsInHand::resume(held.payload(), partition);
        Self {
            index,
            topic,
            partition,
            held,
            page,
            counter: Counter::new(bell),
            dirty: false,
            claimed: false,
            receipts: None,
            judged,
            under_way: UnderWay::default(),
            fetching_from: None,
            drained: false,
            has_stayed: false,
            knocked: false,
            taken_at: now,
            last_write: now,
            handed: 0,
        }
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

    pub(super) fn is_of(&self, topic: &Rc<str>, partition: i32) -> bool {
        self.topic == *topic && self.partition == partition
    }

    /// A record was claimed for a caller who was not told of it.
    pub(super) fn unclaim(&mut self, record: Record) {
        self.page.unclaimed(record);
        self.dirty = true;
    }

    /// The same for records of earlier turns, which are read again.
    pub(super) fn unclaim_earlier(&mut self, offsets: &[i64], owner: Option<&Owner>) {
        for offset in offsets {
            let claims = self.page.claims();
            let is_own = claims
                .get(*offset)
                .is_some_and(|claim| owner.is_some_and(|owner| claim.nonce == owner.nonce()));
            if is_own {
                claims.give_back(*offset, Millis::MIN);
            }
        }
    }

    /// How many records are in hand.
    pub(super) fn records(&self) -> usize {
        self.page.records()
    }

    /// The server's place, if the position cannot be written with it.
    pub(super) fn abandoned_place(&mut self) -> Option<Place> {
        let is_kept = self.page.position().ahead.is_some();
        if is_kept { None } else { self.page.take_place() }
    }

    /// What is in hand beyond what was claimed.
    pub(super) fn untaken(&self) -> Option<(i64, Fetched)> {
        self.page.untaken()
    }

    pub(super) fn is_drained(&self) -> bool {
        self.drained
    }

    /// Whether claims have to wait for a write, or are in it.
    pub(super) fn is_writing_claims(&self) -> bool {
        self.under_way.write && (self.under_way.claims || self.claimed)
    }

    /// Whether the next records may be read.
    pub(super) fn can_read(&self) -> bool {
        let leaves = self.drained || self.knocked || self.has_stayed;
        !leaves && !self.has_records() && self.held.is_live()
    }

    pub(super) fn is_fetching(&self) -> bool {
        self.under_way.fetch
    }

    /// Whether another reader has claimed records of this partition and not
    /// acknowledged them.
    pub(super) fn held_by_others(&mut self, owner: &Owner, host: &H, margin: Duration) -> bool {
        self.page.claims().held_by_others(owner, host.now(), millis(margin))
    }

    /// Whether this instance still holds the records that it handed out.
    pub(super) fn is_live(&self) -> bool {
        self.held.is_live()
    }

    /// Other partitions are worth reading: after a while this one is left to them.
    pub(super) fn note_others(&mut self, now: Duration) {
        self.has_stayed |=
            self.handed >= MAX_STAY_RECORDS || now.saturating_sub(self.taken_at) >= MAX_STAY;
    }

    /// What is to be done next.
    pub(super) fn act(&mut self, demand: Demand, now: Duration) -> Act {
        // Callers wait, and none of them could take what is here: no more can be claimed,
        // for instance.
        let stuck = self.has_records() && demand.waiting && !demand.claims;
        let leaves = demand.closing
            || self.knocked
            || !self.held.is_live()
            || ((self.drained || demand.is_read_out) && !self.has_records())
            || (!demand.waiting && (demand.claims || !demand.expected))
            || (self.has_stayed && !self.has_records())
            || stuck;
        let UnderWay { fetch, write, knock_check, .. } = self.under_way;
        if write {
            return Act::Nothing;
        }
        // Claims that a caller waits for are written together with its other ones.
        let claims_wait = self.claimed && demand.unanswered && !demand.claims;
        if leaves && !fetch && !claims_wait && self.page.is_settled() {
            return Act::LetGo;
        }
        let pause_over = now >= self.last_write + WRITE_PAUSE;
        if (demand.claims && self.claimed)
            || (self.dirty && !leaves && pause_over)
            || (self.held.renew_due() && self.held.is_live())
        {
            return Act::Write;
        }
        if leaves {
            self.counter.await_settled();
            return Act::Nothing;
        }
        if demand.reads && !fetch && self.can_read() {
            return Act::Fetch;
        }
        match !knock_check && self.held.knock_check_due(self.knock_check_age(demand)) {
            true => Act::CheckKnock,
            false => Act::Nothing,
        }
    }

    fn knock_check_age(&self, demand: Demand) -> Duration {
        if demand.waiting { KNOCK_CHECK } else { KNOCK_CHECK_IDLE }
    }

    /// When there may be something to do although nothing has happened.
    pub(super) fn next_act(&mut self, demand: Demand, now: Duration) -> Duration {
        let renewal = now + self.held.until_renewal();
        let knock = self.held.next_knock_check(self.knock_check_age(demand));
        let write = self.dirty.then(|| self.last_write + WRITE_PAUSE);
        let give_up = self.page.on_the_way_since().map(|since| since + MAX_SETTLE_TIME);
        let knock = (!self.under_way.knock_check && !self.knocked).then_some(knock);
        let renewal = (!self.under_way.write).then_some(renewal);
        let times = [renewal, knock, write, give_up];
        times.into_iter().flatten().filter(|time| *time > now).min().unwrap_or(Duration::MAX)
    }

    /// Begins to read the next records after those that were fetched.
    pub(super) fn begin_fetch<L: Log>(
        &mut self,
        log: Rc<L>,
        max_records: usize,
        end: Option<i64>,
    ) -> impl Future<Output = Result<Fetched>> + use<H, L> {
        self.under_way.fetch = true;
        let (topic, partition) = (self.topic.clone(), self.partition);
        let (offset, place) = (self.page.next(), self.page.take_place());
        self.fetching_from = place.clone();
        async move {
            let fetch = Fetch {
                topic: &topic,
                partition,
                offset,
                place,
                max_records,
                max_bytes: MAX_FETCH_BYTES,
                end,
                wait: Duration::ZERO,
            };
            log.fetch(fetch).await
        }
    }

    /// The place of a fetch that failed. Records may have been read from it.
    pub(super) fn take_failed_place(&mut self) -> Option<Place> {
        self.fetching_from.take()
    }

    pub(super) fn fetched(&mut self, fetched: Result<Fetched>) -> Result<()> {
        self.under_way.fetch = false;
        if fetched.is_ok() {
            self.fetching_from = None;
        }
        let fetched = fetched?;
        let moves = fetched.next > self.page.next();
        self.drained = fetched.records.is_empty();
        self.page.add(fetched);
        // There may be a gap that the log itself has.
        self.dirty |= self.drained && moves;
        Ok(())
    }

    /// Begins to read records again whose claims had ended when the lane was asked for,
    /// up to the given number. `None` if there are none. Those that were handed out as
    /// often as the group allows are given up.
    pub(super) fn begin_fetch_again<L: Log>(
        &mut self,
        log: Rc<L>,
        giving_up: Rc<GivingUp<H, L>>,
        group: Rc<str>,
        margin: Duration,
        max_records: usize,
    ) -> Option<impl Future<Output = Result<ReadAgain>> + use<H, L>> {
        let claims = self.page.claims();
        let free = claims.free(self.judged, millis(margin));
        if free.is_empty() {
            return None;
        }
        self.under_way.fetch = true;
        let (topic, partition) = (self.topic.clone(), self.partition);
        Some(async move {
            let settings = giving_up.settings(&group).await?;
            let (spent, free): (Vec<_>, Vec<_>) =
                free.into_iter().partition(|(_, count)| settings.is_spent(*count));
            let why = GivenUp::DeliveryLimit;
            let case = Case { group: &group, topic: &topic, partition, why };
            let spent = giving_up.give_up(case, &settings, spent).await;
            let free = free.into_iter().take(max_records);
            let free: Vec<_> = free.map(|(offset, _)| offset).collect();
            let mut again = Vec::new();
            for (offset, count) in claims::ranges(&free) {
                let fetch = Fetch {
                    topic: &topic,
                    partition,
                    offset,
                    place: None,
                    max_records: count,
                    max_bytes: MAX_FETCH_BYTES,
                    end: None,
                    wait: Duration::ZERO,
                };
                let mut fetched = log.fetch(fetch).await?;
                if let Some(place) = fetched.place.take() {
                    log.close(place).await;
                }
                again.push((offset..offset + count as i64, fetched));
            }
            Ok(ReadAgain { again, spent })
        })
    }

    pub(super) fn fetched_again(&mut self, again: Result<ReadAgain>, now: Millis) -> Result<()> {
        self.under_way.fetch = false;
        let ReadAgain { again, spent } = again?;
        for (offset, is_buried) in spent {
            match is_buried {
                true => self.page.give_up(offset),
                false => self.page.claims().give_back(offset, now + GIVE_UP_AGAIN),
            }
            self.dirty = true;
        }
        for (asked, fetched) in again {
            let there: SortedSet<_> = fetched.records.iter().map(|record| record.offset).collect();
            for offset in asked.clone() {
                // Retention or compaction has removed it, so it cannot be
                // handed out again.
                if offset < fetched.next && !there.contains(&offset) {
                    self.page.done(offset);
                    self.dirty = true;
                }
            }
            self.page.add_again(fetched.records, asked);
        }
        Ok(())
    }

    /// Hands records to waiting callers while the turn lasts. Returns whether
    /// there were any.
    pub(super) fn hand_out(
        &mut self,
        desk: &mut Desk<H::Wake>,
        host: &H,
        owner: Option<&Owner>,
        max_claimed: usize,
    ) -> bool {
        if self.under_way.fetch || !self.has_records() || desk.is_empty() || !self.held.is_live() {
            return false;
        }
        let (now, wall) = (host.monotonic(), host.now());
        let mut any = false;
        while let Some(record) = self.page.first()
            && let Some(ack) = desk.takes(&self.topic, record)
            && let bytes = record.size()
            && self.give(desk, bytes, ack, host, (owner, max_claimed), (now, wall)).is_some()
        {
            any = true;
            self.handed += 1;
        }
        any
    }

    fn give(
        &mut self,
        desk: &mut Desk<H::Wake>,
        bytes: usize,
        ack: Ack,
        host: &H,
        (owner, max_claimed): (Option<&Owner>, usize),
        (now, wall): (Duration, Millis),
    ) -> Option<()> {
        let topic = self.topic.clone();
        match ack {
            Ack::Auto => {
                let (record, hand_out) = self.page.hand_out(now)?;
                let consumed = Consumed { topic, record, acquired: None };
                desk.serve(consumed, bytes, &self.counter, hand_out);
            }
            Ack::Manual { lease } => {
                let offset = self.page.first()?.offset;
                let claims = self.page.claims();
                if claims.is_full(max_claimed) && !claims.contains(offset) {
                    return None;
                }
                let random = || receipt::nonce(host);
                let page = match owner {
                    Some(owner) => owner.nonce().into(),
                    None => desk.page(random),
                };
                let until = wall.saturating_add(millis(lease));
                let (record, delivery_count) = self.page.claim(&page, until)?;
                let receipts = match &self.receipts {
                    Some((of, end, text)) if (of, *end) == (&page, until) => text,
                    _ => {
                        let place = (&*topic, self.partition);
                        let text = receipt::page(place, self.held.ticket(), &page, until);
                        &self.receipts.insert((page, until, text)).2
                    }
                };
                let receipt = [receipts, ".", itoa::Buffer::new().format(offset)].concat();
                let acquired = Some(Acquired { receipt, delivery_count });
                desk.serve_claimed(Consumed { topic, record, acquired }, bytes, until);
                (self.dirty, self.claimed) = (true, true);
            }
        }
        Some(())
    }

    /// Takes note of what has become of the records that callers were given.
    pub(super) fn note_settled(&mut self, now: Duration) {
        for (hand_outs, arrived) in self.counter.take_settled() {
            for hand_out in hand_outs {
                match arrived {
                    true => self.page.arrived(hand_out),
                    false => self.page.returned(hand_out),
                }
            }
            self.dirty |= arrived;
        }
        if let Some(since) = now.checked_sub(MAX_SETTLE_TIME) {
            self.page.give_up_waiting(since);
        }
    }

    /// Begins to look whether somebody else waits for the partition. If the store does
    /// not answer, it is let go, because the position has to be written.
    pub(super) fn begin_knock_check(&mut self) -> impl Future<Output = bool> + use<H> {
        self.under_way.knock_check = true;
        let check = self.held.begin_knock_check();
        async move { check.await.unwrap_or(true) }
    }

    pub(super) fn knock_checked(&mut self, knocked: bool) {
        self.under_way.knock_check = false;
        if knocked {
            self.knocked = true;
            self.held.note_knock();
        }
    }

    /// Begins to write the position, and keeps the partition.
    pub(super) fn begin_write(
        &mut self,
        now: Duration,
    ) -> impl Future<Output = Result<Written>> + use<H> {
        (self.under_way.write, self.under_way.claims) = (true, self.claimed);
        (self.dirty, self.claimed, self.last_write) = (false, false, now);
        let write = self.held.begin_write(&self.page.position());
        async move { write?.await }
    }

    /// Whether the partition is still held.
    pub(super) fn written(&mut self, host: &H, written: &Result<Written>) -> bool {
        (self.under_way.write, self.under_way.claims) = (false, false);
        if matches!(written, Ok(Written::Lost)) {
            report_loss(host, self.held.name());
        }
        matches!(written, Ok(Written::Kept))
    }

    /// Whether a write of claims is to come.
    pub(super) fn has_claimed(&self) -> bool {
        self.claimed
    }

    /// Writes the position and releases the lane. Returns the position if it
    /// was stored. If not, the lane was lost, and its records are handed out
    /// again.
    pub(super) fn let_go(
        mut self,
        host: H,
    ) -> impl Future<Output = Result<Option<Position>>> + use<H> {
        let position = self.page.position();
        async move {
            let lane = self.held.name().clone();
            let written = self.held.release(position.clone()).await?;
            if written == Written::Lost {
                report_loss(&host, &lane);
                return Ok(None);
            }
            Ok(Some(position))
        }
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
