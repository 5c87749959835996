//! What each implementation of a trait at the core's edge promises: one test
//! for each promise and implementation, and the name of the test is the promise.
//!
//! A new implementation starts here. It is given a module in `store.rs`,
//! `log.rs`, `host.rs` or `adapters.rs` with one line, and a list of failing tests.

mod adapters;
mod host;
mod log;
mod logs;
mod native;
mod redis;
mod store;
