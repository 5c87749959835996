//! Which keys of old epochs a holder deletes once it has written its document.
//!
//! First documents, then the hint, then claims, each when the ones before have
//! returned; so a claim outlives all documents below it, and whoever wins a
//! swept name finds no document there, or a hint that is past it, and knows.
//! How far documents are swept stands in the hint: there it is certain. Where
//! reads may be stale a document can be seen for some time after, so there
//! claims go later still. The first claim stays for ever: nothing below it
//! could tell.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::document::{Epoch, millis};
use super::params::{FREE_AT_ONCE, Params, Rules, SWEEP_AT_ONCE};
use crate::host::Millis;

/// How far the lane has been swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Swept {
    /// Documents and watches of epochs below this are gone.
    #[serde(rename = "d")]
    documents: Epoch,
    /// Claims that have to go later; else they went with the documents.
    #[serde(rename = "c", default, skip_serializing_if = "Option::is_none")]
    later: Option<Later>,
}

/// Claims `floor..below`, whose documents were gone at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Later {
    #[serde(rename = "f")]
    floor: Epoch,
    #[serde(rename = "b")]
    below: Epoch,
    #[serde(rename = "t")]
    since: Millis,
}

impl Default for Swept {
    fn default() -> Self {
        Self { documents: 1, later: None }
    }
}

/// What to delete.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Sweep {
    /// Of these epochs documents and watches.
    pub(super) delete: Range<Epoch>,
    /// Of these epochs claims.
    pub(super) free: Range<Epoch>,
}

impl Swept {
    /// What the holder of `epoch` deletes that has written at `now`, and how
    /// far the lane is swept then.
    pub(super) fn go_on(
        self,
        epoch: Epoch,
        now: Millis,
        params: Params,
        rules: Rules,
    ) -> (Self, Sweep) {
        let documents = (epoch + 1)
            .saturating_sub(params.kept_epochs)
            .clamp(self.documents, self.documents + SWEEP_AT_ONCE);
        let delete = self.documents..documents;
        let mut later = self.later;
        let free = if params.stale.is_zero() {
            later.take().map_or(self.documents, |later| later.floor)..documents
        } else {
            let at = self.documents;
            let later = later.get_or_insert(Later { floor: at, below: at, since: now });
            // Twice: the hint that tells may be as stale as the document.
            let gone = millis(params.stale * 2 + params.skew);
            let from = later.floor;
            if now >= later.since.saturating_add(gone) {
                later.floor = later.below.min(from + FREE_AT_ONCE);
                if later.floor == later.below {
                    *later = Later { below: at, since: now, ..*later };
                }
            }
            from..later.floor
        };
        let free = free.start.max(2)..if rules.keep_claims { free.end } else { epoch + 1 };
        (Self { documents, later }, Sweep { delete, free })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sweep(from: Epoch, epoch: Epoch) -> (Epoch, Vec<Epoch>, Vec<Epoch>) {
        let params = Params { kept_epochs: 2, ..Params::default() };
        let (swept, sweep) =
            Swept { documents: from, later: None }.go_on(epoch, 0, params, Rules::ALL);
        (swept.documents, sweep.delete.collect(), sweep.free.collect())
    }

    #[test]
    fn the_last_epochs_and_the_first_claim_stay() {
        assert_eq!(sweep(1, 2), (1, vec![], vec![]));
        assert_eq!(sweep(1, 3), (2, vec![1], vec![]));
        assert_eq!(sweep(2, 4), (3, vec![2], vec![2]));
        assert_eq!(sweep(5, 3), (5, vec![], vec![]));
    }

    #[test]
    fn a_long_gap_is_swept_in_parts() {
        let (documents, deleted, freed) = sweep(5, 100);
        assert_eq!(documents, 5 + SWEEP_AT_ONCE);
        assert_eq!((deleted.len() as u64, &deleted), (SWEEP_AT_ONCE, &freed));
    }

    #[test]
    fn where_reads_are_stale_claims_stay_for_a_time_and_go_in_the_end() {
        let params = Params { kept_epochs: 2, ..Params::default() }
            .with_stale_bound(Duration::from_secs(60));
        let (mut swept, mut claims, mut most) = (Swept::default(), Vec::new(), 0);
        for epoch in 1..2_000_u64 {
            claims.push((epoch, None));
            let now = epoch as i64 * 1_000;
            let (next, sweep) = swept.go_on(epoch, now, params, Rules::ALL);
            for old in sweep.delete {
                claims[old as usize - 1].1 = Some(now);
            }
            for old in sweep.free {
                let claim = &mut claims[old as usize - 1];
                assert!(now - claim.1.expect("its document is gone") >= 121_000, "{old}");
                claim.0 = 0;
            }
            most = most.max(claims.iter().filter(|(claim, _)| *claim > 0).count());
            swept = next;
        }
        assert!(most < 300, "{most}");
    }
}
