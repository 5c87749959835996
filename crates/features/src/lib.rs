//! Nothing but dependencies: see `Cargo.toml`. Cargo compiles a crate once for
//! each set of features that it is asked for; whoever depends on this one, for
//! itself and for its build, gets one set.
