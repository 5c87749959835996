//! Clocks and randomness of WASI 0.3.

use std::time::Duration;

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
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        monotonic_clock::wait_for(nanos).await;
    }

    fn random(&self, buffer: &mut [u8]) {
        let mut rest = buffer;
        while !rest.is_empty() {
            // A host may return fewer bytes than requested.
            let bytes = random::get_random_bytes(rest.len() as u64);
            let (filled, left) = rest.split_at_mut(bytes.len().min(rest.len()));
            filled.copy_from_slice(&bytes[..filled.len()]);
            rest = left;
        }
    }
}
