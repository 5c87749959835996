//! What may happen in a run.

use std::time::Duration;

use kafka_edge::state::lane::Params;
use kafka_edge_sim::StoreMode;
use serde_json::{Value, json};

pub(crate) const TOPIC: &str = "orders";
pub(crate) const DEAD: &str = "dead";

/// Which records wait for which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Partition,
    Key,
    None,
}

/// What becomes of a record whose schedule is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exhausted {
    Wait,
    Skip,
    DeadLetter,
}

/// A subscription of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish {
    pub(crate) order: Order,
    pub(crate) concurrency: u32,
    pub(crate) body: &'static str,
    /// Records whose number is divided by this are left out.
    pub(crate) filter: Option<u64>,
    pub(crate) exhausted: Exhausted,
    /// How many attempts a record gets.
    pub(crate) attempts: usize,
    pub(crate) breaker: bool,
    /// In milliseconds.
    pub(crate) timeout: u64,
    /// How many records of it a second.
    pub(crate) rate: Option<u32>,
}

impl Wish {
    fn draw(random: &mut fastrand::Rng, is_calm: bool) -> Self {
        let order = [Order::Partition, Order::Key, Order::None][random.usize(..3)];
        let body = ["envelope", "envelopes", "value"][random.usize(..3)];
        let exhausted =
            [Exhausted::Wait, Exhausted::Skip, Exhausted::DeadLetter][random.usize(..3)];
        Self {
            order: if body == "envelopes" { Order::Partition } else { order },
            concurrency: random.u32(1..=5),
            body,
            filter: random.bool().then(|| random.u64(2..5)),
            exhausted,
            attempts: random.usize(1..=4),
            breaker: !is_calm && random.u8(..3) == 0,
            timeout: [500, 1_500, 4_000][random.usize(..3)],
            rate: (random.u8(..4) == 0).then(|| random.u32(5..50)),
        }
    }

    /// The delay is the same each time, so that a run tries much.
    pub(crate) fn settings(&self, number: usize) -> Value {
        let order = match self.order {
            Order::Partition => "partition",
            Order::Key => "key",
            Order::None => "none",
        };
        let exhausted = match self.exhausted {
            Exhausted::Wait => json!("wait"),
            Exhausted::Skip => json!("skip"),
            Exhausted::DeadLetter => json!({"dead_letter": DEAD}),
        };
        let mut settings = json!({
            "topics": [TOPIC], "callback_url": format!("https://example.com/{number}"),
            "from": "earliest", "order": order, "body": self.body,
            "concurrency": self.concurrency, "exhausted": exhausted,
            "timeout": self.timeout as f64 / 1000.0, "disable_after": null,
            "retry": {"delays": vec![0.5; self.attempts - 1], "jitter": 0.2},
        });
        if self.body == "envelopes" {
            settings["batch"] = json!({"records": 4, "bytes": 100_000, "age": 0.0});
        }
        if let Some(divisor) = self.filter {
            settings["filter"] = json!(format!(".n % {divisor} != 0"));
        }
        if self.breaker {
            settings["breaker"] = json!({"failures": 3, "cooldown": 2.0});
        }
        if let Some(rate) = self.rate {
            settings["rate"] = json!(rate);
        }
        settings
    }
}

/// Everything about a run that is drawn before it begins.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) instances: usize,
    pub(crate) partitions: usize,
    pub(crate) wishes: [Wish; 2],
    /// How long records are written.
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
    /// Callbacks fail, hang, and answer late.
    pub(crate) rude: bool,
}

impl Plan {
    pub(crate) fn params(&self) -> Params {
        Params::default().with_stale_bound(self.store.stale)
    }

    /// Whether more than one holder of a partition, or one that starts from
    /// before, is to be expected now and then.
    pub(crate) fn is_unreliable(&self) -> bool {
        self.wild
    }

    /// No record comes again once its callback has accepted it.
    pub(crate) fn is_exact(&self) -> bool {
        let is_stale = !self.store.stale.is_zero();
        !self.is_unreliable() && !is_stale && !self.deaths && self.store.failures == 0.0
    }

    pub(crate) fn calm(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        let millis = |number| Duration::from_millis(number);
        let latency = [0, 2, 20, 60][random.usize(..4)];
        Self {
            seed,
            instances: random.usize(2..=4),
            partitions: random.usize(1..=3),
            wishes: [Wish::draw(&mut random, true), Wish::draw(&mut random, true)],
            time: Duration::from_secs(random.u64(8..25)),
            store: StoreMode { latency: millis(latency), ..StoreMode::default() },
            log_delay: millis([0, 5, 50][random.usize(..3)]),
            page: (random.u8(..4) == 0).then_some(random.usize(2..12)),
            skew: 500,
            wild: false,
            deaths: false,
            log_failures: false,
            rude: false,
        }
    }

    pub(crate) fn rude(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed ^ 0xfeed);
        let wishes = [Wish::draw(&mut random, false), Wish::draw(&mut random, false)];
        Self { rude: true, wishes, ..Self::calm(seed) }
    }

    pub(crate) fn deadly(seed: u64) -> Self {
        Self { deaths: true, rude: seed.is_multiple_of(2), ..Self::rude(seed) }
    }

    pub(crate) fn failing(seed: u64) -> Self {
        let mut plan = Self::rude(seed);
        plan.store.failures = 0.02;
        plan.store.refusals = [0.0, 0.05][(seed % 2) as usize];
        Self { log_failures: true, deaths: seed.is_multiple_of(3), ..plan }
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
