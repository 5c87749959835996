//! What may happen in a run.

use std::time::Duration;

use kafka_edge::state::lane::Params;
use kafka_edge_sim::StoreMode;

/// The topics of a run.
pub(crate) const TOPICS: [&str; 2] = ["orders", "events"];

/// Everything about a run that is drawn before it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) instances: usize,
    pub(crate) callers: usize,
    pub(crate) partitions: [usize; 2],
    /// How long callers go on.
    pub(crate) time: Duration,
    pub(crate) store: StoreMode,
    /// How long a call of the log takes.
    pub(crate) log_delay: Duration,
    /// The log is read in pages of this many, from a place.
    pub(crate) page: Option<usize>,
    /// How far the wall clock of an instance may be off, either way.
    pub(crate) skew: i64,
    /// Clocks are off by more than the protocol allows for.
    pub(crate) wild: bool,
    pub(crate) deaths: bool,
    pub(crate) log_failures: bool,
    /// Callers go away before they have an answer, or with it.
    pub(crate) hang_ups: bool,
    /// The group is moved and deleted.
    pub(crate) moves: bool,
    pub(crate) retention: bool,
}

impl Plan {
    pub(crate) fn params(&self) -> Params {
        Params::default().with_stale_bound(self.store.stale)
    }

    /// Whether more than one holder of a partition, or one that starts from
    /// before, is to be expected now and then.
    pub(crate) fn is_unreliable(&self) -> bool {
        self.wild || !self.store.stale.is_zero()
    }

    /// Whether a caller that has an answer knows what was claimed for it. If
    /// a write fails or a clock jumps, more may be than it has got.
    pub(crate) fn is_certain(&self) -> bool {
        !self.wild && self.store.failures == 0.0
    }

    /// No record comes twice but for its own caller's sake.
    pub(crate) fn is_orderly(&self) -> bool {
        !self.is_unreliable()
            && !self.deaths
            && !self.hang_ups
            && !self.moves
            && self.store.failures == 0.0
    }

    pub(crate) fn calm(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let millis = |number| Duration::from_millis(number);
        let latency = [0, 2, 20, 60][random.usize(..4)];
        Self {
            seed,
            instances: random.usize(2..=4),
            callers: random.usize(2..=7),
            partitions: [random.usize(1..=3), random.usize(1..=2)],
            time: Duration::from_secs(random.u64(10..30)),
            store: StoreMode { latency: millis(latency), ..StoreMode::default() },
            log_delay: millis([0, 5, 50][random.usize(..3)]),
            page: random.bool().then_some(random.usize(2..12)),
            skew: 500,
            wild: false,
            deaths: false,
            log_failures: false,
            hang_ups: false,
            moves: false,
            retention: random.u8(..4) == 0,
        }
    }

    pub(crate) fn restless(seed: u64) -> Self {
        let (hang_ups, moves) = [(true, true), (true, false), (false, true)][(seed % 3) as usize];
        Self { hang_ups, moves, log_failures: true, ..Self::calm(seed) }
    }

    pub(crate) fn deadly(seed: u64) -> Self {
        let moves = seed.is_multiple_of(3);
        Self { deaths: true, hang_ups: seed.is_multiple_of(2), moves, ..Self::calm(seed) }
    }

    pub(crate) fn failing(seed: u64) -> Self {
        let mut plan = Self::deadly(seed);
        plan.store.failures = 0.02;
        Self { log_failures: true, deaths: seed.is_multiple_of(2), ..plan }
    }

    pub(crate) fn stale(seed: u64) -> Self {
        let mut plan = Self::deadly(seed);
        plan.store.stale = Duration::from_millis([100, 1_000, 4_000][(seed % 3) as usize]);
        plan
    }

    pub(crate) fn wild(seed: u64) -> Self {
        Self { wild: true, skew: 40_000, ..Self::deadly(seed) }
    }
}
