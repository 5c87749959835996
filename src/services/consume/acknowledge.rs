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
use crate::concurrent::join_bounded;
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

/// One for each receipt, in the order given.
type Answer = Result<Vec<Acknowledged>>;

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
            Ok::<_, Error>((indexes, self.acknowledge_at(group, lane, receipts, disposal).await?))
        });
        // What one partition answers does not depend on the others.
        for turn in join_bounded(turns).await {
            let (indexes, told) = turn?;
            for (index, acknowledged) in indexes.into_iter().zip(told) {
                answers[index] = acknowledged;
            }
        }
        Ok(answers)
    }

    async fn acknowledge_at(
        &self,
        group: &str,
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
            let (group, acknowledging) = (group.to_owned(), self.acknowledging.clone());
            self.host.spawn(async move {
                let lane = Lane::new(host.clone(), lane, params);
                serve(&host, &group, &lane, &acknowledging).await;
            });
        }
        // The task answers in time. This limit ends the wait if it is stopped.
        let limit = Box::pin(self.host.sleep(PATIENCE * 2));
        select(woken, limit).await;
        answer.take().unwrap_or_else(|| Err(busy()))
    }
}

fn busy() -> Error {
    Error::Busy("The consumer group is being read; try again".into())
}

/// Takes turns at a lane until nothing waits for one.
async fn serve<H: Host>(
    host: &H,
    group: &str,
    lane: &Lane<H, Position>,
    acknowledging: &Acknowledging<H::Wake>,
) {
    loop {
        let orders = {
            let mut lanes = acknowledging.borrow_mut();
            let waiting = lanes.get_mut(lane.name()).map(std::mem::take).unwrap_or_default();
            if waiting.is_empty() {
                lanes.remove(lane.name());
                return;
            }
            waiting
        };
        let answers = turn(host, group, lane, &orders).await;
        for (index, order) in orders.into_iter().enumerate() {
            let answer = match &answers {
                Ok(answers) => Ok(answers[index].clone()),
                Err(error) => Err(error.clone()),
            };
            *order.answer.borrow_mut() = Some(answer);
        }
    }
}

/// One turn for all of these orders.
async fn turn<H: Host>(
    host: &H,
    group: &str,
    lane: &Lane<H, Position>,
    orders: &[Order<H::Wake>],
) -> Result<Vec<Vec<Acknowledged>>> {
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
                    return Ok(judged.into_iter().map(|judgement| judgement.told).collect());
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
                return Ok(orders.iter().map(Order::nothing_known).collect());
            }
            Take::Held(held) => {
                let mut position = held.payload().clone();
                let (now, generation, ticket) = (host.now(), held.generation(), held.ticket());
                let mut until = Millis::MAX;
                let told: Vec<_> = orders
                    .iter()
                    .map(|order| order.apply(&mut position, generation, ticket, now, &mut until))
                    .collect();
                let name = held.name().clone();
                let written = held.release(position).await?;
                // A record whose lease has ended by now may be with another caller.
                if written == Written::Kept && host.now() <= until {
                    if let Some(due) = earliest_due(orders, &told, now) {
                        let Receipt { topic, partition, .. } = &orders[0].receipts[0];
                        // Without it others see the record a little later.
                        let advised = Advised(i64::MAX, Some(due));
                        _ = Advice::lower(host, group, topic, *partition, advised).await;
                    }
                    return Ok(told);
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

/// When the first of the records that were given back is due.
fn earliest_due<W>(orders: &[Order<W>], told: &[Vec<Acknowledged>], now: Millis) -> Option<Millis> {
    let given_back = orders.iter().zip(told).filter_map(|(order, told)| match order.disposal {
        Disposal::Nack { delay } if told.contains(&Acknowledged::Done) => Some(due(now, delay)),
        _ => None,
    });
    given_back.min()
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
        until: &mut Millis,
    ) -> Vec<Acknowledged> {
        let apply = |receipt: &Receipt| {
            if receipt.ticket < generation || receipt.ticket > ticket {
                return Acknowledged::Unknown;
            }
            let verdict = position.judge(receipt.offset, &receipt.nonce, now);
            if let ReceiptVerdict::Live { until: end } = verdict {
                *until = end.min(*until);
                match self.disposal {
                    Disposal::Ack => position.done(receipt.offset),
                    Disposal::Nack { delay } => {
                        position.claims.give_back(receipt.offset, due(now, delay));
                    }
                }
            }
            self.told(verdict)
        };
        self.receipts.iter().map(apply).collect()
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
