//! What actions promise: an error writes nothing, a run is known before anybody can report
//! on it, a report that was answered counts, and of two results one wins, on several
//! instances that die, over a store and a log that misbehave.
//!
//! - [`scene`]: the instances, and calls to them
//! - [`publishing`]: what becomes of a payload, and of `{orgId}`
//! - [`registry`]: making, changing and removing actions
//! - [`reporting`]: reports, repeats of them, other results, races
//! - [`keeping`]: for how long runs are there, and how many
//! - [`deaths`]: a death at each single call
//! - [`faults`]: a store and a log that fail
//! - [`costs`]: operations of the store, as `docs/state.md` has them

mod costs;
mod deaths;
mod faults;
mod keeping;
mod publishing;
mod registry;
mod reporting;
mod scene;
