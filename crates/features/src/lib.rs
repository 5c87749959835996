//! Only dependencies: see `Cargo.toml`. Cargo compiles a crate once for each
//! set of requested features; crates that depend on this one, for themselves
//! and for their builds, get the same set.
