//! What a host can and cannot do, as it states it itself.

use std::time::Duration;

/// What a host can and cannot do. Services decide on this, never on a host's
/// name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostCapabilities {
    /// What becomes of [`Host::spawn`](super::Host::spawn)'s tasks once the
    /// request that began them is answered.
    pub after_answer: AfterAnswer,
    /// How many requests to other servers one execution may send.
    pub outbound_calls: Limit<u32>,
    /// How long one execution may take.
    pub wall_time: Limit<Duration>,
    /// An instance serves more than one request, so that what it keeps in
    /// memory (caches, connections, calls shared with others) gains something.
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

/// What becomes of work when the answer has been sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterAnswer {
    /// It ends with the answer.
    Ends,
    /// It goes on for as long as this.
    GoesOn(Limit<Duration>),
}

/// A limit of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit<T> {
    None,
    AtMost(T),
}
