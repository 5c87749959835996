//! What callers can do with claimed records, and how it is judged: without I/O.

use std::rc::Rc;
use std::time::Duration;

use super::claims::ReceiptVerdict;
use super::position::Position;
use super::receipt::{Reader, Receipt};
use crate::error::Result;
use crate::host::Millis;
use crate::sorted::{SortedMap, SortedSet};
use crate::state::keys::LaneName;
use crate::state::lane::{Document, Ticket};

/// What to do with a claimed record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposal {
    /// It is done.
    Ack,
    /// It is to be handed out again after a delay.
    Nack { delay: Duration },
    /// It can never be done: it is handed out to nobody any more.
    Reject,
    /// Its caller needs it for so long from now on.
    Renew { lease: Duration },
}

/// The result of an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acknowledged {
    /// It counts, or counted before.
    Done,
    /// The record is done already, so that nothing else can become of it.
    DoneBefore,
    /// The lease had ended: another caller has the record or will get it.
    Expired,
    /// There is no such claim: it belongs to another group or was made void by
    /// a seek, or the text is not a receipt.
    Unknown,
    /// The record was not rejected, because its dead letter could not be written. The
    /// caller still has it.
    Undelivered,
}

/// The receipts of one caller for one lane, each with what it wants.
pub(super) type Wishes = Vec<(Receipt, Disposal)>;

/// The receipts of a call by lane.
pub(super) struct ByLane {
    pub(super) lanes: Vec<OfLane>,
    /// The longest lease that is asked for.
    pub(super) longest: Option<Duration>,
}

pub(super) struct OfLane {
    pub(super) lane: LaneName,
    /// The places of the receipts in the call.
    pub(super) indexes: Vec<usize>,
    pub(super) wishes: Wishes,
}

impl OfLane {
    fn has(&self, receipt: &Receipt) -> bool {
        let (first, _) = &self.wishes[0];
        let (first, page) = (&first.page, &receipt.page);
        Rc::ptr_eq(first, page) || (first.partition, &first.topic) == (page.partition, &page.topic)
    }
}

impl ByLane {
    /// Leaves out what is no receipt of a topic that the caller covers.
    pub(super) fn of(
        group: &str,
        covers: &dyn Fn(&str) -> bool,
        receipts: &[(&str, Disposal)],
    ) -> Result<Self> {
        let mut this = Self { lanes: Vec::new(), longest: None };
        let mut reader = Reader::default();
        for (index, (text, disposal)) in receipts.iter().copied().enumerate() {
            let receipt = reader.read(text).filter(|receipt| covers(&receipt.page.topic));
            let Some(receipt) = receipt else { continue };
            if let Disposal::Renew { lease } = disposal {
                this.longest = this.longest.max(Some(lease));
            }
            // Most are of the lane of the one before them, and a lane's name takes long to make.
            if let Some(of) = this.lanes.iter_mut().rfind(|of| of.has(&receipt)) {
                of.indexes.push(index);
                of.wishes.push((receipt, disposal));
            } else {
                let lane = LaneName::group(group, &receipt.page.topic, receipt.page.partition)?;
                let (indexes, wishes) = (vec![index], vec![(receipt, disposal)]);
                this.lanes.push(OfLane { lane, indexes, wishes });
            }
        }
        Ok(this)
    }
}

/// What a caller is told of its receipts.
#[derive(Debug, Clone)]
pub(super) struct Told {
    /// One for each receipt, in the order given.
    pub(super) acknowledged: Vec<Acknowledged>,
    /// When what was given back comes free.
    pub(super) due: Option<Millis>,
}

impl Told {
    pub(super) fn unknown(wishes: &Wishes) -> Self {
        Self { acknowledged: vec![Acknowledged::Unknown; wishes.len()], due: None }
    }
}

/// How the receipts of several callers are judged before a turn.
pub(super) struct Judgement {
    pub(super) told: Vec<Told>,
    pub(super) any_live: bool,
    /// A receipt is younger than the document.
    pub(super) is_stale: bool,
}

/// `stale` is how old the document may be.
pub(super) fn judge_all(
    all: &[&Wishes],
    document: Option<&Document<Position>>,
    now: Millis,
    stale: Millis,
) -> Judgement {
    let mut judgement = Judgement { told: Vec::new(), any_live: false, is_stale: false };
    for wishes in all {
        judge(wishes, document, now, stale, &mut judgement);
    }
    judgement
}

/// Changes the position by what is live, and returns what became of each receipt. Of what
/// is rejected, only those in `buried` may be forgotten; without it, all may.
pub(super) fn apply_all(
    all: &[&Wishes],
    position: &mut Position,
    tickets: (Ticket, Ticket),
    now: Millis,
    buried: Option<&SortedSet<i64>>,
) -> Vec<Vec<Applied>> {
    all.iter().map(|wishes| apply(wishes, position, tickets, now, buried)).collect()
}

/// What callers are told once that is written, of a turn that began at `now`.
pub(super) fn told_all(
    all: &[&Wishes],
    applied: Vec<Vec<Applied>>,
    now: Millis,
    written: Millis,
) -> Vec<Told> {
    let told = |(wishes, applied): (&&Wishes, Vec<Applied>)| Told {
        due: due(wishes, &applied, now),
        acknowledged: applied.iter().map(|applied| applied.told(written)).collect(),
    };
    all.iter().zip(applied).map(told).collect()
}

/// What a turn has made of a receipt.
#[derive(Debug, Clone)]
pub(super) struct Applied {
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

fn after(now: Millis, time: Duration) -> Millis {
    now.saturating_add(Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX))
}

fn judge(
    wishes: &Wishes,
    document: Option<&Document<Position>>,
    now: Millis,
    stale: Millis,
    judgement: &mut Judgement,
) {
    let mut all = Told::unknown(wishes);
    for ((receipt, disposal), told) in wishes.iter().zip(&mut all.acknowledged) {
        // Whoever handed it out wrote a document first. A lease may have been renewed, and
        // whatever the document shows is no older than that.
        let may_live = now <= receipt.page.until.saturating_add(stale);
        let Some(document) = document else {
            judgement.is_stale |= may_live;
            continue;
        };
        let Some(position) = &document.payload else { continue };
        if receipt.page.ticket < document.generation {
            continue;
        }
        if receipt.page.ticket > document.ticket {
            judgement.is_stale |= may_live;
            if !may_live {
                *told = Acknowledged::Expired;
            }
            continue;
        }
        let verdict = position.judge(receipt.offset, &receipt.page.nonce, now);
        judgement.any_live |= matches!(verdict, ReceiptVerdict::Live { .. });
        *told = of_verdict(verdict, *disposal);
    }
    judgement.told.push(all);
}

/// The records that are rejected by a receipt that is live, with how many times they were
/// handed out, in the order of their offsets.
pub(super) fn rejected(
    all: &[&Wishes],
    position: &Position,
    generation: Ticket,
    now: Millis,
) -> Vec<(i64, u32)> {
    let mut rejected = SortedMap::new();
    for (receipt, disposal) in all.iter().copied().flatten() {
        let verdict = || position.judge(receipt.offset, &receipt.page.nonce, now);
        if *disposal == Disposal::Reject
            && receipt.page.ticket >= generation
            && let ReceiptVerdict::Live { .. } = verdict()
            && let Some(claim) = position.claims.get(receipt.offset)
        {
            rejected.insert(receipt.offset, claim.count);
        }
    }
    rejected.into_iter().collect()
}

fn apply(
    wishes: &Wishes,
    position: &mut Position,
    (generation, ticket): (Ticket, Ticket),
    now: Millis,
    buried: Option<&SortedSet<i64>>,
) -> Vec<Applied> {
    let apply = |(receipt, disposal): &(Receipt, Disposal)| {
        if receipt.page.ticket < generation || receipt.page.ticket > ticket {
            return Applied { acknowledged: Acknowledged::Unknown, until: None };
        }
        let offset = receipt.offset;
        let verdict = position.judge(offset, &receipt.page.nonce, now);
        let mut acknowledged = of_verdict(verdict, *disposal);
        let mut lease = None;
        if let ReceiptVerdict::Live { until } = verdict {
            lease = Some(until);
            match *disposal {
                Disposal::Ack => position.done(offset),
                Disposal::Nack { delay } => position.claims.give_back(offset, after(now, delay)),
                Disposal::Reject if buried.is_none_or(|buried| buried.contains(&offset)) => {
                    position.reject(offset);
                }
                Disposal::Reject => acknowledged = Acknowledged::Undelivered,
                Disposal::Renew { lease } => position.claims.renew(offset, after(now, lease)),
            }
        }
        Applied { acknowledged, until: lease }
    };
    wishes.iter().map(apply).collect()
}

/// When the first of what was given back comes free.
fn due(wishes: &Wishes, applied: &[Applied], now: Millis) -> Option<Millis> {
    let due = wishes.iter().zip(applied).filter_map(|((_, disposal), applied)| match disposal {
        Disposal::Nack { delay } if applied.acknowledged == Acknowledged::Done => {
            Some(after(now, *delay))
        }
        _ => None,
    });
    due.min()
}

fn of_verdict(verdict: ReceiptVerdict, disposal: Disposal) -> Acknowledged {
    match (verdict, disposal) {
        (ReceiptVerdict::Live { .. }, _) | (ReceiptVerdict::Acked, Disposal::Ack) => {
            Acknowledged::Done
        }
        (ReceiptVerdict::Acked, _) => Acknowledged::DoneBefore,
        (ReceiptVerdict::Expired, _) => Acknowledged::Expired,
        (ReceiptVerdict::Unknown, _) => Acknowledged::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::consume::receipt::Page;

    fn tickets() -> (Ticket, Ticket) {
        (Ticket::NONE, Ticket::of(9))
    }

    /// Claims on the offsets from 0 to 4 that end at 100.
    fn claimed() -> Position {
        let mut position = Position::at(5);
        for offset in 0..5 {
            position.claims.put(offset, &format!("n{offset}"), 100);
        }
        position
    }

    fn receipt(offset: i64) -> Receipt {
        let page = Page {
            topic: "orders".into(),
            partition: 0,
            ticket: Ticket::of(1),
            nonce: format!("n{offset}"),
            until: 100,
        };
        Receipt { page: Rc::new(page), offset }
    }

    fn wishes(disposals: &[(i64, Disposal)]) -> Wishes {
        disposals.iter().map(|(offset, disposal)| (receipt(*offset), *disposal)).collect()
    }

    fn told(applied: &[Applied], written: Millis) -> Vec<Acknowledged> {
        applied.iter().map(|applied| applied.told(written)).collect()
    }

    const NACK: Disposal = Disposal::Nack { delay: Duration::ZERO };
    const RENEW: Disposal = Disposal::Renew { lease: Duration::from_millis(400) };

    #[test]
    fn each_word_has_its_effect() {
        let mut position = claimed();
        let wishes = wishes(&[(0, Disposal::Ack), (1, NACK), (2, Disposal::Reject), (3, RENEW)]);
        let applied = apply(&wishes, &mut position, tickets(), 50, None);
        assert_eq!(told(&applied, 60), [Acknowledged::Done; 4]);
        assert_eq!(due(&wishes, &applied, 50), Some(50));
        let tally = position.tally(101);
        assert_eq!((tally.acquired, tally.returned, tally.rejected), (1, 2, 1));
        assert_eq!(tally.oldest.map(|oldest| (oldest.offset, oldest.until)), Some((3, 450)));
        assert_eq!(position.committed(), 1);
        // Once more: what is done is done, what was given back is not theirs any more, and
        // what was renewed can be renewed again.
        let again = apply(&wishes, &mut position, tickets(), 60, None);
        let expected = [
            Acknowledged::Done,
            Acknowledged::Expired,
            Acknowledged::DoneBefore,
            Acknowledged::Done,
        ];
        assert_eq!(told(&again, 60), expected);
        assert_eq!(position.rejected, 1, "it is counted once");
    }

    #[test]
    fn what_came_too_late_has_no_effect_in_any_word() {
        let all = wishes(&[(0, Disposal::Ack), (1, NACK), (2, Disposal::Reject), (3, RENEW)]);
        let mut position = claimed();
        let applied = apply(&all, &mut position, tickets(), 101, None);
        assert_eq!(told(&applied, 101), [Acknowledged::Expired; 4]);
        assert_eq!(position, claimed());
        let applied = apply(&all, &mut position, tickets(), 100, None);
        assert_eq!(told(&applied, 101), [Acknowledged::Expired; 4], "written too late");
        let mut position = claimed();
        let moved = (Ticket::of(2), Ticket::of(9));
        let applied = apply(&all, &mut position, moved, 50, None);
        assert_eq!(told(&applied, 50), [Acknowledged::Unknown; 4], "the group was moved");
        assert_eq!(position, claimed());
    }

    #[test]
    fn the_first_word_about_a_record_counts() {
        let mut position = claimed();
        let words = wishes(&[(0, Disposal::Ack), (0, Disposal::Reject), (0, NACK), (0, RENEW)]);
        let applied = apply(&words, &mut position, tickets(), 50, None);
        let before = Acknowledged::DoneBefore;
        assert_eq!(told(&applied, 50), [Acknowledged::Done, before, before, before]);
        assert_eq!(position.rejected, 0);
    }

    #[test]
    fn what_could_not_be_buried_stays_with_its_caller() {
        let words = wishes(&[(1, Disposal::Reject), (2, Disposal::Reject), (7, Disposal::Reject)]);
        let mut position = claimed();
        let rejected = rejected(&[&words], &position, Ticket::NONE, 50);
        assert_eq!(rejected, [(1, 1), (2, 1)]);
        let buried = SortedSet::from([2]);
        let applied = apply(&words, &mut position, tickets(), 50, Some(&buried));
        let expected = [Acknowledged::Undelivered, Acknowledged::Done, Acknowledged::Unknown];
        assert_eq!(told(&applied, 50), expected);
        let mut expected = claimed();
        expected.reject(2);
        assert_eq!(position, expected);
    }

    #[test]
    fn a_receipt_is_called_expired_only_by_a_document_that_is_younger() {
        let words = wishes(&[(0, Disposal::Ack)]);
        let judged = |now| judge_all(&[&words], None, now, 1_000);
        assert!(judged(1_100).is_stale, "its lease may have been renewed");
        assert!(!judged(1_101).is_stale);
        assert_eq!(judged(1_101).told[0].acknowledged, [Acknowledged::Unknown]);
    }
}
