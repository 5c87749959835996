//! The host with a component in it, see `tests/guest`.

mod common;
mod instances;
