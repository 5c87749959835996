//! What may happen in a run.

use std::time::Duration;

use kafka_edge_sim::StoreMode;

use crate::log::LogFaults;

/// Everything about a run that is drawn before it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) instances: usize,
    /// Each request comes to an instance of its own.
    pub(crate) fresh: bool,
    pub(crate) ids: usize,
    /// How many send each event.
    pub(crate) senders: usize,
    /// How much later than the one before each of them begins, at least.
    pub(crate) gap: Duration,
    /// Some ids share a slot of the memory.
    pub(crate) crowded: bool,
    pub(crate) store: StoreMode,
    pub(crate) log: LogFaults,
    /// How far the wall clock of an instance may be off, either way.
    pub(crate) skew: i64,
    pub(crate) deaths: bool,
    pub(crate) hang_ups: bool,
}

impl Plan {
    /// Whether an event is in the log once, and once more at most for each time that the
    /// log did not say whether it was written.
    pub(crate) fn is_exact(&self) -> bool {
        let store = &self.store;
        let exact_store = store.failures + store.refusals == 0.0 && store.stale.is_zero();
        let one_by_one = store.creates
            || self.instances == 1 && !self.fresh
            || !self.crowded && (self.senders == 1 || !self.gap.is_zero());
        exact_store && one_by_one && !self.deaths && !self.hang_ups
    }

    /// Whether each answer is a report, or an invitation to come again.
    pub(crate) fn is_calm(&self) -> bool {
        self.is_exact() && self.log.rate == 0.0
    }

    pub(crate) fn calm(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let millis = Duration::from_millis;
        let latency = millis([0, 2, 20, 60][random.usize(..4)]);
        Self {
            seed,
            instances: random.usize(2..=4),
            fresh: random.bool(),
            ids: random.usize(2..=6),
            senders: 1,
            gap: Duration::ZERO,
            crowded: false,
            store: StoreMode { latency, ..StoreMode::default() },
            log: LogFaults { rate: 0.0, delay: millis([0, 5, 500, 2_000][random.usize(..4)]) },
            skew: 400,
            deaths: false,
            hang_ups: false,
        }
    }

    pub(crate) fn alone(seed: u64) -> Self {
        Self { instances: 1, fresh: false, senders: 3, crowded: true, ..Self::calm(seed) }
    }

    pub(crate) fn overlapping(seed: u64) -> Self {
        let mut plan = Self { senders: 3, gap: Duration::from_secs(1), ..Self::calm(seed) };
        plan.log.delay = Duration::from_millis([800, 2_000][(seed % 2) as usize]);
        plan
    }

    pub(crate) fn failing_log(seed: u64) -> Self {
        let mut plan = Self::calm(seed);
        plan.log.rate = [0.2, 0.6][(seed % 2) as usize];
        if seed.is_multiple_of(3) {
            plan = Self { instances: 1, fresh: false, senders: 2, crowded: true, ..plan };
        }
        plan
    }

    pub(crate) fn deadly(seed: u64) -> Self {
        let log = Self::failing_log(seed).log;
        let log = if seed.is_multiple_of(2) { log } else { LogFaults { rate: 0.0, ..log } };
        Self { deaths: true, senders: 2, crowded: true, log, ..Self::calm(seed) }
    }

    pub(crate) fn restless(seed: u64) -> Self {
        Self { hang_ups: true, ..Self::deadly(seed) }
    }

    pub(crate) fn failing_store(seed: u64) -> Self {
        let mut plan = Self { deaths: seed.is_multiple_of(2), ..Self::deadly(seed) };
        let rates = [(0.1, 0.0), (0.0, 0.2), (0.05, 0.05)];
        (plan.store.failures, plan.store.refusals) = rates[(seed % 3) as usize];
        plan
    }

    /// Over a store that can create keys.
    pub(crate) fn creating(mut self) -> Self {
        self.store.creates = true;
        self
    }

    /// Several instances are brought the same event at the same moment.
    pub(crate) fn colliding(seed: u64) -> Self {
        Self { senders: 3, crowded: true, ..Self::calm(seed) }.creating()
    }

    pub(crate) fn stale(seed: u64) -> Self {
        let mut plan = Self::deadly(seed);
        plan.store.stale = Duration::from_millis([100, 1_000, 4_000][(seed % 3) as usize]);
        plan
    }
}
