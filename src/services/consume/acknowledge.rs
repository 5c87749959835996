//! Acknowledges claimed records, in any instance.
//!
//! An acknowledgement is a turn at the partition's lane. All that come to an instance
//! while one of its turns is under way share the next one.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::select;

use super::Consume;
use super::advice::{Advice, Advised};
use super::claims::ReceiptVerdict;
use super::position::Position;
use super::receipt::Receipt;
use crate::access::Scope;
use crate::concurrent::{join_bounded, successes};
use crate::error::{Error, Result};
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::sorted::SortedMap;
use crate::state::keys::LaneName;
use crate::state::lane::{Document, Lane, Take, Ticket, Written};
use crate::telemetry::{Level, Report};

/// How long an acknowledgement waits for the lane: longer than it takes until a dead
/// holder is followed, and one more turn.
const PATIENCE: Duration = Duration::from_secs(9);

/// What to do with claimed records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposal {
    /// They are done.
    Ack,
    /// They are to be handed out again after a delay.
    Nack { delay: Duration },
}

/// The result of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// It counts, or counted before.
    Done,
    /// The record is done already and cannot be given back.
    DoneBefore,
    /// The lease had ended: another caller has the record or will get it.
    Expired,
    /// There is no such claim: it belongs to another group or was made void by
    /// a seek, or the text is not a receipt.
    Unknown,
}

/// The lanes at which this instance acknowledges, each with what waits for its next
/// turn.
pub(super) type Acknowledging<W> = Rc<RefCell<SortedMap<LaneName, Vec<Order<W>>>>>;

/// What one caller wants at one lane.
pub(super) struct Order<W> {
    receipts: Vec<Receipt>,
    disposal: Disposal,
    answer: Rc<RefCell<Option<Answer>>>,
    /// Wakes the caller when the order is dropped.
    _wake: W,
}

type Answer = Result<Told>;

#[derive(Debug, Clone)]
struct Told {
    /// One for each receipt, in the order given.
    acknowledged: Vec<Acknowledged>,
    /// When what was given back comes free.
    due: Option<Millis>,
}

impl<H: Host, L: Log> Consume<H, L> {
    /// Tells what became of claimed records. Answers for each receipt, in the
    /// order given; one for a topic outside of `scope` is
    /// [`Acknowledged::Unknown`].
    pub async fn acknowledge(
        &self,
        group: &str,
        scope: &(impl Scope + ?Sized),
        receipts: &[String],
        disposal: Disposal,
    ) -> Result<Vec<Acknowledged>> {
        let parse =
            |text: &String| Receipt::parse(text).filter(|receipt| scope.covers(&receipt.topic));
        let mut answers = vec![Acknowledged::Unknown; receipts.len()];
        let mut lanes = SortedMap::<LaneName, (Vec<usize>, Vec<Receipt>)>::new();
        for (index, receipt) in receipts.iter().map(parse).enumerate() {
            let Some(receipt) = receipt else { continue };
            let lane = LaneName::group(group, &receipt.topic, receipt.partition)?;
            let (indexes, receipts) = lanes.get_or_default(lane);
            indexes.push(index);
            receipts.push(receipt);
        }
        let turns = lanes.into_iter().map(async |(lane, (indexes, receipts))| {
            let Receipt { topic, partition, .. } = &receipts[0];
            let place = (topic.clone(), *partition);
            Ok::<_, Error>((indexes, place, self.acknowledge_at(lane, receipts, disposal).await?))
        });
        // What one partition answers does not depend on the others.
        let (turns, outcome) = successes(join_bounded(turns).await);
        let mut given_back = SortedMap::<String, Vec<(i32, Advised)>>::new();
        for (indexes, (topic, partition), Told { acknowledged, due }) in turns {
            for (index, acknowledged) in indexes.into_iter().zip(acknowledged) {
                answers[index] = acknowledged;
            }
            if due.is_some() {
                given_back.get_or_default(topic).push((partition, Advised(i64::MAX, due)));
            }
        }
        join_bounded(given_back.into_iter().map(async |(topic, places)| {
            Advice::lower(&self.host, group, &topic, places).await;
        }))
        .await;
        outcome.map(|()| answers)
    }

    async fn acknowledge_at(
        &self,
        lane: LaneName,
        receipts: Vec<Receipt>,
        disposal: Disposal,
    ) -> Answer {
        let (wake, woken) = self.host.signal();
        let answer = Rc::new(RefCell::new(None));
        let order = Order { receipts, disposal, answer: answer.clone(), _wake: wake };
        let is_first = {
            let mut lanes = self.acknowledging.borrow_mut();
            let is_first = !lanes.contains_key(&lane);
            lanes.get_or_default(lane.clone()).push(order);
            is_first
        };
        if is_first {
            let (host, params) = (self.host.clone(), self.params);
            let task = Task { acknowledging: self.acknowledging.clone(), lane };
            self.host.spawn(async move {
                let lane = Lane::new(host.clone(), task.lane.clone(), params);
                serve(&host, &lane, &task.acknowledging).await;
            });
        }
        // The task answers in time. This limit ends the wait if it is stopped.
        let limit = Box::pin(self.host.sleep(PATIENCE * 2));
        select(woken, limit).await;
        answer.take().unwrap_or_else(|| Err(busy()))
    }
}

/// The task of a lane. However it ends, the next caller starts another one.
struct Task<W> {
    acknowledging: Acknowledging<W>,
    lane: LaneName,
}

impl<W> Drop for Task<W> {
    fn drop(&mut self) {
        let waiting = self.acknowledging.borrow_mut().remove(&self.lane);
        drop(waiting);
    }
}

fn busy() -> Error {
    Error::Busy("The consumer group is being read; try again".into())
}

/// Takes turns at a lane until nothing waits for one.
async fn serve<H: Host>(
    host: &H,
    lane: &Lane<H, Position>,
    acknowledging: &Acknowledging<H::Wake>,
) {
    loop {
        let orders = {
            let mut lanes = acknowledging.borrow_mut();
            let waiting = lanes.get_mut(lane.name()).map(std::mem::take).unwrap_or_default();
            if waiting.is_empty() {
                return;
            }
            waiting
        };
        let answers = match turn(host, lane, &orders).await {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error); orders.len()],
        };
        for (order, answer) in orders.into_iter().zip(answers) {
            *order.answer.borrow_mut() = Some(answer);
        }
    }
}

/// One turn for all of these orders.
async fn turn<H: Host>(
    host: &H,
    lane: &Lane<H, Position>,
    orders: &[Order<H::Wake>],
) -> Result<Vec<Told>> {
    let give_up = host.monotonic() + PATIENCE;
    let mut read_again = false;
    loop {
        let worth = |document: Option<&Document<Position>>| {
            let any = |order: &Order<_>| order.judge(document, host.now()).any_live;
            orders.iter().any(any)
        };
        let pause = match lane.take_when(worth, async |_| Ok(Position::at(0))).await? {
            Take::Busy { retry_in } => retry_in,
            Take::Unworthy(document) => {
                let now = host.now();
                let judged = orders.iter().map(|order| order.judge(document.as_ref(), now));
                let judged: Vec<_> = judged.collect();
                // Where reads are current, it is a receipt of another group.
                let may_be_stale = !lane.params().stale.is_zero();
                if !may_be_stale || !judged.iter().any(|judgement| judgement.is_stale) {
                    return Ok(judged.into_iter().map(|judgement| judgement.told.into()).collect());
                }
                if read_again {
                    let detail = "the store shows an older state than that of a receipt";
                    return Err(Error::Store { detail: detail.into() });
                }
                read_again = true;
                Duration::ZERO
            }
            Take::Held(held) if held.begins() => {
                // The group was deleted meanwhile.
                held.delete().await?;
                return Ok(orders.iter().map(|order| order.nothing_known().into()).collect());
            }
            Take::Held(held) => {
                let mut position = held.payload().clone();
                let (now, generation, ticket) = (host.now(), held.generation(), held.ticket());
                let applied: Vec<_> = orders
                    .iter()
                    .map(|order| order.apply(&mut position, generation, ticket, now))
                    .collect();
                let name = held.name().clone();
                if held.release(position).await? == Written::Kept {
                    let written = host.now();
                    let told = |(order, applied): (&Order<_>, Vec<Applied>)| Told {
                        due: order.due(&applied, now),
                        acknowledged: applied.iter().map(|applied| applied.told(written)).collect(),
                    };
                    return Ok(orders.iter().zip(applied).map(told).collect());
                }
                let fields = [("lane", name.as_str().into())];
                host.event(Level::Warn, "lane-lost", &fields);
                return Err(busy());
            }
        };
        if host.monotonic() + pause >= give_up {
            return Err(busy());
        }
        host.sleep(pause).await;
    }
}

impl From<Vec<Acknowledged>> for Told {
    fn from(acknowledged: Vec<Acknowledged>) -> Self {
        Self { acknowledged, due: None }
    }
}

/// What a turn has made of a receipt.
struct Applied {
    acknowledged: Acknowledged,
    /// The end of the lease, if that had to last until the turn was written.
    until: Option<Millis>,
}

impl Applied {
    fn told(&self, written: Millis) -> Acknowledged {
        match self.until {
            // The record may be with another caller by now.
            Some(until) if until < written => Acknowledged::Expired,
            _ => self.acknowledged,
        }
    }
}

fn due(now: Millis, delay: Duration) -> Millis {
    now.saturating_add(Millis::try_from(delay.as_millis()).unwrap_or(Millis::MAX))
}

/// How the receipts of an order are judged before a turn.
struct Judgement {
    told: Vec<Acknowledged>,
    any_live: bool,
    /// A receipt is younger than the document.
    is_stale: bool,
}

impl<W> Order<W> {
    fn nothing_known(&self) -> Vec<Acknowledged> {
        vec![Acknowledged::Unknown; self.receipts.len()]
    }

    fn judge(&self, document: Option<&Document<Position>>, now: Millis) -> Judgement {
        let mut judgement =
            Judgement { told: self.nothing_known(), any_live: false, is_stale: false };
        for (receipt, told) in self.receipts.iter().zip(&mut judgement.told) {
            let Some(document) = document else {
                // Whoever handed it out wrote a document first.
                judgement.is_stale |= now <= receipt.until;
                continue;
            };
            let Some(position) = &document.payload else { continue };
            if receipt.ticket < document.generation {
                continue;
            }
            if receipt.ticket > document.ticket {
                judgement.is_stale |= now <= receipt.until;
                if now > receipt.until {
                    *told = Acknowledged::Expired;
                }
                continue;
            }
            let verdict = position.judge(receipt.offset, &receipt.nonce, now);
            judgement.any_live |= matches!(verdict, ReceiptVerdict::Live { .. });
            *told = self.told(verdict);
        }
        judgement
    }

    /// Changes the position by what is live, and tells what became of each receipt.
    fn apply(
        &self,
        position: &mut Position,
        generation: Ticket,
        ticket: Ticket,
        now: Millis,
    ) -> Vec<Applied> {
        let apply = |receipt: &Receipt| {
            if receipt.ticket < generation || receipt.ticket > ticket {
                return Applied { acknowledged: Acknowledged::Unknown, until: None };
            }
            let verdict = position.judge(receipt.offset, &receipt.nonce, now);
            let mut lease = None;
            if let ReceiptVerdict::Live { until } = verdict {
                lease = Some(until);
                match self.disposal {
                    Disposal::Ack => position.done(receipt.offset),
                    Disposal::Nack { delay } => {
                        position.claims.give_back(receipt.offset, due(now, delay));
                    }
                }
            }
            Applied { acknowledged: self.told(verdict), until: lease }
        };
        self.receipts.iter().map(apply).collect()
    }

    /// When what was given back comes free.
    fn due(&self, applied: &[Applied], now: Millis) -> Option<Millis> {
        let any = applied.iter().any(|applied| applied.acknowledged == Acknowledged::Done);
        match self.disposal {
            Disposal::Nack { delay } if any => Some(due(now, delay)),
            _ => None,
        }
    }

    fn told(&self, verdict: ReceiptVerdict) -> Acknowledged {
        match (verdict, self.disposal) {
            (ReceiptVerdict::Live { .. }, _) | (ReceiptVerdict::Acked, Disposal::Ack) => {
                Acknowledged::Done
            }
            (ReceiptVerdict::Acked, Disposal::Nack { .. }) => Acknowledged::DoneBefore,
            (ReceiptVerdict::Expired, _) => Acknowledged::Expired,
            (ReceiptVerdict::Unknown, _) => Acknowledged::Unknown,
        }
    }
}
