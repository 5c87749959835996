//! The wall clock that guests read.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use wasmtime_wasi::HostWallClock;

/// A wall clock that can be set while guests run. The monotonic clock is not
/// touched.
///
/// Clones are the same clock.
#[derive(Clone, Debug, Default)]
pub struct WallClock {
    offset_ms: Arc<AtomicI64>,
}

impl WallClock {
    /// A clock with the right time.
    pub fn new() -> Self {
        Self::default()
    }

    /// A clock that shows this time now, in milliseconds since 1970, and goes on from it.
    pub fn beginning_at(time_ms: i64) -> Self {
        let clock = Self::new();
        let now = i64::try_from(clock.now().as_millis()).unwrap_or(i64::MAX);
        clock.set_offset_ms(time_ms.saturating_sub(now));
        clock
    }

    /// Sets how many milliseconds it is ahead (or, if negative, behind).
    pub fn set_offset_ms(&self, offset: i64) {
        self.offset_ms.store(offset, Ordering::SeqCst);
    }
}

impl HostWallClock for WallClock {
    fn resolution(&self) -> Duration {
        Duration::from_nanos(1)
    }

    fn now(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.unwrap_or_default();
        let offset = self.offset_ms.load(Ordering::SeqCst);
        let size = Duration::from_millis(offset.unsigned_abs());
        if offset < 0 { now.saturating_sub(size) } else { now.saturating_add(size) }
    }
}
