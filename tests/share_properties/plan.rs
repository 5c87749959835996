//! What may happen in a run.

use std::time::Duration;

use kafka_edge_sim::StoreMode;

/// Everything about a run that is drawn before it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) instances: usize,
    pub(crate) callers: usize,
    pub(crate) partitions: usize,
    /// How long callers go on.
    pub(crate) time: Duration,
    pub(crate) store: StoreMode,
    /// How long a call of the log takes.
    pub(crate) log_delay: Duration,
    /// The log is read in pages of this many, from a place, and without headers.
    pub(crate) page: Option<usize>,
    /// How far the wall clock of an instance may be off, either way.
    pub(crate) skew: i64,
    pub(crate) deaths: bool,
    /// The dead-letter topic cannot be written now and then.
    pub(crate) undelivered: bool,
    pub(crate) delivery_limit: Option<u32>,
    pub(crate) dead_letter: bool,
    pub(crate) max_claimed: usize,
}

impl Plan {
    /// Nothing fails, and nothing is so slow that somebody has to give up.
    pub(crate) fn is_orderly(&self) -> bool {
        !self.deaths
            && !self.undelivered
            && self.store.failures == 0.0
            && self.log_delay < Duration::from_millis(100)
    }

    pub(crate) fn calm(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let millis = |number| Duration::from_millis(number);
        let latency = [0, 2, 20, 60][random.usize(..4)];
        Self {
            seed,
            instances: random.usize(2..=4),
            callers: random.usize(2..=6),
            partitions: random.usize(1..=2),
            time: Duration::from_secs(random.u64(20..50)),
            store: StoreMode { latency: millis(latency), ..StoreMode::default() },
            log_delay: millis([0, 5, 50, 1_200][random.usize(..4)]),
            page: (random.u8(..3) == 0).then_some(random.usize(2..12)),
            skew: 500,
            deaths: false,
            undelivered: false,
            delivery_limit: (random.u8(..4) > 0).then(|| random.u32(1..=4)),
            dead_letter: random.u8(..3) > 0,
            max_claimed: [5, 40, 1_000][random.usize(..3)],
        }
    }

    pub(crate) fn deadly(seed: u64) -> Self {
        Self { deaths: true, ..Self::calm(seed) }
    }

    pub(crate) fn failing(seed: u64) -> Self {
        let mut plan = Self { deaths: seed.is_multiple_of(2), ..Self::calm(seed) };
        plan.store.failures = 0.02;
        plan
    }

    pub(crate) fn undelivered(seed: u64) -> Self {
        let deaths = seed.is_multiple_of(3);
        Self { undelivered: true, dead_letter: true, deaths, ..Self::calm(seed) }
    }

    pub(crate) fn settings(&self) -> String {
        let mut settings = vec![format!(r#""max_claimed":{}"#, self.max_claimed)];
        settings.extend(self.delivery_limit.map(|limit| format!(r#""delivery_limit":{limit}"#)));
        if self.dead_letter {
            settings.push(format!(r#""dead_letter":"{}""#, crate::scene::DEAD));
        }
        format!("{{{}}}", settings.join(","))
    }
}
