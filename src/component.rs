//! The component's exports on WASI 0.3.

mod handler;
