//! Acknowledges claimed records, in any instance.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::Consume;
use super::claims::ReceiptVerdict;
use super::position::Position;
use super::receipt::Receipt;
use super::tend::Tended;
use crate::access::Scope;
use crate::concurrent::{join_bounded, try_join_bounded};
use crate::error::Result;
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::keys::LaneName;
use crate::state::lane::{Document, Epoch, Lane, Params, Take};
use crate::state::marks::{self, Mark};
use crate::telemetry::{Level, Report};

/// Acknowledgements within this time are folded into the position together.
const FOLD_DELAY: Duration = Duration::from_millis(50);

/// How many times a busy lane is tried for folding. Its next holder folds the
/// marks in any case.
const MAX_FOLD_TRIES: usize = 3;

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

/// The lanes that this instance is about to fold, each with the offsets that
/// were acknowledged or given back.
pub(super) type Folding = Rc<RefCell<SortedMap<LaneName, SortedSet<i64>>>>;

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
        let receipts: Vec<_> = receipts.iter().map(parse).collect();
        let mut lanes = SortedMap::new();
        for receipt in receipts.iter().flatten() {
            let id = (receipt.topic.clone(), receipt.partition);
            if !lanes.contains_key(&id) {
                let name = LaneName::group(group, &receipt.topic, receipt.partition)?;
                let lane = Lane::<H, Position>::new(self.host.clone(), name, self.params);
                lanes.insert(id, lane);
            }
        }
        let latest = try_join_bounded(lanes.values().map(Lane::peek)).await?;
        let lanes: SortedMap<_, _> = lanes
            .into_iter()
            .zip(latest)
            .filter_map(|((id, lane), latest)| Some((id, (lane, latest?))))
            .collect();
        let answers = receipts.iter().map(async |receipt| {
            let Some(receipt) = receipt else { return Ok(Acknowledged::Unknown) };
            match lanes.get(&(receipt.topic.clone(), receipt.partition)) {
                Some((lane, latest)) => self.mark(lane, latest, receipt, disposal).await,
                None => Ok(Acknowledged::Unknown),
            }
        });
        let answers = join_bounded(answers).await.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(answers)
    }

    async fn mark(
        &self,
        lane: &Lane<H, Position>,
        (_, document): &(Epoch, Document<Position>),
        receipt: &Receipt,
        disposal: Disposal,
    ) -> Result<Acknowledged> {
        let Some(position) = &document.payload else { return Ok(Acknowledged::Unknown) };
        if receipt.epoch < document.generation {
            return Ok(Acknowledged::Unknown);
        }
        let (offset, nonce) = (receipt.offset, &receipt.nonce);
        let now = self.host.now();
        let until = match position.judge(offset, nonce, now) {
            ReceiptVerdict::Acked => {
                return Ok(match disposal {
                    Disposal::Ack => Acknowledged::Done,
                    Disposal::Nack { .. } => Acknowledged::DoneBefore,
                });
            }
            ReceiptVerdict::Expired => return Ok(Acknowledged::Expired),
            ReceiptVerdict::Unknown => return Ok(Acknowledged::Unknown),
            ReceiptVerdict::Mark { until } => until,
        };
        let mark = match disposal {
            Disposal::Ack => Mark::Acked,
            Disposal::Nack { delay } => Mark::Nacked {
                due: now.saturating_add(Millis::try_from(delay.as_millis()).unwrap_or(Millis::MAX)),
            },
        };
        let set = marks::set(&self.host, lane.name(), offset, nonce, mark).await;
        self.fold_soon(lane, offset);
        set?;
        // Another instance that found the lease to have ended may have looked
        // for the mark before it was written.
        let in_time = self.host.now() <= until;
        Ok(if in_time { Acknowledged::Done } else { Acknowledged::Expired })
    }

    /// Starts folding the marks into the position, so that it includes them
    /// even if no caller consumes.
    fn fold_soon(&self, lane: &Lane<H, Position>, offset: i64) {
        let mut folding = self.folding.borrow_mut();
        if let Some(offsets) = folding.get_mut(lane.name()) {
            offsets.insert(offset);
            return;
        }
        folding.insert(lane.name().clone(), [offset].into());
        let (host, params) = (self.host.clone(), self.params);
        let (lane, folding) = (lane.clone(), self.folding.clone());
        self.host.spawn(async move {
            host.sleep(FOLD_DELAY).await;
            // An acknowledgement from here on needs another turn at the lane.
            let told = folding.borrow_mut().remove(lane.name()).unwrap_or_default();
            if let Err(error) = fold(&host, &lane, params, &told).await {
                // The next consumer folds them.
                let why = ("why", error.kind().into());
                host.event(Level::Info, "acknowledgements-unfolded", &[why]);
            }
        });
    }
}

async fn fold<H: Host>(
    host: &H,
    lane: &Lane<H, Position>,
    params: Params,
    told: &SortedSet<i64>,
) -> Result<()> {
    for _ in 0..MAX_FOLD_TRIES {
        match lane.try_take(async |_| Ok(Position::at(0))).await? {
            Take::Busy { retry_in } => host.sleep(retry_in).await,
            // The group was deleted, so its marks mean nothing.
            Take::Held(held) if held.begins() => {
                held.delete().await?;
                return Ok(());
            }
            Take::Held(held) => {
                let mut tended = Tended::new(0, "".into(), 0, held);
                let folded = tended.fold(host, params.skew + params.stale, told).await;
                tended.let_go(host).await?;
                return folded;
            }
        }
    }
    Ok(())
}
