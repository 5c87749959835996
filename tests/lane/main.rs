//! Lanes as their callers see them, over a small store in memory.

mod driver;
mod memory;
