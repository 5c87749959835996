//! Clocks and randomness of WASI.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::FastlyHost;
use crate::executor;
use kafka_edge::host::{Clock, Millis};

impl Clock for FastlyHost {
    fn now(&self) -> Millis {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Millis::try_from(since.as_millis()).unwrap_or(Millis::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.begun.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        executor::sleep(time).await;
    }

    fn random(&self, buffer: &mut [u8]) {
        // Without randomness ids and nonces would repeat: there is nothing to go on with.
        getrandom::fill(buffer).expect("the host has random bytes");
    }
}
