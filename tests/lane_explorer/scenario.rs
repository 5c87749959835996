//! What a search lets happen, and what it takes for a violation.

use std::time::Duration;

use kafka_edge::state::lane::{Params, Rules};

use crate::store::{Position, Stale, Time};
use crate::world::Violation;

#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) params: Params,
    pub(crate) rules: Rules,
    /// What the callers of a lane have to heed.
    pub(crate) caller: Caller,
    pub(crate) instances: usize,
    /// Records in the log at the beginning, and those that may come later.
    pub(crate) records: Position,
    pub(crate) appends: Position,
    pub(crate) deaths: u8,
    pub(crate) seeks: u8,
    /// So many writes have an unknown outcome.
    pub(crate) unknown: u8,
    /// The last tick of the clock, and how many tickets are drawn at most.
    pub(crate) until: Time,
    pub(crate) draws: u64,
    /// How far each instance's wall clock is ahead in the beginning.
    pub(crate) ahead: [i64; 3],
    /// They move between 0 and this.
    pub(crate) clocks_move: Option<i64>,
    pub(crate) stale: Stale,
    /// So many draws are answered with the number of the last one.
    pub(crate) double_draws: u8,
    /// The counter is lost so often.
    pub(crate) losses: u8,
    /// Instances remember what their last look has shown. Else there are fewer
    /// states.
    pub(crate) remembers: bool,
    /// The length of a random run, in events.
    pub(crate) steps: usize,
    pub(crate) promises: Promises,
}

/// Rules that are not the lane's but its caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Hand out first, then write the position.
    pub(crate) answer_first: bool,
    /// A new group starts at the log's end.
    pub(crate) from_latest: bool,
}

impl Caller {
    pub(crate) const RIGHT: Self = Self { answer_first: true, from_latest: false };
}

/// What must hold beside "nothing is passed over", which always must.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Promises {
    pub(crate) one_holder: bool,
    pub(crate) no_repeat: bool,
    pub(crate) no_step_back: bool,
    pub(crate) progress: bool,
}

impl Promises {
    pub(crate) const ALL: Self =
        Self { one_holder: true, no_repeat: true, no_step_back: true, progress: true };
    /// Violated by this alone.
    pub(crate) fn only(violation: Violation) -> Self {
        Self {
            one_holder: violation == Violation::TwoHolders,
            no_repeat: violation == Violation::Repeat,
            no_step_back: violation == Violation::StepBack,
            progress: violation == Violation::NoProgress,
        }
    }

    /// On a store or with clocks that do not do what they should.
    pub(crate) const NO_LOSS: Self =
        Self { one_holder: false, no_repeat: false, no_step_back: false, progress: false };
}

/// Of the model's clock, on which a lease is a few ticks long.
pub(crate) fn ticks(time: u64) -> Duration {
    Duration::from_millis(time)
}

impl Scenario {
    pub(crate) fn new() -> Self {
        Self {
            params: Params {
                lease: ticks(3),
                grace: ticks(2),
                skew: ticks(0),
                stale: ticks(0),
                knocks: true,
                glances: false,
            },
            rules: Rules::ALL,
            caller: Caller::RIGHT,
            instances: 2,
            records: 1,
            appends: 0,
            deaths: 0,
            seeks: 0,
            unknown: 0,
            until: 6,
            draws: 3,
            ahead: [0; 3],
            clocks_move: None,
            stale: Stale::Never,
            double_draws: 0,
            losses: 0,
            remembers: true,
            steps: 100,
            promises: Promises::ALL,
        }
    }
}
