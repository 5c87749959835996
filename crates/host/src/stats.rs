//! What a host has done so far.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// A look at a host's counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Requests that instances have taken.
    pub requests: u64,
    /// Instances ever started.
    pub instances_started: u64,
    /// Instances that live now.
    pub instances_live: u64,
    /// Instances that a trap ended.
    pub traps: u64,
    /// HTTP requests that the component sent.
    pub outgoing_calls: u64,
    /// The most linear memory, in bytes, that any one instance has had.
    pub peak_memory: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    started: AtomicU64,
    ended: AtomicU64,
    traps: AtomicU64,
    outgoing: AtomicU64,
    peak_memory: AtomicU64,
    fuel: Mutex<Vec<u64>>,
}

impl Counters {
    /// Notes the fuel that an instance has left when it takes a request.
    pub(crate) fn note_fuel(&self, left: u64) {
        self.fuel.lock().unwrap_or_else(PoisonError::into_inner).push(left);
    }

    pub(crate) fn fuel(&self) -> Vec<u64> {
        self.fuel.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    /// Counts an instance and gives it its number.
    pub(crate) fn started(&self) -> u64 {
        self.started.fetch_add(1, Relaxed) + 1
    }

    pub(crate) fn ended(&self) {
        self.ended.fetch_add(1, Relaxed);
    }

    pub(crate) fn trapped(&self) {
        self.traps.fetch_add(1, Relaxed);
    }

    pub(crate) fn outgoing(&self) {
        self.outgoing.fetch_add(1, Relaxed);
    }

    /// Notes the memory size of an instance.
    pub(crate) fn memory(&self, bytes: u64) {
        self.peak_memory.fetch_max(bytes, Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        let ended = self.ended.load(Relaxed);
        let started = self.started.load(Relaxed);
        Stats {
            requests: self.requests.load(Relaxed),
            instances_started: started,
            instances_live: started.saturating_sub(ended),
            traps: self.traps.load(Relaxed),
            outgoing_calls: self.outgoing.load(Relaxed),
            peak_memory: self.peak_memory.load(Relaxed),
        }
    }
}
