//! Clocks and randomness of WASI 0.3.

use std::time::Duration;

use spin_sdk::wasip3::clocks::{monotonic_clock, system_clock};
use spin_sdk::wasip3::random::random;

use super::SpinHost;
use kafka_edge::host::{Clock, Millis};

/// How many random bytes are fetched at once.
const RANDOM_PIECE: u64 = 512;

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

    /// Random bytes are fetched in larger pieces than they are used, because each call
    /// of the host costs; each byte is used once.
    fn random(&self, buffer: &mut [u8]) {
        let mut stock = self.randomness.borrow_mut();
        let mut rest = buffer;
        while !rest.is_empty() {
            if stock.is_empty() {
                // A host may return fewer bytes than requested.
                *stock = random::get_random_bytes(RANDOM_PIECE);
            }
            let (filled, left) = rest.split_at_mut(stock.len().min(rest.len()));
            let used = stock.len() - filled.len();
            filled.copy_from_slice(&stock[used..]);
            stock.truncate(used);
            rest = left;
        }
    }
}
