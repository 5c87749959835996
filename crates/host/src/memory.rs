//! How much linear memory an instance has.

use crate::stats::Counters;
use std::sync::Arc;
use wasmtime::ResourceLimiter;

/// Limits nothing: it is here to see memories grow. A memory never shrinks, so
/// what an instance has is also the most that it has had.
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
