//! Measures the linear memory of instances.

use crate::stats::Counters;
use std::sync::Arc;
use wasmtime::ResourceLimiter;

/// It sets no limit, and only observes how memories grow. A memory never
/// shrinks, so its size is also its maximum.
pub(crate) struct Memory {
    bytes: u64,
    counters: Arc<Counters>,
}

impl Memory {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self { bytes: 0, counters }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        // A component can have several memories.
        self.bytes += desired.saturating_sub(current) as u64;
        self.counters.memory(self.bytes);
        Ok(true)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        Ok(true)
    }
}
