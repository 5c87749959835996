//! Instances: when they start, which requests they take, and when they end.
//!
//! `wasmtime_wasi_http`'s `ProxyHandler` runs them. It starts another one
//! whenever a request comes while none is free at that very moment, which
//! under load is most of the time. So a [`gate`] stands before it and lets a
//! request wait a little for an instance that is about to be free.

mod expiration;
mod gate;
mod worker;

pub(crate) use expiration::{Closing, Phase};
pub(crate) use gate::Gate;
pub(crate) use worker::{Admission, Instances};

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
