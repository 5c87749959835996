//! Clocks and randomness of WASI 0.3.

use std::time::Duration;

use kafka_edge_wasi_http::nanos;
use spin_sdk::wasip3::clocks::{monotonic_clock, system_clock};
use spin_sdk::wasip3::random::random;

use super::SpinHost;
use kafka_edge::host::{Clock, Millis};

impl Clock for SpinHost {
    fn now(&self) -> Millis {
        let now = system_clock::now();
        now.seconds * 1000 + Millis::from(now.nanoseconds / 1_000_000)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    async fn sleep(&self, time: Duration) {
        monotonic_clock::wait_for(nanos(time)).await;
    }

    fn random(&self, buffer: &mut [u8]) {
        self.randomness.fill(buffer, random::get_random_bytes);
    }
}
