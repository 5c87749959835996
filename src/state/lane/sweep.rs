//! Which keys of old epochs a holder deletes once its document and its hint
//! lie there.
//!
//! The claim of an epoch goes last, so that it outlives the document: who wins
//! a swept claim name finds no document below it and knows. The first claim
//! stays for ever: nothing below it could tell.

use super::document::Epoch;
use super::params::{Params, Rules, SWEEP_AT_ONCE};
use super::tenure::Chore;

/// What the holder of `epoch` sweeps, if everything below `floor` is gone.
pub(super) fn chores(floor: Epoch, epoch: Epoch, params: Params, rules: Rules) -> Vec<Chore> {
    let mut chores = Vec::new();
    for old in floor..next_floor(floor, epoch, params) {
        chores.push(Chore::Delete(old));
        if old > 1 {
            chores.push(Chore::Free(old));
        }
    }
    if !rules.keep_claims && epoch > 1 {
        chores.push(Chore::Free(epoch));
    }
    chores
}

/// Below which everything is gone after that.
pub(super) fn next_floor(floor: Epoch, epoch: Epoch, params: Params) -> Epoch {
    (epoch + 1).saturating_sub(params.kept_epochs).min(floor + SWEEP_AT_ONCE).max(floor)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sweep(floor: Epoch, epoch: Epoch) -> Vec<Chore> {
        chores(floor, epoch, Params { kept_epochs: 2, ..Params::default() }, Rules::ALL)
    }

    #[test]
    fn the_last_epochs_and_the_first_claim_stay() {
        assert_eq!(sweep(1, 2), []);
        assert_eq!(sweep(1, 3), [Chore::Delete(1)]);
        assert_eq!(sweep(2, 4), [Chore::Delete(2), Chore::Free(2)]);
    }

    #[test]
    fn a_long_gap_is_swept_in_parts() {
        let params = Params { kept_epochs: 2, ..Params::default() };
        assert_eq!(next_floor(5, 100, params), 5 + SWEEP_AT_ONCE);
        assert_eq!(sweep(5, 100).len() as u64, 2 * SWEEP_AT_ONCE);
        assert_eq!(next_floor(5, 3, params), 5);
    }
}
