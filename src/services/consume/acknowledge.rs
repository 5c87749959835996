//! Acknowledging claimed records, from whichever instance is asked.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use super::Consume;
use super::claims::ReceiptVerdict;
use super::position::Position;
use super::receipt::Receipt;
use super::tend::Tended;
use crate::concurrent::{join_bounded, try_join_bounded};
use crate::error::Result;
use crate::host::{Host, Millis};
use crate::kafka::Log;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::keys::LaneName;
use crate::state::lane::{Document, Epoch, Lane, Params, Take};
use crate::state::marks::{self, Mark};
use crate::telemetry::{Level, Report};

/// Acknowledgements that come this close together are folded together.
const FOLD_DELAY: Duration = Duration::from_millis(50);

/// How often a busy lane is tried for folding. Whoever has it folds at its
/// next turn in any case.
const FOLD_TRIES: usize = 3;

/// What is to become of claimed records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposal {
    /// They are done with.
    Ack,
    /// They are to be handed out again, after a while.
    Nack { delay: Duration },
}

/// What an acknowledgement came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// It counts, or has counted before.
    Done,
    /// The record was done with before and cannot be given back.
    DoneBefore,
    /// The lease was over: somebody else has the record or will get it.
    Expired,
    /// No such claim: not of this group, from before a seek, or no receipt.
    Unknown,
}

/// The lanes that are to be folded in this instance, each with the offsets
/// that were acknowledged or given back.
pub(super) type Folding = Rc<RefCell<SortedMap<LaneName, SortedSet<i64>>>>;

impl<H: Host, L: Log> Consume<H, L> {
    /// Tells what became of claimed records. Answers for each receipt, in the
    /// order given; one for a topic that the caller has nothing to do with is
    /// [`Acknowledged::Unknown`].
    pub async fn acknowledge(
        &self,
        group: &str,
        is_of_caller: impl Fn(&str) -> bool,
        receipts: &[String],
        disposal: Disposal,
    ) -> Result<Vec<Acknowledged>> {
        let parse =
            |text: &String| Receipt::parse(text).filter(|receipt| is_of_caller(&receipt.topic));
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
        // Whoever judged the lease to be over may have looked for the mark
        // before it was there.
        let in_time = self.host.now() <= until;
        Ok(if in_time { Acknowledged::Done } else { Acknowledged::Expired })
    }

    /// Has the marks folded into the position, so that it tells what is
    /// acknowledged although nobody consumes.
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
            // From here on another acknowledgement needs another turn.
            let told = folding.borrow_mut().remove(lane.name()).unwrap_or_default();
            if let Err(error) = fold(&host, &lane, params, &told).await {
                // The next consumer does it.
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
    for _ in 0..FOLD_TRIES {
        match lane.try_take(async |_| Ok(Position::at(0))).await? {
            Take::Busy { retry_in } => host.sleep(retry_in).await,
            // The group was deleted, and its marks mean nothing.
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
