//! What calls cost the server.

use std::time::{Duration, Instant};

/// The time for which the server computes, beside what this program needs itself. The
/// REST Proxy is a Java program over a Kafka client that asks a broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Costs {
    /// For each call.
    pub call: Duration,
    /// For each question that a call asks the broker.
    pub broker_question: Duration,
    /// For each record that is produced.
    pub record: Duration,
}

impl Costs {
    /// Nothing, which is the default.
    pub const NONE: Costs =
        Costs { call: Duration::ZERO, broker_question: Duration::ZERO, record: Duration::ZERO };
    /// Chosen so that callers see of this program about what `recordings/measurements.jsonl`
    /// shows of the proxy 7.9.9 on two cores: a read takes some 0.3 ms, 64 callers produce
    /// some 9,600 records a second, and 8 callers 7.3 times as many in requests of 1,000. The
    /// last two say what a call costs, and what a record does.
    pub const OF_A_PROXY: Costs = Costs {
        call: Duration::from_micros(140),
        broker_question: Duration::from_micros(120),
        record: Duration::from_micros(24),
    };

    /// Computes as long as a call takes.
    pub(crate) fn spend_on_call(&self, route: &str) {
        spend(self.call + self.broker_question * questions(route));
    }

    /// Computes as long as a produced record takes.
    pub(crate) fn spend_on_record(&self) {
        spend(self.record);
    }
}

/// How many questions to the broker a call leads to: a read fetches, and the two offsets
/// of a partition are asked for one after the other (`KR/resources/v2`).
fn questions(route: &str) -> u32 {
    match route {
        "/topics/{topic}/partitions/{partition}/offsets" => 2,
        "/consumers/{group}/instances/{instance}/records" => 1,
        "/clusters/{cluster}/topics/{topic}" | "/clusters/{cluster}/topics/{topic}/configs" => 1,
        _ => 0,
    }
}

fn spend(time: Duration) {
    if time.is_zero() {
        return;
    }
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}
