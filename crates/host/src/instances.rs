//! Instances: when they start, which requests they take, and when they end.
//!
//! A [`queue`] holds what waits and decides when another instance starts; a [`slot`] hands
//! requests over; a [`worker`] runs one instance, on the caller's runtime or on one of the
//! host's own [`threads`]. `wasmtime_wasi_http`'s `ProxyHandler` would hand over and run, and
//! starts another instance whenever a request comes while none is free at that very moment,
//! which under load is most of the time. To hold requests back before it cost four changes of
//! task for each of them.

mod expiration;
mod queue;
mod slot;
mod threads;
mod worker;

pub(crate) use expiration::{Closing, Phase};
pub(crate) use slot::{Slot, Unanswered};
pub(crate) use threads::Threads;
pub(crate) use worker::Instances;

use std::time::Duration;

/// How instances are shared and how long they live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InstanceOptions {
    /// How many requests an instance takes in all.
    pub max_reuse: usize,
    /// How many requests an instance works on at once.
    pub max_concurrent: usize,
    /// How many instances there are at once.
    pub max_instances: usize,
    /// How long an instance without work stays.
    pub idle_timeout: Duration,
    /// How long all instances may be busy computing before another one is
    /// started for a waiting request; longer, where they usually compute for long. While
    /// the queue moves, a request waits ten times as long.
    pub patience: Duration,
    /// How long a request waits for a place when all hosts of the program
    /// together have as many instances as there can be.
    pub pool_patience: Duration,
}

impl Default for InstanceOptions {
    fn default() -> Self {
        Self {
            max_reuse: 10_000,
            // Callers of one consumer group share what one instance knows and writes.
            max_concurrent: 256,
            max_instances: 64,
            idle_timeout: Duration::from_secs(10),
            patience: Duration::from_millis(5),
            pool_patience: Duration::from_secs(10),
        }
    }
}

impl InstanceOptions {
    /// Spin's defaults (4.1.0-pre, `reference/hosts.md`): 128 requests in all,
    /// 16 at the same time, one second of idleness, and another instance
    /// whenever none is free.
    pub fn like_spin() -> Self {
        Self {
            max_reuse: 128,
            max_concurrent: 16,
            idle_timeout: Duration::from_secs(1),
            patience: Duration::ZERO,
            ..Self::default()
        }
    }

    /// A fresh instance for each request.
    pub fn one_request_each() -> Self {
        Self { max_reuse: 1, max_concurrent: 1, patience: Duration::ZERO, ..Self::default() }
    }
}
