//! Gateways whose first instance dies at a chosen call to the host.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kafka_edge_host::faults::{Fault, HostCall, Moment};
use kafka_edge_host::kv::Memory;
use kafka_edge_host::{Host, WallClock};

use crate::calling::PATIENCE;
use crate::world::World;

/// Leases that the dead leave behind have run out for clocks that are so far
/// ahead: a test need not wait for that.
pub(crate) const AHEAD_MS: i64 = 300_000;

/// Which side of which call, counted from 0.
pub(crate) type Place = (u64, Moment);

/// Nobody makes so many calls.
pub(crate) const NOWHERE: Place = (u64::MAX, Moment::Before);

/// What an instance went through.
#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    died: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
}

impl Life {
    pub(crate) fn died(&self) -> bool {
        self.died.load(Ordering::SeqCst)
    }

    /// How many calls it made.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    pub(crate) fn at(&self, call: &HostCall<'_>, ends: bool) -> Fault {
        self.calls.fetch_max(call.number + 1, Ordering::SeqCst);
        if !ends {
            return Fault::Continue;
        }
        self.died.store(true, Ordering::SeqCst);
        Fault::Trap
    }
}

/// A gateway whose first instance dies at a place.
pub(crate) fn doomed(world: &World, store: &Memory, place: Place) -> (Host, Life) {
    doomed_when(world, store, move |call| (call.number, call.moment) == place)
}

/// A gateway whose first instance dies at the first call of a kind; if there
/// is another instance after it, that one lives later.
pub(crate) fn doomed_when(
    world: &World,
    store: &Memory,
    ends: impl Fn(&HostCall<'_>) -> bool + Send + Sync + 'static,
) -> (Host, Life) {
    let life = Life::default();
    let faults = {
        let life = life.clone();
        move |call: &HostCall<'_>| match call.instance {
            1 => life.at(call, ends(call)),
            _ => Fault::Continue,
        }
    };
    let clock = |instance| if instance == 1 { WallClock::new() } else { ahead() };
    let host = world.gateway().store("default", store.clone()).wall_clock(clock).faults(faults);
    (host.spread_over(1).build().unwrap(), life)
}

/// A gateway that lives later, over the same store.
pub(crate) fn heir(world: &World, store: &Memory) -> Host {
    let host = world.gateway().store("default", store.clone()).wall_clock(|_| ahead());
    host.spread_over(1).build().unwrap()
}

fn ahead() -> WallClock {
    let clock = WallClock::new();
    clock.set_offset_ms(AHEAD_MS);
    clock
}

/// Waits until a gateway has done everything that it does beyond its answers.
pub(crate) async fn settle(host: Host) {
    assert!(host.close(PATIENCE).await, "the gateway never came to rest");
}

/// Every place of a life of so many calls, and some beyond it, where nobody
/// dies any more. On a busy machine a life has some calls more.
pub(crate) fn places(calls: u64) -> impl Iterator<Item = Place> {
    (0..calls + 40).flat_map(|call| [(call, Moment::Before), (call, Moment::After)])
}
