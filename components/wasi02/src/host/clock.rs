//! Clocks and randomness of WASI 0.2.

use std::time::Duration;

use kafka_edge_wasi_http::nanos;
use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::random::random;

use super::Wasi02Host;
use crate::executor::Ready;
use kafka_edge::host::{Clock, Millis};

impl Clock for Wasi02Host {
    fn now(&self) -> Millis {
        let now = wall_clock::now();
        let seconds = Millis::try_from(now.seconds).unwrap_or(Millis::MAX);
        seconds.saturating_mul(1000).saturating_add(Millis::from(now.nanoseconds / 1_000_000))
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    async fn sleep(&self, time: Duration) {
        Ready::new(monotonic_clock::subscribe_duration(nanos(time))).await;
    }

    fn random(&self, buffer: &mut [u8]) {
        self.randomness.fill(buffer, random::get_random_bytes);
    }
}
