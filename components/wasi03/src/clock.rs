//! Clocks and randomness of WASI 0.3.

use std::time::Duration;

use kafka_edge_wasi_http::{Stock, nanos};
use wasip3::clocks::{monotonic_clock, system_clock};
use wasip3::random::random;

use kafka_edge::host::Millis;

pub fn now() -> Millis {
    let now = system_clock::now();
    now.seconds * 1000 + Millis::from(now.nanoseconds / 1_000_000)
}

pub fn monotonic() -> Duration {
    Duration::from_nanos(monotonic_clock::now())
}

pub async fn sleep(time: Duration) {
    monotonic_clock::wait_for(nanos(time)).await;
}

pub fn random(stock: &Stock, buffer: &mut [u8]) {
    stock.fill(buffer, random::get_random_bytes);
}
