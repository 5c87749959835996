//! Acknowledges claimed records, in any instance: accepts them, releases them, rejects
//! them, or renews their leases.
//!
//! All of that is a turn at the partition's lane. All that come to an instance while one
//! of its turns is under way share the next one.

mod turn;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::select;

use self::turn::{PATIENCE, Turns, busy};
use super::Consume;
use super::advice::{Advice, Advised};
use super::disposal::{Acknowledged, ByLane, Disposal, OfLane, Told, Wishes};
use crate::access::Scope;
use crate::concurrent::{join_bounded, successes};
use crate::error::{Error, Result};
use crate::host::Host;
use crate::kafka::Log;
use crate::sorted::SortedMap;
use crate::state::keys::LaneName;

/// The lanes at which this instance acknowledges, each with what waits for its next
/// turn.
pub(super) type Acknowledging<W> = Rc<RefCell<SortedMap<LaneName, Vec<Order<W>>>>>;

/// What one caller wants at one lane.
pub(super) struct Order<W> {
    wishes: Wishes,
    answer: Rc<RefCell<Option<Answer>>>,
    /// Wakes the caller when the order is dropped.
    _wake: W,
}

impl<W> Order<W> {
    fn rejects(&self) -> bool {
        self.wishes.iter().any(|(_, disposal)| *disposal == Disposal::Reject)
    }
}

type Answer = Result<Told>;

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
        let covers = |topic: &str| scope.covers(topic);
        let receipts: Vec<_> = receipts.iter().map(|text| (text.as_str(), disposal)).collect();
        self.dispose(group, &covers, &receipts).await
    }

    /// The same with a disposal for each receipt. If one is there twice, what it is there
    /// with first counts.
    pub async fn dispose(
        &self,
        group: &str,
        covers: &dyn Fn(&str) -> bool,
        receipts: &[(&str, Disposal)],
    ) -> Result<Vec<Acknowledged>> {
        let mut answers = vec![Acknowledged::Unknown; receipts.len()];
        let ByLane { lanes, longest } = ByLane::of(group, covers, receipts)?;
        if let Some(lease) = longest {
            self.giving_up.settings(group).await?.check_lease(lease)?;
        }
        let turns = lanes.into_iter().map(async |OfLane { lane, indexes, wishes }| {
            let page = wishes[0].0.page.clone();
            let told = self.acknowledge_at(lane, group, wishes).await?;
            Ok::<_, Error>((indexes, page, told))
        });
        // What one partition answers does not depend on the others.
        let (turns, outcome) = successes(join_bounded(turns).await);
        let mut given_back = SortedMap::<String, Vec<(i32, Advised)>>::new();
        for (indexes, page, Told { acknowledged, due }) in turns {
            for (index, acknowledged) in indexes.into_iter().zip(acknowledged) {
                answers[index] = acknowledged;
            }
            if due.is_some() {
                let places = given_back.get_or_default(page.topic.clone());
                places.push((page.partition, Advised(i64::MAX, due)));
            }
        }
        join_bounded(given_back.into_iter().map(async |(topic, places)| {
            Advice::lower(&self.host, group, &topic, places).await;
        }))
        .await;
        outcome.map(|()| answers)
    }

    /// The lease of a group for a caller that names none, if `usual` is that of others.
    pub async fn default_lease(&self, group: &str, usual: Duration) -> Result<Duration> {
        Ok(self.giving_up.settings(group).await?.default_lease(usual))
    }

    async fn acknowledge_at(&self, lane: LaneName, group: &str, wishes: Wishes) -> Answer {
        let (wake, woken) = self.host.signal();
        let answer = Rc::new(RefCell::new(None));
        let page = wishes[0].0.page.clone();
        let order = Order { wishes, answer: answer.clone(), _wake: wake };
        let is_first = {
            let mut lanes = self.acknowledging.borrow_mut();
            let is_first = !lanes.contains_key(&lane);
            lanes.get_or_default(lane.clone()).push(order);
            is_first
        };
        if is_first {
            let task = Task { acknowledging: self.acknowledging.clone(), lane: lane.clone() };
            let turns = Turns::new(
                self.host.clone(),
                self.giving_up.clone(),
                self.params,
                lane,
                (group.to_owned(), page.topic.clone(), page.partition),
            );
            self.host.spawn(async move { serve(&turns, &task).await });
        }
        // The task answers in time. This limit ends the wait if it is stopped.
        let limit = Box::pin(self.host.sleep(PATIENCE * 4));
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

/// Takes turns at a lane until nothing waits for one.
async fn serve<H: Host, L: Log>(turns: &Turns<H, L>, task: &Task<H::Wake>) {
    loop {
        let waiting = {
            let mut lanes = task.acknowledging.borrow_mut();
            lanes.get_mut(&task.lane).map(std::mem::take).unwrap_or_default()
        };
        if waiting.is_empty() {
            return;
        }
        // Dead letters take time, and nobody else waits for them.
        let (rejecting, others): (Vec<_>, Vec<_>) = waiting.into_iter().partition(Order::rejects);
        for orders in [others, rejecting] {
            if !orders.is_empty() {
                turns.take(orders).await;
            }
        }
    }
}
