//! Smooth rate limits like the proxy's: permits come at a fixed interval, and
//! those of an idle second are saved
//! (`recordings/configured-rate-limit.jsonl`).

use crate::options::Options;
use parking_lot::Mutex;
use tokio::time::Instant;

#[derive(Debug)]
struct Bucket {
    per_second: f64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    stored: f64,
    next_free: Option<Instant>,
}

impl Bucket {
    fn new(per_second: u32) -> Bucket {
        Bucket { per_second: f64::from(per_second.max(1)), state: Mutex::default() }
    }

    /// Takes `permits` if any is free now. A call may take more permits than
    /// are free; later calls then wait longer.
    fn take(&self, permits: f64) -> bool {
        let now = Instant::now();
        let mut state = self.state.lock();
        let next_free = state.next_free.unwrap_or(now);
        if now < next_free {
            return false;
        }
        let idle = now.duration_since(next_free).as_secs_f64();
        let stored = (state.stored + idle * self.per_second).min(self.per_second);
        let from_stored = stored.min(permits);
        state.stored = stored - from_stored;
        let wait = (permits - from_stored) / self.per_second;
        state.next_free = Some(now + std::time::Duration::from_secs_f64(wait));
        true
    }
}

/// All limits of one emulator.
#[derive(Debug)]
pub(crate) struct Limits {
    calls: Option<Bucket>,
    produce: Option<ProduceLimit>,
}

#[derive(Debug)]
struct ProduceLimit {
    records: Bucket,
    bytes: Bucket,
    works: bool,
}

/// The decision of the produce limit on a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Pass,
    TooMany,
    /// The produce limit is enabled without the general one: then the proxy
    /// fails (`recordings/configured-produce-rate-limit.jsonl`).
    Broken,
}

impl Limits {
    pub(crate) fn new(options: &Options) -> Limits {
        Limits {
            calls: options.rate_limit.map(Bucket::new),
            produce: options.produce_rate_limit.map(|limit| ProduceLimit {
                records: Bucket::new(limit.records_per_second),
                bytes: Bucket::new(limit.bytes_per_second),
                works: limit.with_general_limit,
            }),
        }
    }

    pub(crate) fn admit_call(&self) -> bool {
        self.calls.as_ref().is_none_or(|bucket| bucket.take(1.0))
    }

    pub(crate) fn admit_record(&self, bytes: usize) -> Verdict {
        match &self.produce {
            None => Verdict::Pass,
            Some(limit) if !limit.works => Verdict::Broken,
            Some(limit) if limit.records.take(1.0) && limit.bytes.take(bytes as f64) => {
                Verdict::Pass
            }
            Some(_) => Verdict::TooMany,
        }
    }
}
