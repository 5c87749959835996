//! What a host says it can and cannot do.

use std::time::Duration;

/// What a host can and cannot do. Services decide by this, never by a host's
/// name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostCapabilities {
    /// What happens to the tasks of [`Host::spawn`](super::Host::spawn) after the
    /// answer to the request that started them.
    pub after_answer: AfterAnswer,
    /// How many requests to other servers one execution may send.
    pub outbound_calls: Limit<u32>,
    /// How long one execution may take.
    pub wall_time: Limit<Duration>,
    /// How much CPU time it may take.
    pub cpu_time: Limit<Duration>,
    /// How many bytes of memory it may have.
    pub memory: Limit<usize>,
    /// An instance serves more than one request, so that it is worth keeping
    /// something in memory (caches, connections, shared calls).
    pub instances_reused: bool,
    /// A request carries the address of its client.
    pub client_address: bool,
    /// The host itself calls the gateway at intervals.
    pub timer: bool,
    /// Connections that are not HTTP can be opened.
    pub sockets: bool,
    /// How old a read of the store may be, unless the operator says otherwise.
    pub store_staleness: Duration,
}

/// Reading took 8 ms of CPU time for each MB of records on the machine that
/// `docs/operations.md` speaks of ("Fastly Compute").
const BYTES_IN_A_MILLISECOND: usize = 100_000;

/// Reading 15 MB of records took 43 MiB there.
const MEMORY_FOR_A_BYTE: usize = 4;

impl HostCapabilities {
    /// How many bytes of records one execution can read and answer with. With more it would
    /// be stopped before it has answered, and so would be whoever tries again.
    pub fn readable_bytes(&self) -> usize {
        let by_time = match self.cpu_time {
            Limit::None => usize::MAX,
            Limit::AtMost(time) => usize::try_from(time.as_millis())
                .map_or(usize::MAX, |millis| millis.saturating_mul(BYTES_IN_A_MILLISECOND)),
        };
        let by_memory = match self.memory {
            Limit::None => usize::MAX,
            Limit::AtMost(bytes) => bytes / MEMORY_FOR_A_BYTE,
        };
        by_time.min(by_memory)
    }
}

/// What a store can do beyond what every [`Store`](super::Store) can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreCapabilities {
    /// A key can be created if it has no value, atomically, and a value can be given an
    /// end: [`create`](super::Store::create) and [`set_for`](super::Store::set_for).
    pub creates: bool,
}

/// What happens to tasks after the answer has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAnswer {
    /// They end with the answer.
    Ends,
    /// They continue, up to this limit.
    GoesOn(Limit<Duration>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit<T> {
    None,
    AtMost(T),
}
