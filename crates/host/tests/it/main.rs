//! The host with a component in it, see `tests/guest`.

mod common;
mod exports;
mod injected;
mod instances;
mod outgoing;
mod stores;
