//! What destinations promise: under senders that repeat, on instances that die, with
//! failures in any of the clusters: nothing is lost, and nothing is written twice where a
//! report was stored.
//!
//! Every run follows from its seed, which is printed. `DESTINATION_RUNS` says how many runs
//! each property gets, `DESTINATION_SEED` where their seeds begin.
//!
//! - [`scene`]: the instances, the clusters, and calls to them
//! - [`memory`]: what the memory of repeats holds, read from the store
//! - [`properties`]: random failures, deaths and repeats
//! - [`deaths`]: a death at each single call
//! - [`events`]: what becomes of an event, one case after the other
//! - [`registry`]: making, changing and removing destinations
//! - [`wire`]: what is sent to a REST server, byte for byte, and how a destination is tried
//! - [`costs`]: operations of the store, as `docs/state.md` has them

mod costs;
mod deaths;
mod events;
#[path = "../sources/log.rs"]
mod log;
mod memory;
mod properties;
mod registry;
mod scene;
#[path = "../support/seen_memory.rs"]
mod seen_memory;
mod wire;

/// Runs a test alone, under virtual time.
fn run<T>(test: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(kafka_edge_sim::local(test))
}
